/* SPDX-License-Identifier: MIT */
/* The latest beat as one record. */

#include "core/pulse.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "core/crc32.h"
#include "core/logfmt.h"
#include "util/cleanup.h"
#include "util/number.h"

#define SUM_LENGTH (sizeof(" sum=01234567") - 1)

/* The numbers of the record: version, sum, identities and cause are not among them. */
static const struct {
    char key[16]; /* as in timespan.c: no pointer to be written at each start */
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

const usec_t lateness_bounds_usec[LATENESS_BOUNDS] = {
    USEC_PER_MSEC,
    10 * USEC_PER_MSEC,
    100 * USEC_PER_MSEC,
    USEC_PER_SEC,
};

void pulse_count_lateness(Pulse *pulse, usec_t late_usec)
{
    pulse->lateness.known = true;
    pulse->lateness.sum_usec += late_usec;
    for (size_t i = 0; i < LATENESS_BOUNDS; i++)
        pulse->lateness.over[i] += late_usec > lateness_bounds_usec[i];
}

static uint64_t *number_in(const Pulse *pulse, size_t i)
{
    return (uint64_t *)((uintptr_t)pulse + numbers[i].offset);
}

/* "123456,20,3,0,0": the sum, and how many were over each bound. */
static void add_lateness(LogfmtLine *line, const Lateness *lateness)
{
    char text[(LATENESS_BOUNDS + 1) * (NUMBER_DIGITS_MAX + 1)], *at = number_put(text, lateness->sum_usec);
    for (size_t i = 0; i < LATENESS_BOUNDS; i++) {
        *at++ = ',';
        at = number_put(at, lateness->over[i]);
    }
    *at = '\0';
    logfmt_add(line, "lateness", text);
}

static void put_sum(char at[static SUM_LENGTH], uint32_t sum)
{
    static const char key[] = { ' ', 's', 'u', 'm', '=' }, digits[] = "0123456789abcdef";
    memcpy(at, key, sizeof(key));
    for (size_t i = SUM_LENGTH; i > sizeof(key); i--, sum >>= 4)
        at[i - 1] = digits[sum & 15];
}

void pulse_format(const Pulse *pulse, char ret[static PULSE_SIZE])
{
    LogfmtLine line;
    /* Room is left for the sum and the newline. */
    logfmt_begin(&line, ret, PULSE_SIZE - SUM_LENGTH);
    logfmt_add_number(&line, "v", PULSE_VERSION);
    logfmt_add(&line, "run", pulse->run);
    logfmt_add(&line, "boot", pulse->boot);
    if (pulse->machine[0])
        logfmt_add(&line, "machine", pulse->machine);
    for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
        logfmt_add_number(&line, numbers[i].key, *number_in(pulse, i));
    if (pulse->gaps > 0)
        logfmt_add(&line, "last_cause", cause_name(pulse->last_cause));
    if (pulse->lateness.known) /* last: where the rest leaves no room, it alone is not there */
        add_lateness(&line, &pulse->lateness);
    put_sum(ret + line.length, crc32(ret, line.length));
    size_t length = line.length + SUM_LENGTH;
    memset(ret + length, ' ', PULSE_SIZE - 1 - length);
    ret[PULSE_SIZE - 1] = '\n';
}

/* Returns the length of what the sum is over, or -EBADMSG. */
static int check_sum(const char text[static PULSE_SIZE])
{
    size_t length = PULSE_SIZE - 1;
    char sum[SUM_LENGTH];
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

/* Numbers in another manner, or another number of them, are those of a version with other bounds. */
static void take_lateness(Pulse *pulse, const LogfmtPair *pair)
{
    const char *at = pair->value, *end = at + pair->value_length;
    Lateness lateness = { .known = true };
    at = number_take(at, end, &lateness.sum_usec);
    for (size_t i = 0; i < LATENESS_BOUNDS; i++)
        at = at && at < end && *at == ',' ? number_take(at + 1, end, &lateness.over[i]) : NULL;
    if (at == end)
        pulse->lateness = lateness;
}

static bool is_sound(const Pulse *pulse)
{
    uint64_t most = pulse->seq;
    for (size_t i = 0; i < LATENESS_BOUNDS; i++) {
        if (pulse->lateness.over[i] > most)
            return false;
        most = pulse->lateness.over[i];
    }
    return true;
}

static int take(Pulse *pulse, const LogfmtPair *pair, unsigned *seen)
{
    if (logfmt_is(pair, "run"))
        return logfmt_text(pair, pulse->run, sizeof(pulse->run));
    if (logfmt_is(pair, "boot"))
        return logfmt_text(pair, pulse->boot, sizeof(pulse->boot));
    if (logfmt_is(pair, "machine"))
        return logfmt_text(pair, pulse->machine, sizeof(pulse->machine));
    if (logfmt_is(pair, "last_cause")) {
        *seen |= SEEN_CAUSE;
        return take_cause(pulse, pair);
    }
    if (logfmt_is(pair, "lateness"))
        take_lateness(pulse, pair);
    for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
        if (logfmt_is(pair, numbers[i].key)) {
            *seen |= 1U << i;
            return logfmt_number(pair, number_in(pulse, i));
        }
    return 0;
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
    int r = logfmt_check_version(&at, end, PULSE_VERSION);
    while (r == 0 && (r = logfmt_next(&at, end, &pair)) > 0)
        r = take(&pulse, &pair, &seen);
    if (r == 0)
        r = check(&pulse, seen);
    if (r < 0)
        return r == -ENOTSUP ? r : -EBADMSG;
    if (!is_sound(&pulse))
        pulse.lateness = (Lateness){ 0 };
    *ret = pulse;
    return 0;
}
