/* SPDX-License-Identifier: MIT */
#pragma once
/* Days, weeks, months and years of the local zone or of UTC, which are as long as they are: a day may have 23
 * hours, or 25. */

#include <stdbool.h>
#include <stddef.h>

#include "util/usec.h"

/* Of a day without a change of the clocks. */
#define CALENDAR_DAY_SECONDS 86400

typedef enum CalendarUnit {
    CALENDAR_ALL, /* all time is one */
    CALENDAR_DAY,
    CALENDAR_WEEK, /* from Monday on, as ISO 8601 counts them */
    CALENDAR_MONTH,
    CALENDAR_YEAR,
} CalendarUnit;

/* The unit that a CLOCK_REALTIME of up to the year 9999 lies in: *ret_begin_usec <= realtime_usec <
 * *ret_end_usec. */
void calendar_find(CalendarUnit unit, bool utc, usec_t realtime_usec, usec_t *ret_begin_usec,
                   usec_t *ret_end_usec);

/* "2026-11-22", "2026-W47", "2026-11", "2026"; "all". Returns buffer. */
#define CALENDAR_TEXT_MAX 32
char *calendar_name(CalendarUnit unit, bool utc, usec_t begin_usec, char buffer[static CALENDAR_TEXT_MAX]);

/* When a clock on the wall shows so many seconds since midnight, of the day that is `days` after the one of
 * realtime_usec: the first time if it does so twice; if it never does, when the clocks were set forward over
 * it. seconds may be up to two days, for a time on the next one. */
usec_t calendar_time(bool utc, usec_t realtime_usec, int days, int seconds);

/* When the clocks on the wall are changed, the first time after from_usec; until_usec if they are not until
 * then. In between they go on as time does. Looks at each day. */
usec_t calendar_change(bool utc, usec_t from_usec, usec_t until_usec);

/* The weekday of a CLOCK_REALTIME; 0 is Sunday. */
unsigned calendar_weekday(bool utc, usec_t realtime_usec);

/* Seconds since midnight that a clock on the wall shows, and the day of the month from 1 on. */
void calendar_clock(bool utc, usec_t realtime_usec, unsigned *ret_seconds, unsigned *ret_day);

/* "day" and so on; -EINVAL for a word that is none of them. */
int calendar_unit_from_name(const char *name);
const char *calendar_unit_name(CalendarUnit unit);
