/* SPDX-License-Identifier: MIT */
/* Gaps by cause, over all runs. */

#include "core/census.h"

#include <criterion/criterion.h>
#include <string.h>

static Event gap(Cause cause, usec_t to_usec)
{
    Event event;
    event_init(&event, EVENT_GAP);
    event.verdict.cause = cause;
    event.realtime_usec = UINT64_C(1795352410123456);
    event.to_usec = to_usec;
    return event;
}

static void take_gap(Census *census, Cause cause, usec_t to_usec)
{
    Event event = gap(cause, to_usec);
    census_take(census, &event);
}

Test(census, counts_gaps_by_cause_and_knows_when_the_last_one_ended)
{
    Census census = { 0 };
    take_gap(&census, CAUSE_SUSPEND, 1000);
    take_gap(&census, CAUSE_HOST_DOWN, 2000);
    take_gap(&census, CAUSE_SUSPEND, 3000);
    for (Cause cause = 0; cause < CAUSE_COUNT; cause++) {
        cr_expect_eq(census.gaps[cause],
                     cause == CAUSE_SUSPEND     ? 2u
                     : cause == CAUSE_HOST_DOWN ? 1u
                                                : 0u,
                     "%s", cause_name(cause));
        cr_expect_eq(census.last_usec[cause], cause == CAUSE_SUSPEND     ? 3000u
                                              : cause == CAUSE_HOST_DOWN ? 2000u
                                                                         : 0u);
    }
}

/* The wall clock may have been set: the order of the lines says which was the last. */
Test(census, last_one_is_the_last_line)
{
    Census census = { 0 };
    take_gap(&census, CAUSE_BUSY, 3000);
    take_gap(&census, CAUSE_BUSY, 1000);
    cr_expect_eq(census.last_usec[CAUSE_BUSY], 1000u);
}

/* Who counts before a line is written, and who reads it, come to the same. */
Test(census, without_an_end_takes_the_lines_time_as_it_is_read_back)
{
    char line[EVENT_LINE_MAX];
    Census written = { 0 }, read = { 0 };
    Event event = gap(CAUSE_UNKNOWN, EVENT_NONE), again;
    strcpy(event.boot, "b");
    strcpy(event.run, "r");
    census_take(&written, &event);
    cr_expect_eq(written.last_usec[CAUSE_UNKNOWN], UINT64_C(1795352410123000));
    int length = event_format(&event, line);
    cr_assert_eq(event_parse(line, (size_t)length - 1, &again), 0);
    census_take(&read, &again);
    cr_expect_eq(memcmp(&written, &read, sizeof(read)), 0);
}

Test(census, goes_on_from_what_was_trimmed)
{
    Census census = { 0 };
    Event trim;
    event_init(&trim, EVENT_TRIM);
    trim.gaps[CAUSE_SUSPEND] = 40;
    trim.gaps[CAUSE_BUSY] = 1;
    census_take(&census, &trim);
    take_gap(&census, CAUSE_SUSPEND, 5);
    cr_expect_eq(census.gaps[CAUSE_SUSPEND], 41u);
    cr_expect_eq(census.gaps[CAUSE_BUSY], 1u);
    cr_expect_eq(census.last_usec[CAUSE_BUSY], 0u, "when is not in the line");
}

Test(census, is_not_changed_by_what_is_no_gap)
{
    static const Census none = { 0 };
    Census census = { 0 };
    for (EventKind kind = 0; kind < EVENT_KIND_COUNT; kind++) {
        Event event;
        event_init(&event, kind);
        event.verdict.cause = CAUSE_BUSY;
        if (kind != EVENT_GAP)
            census_take(&census, &event);
    }
    cr_expect_eq(memcmp(&census, &none, sizeof(none)), 0);
}
