/* SPDX-License-Identifier: MIT */
/* The latest beat as one record. */

#include "core/pulse.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "core/crc32.h"
#include "core/logfmt.h"
#include "util/cleanup.h"

#define SUM_KEY " sum="
#define SUM_DIGITS 8

/* The numbers of the record: version, sum, identities and cause are not among them. */
static const struct {
    const char *key;
    size_t offset;
} numbers[] = {
    { "pid", offsetof(Pulse, pid) },
    { "start_ticks", offsetof(Pulse, start_ticks) },
    { "started", offsetof(Pulse, started_usec) },
    { "seq", offsetof(Pulse, seq) },
    { "due", offsetof(Pulse, due_usec) },
    { "real", offsetof(Pulse, realtime_usec) },
    { "boottime", offsetof(Pulse, boottime_usec) },
    { "mono", offsetof(Pulse, monotonic_usec) },
    { "interval", offsetof(Pulse, interval_usec) },
    { "late", offsetof(Pulse, late_usec) },
    { "late_max", offsetof(Pulse, late_max_usec) },
    { "missed", offsetof(Pulse, missed) },
    { "failing", offsetof(Pulse, failing) },
    { "lost", offsetof(Pulse, lost) },
    { "gaps", offsetof(Pulse, gaps) },
};

static uint64_t *number_in(Pulse *pulse, size_t i)
{
    return (uint64_t *)(void *)((char *)pulse + numbers[i].offset);
}

static void put_sum(char *at, uint32_t sum)
{
    static const char digits[] = "0123456789abcdef";
    memcpy(at, SUM_KEY, sizeof(SUM_KEY) - 1);
    for (size_t i = 0; i < SUM_DIGITS; i++)
        at[sizeof(SUM_KEY) - 1 + i] = digits[sum >> (28 - 4 * i) & 15];
}

void pulse_format(const Pulse *pulse, char ret[static PULSE_SIZE])
{
    Pulse copy = *pulse;
    LogfmtLine line;
    /* Room is left for the sum and the newline. */
    logfmt_begin(&line, ret, PULSE_SIZE - (sizeof(SUM_KEY) - 1) - SUM_DIGITS);
    logfmt_add_number(&line, "v", PULSE_VERSION);
    logfmt_add(&line, "run", pulse->run);
    logfmt_add(&line, "boot", pulse->boot);
    for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
        logfmt_add_number(&line, numbers[i].key, *number_in(&copy, i));
    if (pulse->gaps > 0)
        logfmt_add(&line, "last_cause", cause_name(pulse->last_cause));
    put_sum(ret + line.length, crc32(ret, line.length));
    size_t length = line.length + sizeof(SUM_KEY) - 1 + SUM_DIGITS;
    memset(ret + length, ' ', PULSE_SIZE - 1 - length);
    ret[PULSE_SIZE - 1] = '\n';
}

/* Returns the length of what the sum is over, or -EBADMSG. */
static int check_sum(const char text[static PULSE_SIZE])
{
    size_t length = PULSE_SIZE - 1;
    char sum[sizeof(SUM_KEY) - 1 + SUM_DIGITS];
    if (text[length] != '\n')
        return -EBADMSG;
    while (length > 0 && text[length - 1] == ' ')
        length--;
    if (length < sizeof(sum))
        return -EBADMSG;
    length -= sizeof(sum);
    put_sum(sum, crc32(text, length));
    return memcmp(text + length, sum, sizeof(sum)) == 0 ? (int)length : -EBADMSG;
}

/* A bit for each of the numbers, and one for the cause. */
#define SEEN_CAUSE (1U << ELEMENTSOF(numbers))
#define SEEN_NUMBERS (SEEN_CAUSE - 1)

static int take_cause(Pulse *pulse, const LogfmtPair *pair)
{
    char cause[32];
    int r = logfmt_text(pair, cause, sizeof(cause));
    return r == 0 ? cause_from_name(cause, &pulse->last_cause) : r;
}

static int take(Pulse *pulse, const LogfmtPair *pair, unsigned *seen)
{
    if (logfmt_is(pair, "run"))
        return logfmt_text(pair, pulse->run, sizeof(pulse->run));
    if (logfmt_is(pair, "boot"))
        return logfmt_text(pair, pulse->boot, sizeof(pulse->boot));
    if (logfmt_is(pair, "last_cause")) {
        *seen |= SEEN_CAUSE;
        return take_cause(pulse, pair);
    }
    for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
        if (logfmt_is(pair, numbers[i].key)) {
            *seen |= 1U << i;
            return logfmt_number(pair, number_in(pulse, i));
        }
    return 0;
}

/* A newer version is told by the first pair, whatever follows it. */
static int check_version(const char **at, const char *end)
{
    LogfmtPair pair;
    uint64_t version;
    if (logfmt_next(at, end, &pair) <= 0 || !logfmt_is(&pair, "v") || logfmt_number(&pair, &version) < 0)
        return -EBADMSG;
    return version == 0 ? -EBADMSG : version > PULSE_VERSION ? -ENOTSUP : 0;
}

/* What a record that this program wrote cannot lack; one that had no room for all of it is damaged, too. */
static int check(const Pulse *pulse, unsigned seen)
{
    unsigned needed = SEEN_NUMBERS | (pulse->gaps > 0 ? SEEN_CAUSE : 0);
    return (seen & needed) == needed && strlen(pulse->run) == RUN_ID_LENGTH &&
                   strlen(pulse->boot) == BOOT_ID_LENGTH && pulse->seq > 0 && pulse->interval_usec > 0
               ? 0
               : -EBADMSG;
}

int pulse_parse(const char text[static PULSE_SIZE], Pulse *ret)
{
    Pulse pulse = { 0 };
    LogfmtPair pair;
    unsigned seen = 0;
    int length = check_sum(text);
    if (length < 0)
        return length;
    const char *at = text, *end = text + length;
    int r = check_version(&at, end);
    while (r == 0 && (r = logfmt_next(&at, end, &pair)) > 0)
        r = take(&pulse, &pair, &seen);
    if (r == 0)
        r = check(&pulse, seen);
    if (r < 0)
        return r == -ENOTSUP ? r : -EBADMSG;
    *ret = pulse;
    return 0;
}
