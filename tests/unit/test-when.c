/* SPDX-License-Identifier: MIT */
/* Points in time as people type them. */

#include "ctl/when.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

#include "util/cleanup.h"

#define NOON (UINT64_C(1795348800) * USEC_PER_SEC) /* Sunday, 22 November 2026, 12:00 UTC */
#define MIDNIGHT (NOON - 12 * USEC_PER_HOUR)       /* in UTC */

static void set_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

typedef struct Row {
    const char *text;
    usec_t usec; /* USEC_INFINITY: refused */
} Row;

static void expect(const Row *table, size_t count, bool utc)
{
    for (size_t i = 0; i < count; i++) {
        usec_t usec = USEC_INFINITY;
        int r = when_parse(table[i].text, NOON, utc, &usec);
        cr_expect_eq(r == 0, table[i].usec != USEC_INFINITY, "\"%s\": %d", table[i].text, r);
        cr_expect_eq(usec, table[i].usec, "\"%s\": %" PRI_USEC, table[i].text, usec);
    }
}

static const Row anywhere[] = {
    { "now", NOON },
    { "@1795348800", NOON },
    { "@1795348800.5", NOON + USEC_PER_SEC / 2 },
    { "@0", 0 },
    { "-2h", NOON - 2 * USEC_PER_HOUR },
    { "2h ago", NOON - 2 * USEC_PER_HOUR },
    { "1d 30min ago", NOON - USEC_PER_DAY - 30 * USEC_PER_MINUTE },
    { "+5min", NOON + 5 * USEC_PER_MINUTE },
    { "-90", NOON - 90 * USEC_PER_SEC },
    { "2026-11-22T13:00:10.123Z", NOON + USEC_PER_HOUR + UINT64_C(10123000) },
    { "2026-11-22 13:00:10.5 UTC", NOON + USEC_PER_HOUR + UINT64_C(10500000) },
    { "2026-11-22 13:00 UTC", NOON + USEC_PER_HOUR },
    { "Sun 2026-11-22 13:00 UTC", NOON + USEC_PER_HOUR },
    { "sunday 2026-11-22 UTC", MIDNIGHT },
    { "2026-11-22 UTC", MIDNIGHT },
    { "03:12 UTC", MIDNIGHT + 3 * USEC_PER_HOUR + 12 * USEC_PER_MINUTE },
    { "3:12:04Z", MIDNIGHT + 3 * USEC_PER_HOUR + 12 * USEC_PER_MINUTE + 4 * USEC_PER_SEC },
    { "1970-01-01 UTC", 0 },
};

static const Row nowhere[] = {
    { "", USEC_INFINITY },
    { " ", USEC_INFINITY },
    { "soon", USEC_INFINITY },
    { "Now", USEC_INFINITY },
    { "22.11.2026", USEC_INFINITY },
    { "2026-11", USEC_INFINITY },
    { "2026-11-31", USEC_INFINITY },
    { "2026-02-29", USEC_INFINITY },
    { "2026-13-01", USEC_INFINITY },
    { "2026-00-01", USEC_INFINITY },
    { "2026-11-22 24:00", USEC_INFINITY },
    { "2026-11-22 12:60", USEC_INFINITY },
    { "2026-11-22 12:00:60", USEC_INFINITY },
    { "2026-11-22 12", USEC_INFINITY },
    { "2026-11-22 12:0", USEC_INFINITY },
    { "2026-11-22 12:00:", USEC_INFINITY },
    { "2026-11-22 12:00:00.", USEC_INFINITY },
    { "2026-11-22  12:00", USEC_INFINITY },
    { "2026-11-22 12:00 EET", USEC_INFINITY },
    { "2026-11-22 12:00 ", USEC_INFINITY },
    { "2026-11-22T", USEC_INFINITY },
    { "Mon 2026-11-22", USEC_INFINITY }, /* it is a Sunday */
    { "Sun", USEC_INFINITY },
    { "1969-12-31 UTC", USEC_INFINITY },
    { "ago", USEC_INFINITY },
    { " ago", USEC_INFINITY },
    { "-", USEC_INFINITY },
    { "--2h", USEC_INFINITY },
    { "-100y", USEC_INFINITY },
    { "@", USEC_INFINITY },
    { "@2h", USEC_INFINITY },
    { "@-1", USEC_INFINITY },
    { "+99999999999y", USEC_INFINITY },
};

Test(when, is_the_same_in_every_zone_if_it_names_one_or_needs_none)
{
    static const char *const zones[] = { "UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "NZST-12NZDT,M9.5.0,M4.1.0/3",
                                         "<-11>11" };
    for (size_t i = 0; i < ELEMENTSOF(zones); i++) {
        set_zone(zones[i]);
        expect(anywhere, ELEMENTSOF(anywhere), false);
        expect(nowhere, ELEMENTSOF(nowhere), false);
        expect(anywhere, ELEMENTSOF(anywhere), true);
    }
}

Test(when, is_local_without_a_zone)
{
    static const Row table[] = {
        { "2026-11-22 13:00", NOON },
        { "2026-11-22", MIDNIGHT - USEC_PER_HOUR },
        { "13:00", NOON },
        { "today", MIDNIGHT - USEC_PER_HOUR },
        { "yesterday", MIDNIGHT - USEC_PER_DAY - USEC_PER_HOUR },
        { "tomorrow", MIDNIGHT + USEC_PER_DAY - USEC_PER_HOUR },
        { "2026-07-01 14:00", UINT64_C(1782907200) * USEC_PER_SEC }, /* 12:00 UTC, in summer */
        { "Sun 2026-11-22 13:00:00 CET", NOON },
        { "2026-11-22 CET", MIDNIGHT - USEC_PER_HOUR },
        { "2026-10-25 02:30 CEST", UINT64_C(1792888200) * USEC_PER_SEC }, /* twice, with an hour between */
        { "2026-10-25 02:30 CET", UINT64_C(1792891800) * USEC_PER_SEC },
        { "2026-11-22 13:00 CE", USEC_INFINITY },
        { "2026-11-22 13:00CET", USEC_INFINITY },
        { "2026-03-29 02:30", UINT64_C(1774747800) * USEC_PER_SEC }, /* left out: 03:30 there, 01:30 UTC */
    };
    set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
    expect(table, ELEMENTSOF(table), false);
}

Test(when, is_in_utc_on_request)
{
    static const Row table[] = {
        { "2026-11-22 13:00", NOON + USEC_PER_HOUR },
        { "13:00", NOON + USEC_PER_HOUR },
        { "today", MIDNIGHT },
        { "yesterday", MIDNIGHT - USEC_PER_DAY },
    };
    set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
    expect(table, ELEMENTSOF(table), true);
}

/* Its name has a Z in it, and its day is another one than that of UTC. */
Test(when, zones_name_of_its_own_day)
{
    static const Row table[] = {
        { "00:05", NOON - 55 * USEC_PER_MINUTE },
        { "00:05 NZDT", NOON - 55 * USEC_PER_MINUTE },
        { "00:05:00.25 NZDT", NOON - 55 * USEC_PER_MINUTE + USEC_PER_SEC / 4 },
        { "00:05Z", MIDNIGHT + 5 * USEC_PER_MINUTE },
        { "00:05 UTC", MIDNIGHT + 5 * USEC_PER_MINUTE },
    };
    set_zone("NZST-12NZDT,M9.5.0,M4.1.0/3");
    expect(table, ELEMENTSOF(table), false);
}
