/* SPDX-License-Identifier: MIT */
/* The gap between an earlier run and the one that finds it. */

#include "core/past.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

#define SEC USEC_PER_SEC
#define OLD_BOOT "fedcba9876543210fedcba9876543210"
#define NEW_BOOT "00112233445566778899aabbccddeeff"
#define NEW_RUN "ffeeddccbbaa99887766554433221100"
#define REAL (UINT64_C(1795352400) * SEC) /* of the last beat, an hour after its boot */
#define UP (3600 * SEC)

/* Beat number 42 at an interval of 10 s, half a second late. */
static Past some_past(void)
{
    return (Past){
        .any = true,
        .readable = true,
        .pulse = { .run = "0123456789abcdef0123456789abcdef",
                   .boot = OLD_BOOT,
                   .seq = 42,
                   .due_usec = UP - SEC / 2,
                   .realtime_usec = REAL,
                   .boottime_usec = UP,
                   .late_usec = SEC / 2,
                   .interval_usec = 10 * SEC },
    };
}

static Present same_boot(usec_t later_usec)
{
    return (Present){
        .realtime_usec = REAL + later_usec, .boottime_usec = UP + later_usec, .boot = OLD_BOOT, .run = NEW_RUN
    };
}

/* A boot that began down_usec after the last beat, and whose first beat is a minute into it. */
static Present new_boot(usec_t down_usec)
{
    return (Present){ .realtime_usec = REAL + down_usec + 60 * SEC,
                      .boottime_usec = 60 * SEC,
                      .boot = NEW_BOOT,
                      .run = NEW_RUN };
}

static Event close_to_gap(const Past *past, const Present *present)
{
    Event gap;
    cr_assert_eq(past_close(past, present, &gap), 1);
    cr_expect_eq(gap.kind, EVENT_GAP);
    cr_expect_str_eq(gap.run, NEW_RUN);
    cr_expect_eq(gap.realtime_usec, present->realtime_usec);
    return gap;
}

Test(past, that_never_was_leaves_no_gap)
{
    Past past = { 0 };
    Present present = same_boot(0);
    Event gap;
    cr_expect_eq(past_close(&past, &present, &gap), 0);
}

Test(past, that_cannot_be_read_is_unknown_and_has_no_figures)
{
    Past past = { .any = true };
    Present present = same_boot(0);
    Event gap = close_to_gap(&past, &present);
    cr_expect_eq(gap.verdict.cause, CAUSE_UNKNOWN);
    cr_expect_eq(gap.verdict.host, HOST_UNKNOWN);
    cr_expect(gap.lasted_usec == EVENT_NONE && gap.missed == EVENT_NONE && gap.from_usec == EVENT_NONE);
}

Test(past, whose_lines_are_lost_has_figures_and_no_cause)
{
    Past past = some_past();
    past.obscured = true;
    for (unsigned stopped = 0; stopped < 2; stopped++) {
        past.stopped = stopped;
        past.stopped_usec = REAL;
        Present same = same_boot(5 * SEC), other = new_boot(940 * SEC);
        Event gap = close_to_gap(&past, &same);
        cr_expect_eq(gap.verdict.cause, CAUSE_UNKNOWN);
        cr_expect_not(gap.verdict.sure);
        cr_expect_eq(gap.lasted_usec, 5 * SEC);
        gap = close_to_gap(&past, &other);
        cr_expect_eq(gap.verdict.cause, CAUSE_UNKNOWN);
        cr_expect_eq(gap.verdict.host, HOST_UNKNOWN);
        cr_expect_eq(gap.missed, 99u);
    }
}

Test(past, whose_interval_is_not_known_has_no_number_of_missed_beats)
{
    Past past = some_past();
    past.pulse.interval_usec = 0;
    Present same = same_boot(3600 * SEC), other = new_boot(940 * SEC);
    Event gap = close_to_gap(&past, &same);
    cr_expect(gap.missed == EVENT_NONE && gap.interval_usec == EVENT_NONE);
    cr_expect_eq(gap.lasted_usec, 3600 * SEC);
    gap = close_to_gap(&past, &other);
    cr_expect(gap.missed == EVENT_NONE && gap.lasted_usec == 1000 * SEC);
}

Test(past, beats_are_missed_by_the_old_grid)
{
    static const struct {
        usec_t later_usec; /* than the last beat, which was half a second late */
        uint64_t missed;
    } table[] = {
        { 0, 0 },
        { 9 * SEC, 0 },
        { 19 * SEC, 0 },
        { 19 * SEC + SEC / 2 - 1, 0 },
        { 19 * SEC + SEC / 2, 1 },
        { 29 * SEC + SEC / 2, 2 },
        { 3600 * SEC, 359 },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Past past = some_past();
        Present same = same_boot(table[i].later_usec);
        Event gap = close_to_gap(&past, &same);
        cr_expect_eq(gap.missed, table[i].missed, "row %zu: %" PRIu64, i, gap.missed);
        cr_expect_eq(gap.lasted_usec, table[i].later_usec);
        cr_expect_eq(gap.verdict.cause, CAUSE_SERVICE_KILLED);
        cr_expect_eq(gap.boot_usec, EVENT_NONE);
        if (table[i].later_usec < 60 * SEC)
            continue;
        Present other = new_boot(table[i].later_usec - 60 * SEC);
        gap = close_to_gap(&past, &other);
        cr_expect_eq(gap.missed, table[i].missed, "row %zu, another boot: %" PRIu64, i, gap.missed);
        cr_expect_eq(gap.boot_usec, REAL + table[i].later_usec - 60 * SEC);
        cr_expect_eq(gap.verdict.cause, CAUSE_HOST_DOWN);
        cr_expect_eq(gap.verdict.host, HOST_DOWN);
    }
}

Test(past, no_more_beats_are_missed_than_there_was_time_for)
{
    Past past = some_past();
    Present present = same_boot(100 * SEC);
    past.pulse.due_usec = 3 * SEC; /* nearly an hour before the beat that it belongs to */
    Event gap = close_to_gap(&past, &present);
    cr_expect_eq(gap.lasted_usec, 100 * SEC);
    cr_expect_eq(gap.missed, 10);
}

Test(past, of_a_beat_ahead_of_this_boot_gives_no_figures)
{
    Past past = some_past();
    Present present = same_boot(100 * SEC);
    past.pulse.boottime_usec = UP + 200 * SEC;
    Event gap = close_to_gap(&past, &present);
    cr_expect_eq(gap.lasted_usec, EVENT_NONE);
    cr_expect_eq(gap.missed, EVENT_NONE);
}

Test(past, clean_stop_is_no_gap_unless_a_beat_was_missed)
{
    Event gap;
    Past past = some_past();
    past.stopped = true;
    past.stopped_usec = REAL + SEC;
    Present soon = same_boot(5 * SEC), late = same_boot(60 * SEC), reboot = new_boot(60 * SEC);
    cr_expect_eq(past_close(&past, &soon, &gap), 0);
    gap = close_to_gap(&past, &late);
    cr_expect_eq(gap.verdict.cause, CAUSE_SERVICE_STOPPED);
    cr_expect_eq(gap.stopped_usec, REAL + SEC);
    gap = close_to_gap(&past, &reboot);
    cr_expect_eq(gap.verdict.cause, CAUSE_HOST_SHUTDOWN);
}

Test(past, crash_is_a_gap_even_if_no_beat_was_missed)
{
    Past past = some_past();
    past.exited = true;
    strcpy(past.exit.result, "core-dump");
    strcpy(past.exit.code, "dumped");
    strcpy(past.exit.status, "SEGV");
    strcpy(past.step, "output syslog");
    Present soon = same_boot(SEC);
    Event gap = close_to_gap(&past, &soon);
    cr_expect_eq(gap.missed, 0u);
    cr_expect_eq(gap.verdict.cause, CAUSE_SERVICE_CRASHED);
    cr_expect_str_eq(gap.exit.status, "SEGV");
    cr_expect_str_eq(gap.step, "", "it did not hang there");
    strcpy(past.exit.result, "watchdog");
    gap = close_to_gap(&past, &soon);
    cr_expect_eq(gap.verdict.cause, CAUSE_SERVICE_WATCHDOG_KILLED);
    cr_expect_str_eq(gap.step, "output syslog");
}

Test(past, wall_clock_that_went_back_across_boots_gives_no_figures)
{
    Past past = some_past();
    Present no_rtc = {
        .realtime_usec = 30 * SEC, .boottime_usec = 60 * SEC, .boot = NEW_BOOT, .run = NEW_RUN
    };
    Event gap = close_to_gap(&past, &no_rtc);
    cr_expect_eq(gap.verdict.cause, CAUSE_HOST_DOWN);
    cr_expect(gap.lasted_usec == EVENT_NONE && gap.missed == EVENT_NONE && gap.boot_usec == EVENT_NONE);
    past.stopped = true;
    past.stopped_usec = REAL;
    gap = close_to_gap(&past, &no_rtc);
    cr_expect_eq(gap.verdict.cause, CAUSE_HOST_SHUTDOWN);
    cr_expect_not(gap.verdict.sure);
}

/* No figure that cannot be, whatever the clocks and records say. */
Test(past, of_any_numbers_makes_a_line_that_is_read_back)
{
    static const uint64_t edges[] = { 0,          1,         10 * SEC,       UP,        REAL,
                                      UINT32_MAX, INT64_MAX, UINT64_MAX - 1, UINT64_MAX };
    unsigned seed = 1;
    for (unsigned round = 0; round < 100000; round++) {
#define DRAW edges[(size_t)rand_r(&seed) % ELEMENTSOF(edges)]
        Past past = some_past();
        past.pulse.due_usec = DRAW;
        past.pulse.realtime_usec = DRAW;
        past.pulse.boottime_usec = DRAW;
        past.pulse.late_usec = DRAW;
        past.pulse.interval_usec = 1 + DRAW % USEC_PER_DAY;
        past.stopped = rand_r(&seed) % 2;
        past.stopped_usec = DRAW;
        Present present = { .realtime_usec = DRAW, .boottime_usec = DRAW, .run = NEW_RUN };
        strcpy(present.boot, rand_r(&seed) % 2 ? OLD_BOOT : NEW_BOOT);
        Event gap, again;
        char line[EVENT_LINE_MAX];
        if (past_close(&past, &present, &gap) == 0)
            continue;
        bool backwards = strcmp(present.boot, OLD_BOOT) == 0
                             ? present.boottime_usec < past.pulse.boottime_usec
                             : present.realtime_usec < past.pulse.realtime_usec;
        cr_assert(!backwards || gap.lasted_usec == EVENT_NONE, "round %u", round);
        cr_assert(strcmp(present.boot, OLD_BOOT) == 0 || !backwards || gap.missed == EVENT_NONE);
        int length = event_format(&gap, line);
        cr_assert_gt(length, 0);
        int r = event_parse(line, (size_t)length - 1, &again);
        cr_assert(r == 0 || gap.realtime_usec < USEC_PER_MSEC, "round %u: %s", round, line);
    }
}
