/* SPDX-License-Identifier: MIT */
/* The latest beat as one record. */

#include "core/pulse.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crc32.h"
#include "util/cleanup.h"

static Pulse some_pulse(void)
{
    return (Pulse){
        .run = "0123456789abcdef0123456789abcdef",
        .boot = "fedcba9876543210fedcba9876543210",
        .machine = "0badcafe",
        .pid = 4711,
        .start_ticks = 123456,
        .started_usec = UINT64_C(1795352400123456),
        .seq = 42,
        .due_usec = UINT64_C(500000000),
        .realtime_usec = UINT64_C(1795352810123456),
        .boottime_usec = UINT64_C(500001234),
        .monotonic_usec = UINT64_C(400001234),
        .interval_usec = 10 * USEC_PER_SEC,
        .late_usec = 1234,
        .late_max_usec = 56789,
        .missed = 3,
        .failing = 1,
        .lost = 7,
        .gaps = 2,
        .last_cause = CAUSE_OUTPUT_BLOCKED,
        .lateness = { .known = true, .sum_usec = 98765, .over = { 20, 3, 1, 0 } },
    };
}

static void expect_same(const Pulse *left, const Pulse *right)
{
    char texts[2][PULSE_SIZE];
    pulse_format(left, texts[0]);
    pulse_format(right, texts[1]);
    cr_expect_eq(memcmp(texts[0], texts[1], PULSE_SIZE), 0, "%.511s\n%.511s", texts[0], texts[1]);
}

/* A record with its sum, of the text that it begins with. */
static void make_record(const char *text, char ret[static PULSE_SIZE])
{
    memset(ret, ' ', PULSE_SIZE - 1);
    ret[PULSE_SIZE - 1] = '\n';
    char line[PULSE_SIZE];
    int length = snprintf(line, sizeof(line), "%s sum=%08x", text, crc32(text, strlen(text)));
    memcpy(ret, line, (size_t)length);
}

Test(pulse, is_one_line_that_is_read_back)
{
    char text[PULSE_SIZE];
    Pulse pulse = some_pulse(), again;
    pulse_format(&pulse, text);
    static const char expected[] =
        "v=1 run=0123456789abcdef0123456789abcdef boot=fedcba9876543210fedcba9876543210 "
        "machine=0badcafe pid=4711 "
        "start_ticks=123456 started=1795352400123456 seq=42 due=500000000 real=1795352810123456 "
        "boottime=500001234 mono=400001234 interval=10000000 late=1234 late_max=56789 missed=3 failing=1 lost=7 "
        "gaps=2 last_cause=output-blocked lateness=98765,20,3,1,0 sum=";
    cr_expect_eq(memcmp(text, expected, sizeof(expected) - 1), 0, "%.511s", text);
    cr_expect_eq(memchr(text, '\n', sizeof(text)), text + PULSE_SIZE - 1);
    cr_assert_eq(pulse_parse(text, &again), 0);
    cr_expect_eq(again.late_max_usec, 56789u);
    cr_expect_eq(again.last_cause, CAUSE_OUTPUT_BLOCKED);
    expect_same(&again, &pulse);
}

Test(pulse, without_a_gap_has_no_cause)
{
    char text[PULSE_SIZE];
    Pulse pulse = some_pulse(), again;
    pulse.gaps = 0;
    pulse_format(&pulse, text);
    cr_expect_null(memmem(text, sizeof(text), "last_cause", 10));
    cr_assert_eq(pulse_parse(text, &again), 0);
    cr_expect_eq(again.last_cause, CAUSE_UNKNOWN);
}

Test(pulse, holds_every_number_that_can_come_up)
{
    const usec_t year_30000 = UINT64_C(884541340800) * USEC_PER_SEC;
    char text[PULSE_SIZE];
    Pulse pulse = some_pulse(), again;
    pulse.pid = UINT64_C(4194304); /* the highest pid_max */
    pulse.start_ticks = year_30000 / 10000;
    pulse.started_usec = pulse.due_usec = pulse.realtime_usec = pulse.boottime_usec = pulse.monotonic_usec =
        year_30000;
    pulse.interval_usec = pulse.late_usec = USEC_PER_DAY;
    pulse.late_max_usec = year_30000;
    pulse.seq = pulse.missed = pulse.lost = pulse.gaps = year_30000 / (10 * USEC_PER_MSEC);
    pulse.failing = 1000;
    pulse.last_cause = CAUSE_SERVICE_WATCHDOG_KILLED;
    pulse_format(&pulse, text);
    cr_assert_eq(pulse_parse(text, &again), 0);
    expect_same(&again, &pulse);
}

/* A beat that is later than a bound takes longer than it, and no interval is shorter than 10 ms: so many can
 * there be of each in a boot of 10^15 microseconds, which is 31 years. */
Test(pulse, holds_the_lateness_of_the_longest_boot)
{
    const usec_t boot_usec = UINT64_C(999999999999999);
    const uint64_t beats = boot_usec / (10 * USEC_PER_MSEC);
    char text[PULSE_SIZE];
    Pulse pulse = some_pulse(), again;
    pulse.pid = UINT64_C(4194304);
    pulse.start_ticks = boot_usec / 10000;
    pulse.started_usec = pulse.realtime_usec = UINT64_C(253402300799999999); /* the end of the year 9999 */
    pulse.due_usec = pulse.boottime_usec = pulse.monotonic_usec = boot_usec;
    pulse.interval_usec = USEC_PER_DAY;
    pulse.late_usec = pulse.late_max_usec = USEC_PER_DAY - 1;
    pulse.seq = pulse.missed = pulse.gaps = beats;
    pulse.failing = 1000;
    pulse.lost = 1000 * beats;
    pulse.last_cause = CAUSE_SERVICE_WATCHDOG_KILLED;
    pulse.lateness.sum_usec = boot_usec;
    pulse.lateness.over[0] = pulse.lateness.over[1] = beats;
    pulse.lateness.over[2] = boot_usec / lateness_bounds_usec[2];
    pulse.lateness.over[3] = boot_usec / lateness_bounds_usec[3];
    pulse_format(&pulse, text);
    cr_assert_eq(pulse_parse(text, &again), 0);
    cr_expect(again.lateness.known);
    expect_same(&again, &pulse);
}

Test(pulse, without_room_for_the_lateness_has_all_the_rest)
{
    char text[PULSE_SIZE];
    Pulse pulse = some_pulse(), again;
    pulse.seq = pulse.lateness.sum_usec = UINT64_MAX;
    for (size_t i = 0; i < LATENESS_BOUNDS; i++)
        pulse.lateness.over[i] = UINT64_MAX;
    pulse.due_usec = pulse.boottime_usec = pulse.late_usec = pulse.interval_usec = UINT64_MAX;
    pulse_format(&pulse, text);
    cr_assert_eq(pulse_parse(text, &again), 0);
    cr_expect_not(again.lateness.known);
    cr_expect_eq(again.lost, 7u);
}

Test(pulse, counts_beats_that_were_later_than_each_bound)
{
    static const usec_t late_usec[] = { 0,     999,    1000,    1001,    10000,
                                        10001, 100001, 1000000, 1000001, USEC_PER_DAY };
    Pulse pulse = { 0 };
    usec_t sum_usec = 0;
    for (size_t i = 0; i < ELEMENTSOF(late_usec); i++) {
        pulse_count_lateness(&pulse, late_usec[i]);
        sum_usec += late_usec[i];
    }
    cr_expect(pulse.lateness.known);
    cr_expect_eq(pulse.lateness.sum_usec, sum_usec);
    static const uint64_t expected[LATENESS_BOUNDS] = { 7, 5, 4, 2 };
    for (size_t i = 0; i < LATENESS_BOUNDS; i++)
        cr_expect_eq(pulse.lateness.over[i], expected[i], "%zu: %" PRIu64, i, pulse.lateness.over[i]);
}

Test(pulse, that_is_damaged_anywhere_is_refused)
{
    char text[PULSE_SIZE];
    Pulse pulse = some_pulse(), again;
    pulse_format(&pulse, text);
    for (size_t at = 0; at < PULSE_SIZE; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            text[at] = (char)(text[at] ^ 1 << bit);
            cr_assert_eq(pulse_parse(text, &again), -EBADMSG, "byte %zu, bit %u", at, bit);
            text[at] = (char)(text[at] ^ 1 << bit);
        }
    cr_expect_eq(pulse_parse(text, &again), 0);
}

Test(pulse, that_is_torn_between_two_beats_is_refused_or_is_one_of_them)
{
    char old[PULSE_SIZE], new[PULSE_SIZE], torn[PULSE_SIZE];
    Pulse first = some_pulse(), second = first, read;
    second.seq++;
    second.due_usec += second.interval_usec;
    second.realtime_usec += second.interval_usec;
    second.lost = 1000;
    pulse_format(&first, old);
    pulse_format(&second, new);
    for (unsigned mix = 0; mix < 256; mix++) {
        for (size_t block = 0; block < 8; block++)
            memcpy(torn + 64 * block, (mix >> block & 1 ? new : old) + 64 * block, 64);
        if (pulse_parse(torn, &read) == 0)
            cr_expect(memcmp(torn, old, PULSE_SIZE) == 0 || memcmp(torn, new, PULSE_SIZE) == 0, "mix %u",
                      mix);
    }
}

#define REST \
    " pid=1 start_ticks=1 started=1 due=1 real=1 boottime=1 mono=1 late=0 late_max=0 missed=0 failing=0 lost=0 gaps=0"
#define IDS "run=0123456789abcdef0123456789abcdef boot=fedcba9876543210fedcba9876543210"

Test(pulse, record_of_another_version_or_another_make)
{
    static const struct {
        const char *text;
        int result;
    } table[] = {
        { "v=1 " IDS " seq=1 interval=1" REST, 0 },
        { "v=1 " IDS " seq=1 interval=1" REST " future=\"some thing\" last=one", 0 },
        { "v=1 " IDS " seq=1 interval=1", -EBADMSG },
        { "v=1 " IDS " seq=1 interval=1" REST "1", -EBADMSG }, /* a gap without a cause */
        { "v=2 " IDS " seq=1 interval=1", -ENOTSUP },
        { "v=99", -ENOTSUP },
        { "v=2 {\"json\": 1}", -ENOTSUP },
        { "v=0 " IDS " seq=1 interval=1", -EBADMSG },
        { "v=one", -EBADMSG },
        { IDS " seq=1 interval=1", -EBADMSG },
        { "v=1", -EBADMSG },
        { "v=1 " IDS " seq=0 interval=1" REST, -EBADMSG },
        { "v=1 " IDS " seq=1 interval=0" REST, -EBADMSG },
        { "v=1 " IDS " seq=1", -EBADMSG },
        { "v=1 " IDS " seq=-1 interval=1" REST, -EBADMSG },
        { "v=1 " IDS " seq=1 interval=18446744073709551616" REST, -EBADMSG },
        { "v=1 run=short boot=fedcba9876543210fedcba9876543210 seq=1 interval=1" REST, -EBADMSG },
        { "v=1 " IDS "0 seq=1 interval=1" REST, -EBADMSG },
        { "v=1 " IDS " seq=1 interval=1 last_cause=magic" REST, -EBADMSG },
        { "v=1 " IDS "  seq=1 interval=1", -EBADMSG },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        char text[PULSE_SIZE];
        Pulse pulse = { .seq = 99 };
        make_record(table[i].text, text);
        cr_expect_eq(pulse_parse(text, &pulse), table[i].result, "row %zu: %s", i, table[i].text);
        cr_expect_eq(pulse.seq, table[i].result == 0 ? 1u : 99u, "row %zu: untouched when refused", i);
    }
}

/* What another version may count in another way is passed over, and the beat is known all the same. */
Test(pulse, lateness_that_is_not_as_it_should_be_is_not_known)
{
    static const struct {
        const char *text;
        bool known;
    } table[] = {
        { "", false },
        { " lateness=0,0,0,0,0", true },
        { " lateness=9,5,5,5,5", true },
        { " lateness=9,5,5,5,5,5", false },
        { " lateness=9,5,5,5", false },
        { " lateness=9", false },
        { " lateness=9,5,5,5,", false },
        { " lateness=9;5;5;5;5", false },
        { " lateness=9,5,5,5,-1", false },
        { " lateness=9,5,5,5,18446744073709551616", false },
        { " lateness=\"9,5,5,5 ,5\"", false },
        { " lateness=9,6,5,5,5", false }, /* more than there were beats */
        { " lateness=9,4,5,4,4", false }, /* later than the longer bound, and not than the shorter */
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        char line[PULSE_SIZE], text[PULSE_SIZE];
        Pulse pulse;
        snprintf(line, sizeof(line), "v=1 " IDS " seq=5 interval=1" REST "%s", table[i].text);
        make_record(line, text);
        cr_expect_eq(pulse_parse(text, &pulse), 0, "row %zu", i);
        cr_expect_eq(pulse.lateness.known, table[i].known, "row %zu: %s", i, table[i].text);
        cr_expect(pulse.lateness.known || pulse.lateness.sum_usec == 0);
    }
}

Test(pulse, of_nothing_or_of_noise_is_refused)
{
    char text[PULSE_SIZE];
    Pulse pulse;
    static const char fillings[] = { '\0', ' ', '\n', '\xff', '=', '"' };
    for (size_t i = 0; i < sizeof(fillings); i++) {
        memset(text, fillings[i], sizeof(text));
        cr_expect_eq(pulse_parse(text, &pulse), -EBADMSG);
    }
    unsigned seed = 1;
    for (unsigned round = 0; round < 20000; round++) {
        for (size_t i = 0; i < sizeof(text); i++)
            text[i] = (char)rand_r(&seed);
        text[PULSE_SIZE - 1] = '\n';
        cr_assert_eq(pulse_parse(text, &pulse), -EBADMSG);
    }
}

Test(pulse, with_numbers_that_do_not_fit_is_refused_and_not_read_as_another)
{
    char text[PULSE_SIZE];
    Pulse pulse = some_pulse(), again;
    pulse.pid = pulse.start_ticks = pulse.started_usec = pulse.seq = pulse.due_usec = pulse.realtime_usec =
        pulse.boottime_usec = pulse.monotonic_usec = pulse.interval_usec = pulse.late_usec =
            pulse.late_max_usec = pulse.missed = pulse.failing = pulse.lost = pulse.gaps = UINT64_MAX;
    pulse_format(&pulse, text);
    cr_expect_eq(pulse_parse(text, &again), -EBADMSG);
}
