/* SPDX-License-Identifier: MIT */
/* Times that a report leaves out. */

#include "ctl/exclusion.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

#include "util/cleanup.h"

TestSuite(exclusion, .timeout = 240);

#define SEC USEC_PER_SEC
#define HOUR USEC_PER_HOUR
#define NOON (UINT64_C(1795348800) * SEC) /* Sunday, 22 November 2026, 12:00 UTC */
#define MIDNIGHT (NOON - 12 * HOUR)
#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"

static void set_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

static Exclusion parse(const char *text, bool utc)
{
    Exclusion exclusion;
    cr_assert_eq(exclusion_parse(text, NOON, utc, &exclusion), 0, "\"%s\"", text);
    return exclusion;
}

Test(exclusion, grammar)
{
    static const struct {
        const char *text;
        unsigned weekdays; /* 0: refused */
        int from, to;      /* minutes */
    } table[] = {
        { "02:00..03:00", 0x7f, 120, 180 },
        { " 2:00 .. 3:00", 0x7f, 120, 180 },
        { "00:00..24:00", 0x7f, 0, 1440 },
        { "22:00..06:00", 0x7f, 1320, 1800 },
        { "Sun 02:00..04:00", 0x01, 120, 240 },
        { "sunday 02:00..04:00", 0x01, 120, 240 },
        { "Mon..Fri 22:00..23:00", 0x3e, 1320, 1380 },
        { "Fri..Mon 22:00..23:00", 0x63, 1320, 1380 },
        { "Sat,Sun 22:00..23:00", 0x41, 1320, 1380 },
        { "Mon..Wed,Sat  22:00..23:00", 0x4e, 1320, 1380 },
        { "02:00..03:00 ", 0x7f, 120, 180 },
        { " Sun 02:00..04:00   ", 0x01, 120, 240 },
        { "", 0, 0, 0 },
        { "..", 0, 0, 0 },
        { "02:00", 0, 0, 0 },
        { "02:00..", 0, 0, 0 },
        { "02:00..02:00", 0, 0, 0 },
        { "24:00..03:00", 0, 0, 0 },
        { "02:00..24:01", 0, 0, 0 },
        { "02:60..03:00", 0, 0, 0 },
        { "02:00..03:00x", 0, 0, 0 },
        { "02:00..03:00 UTC", 0, 0, 0 },
        { "02:00 UTC..03:00 UTC", 0, 0, 0 },
        { "02:00Z..03:00Z", 0, 0, 0 },
        { "02:00:00.0..03:00", 0, 0, 0 },
        { "02:00..03:00:00.5", 0, 0, 0 },
        { "Mon 02:00..Mon 03:00", 0, 0, 0 },
        { "00:00..now", 0, 0, 0 },
        { "2026-11-22 01:00..03:00", 0, 0, 0 },
        { "2026-11-22 01:00..Sun 03:00", 0, 0, 0 },
        { "Son 02:00..03:00", 0, 0, 0 },
        { "Mon.. 02:00..03:00", 0, 0, 0 },
        { "Mon..Fri", 0, 0, 0 },
        { "Mon, 02:00..03:00", 0, 0, 0 },
        { "soon..later", 0, 0, 0 },
        { "today..yesterday", 0, 0, 0 },
        { "2026-11-22 01:00..2026-11-31 01:00", 0, 0, 0 },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Exclusion found = { 0 };
        int r = exclusion_parse(table[i].text, NOON, true, &found);
        cr_expect_eq(r == 0, table[i].weekdays != 0, "\"%s\"", table[i].text);
        cr_expect_eq(found.weekdays, table[i].weekdays, "\"%s\": %x", table[i].text, found.weekdays);
        cr_expect(found.from_seconds == 60 * table[i].from && found.to_seconds == 60 * table[i].to, "\"%s\"",
                  table[i].text);
    }
    char longest[2048];
    for (size_t i = 0; i < sizeof(longest); i++)
        longest[i] = i == 1000 || i == 1001 ? '.' : '1';
    longest[sizeof(longest) - 1] = '\0';
    Exclusion found;
    cr_expect_lt(exclusion_parse(longest, NOON, true, &found), 0);
}

Test(exclusion, stretch_is_of_two_times)
{
    Exclusion found = parse("2026-11-22 01:00..2026-11-22 03:00", true);
    cr_expect(!found.recurring && found.from_usec == MIDNIGHT + HOUR && found.to_usec == MIDNIGHT + 3 * HOUR);
    found = parse("Sun 2026-11-22 01:00:00.5 .. now", true);
    cr_expect(found.from_usec == MIDNIGHT + HOUR + SEC / 2 && found.to_usec == NOON);
    usec_t until_usec;
    cr_expect_not(exclusions_hold(&found, 1, true, MIDNIGHT, &until_usec));
    cr_expect_eq(until_usec, found.from_usec);
    cr_expect(exclusions_hold(&found, 1, true, found.from_usec, &until_usec));
    cr_expect_eq(until_usec, NOON);
    cr_expect_not(exclusions_hold(&found, 1, true, NOON, &until_usec));
    cr_expect_eq(until_usec, USEC_INFINITY);
}

Test(exclusion, stretch_of_words)
{
    static const struct {
        const char *text;
        usec_t from, to;
    } table[] = {
        { "yesterday..today", MIDNIGHT - USEC_PER_DAY, MIDNIGHT },
        { "-2h .. now ", NOON - 2 * HOUR, NOON },
        { "3h ago..+5min", NOON - 3 * HOUR, NOON + 5 * USEC_PER_MINUTE },
        { "today..@1795348800", MIDNIGHT, NOON },
        { "2026-11-22T01:00Z..Sun 2026-11-22 03:00 UTC", MIDNIGHT + HOUR, MIDNIGHT + 3 * HOUR },
        { "2026-11-21..2026-11-22 1:00", MIDNIGHT - USEC_PER_DAY, MIDNIGHT + HOUR },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Exclusion found = parse(table[i].text, true);
        cr_expect(!found.recurring && found.from_usec == table[i].from && found.to_usec == table[i].to,
                  "\"%s\"", table[i].text);
    }
}

/* Excluded time between two instants, walked along as a report does. */
static usec_t excluded(Exclusion *exclusions, size_t count, bool utc, usec_t from_usec, usec_t to_usec)
{
    usec_t sum_usec = 0, until_usec;
    while (from_usec < to_usec) {
        bool held = exclusions_hold(exclusions, count, utc, from_usec, &until_usec);
        cr_assert_gt(until_usec, from_usec);
        if (until_usec > to_usec)
            until_usec = to_usec;
        sum_usec += held ? until_usec - from_usec : 0;
        from_usec = until_usec;
    }
    return sum_usec;
}

Test(exclusion, what_overlaps_counts_once)
{
    Exclusion all[] = { parse("02:00..04:00", true), parse("03:00..05:00", true),
                        parse("Sun 02:30..02:40", true), parse("2026-11-21 04:30..2026-11-21 06:00", true) };
    cr_expect_eq(excluded(all, 1, true, MIDNIGHT - 7 * USEC_PER_DAY, MIDNIGHT), 14 * HOUR);
    cr_expect_eq(excluded(all, 2, true, MIDNIGHT - 7 * USEC_PER_DAY, MIDNIGHT), 21 * HOUR);
    cr_expect_eq(excluded(all, 3, true, MIDNIGHT - 7 * USEC_PER_DAY, MIDNIGHT), 21 * HOUR);
    cr_expect_eq(excluded(all, 4, true, MIDNIGHT - 7 * USEC_PER_DAY, MIDNIGHT), 22 * HOUR);
    cr_expect_eq(excluded(all, 0, true, MIDNIGHT - 7 * USEC_PER_DAY, MIDNIGHT), 0);
}

Test(exclusion, what_crosses_midnight_belongs_to_the_day_on_which_it_begins)
{
    Exclusion night = parse("Sat 22:00..06:00", true);
    usec_t until_usec;
    cr_expect(exclusions_hold(&night, 1, true, MIDNIGHT + HOUR, &until_usec), "Sunday, at one");
    cr_expect_eq(until_usec, MIDNIGHT + 6 * HOUR);
    cr_expect_not(exclusions_hold(&night, 1, true, MIDNIGHT + 22 * HOUR, &until_usec), "Sunday, at ten");
    cr_expect_eq(until_usec, MIDNIGHT + 6 * USEC_PER_DAY + 22 * HOUR);
    cr_expect_eq(excluded(&night, 1, true, MIDNIGHT - 7 * USEC_PER_DAY, MIDNIGHT + 7 * USEC_PER_DAY),
                 16 * HOUR);
}

Test(exclusion, whole_days_leave_nothing)
{
    Exclusion days[] = { parse("Sat,Sun 00:00..24:00", false), parse("Mon..Fri 00:00..24:00", false) };
    set_zone(BERLIN);
    usec_t year_usec = 365 * USEC_PER_DAY;
    cr_expect_eq(excluded(days, 2, false, NOON, NOON + year_usec), year_usec);
}

Test(exclusion, days_of_23_and_of_25_hours_have_the_time_that_the_wall_shows)
{
    set_zone(BERLIN);
    usec_t spring = UINT64_C(1774738800) * SEC, autumn = UINT64_C(1792879200) * SEC; /* midnights */
    Exclusion early = parse("01:00..04:00", false), gone = parse("02:00..03:00", false);
    cr_expect_eq(excluded(&early, 1, false, spring, spring + 23 * HOUR), 2 * HOUR);
    cr_expect_eq(excluded(&early, 1, false, autumn, autumn + 25 * HOUR), 4 * HOUR);
    cr_expect_eq(excluded(&gone, 1, false, autumn, autumn + 25 * HOUR), 2 * HOUR, "it came twice");
    cr_expect_eq(excluded(&gone, 1, false, spring, spring + 23 * HOUR), 0, "it never came");
}

Test(exclusion, what_the_clocks_leave_out_is_not_excluded_in_its_stead)
{
    static const struct {
        const char *text;
        unsigned spring, autumn; /* minutes of the day on which the clocks are changed */
    } table[] = {
        { "02:30..03:30", 30, 120 },      { "01:30..02:30", 30, 60 },   { "02:15..02:45", 0, 30 },
        { "02:00..02:59", 0, 59 },        { "01:00..04:00", 120, 240 }, { "Sun 02:30..02:15", 1260, 1350 },
        { "Sat 22:00..02:30", 120, 150 }, { "03:00..04:00", 60, 60 },
    };
    set_zone(BERLIN);
    usec_t spring = UINT64_C(1774738800) * SEC, autumn = UINT64_C(1792879200) * SEC; /* midnights */
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Exclusion span = parse(table[i].text, false);
        cr_expect_eq(excluded(&span, 1, false, spring, spring + 23 * HOUR) / USEC_PER_MINUTE, table[i].spring,
                     "%s", table[i].text);
        cr_expect_eq(excluded(&span, 1, false, autumn, autumn + 25 * HOUR) / USEC_PER_MINUTE, table[i].autumn,
                     "%s", table[i].text);
    }
    Exclusion sundays = parse("Sun 02:15..02:45", false);
    cr_expect_eq(excluded(&sundays, 1, false, spring - 7 * USEC_PER_DAY, spring + 14 * USEC_PER_DAY), HOUR,
                 "the Sunday before, and the one behind");
}

/* Wall time goes back in a record; what was found for a later time is not said of an earlier one. */
Test(exclusion, any_order_of_times_has_the_same_answers)
{
    Exclusion kept[] = { parse("02:30..03:30", false), parse("Sat 22:00..06:00", false) };
    set_zone(BERLIN);
    usec_t at_usec = UINT64_C(1774600000) * SEC;
    for (unsigned i = 0; i < 5000; i++) {
        at_usec = UINT64_C(1774600000) * SEC + (at_usec / 7 * 31) % (20 * USEC_PER_DAY);
        Exclusion anew[] = { parse("02:30..03:30", false), parse("Sat 22:00..06:00", false) };
        usec_t until_usec, anew_usec;
        bool held = exclusions_hold(kept, 2, false, at_usec, &until_usec);
        cr_assert_eq(held, exclusions_hold(anew, 2, false, at_usec, &anew_usec), "%" PRI_USEC, at_usec);
        cr_assert_eq(until_usec, anew_usec, "%" PRI_USEC, at_usec);
    }
}
