/* SPDX-License-Identifier: MIT */
/* How far the wall clock has come along a history, whatever it did. */

#include "core/course.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEC USEC_PER_SEC
#define EPOCH (UINT64_C(1795352400) * SEC)

static Event some_event(EventKind kind, char boot, usec_t at, usec_t boottime)
{
    Event event;
    event_init(&event, kind);
    event.realtime_usec = EPOCH + at * SEC;
    event.boottime_usec = boottime * SEC;
    memset(event.boot, boot, BOOT_ID_LENGTH);
    memset(event.run, '1', RUN_ID_LENGTH);
    return event;
}

Test(course, marks_the_first_line_and_those_that_are_behind_their_time)
{
    static const struct {
        char boot;
        usec_t at, boottime, mark;
    } table[] = {
        { 'a', 100, 10, 100 },       { 'a', 200, 110, EVENT_NONE },
        { 'a', 150, 120, 210 }, /* set back by a minute */
        { 'a', 160, 130, 220 },      { 'b', 170, 5, 220 },
        { 'b', 219, 54, 269 },       { 'b', 400, 60, EVENT_NONE },
        { 'c', 399, 5, EVENT_NONE }, { 'c', 500, 106, EVENT_NONE },
        { 'd', 10, 5, 500 }, /* no battery */
    };
    Course course = { 0 };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        Event event = some_event(EVENT_START, table[i].boot, table[i].at, table[i].boottime);
        usec_t mark = course_mark(&course, &event, i == 0);
        usec_t expected = table[i].mark == EVENT_NONE ? EVENT_NONE : EPOCH + table[i].mark * SEC;
        cr_expect_eq(mark, expected, "row %zu: %" PRI_USEC, i, mark);
        event.latest_usec = mark;
        cr_expect_eq(course_is_kept(&event), mark != EVENT_NONE);
        course_take(&course, &event);
    }
}

Test(course, knows_all_times_that_a_line_tells_of)
{
    Event gap = some_event(EVENT_GAP, 'a', 100, 10), clock = some_event(EVENT_CLOCK, 'a', 100, 10),
          trim = some_event(EVENT_TRIM, 'a', 900, 10);
    Course course = { 0 };
    course_take(&course, &trim);
    cr_expect_eq(course.latest_usec, 0u, "what follows is older");
    gap.from_usec = EPOCH + 50 * SEC;
    gap.lasted_usec = 200 * SEC;
    course_take(&course, &gap);
    cr_expect_eq(course.latest_usec, EPOCH + 250 * SEC);
    course = (Course){ 0 };
    clock.moved_usec = -300 * (int64_t)SEC;
    course_take(&course, &clock);
    cr_expect_eq(course.latest_usec, EPOCH + 400 * SEC);
    gap.from_usec = gap.lasted_usec = EVENT_NONE - 1;
    course_take(&course, &gap);
    cr_expect_lt(course.latest_usec, USEC_INFINITY);
}

/* Lines of any times, but marked: what one tells alone is what the reader of all knows, and no line before it
 * has told of more. */
Test(course, of_one_line_is_that_of_all_before_it)
{
    unsigned seed = 1;
    for (unsigned round = 0; round < 300; round++) {
        Course course = { 0 };
        usec_t latest_usec = 0, at = 100000, boottime = 0;
        char boot = 'a';
        for (unsigned i = 0; i < 100; i++) {
            unsigned step = (unsigned)rand_r(&seed);
            bool boots = step % 7 == 0;
            if (boots)
                boot = (char)('a' + rand_r(&seed) % 26);
            boottime = boots ? (usec_t)(step % 50) : boottime + step % 300;
            at = step % 11 == 0 ? at - (usec_t)rand_r(&seed) % 50000 + (usec_t)rand_r(&seed) % 50000
                                : at + step % 300;
            Event event = some_event(step % 3 ? EVENT_GAP : EVENT_RELOAD, boot, at, boottime);
            if (step % 5 == 0)
                event.from_usec = event.realtime_usec + (usec_t)rand_r(&seed) % 1000 * SEC - 500 * SEC;
            event.latest_usec = course_mark(&course, &event, i == 0);
            course_take(&course, &event);
            Course alone = { 0 };
            course_take(&alone, &event);
            cr_assert_eq(alone.latest_usec, course.latest_usec, "round %u, line %u", round, i);
            latest_usec = usec_max(latest_usec, event.realtime_usec);
            latest_usec =
                event.from_usec != EVENT_NONE ? usec_max(latest_usec, event.from_usec) : latest_usec;
            cr_assert_leq(latest_usec, course.latest_usec + COURSE_MARGIN_USEC);
        }
    }
}
