/* SPDX-License-Identifier: MIT */
/* Days, weeks, months and years. */

#include "ctl/calendar.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "util/cleanup.h"

#define SEC USEC_PER_SEC
#define HOUR USEC_PER_HOUR
#define NOON (UINT64_C(1795348800) * SEC) /* Sunday, 22 November 2026, 12:00 UTC */
#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"

static void set_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

Test(calendar, units_hold_the_time_and_have_a_name)
{
    static const struct {
        CalendarUnit unit;
        const char *name;
        usec_t hours;
    } table[] = {
        { CALENDAR_DAY, "2026-11-22", 24 },
        { CALENDAR_WEEK, "2026-W47", 168 },
        { CALENDAR_MONTH, "2026-11", 720 },
        { CALENDAR_YEAR, "2026", 8760 },
    };
    char name[CALENDAR_TEXT_MAX];
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        usec_t begin_usec, end_usec;
        calendar_find(table[i].unit, true, NOON, &begin_usec, &end_usec);
        cr_expect(begin_usec <= NOON && NOON < end_usec);
        cr_expect(table[i].unit != CALENDAR_WEEK || calendar_weekday(true, begin_usec) == 1);
        cr_expect_eq(end_usec - begin_usec, table[i].hours * HOUR, "%s", table[i].name);
        cr_expect_str_eq(calendar_name(table[i].unit, true, begin_usec, name), table[i].name);
    }
}

Test(calendar, days_are_as_long_as_the_zone_has_them)
{
    static const struct {
        usec_t seconds;
        const char *name;
        usec_t hours;
    } table[] = {
        { 1774747800, "2026-03-29", 23 }, /* 01:30 UTC */
        { 1792888200, "2026-10-25", 25 }, /* 02:30 summer time */
        { 1792891800, "2026-10-25", 25 }, /* 02:30 winter time */
        { 1795348800, "2026-11-22", 24 },
    };
    char name[CALENDAR_TEXT_MAX];
    set_zone(BERLIN);
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        usec_t begin_usec, end_usec;
        calendar_find(CALENDAR_DAY, false, table[i].seconds * SEC, &begin_usec, &end_usec);
        cr_expect_eq(end_usec - begin_usec, table[i].hours * HOUR, "row %zu", i);
        cr_expect_str_eq(calendar_name(CALENDAR_DAY, false, begin_usec, name), table[i].name);
    }
}

/* Also where clocks change at midnight, and at the ends of what can be written. */
Test(calendar, units_follow_each_other_without_a_hole)
{
    static const char *const zones[] = { "UTC0", BERLIN, "NZST-12NZDT,M9.5.0,M4.1.0/3",
                                         "AAA3BBB,M10.3.0/0,M2.3.0/0", "LHST-10:30LHDT-11,M10.1.0,M4.1.0" };
    static const usec_t begins[] = {
        0, 1774000000, 1792000000, 2147400000, 4294900000, UINT64_C(253402200000)
    };
    for (size_t zone = 0; zone < ELEMENTSOF(zones); zone++) {
        set_zone(zones[zone]);
        for (size_t i = 0; i < ELEMENTSOF(begins); i++)
            for (CalendarUnit unit = CALENDAR_DAY; unit <= CALENDAR_YEAR; unit++) {
                usec_t at_usec = begins[i] * SEC, begin_usec, end_usec;
                for (unsigned n = 0; n < 500 && at_usec < UINT64_C(253402300799) * SEC; n++) {
                    calendar_find(unit, false, at_usec, &begin_usec, &end_usec);
                    cr_assert(begin_usec <= at_usec && at_usec < end_usec, "%s %" PRI_USEC, zones[zone],
                              at_usec);
                    cr_assert(n == 0 || begin_usec == at_usec, "%s %" PRI_USEC, zones[zone], at_usec);
                    cr_assert(unit != CALENDAR_DAY || n == 0 || end_usec - begin_usec >= 23 * HOUR);
                    cr_assert(unit != CALENDAR_DAY || end_usec - begin_usec <= 25 * HOUR);
                    at_usec = end_usec;
                }
            }
    }
}

Test(calendar, time_on_the_wall_is_the_first_of_two)
{
    set_zone(BERLIN);
    usec_t before = UINT64_C(1792886400) * SEC; /* 25 October 2026, 02:00 summer time, a Sunday */
    cr_expect_eq(calendar_time(false, before - HOUR, 0, 2 * 3600), before);
    cr_expect_eq(calendar_time(false, before + 3 * HOUR, 0, 2 * 3600), before, "whenever it is asked");
    cr_expect_eq(calendar_time(false, before, 1, 0), before + 23 * HOUR);
    cr_expect_eq(calendar_time(false, before, 0, 86400), before + 23 * HOUR, "the end of that day");
    cr_expect(calendar_weekday(false, before) == 0 && calendar_weekday(false, before + 23 * HOUR) == 1);
}

/* Whatever is asked for within the hour, also where it begins the day, and where the day is left out with it.
 */
Test(calendar, time_that_the_clocks_leave_out_is_when_they_are_changed)
{
    static const struct {
        const char *zone;
        usec_t change; /* seconds */
        int from, to;  /* minutes since midnight */
    } table[] = {
        { BERLIN, 1774746000, 120, 180 },                             /* 29 March 2026 */
        { "AAA3BBB,M10.3.0/0,M2.3.0/0", 1792292400, 0, 60 },          /* 18 October 2026 */
        { "LHST-10:30LHDT-11,M10.1.0,M4.1.0", 1791041400, 120, 150 }, /* 4 October 2026 */
        { "<-10>10<+14>-14,J364/0,J100/0", 1798624800, 0, 1440 },     /* 30 December 2026 */
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        usec_t change_usec = table[i].change * SEC;
        set_zone(table[i].zone);
        for (int minute = table[i].from; minute <= table[i].to; minute++) {
            usec_t found_usec = calendar_time(false, change_usec - SEC, table[i].from == 0, 60 * minute);
            cr_expect_eq(found_usec, change_usec, "row %zu, minute %d: %" PRI_USEC, i, minute, found_usec);
        }
    }
}

Test(calendar, changes_of_the_clocks)
{
    static const struct {
        const char *zone;
        usec_t from, until, change; /* seconds */
    } table[] = {
        { BERLIN, 1774700000, 1774800000, 1774746000 },
        { BERLIN, 1774745999, 1774800000, 1774746000 },
        { BERLIN, 1774745999, 1774746000, 1774746000 },
        { BERLIN, 1774746000, 1774800000, 1774800000 }, /* it is over */
        { BERLIN, 1774700000, 1774745999, 1774745999 }, /* it is later */
        { BERLIN, 1774700000, 1799999999, 1774746000 }, /* the first of two */
        { BERLIN, 1774746000, 1799999999, 1792890000 },
        { BERLIN, 1774746000, 1774746000, 1774746000 },
        { "UTC0", 1774700000, 1799999999, 1799999999 },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        set_zone(table[i].zone);
        cr_expect_eq(calendar_change(false, table[i].from * SEC, table[i].until * SEC), table[i].change * SEC,
                     "row %zu", i);
        cr_expect_eq(calendar_change(true, table[i].from * SEC, table[i].until * SEC), table[i].until * SEC);
    }
    set_zone(BERLIN);
    usec_t late_usec = UINT64_C(253402300799) * SEC;
    cr_expect_eq(calendar_change(false, late_usec, USEC_INFINITY), USEC_INFINITY);
    cr_expect_eq(calendar_change(false, UINT64_C(1774745999) * SEC + 1, UINT64_C(1774746000) * SEC + 1),
                 UINT64_C(1774746000) * SEC);
}

Test(calendar, clock_shows_local_time)
{
    unsigned seconds, day;
    set_zone(BERLIN);
    calendar_clock(false, NOON, &seconds, &day);
    cr_expect(seconds == 13 * 3600 && day == 22);
    calendar_clock(true, NOON + 1, &seconds, &day);
    cr_expect(seconds == 12 * 3600 && day == 22);
    calendar_clock(true, UINT64_MAX, &seconds, &day);
    cr_expect(seconds == 86399 && day == 31);
}

Test(calendar, words_are_those_of_the_command_line)
{
    cr_expect_eq(calendar_unit_from_name("day"), CALENDAR_DAY);
    cr_expect_eq(calendar_unit_from_name("year"), CALENDAR_YEAR);
    cr_expect_eq(calendar_unit_from_name("all"), -EINVAL);
    cr_expect_eq(calendar_unit_from_name("Day"), -EINVAL);
    cr_expect_str_eq(calendar_unit_name(CALENDAR_WEEK), "week");
}
