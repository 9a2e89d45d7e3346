/* SPDX-License-Identifier: MIT */
/* When beats are due: never now + interval. */

#include "core/schedule.h"

#include <criterion/criterion.h>

#include "util/cleanup.h"

#define FIRST UINT64_C(86461234567)

Test(schedule, begins_with_a_beat_that_is_due_at_once)
{
    Schedule schedule;
    Due due = { 1, 1, 1 };
    schedule_start(&schedule, 10 * USEC_PER_SEC, FIRST, &due);
    cr_expect_eq(due.due_usec, FIRST);
    cr_expect_eq(due.late_usec, 0u);
    cr_expect_eq(due.missed, 0u);
    cr_expect_eq(schedule_next(&schedule), FIRST + 10 * USEC_PER_SEC);
}

/* In a table of instants at which beats are made, each after its schedule_next(). */
Test(schedule, beat_stands_for_the_last_due_instant_and_counts_those_before)
{
    static const struct {
        usec_t interval, now, due, late;
        uint64_t missed;
    } table[] = {
        { 1000, 1000, 1000, 0, 0 },
        { 1000, 1001, 1000, 1, 0 },
        { 1000, 1999, 1000, 999, 0 },
        { 1000, 2000, 2000, 0, 1 },
        { 1000, 2999, 2000, 999, 1 },
        { 1000, 3000, 3000, 0, 2 },
        { 1000, 1000000, 1000000, 0, 999 },
        { 1, 1, 1, 0, 0 },
        { 1, 1000000, 1000000, 0, 999999 },
        { USEC_PER_DAY, 2 * USEC_PER_DAY - 1, USEC_PER_DAY, USEC_PER_DAY - 1, 0 },
        { 10 * USEC_PER_MSEC, 100 * USEC_PER_YEAR, 100 * USEC_PER_YEAR, 0, UINT64_C(315575999999) },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Schedule schedule;
        Due due;
        schedule_start(&schedule, table[i].interval, FIRST, &due);
        schedule_beat(&schedule, FIRST + table[i].now, &due);
        cr_expect_eq(due.due_usec, FIRST + table[i].due, "row %zu: due %" PRI_USEC, i, due.due_usec - FIRST);
        cr_expect_eq(due.late_usec, table[i].late, "row %zu: late %" PRI_USEC, i, due.late_usec);
        cr_expect_eq(due.missed, table[i].missed, "row %zu: missed %" PRIu64, i, due.missed);
        cr_expect_eq(schedule_next(&schedule), FIRST + table[i].due + table[i].interval, "row %zu", i);
    }
}

Test(schedule, does_not_drift_in_a_million_late_beats)
{
    const usec_t interval = 10 * USEC_PER_SEC;
    Schedule schedule;
    Due due;
    schedule_start(&schedule, interval, FIRST, &due);
    for (uint64_t j = 1; j <= 1000000; j++) {
        usec_t late = j * 7919 % interval;
        cr_assert_eq(schedule_next(&schedule), FIRST + j * interval);
        schedule_beat(&schedule, schedule_next(&schedule) + late, &due);
        cr_assert_eq(due.due_usec, FIRST + j * interval);
        cr_assert_eq(due.late_usec, late);
        cr_assert_eq(due.missed, 0u);
    }
}

/* One beat was made at 0 on a grid of 10 s, then the interval changes at `now`. */
Test(schedule, change_begins_a_new_grid_at_the_last_due_instant_and_misses_nothing)
{
    static const struct {
        usec_t interval, now, next;
    } table[] = {
        { 10 * USEC_PER_SEC, 3 * USEC_PER_SEC, 10 * USEC_PER_SEC },
        { USEC_PER_SEC, 3 * USEC_PER_SEC, 4 * USEC_PER_SEC },
        { USEC_PER_SEC, 3 * USEC_PER_SEC + 1, 4 * USEC_PER_SEC },
        { USEC_PER_SEC, 4 * USEC_PER_SEC - 1, 4 * USEC_PER_SEC },
        { USEC_PER_SEC, 0, USEC_PER_SEC },
        { 7 * USEC_PER_SEC, 9 * USEC_PER_SEC, 14 * USEC_PER_SEC },
        { 11 * USEC_PER_SEC, 9 * USEC_PER_SEC, 11 * USEC_PER_SEC },
        { USEC_PER_DAY, 9 * USEC_PER_SEC, USEC_PER_DAY },
        { 10 * USEC_PER_MSEC, 10 * USEC_PER_SEC - 1, 10 * USEC_PER_SEC },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Schedule schedule;
        Due due;
        schedule_start(&schedule, 10 * USEC_PER_SEC, FIRST, &due);
        schedule_change(&schedule, table[i].interval, FIRST + table[i].now);
        cr_expect_eq(schedule_next(&schedule), FIRST + table[i].next, "row %zu: %" PRI_USEC, i,
                     schedule_next(&schedule) - FIRST);
        schedule_beat(&schedule, schedule_next(&schedule), &due);
        cr_expect_eq(due.missed, 0u, "row %zu: missed %" PRIu64, i, due.missed);
        cr_expect_eq(due.late_usec, 0u, "row %zu", i);
    }
}

Test(schedule, change_there_and_back_lands_on_the_old_grid)
{
    Schedule schedule;
    Due due;
    schedule_start(&schedule, 10 * USEC_PER_SEC, FIRST, &due);
    schedule_beat(&schedule, FIRST + 12 * USEC_PER_SEC, &due); /* late by two seconds */
    schedule_change(&schedule, USEC_PER_HOUR, FIRST + 13 * USEC_PER_SEC);
    cr_expect_eq(schedule_next(&schedule), FIRST + 10 * USEC_PER_SEC + USEC_PER_HOUR);
    schedule_change(&schedule, 10 * USEC_PER_SEC, FIRST + 14 * USEC_PER_SEC);
    cr_expect_eq(schedule_next(&schedule), FIRST + 20 * USEC_PER_SEC);
}
