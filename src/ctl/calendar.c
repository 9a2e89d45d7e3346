/* SPDX-License-Identifier: MIT */
/* Days, weeks, months and years. */

#include "ctl/calendar.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/timestamp.h"
#include "util/cleanup.h"
#include "util/text.h"

static const char *const unit_names[] = {
    [CALENDAR_ALL] = "all",     [CALENDAR_DAY] = "day",   [CALENDAR_WEEK] = "week",
    [CALENDAR_MONTH] = "month", [CALENDAR_YEAR] = "year",
};

static void break_down(bool utc, time_t seconds, struct tm *ret)
{
    utc ? gmtime_r(&seconds, ret) : localtime_r(&seconds, ret);
}

static time_t to_seconds(usec_t usec)
{
    usec_t seconds = usec / USEC_PER_SEC;
    return (time_t)(seconds < TIMESTAMP_LAST_SEC ? seconds : TIMESTAMP_LAST_SEC);
}

static usec_t to_usec(time_t seconds)
{
    return seconds > 0 ? (usec_t)seconds * USEC_PER_SEC : 0;
}

/* Seconds that the wall is ahead of UTC. */
static long offset_at(bool utc, time_t seconds)
{
    struct tm tm;
    break_down(utc, seconds, &tm);
    return tm.tm_gmtoff;
}

/* The first moment after the first of two whose offset is another one; there is one, the second at last. */
static time_t find_change(bool utc, time_t from, time_t to)
{
    long offset = offset_at(utc, from);
    while (to - from > 1) {
        time_t middle = from + (to - from) / 2;
        if (offset_at(utc, middle) == offset)
            from = middle;
        else
            to = middle;
    }
    return to;
}

/* The first moment that a clock on the wall shows as a date and a time, which need not be in range. mktime(3)
 * would leave it to the libc which of two that is, and what becomes of one that the clocks leave out: here
 * that is the moment at which they do. No zone is a day from UTC, and none changes twice in two days. */
static time_t first_moment(bool utc, const struct tm *wanted)
{
    struct tm normal = *wanted;
    time_t shown = timegm(&normal);
    long before = offset_at(utc, shown - CALENDAR_DAY_SECONDS);
    long after = offset_at(utc, shown + CALENDAR_DAY_SECONDS);
    if (offset_at(utc, shown - before) == before)
        return shown - before;
    if (offset_at(utc, shown - after) == after)
        return shown - after;
    return find_change(utc, shown - after, shown - before);
}

/* The date on which a unit begins, or the one after it does. */
static time_t begin_of(CalendarUnit unit, bool utc, const struct tm *tm, int next)
{
    struct tm begin = { .tm_year = tm->tm_year, .tm_mon = tm->tm_mon, .tm_mday = tm->tm_mday };
    if (unit == CALENDAR_WEEK)
        begin.tm_mday -= (tm->tm_wday + 6) % 7;
    if (unit >= CALENDAR_MONTH)
        begin.tm_mday = 1;
    if (unit == CALENDAR_YEAR)
        begin.tm_mon = 0;
    if (unit == CALENDAR_DAY)
        begin.tm_mday += next;
    else if (unit == CALENDAR_WEEK)
        begin.tm_mday += 7 * next;
    else if (unit == CALENDAR_MONTH)
        begin.tm_mon += next;
    else
        begin.tm_year += next;
    return first_moment(utc, &begin);
}

void calendar_find(CalendarUnit unit, bool utc, usec_t realtime_usec, usec_t *ret_begin_usec,
                   usec_t *ret_end_usec)
{
    struct tm tm;
    time_t seconds = to_seconds(realtime_usec);
    *ret_begin_usec = 0;
    *ret_end_usec = USEC_INFINITY;
    if (unit == CALENDAR_ALL)
        return;
    break_down(utc, seconds, &tm);
    usec_t begin_usec = to_usec(begin_of(unit, utc, &tm, 0)), end_usec = to_usec(begin_of(unit, utc, &tm, 1));
    /* Of the year 9999 and later. */
    *ret_begin_usec = begin_usec <= realtime_usec ? begin_usec : realtime_usec;
    *ret_end_usec = end_usec > realtime_usec ? end_usec : realtime_usec + USEC_PER_HOUR;
}

char *calendar_name(CalendarUnit unit, bool utc, usec_t begin_usec, char buffer[static CALENDAR_TEXT_MAX])
{
    struct tm tm;
    size_t n = 0;
    break_down(utc, to_seconds(begin_usec), &tm);
    if (unit == CALENDAR_DAY)
        n = strftime(buffer, CALENDAR_TEXT_MAX, "%Y-%m-%d", &tm);
    else if (unit == CALENDAR_WEEK)
        n = strftime(buffer, CALENDAR_TEXT_MAX, "%G-W%V", &tm);
    else if (unit == CALENDAR_MONTH)
        n = strftime(buffer, CALENDAR_TEXT_MAX, "%Y-%m", &tm);
    else if (unit == CALENDAR_YEAR)
        n = strftime(buffer, CALENDAR_TEXT_MAX, "%Y", &tm);
    if (n == 0)
        memcpy(buffer, "all", 4);
    return buffer;
}

usec_t calendar_time(bool utc, usec_t realtime_usec, int days, int seconds)
{
    struct tm tm;
    break_down(utc, to_seconds(realtime_usec), &tm);
    struct tm day = { .tm_year = tm.tm_year,
                      .tm_mon = tm.tm_mon,
                      .tm_mday = tm.tm_mday + days + seconds / CALENDAR_DAY_SECONDS,
                      .tm_hour = seconds % CALENDAR_DAY_SECONDS / 3600,
                      .tm_min = seconds % 3600 / 60,
                      .tm_sec = seconds % 60 };
    return to_usec(first_moment(utc, &day));
}

usec_t calendar_change(bool utc, usec_t from_usec, usec_t until_usec)
{
    time_t from = to_seconds(from_usec), until = to_seconds(until_usec);
    while (!utc && from < until) {
        time_t next = until - from > CALENDAR_DAY_SECONDS ? from + CALENDAR_DAY_SECONDS : until;
        if (offset_at(utc, next) != offset_at(utc, from))
            return to_usec(find_change(utc, from, next));
        from = next;
    }
    return until_usec;
}

unsigned calendar_weekday(bool utc, usec_t realtime_usec)
{
    struct tm tm;
    break_down(utc, to_seconds(realtime_usec), &tm);
    return (unsigned)tm.tm_wday;
}

void calendar_clock(bool utc, usec_t realtime_usec, unsigned *ret_seconds, unsigned *ret_day)
{
    struct tm tm;
    break_down(utc, to_seconds(realtime_usec), &tm);
    *ret_seconds = (unsigned)(tm.tm_hour * 3600 + tm.tm_min * 60 + (tm.tm_sec < 60 ? tm.tm_sec : 59));
    *ret_day = (unsigned)tm.tm_mday;
}

int calendar_unit_from_name(const char *name)
{
    int unit = text_find(unit_names, ELEMENTSOF(unit_names), name);
    return unit == CALENDAR_ALL ? -EINVAL : unit;
}

const char *calendar_unit_name(CalendarUnit unit)
{
    return unit_names[unit];
}
