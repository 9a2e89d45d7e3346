/* SPDX-License-Identifier: MIT */
/* Times that a report leaves out. */

#include "ctl/exclusion.h"

#include <string.h>
#include <strings.h>

#include "ctl/calendar.h"
#include "ctl/when.h"
#include "util/cleanup.h"
#include "util/number.h"

#define ALL_WEEKDAYS 0x7fU
#define TEXT_MAX 256

/* How far ahead of a day is looked for the next beginning: a week, and another one if a change of the clocks
 * leaves it out. */
#define DAYS_AHEAD 14

/* "Sun", "sunday". Returns behind it, or NULL. */
static const char *take_weekday(const char *at, unsigned *ret)
{
    static const char *const names[] = { "sunday",   "monday", "tuesday", "wednesday",
                                         "thursday", "friday", "saturday" };
    size_t length = strcspn(at, ", .");
    for (unsigned i = 0; i < ELEMENTSOF(names); i++)
        if ((length == 3 || length == strlen(names[i])) && strncasecmp(at, names[i], length) == 0) {
            *ret = i;
            return at + length;
        }
    return NULL;
}

/* "Mon", "Fri..Mon". */
static const char *take_weekday_range(const char *at, unsigned *ret_set)
{
    unsigned first = 0;
    at = take_weekday(at, &first);
    unsigned last = first;
    if (at && strncmp(at, "..", 2) == 0)
        at = take_weekday(at + 2, &last);
    if (!at)
        return NULL;
    for (unsigned day = first;; day = (day + 1) % 7) {
        *ret_set |= 1U << day;
        if (day == last)
            return at;
    }
}

/* "Mon..Fri,Sun " or nothing. */
static const char *take_weekdays(const char *at, unsigned *ret_set)
{
    unsigned set = 0;
    const char *begin = at;
    do {
        at = take_weekday_range(begin == at ? at : at + 1, &set);
    } while (at && *at == ',');
    *ret_set = at && *at == ' ' ? set : ALL_WEEKDAYS;
    return at && *at == ' ' ? at + strspn(at, " ") : begin;
}

/* "02:00", "02:00:30", "24:00". */
static const char *take_clock(const char *at, int *ret_seconds)
{
    int hour, minute, second = 0;
    at = number_take_digits(at, 1, 2, &hour);
    at = at && *at == ':' ? number_take_digits(at + 1, 2, 2, &minute) : NULL;
    if (at && *at == ':')
        at = number_take_digits(at + 1, 2, 2, &second);
    if (!at || minute > 59 || second > 59 || hour > 24 || (hour == 24 && minute + second > 0))
        return NULL;
    *ret_seconds = hour * 3600 + minute * 60 + second;
    return at;
}

static const char *take_dots(const char *at)
{
    if (!at)
        return NULL;
    at += strspn(at, " ");
    return strncmp(at, "..", 2) == 0 ? at + 2 + strspn(at + 2, " ") : NULL;
}

static int parse_recurring(const char *text, Exclusion *ret)
{
    Exclusion found = { .recurring = true };
    const char *at = take_weekdays(text, &found.weekdays);
    at = take_dots(take_clock(at, &found.from_seconds));
    at = at ? take_clock(at, &found.to_seconds) : NULL;
    if (!at || at[strspn(at, " ")] != '\0' || found.from_seconds == found.to_seconds ||
        found.from_seconds == CALENDAR_DAY_SECONDS)
        return -EINVAL;
    if (found.to_seconds < found.from_seconds)
        found.to_seconds += CALENDAR_DAY_SECONDS;
    *ret = found;
    return 0;
}

/* "2:00", "Mon 02:00:00.5 UTC": whoever writes that means every day, and would get a stretch of today. */
static bool is_clock_alone(const char *text)
{
    const char *digits = text + strcspn(text, "0123456789");
    return digits[strspn(digits, "0123456789")] == ':';
}

static int parse_time(const char *begin, size_t length, usec_t now_usec, bool utc, usec_t *ret_usec)
{
    char text[TEXT_MAX];
    if (length >= sizeof(text))
        return -EINVAL;
    memcpy(text, begin, length);
    while (length > 0 && text[length - 1] == ' ')
        length--;
    text[length] = '\0';
    return is_clock_alone(text) ? -EINVAL : when_parse(text, now_usec, utc, ret_usec);
}

int exclusion_parse(const char *text, usec_t now_usec, bool utc, Exclusion *ret)
{
    Exclusion found = { 0 };
    text += strspn(text, " ");
    if (parse_recurring(text, ret) == 0)
        return 0;
    const char *dots = strstr(text, "..");
    const char *behind = take_dots(dots);
    if (!behind || parse_time(text, (size_t)(dots - text), now_usec, utc, &found.from_usec) < 0 ||
        parse_time(behind, strlen(behind), now_usec, utc, &found.to_usec) < 0 ||
        found.from_usec >= found.to_usec)
        return -EINVAL;
    *ret = found;
    return 0;
}

static bool holds(usec_t from_usec, usec_t to_usec, usec_t at_usec, usec_t *ret_until_usec)
{
    if (from_usec <= at_usec && at_usec < to_usec) {
        *ret_until_usec = to_usec;
        return true;
    }
    if (from_usec > at_usec && from_usec < to_usec && from_usec < *ret_until_usec)
        *ret_until_usec = from_usec;
    return false;
}

static bool recurs(const Exclusion *exclusion, bool utc, usec_t at_usec, usec_t *ret_until_usec)
{
    unsigned today = calendar_weekday(utc, at_usec);
    *ret_until_usec = USEC_INFINITY;
    for (int day = exclusion->to_seconds > CALENDAR_DAY_SECONDS ? -1 : 0; day <= DAYS_AHEAD; day++) {
        if (!(exclusion->weekdays & 1U << (today + 7U + (unsigned)day) % 7))
            continue;
        usec_t from_usec = calendar_time(utc, at_usec, day, exclusion->from_seconds);
        usec_t to_usec = calendar_time(utc, at_usec, day, exclusion->to_seconds);
        if (holds(from_usec, to_usec, at_usec, ret_until_usec))
            return true;
        if (*ret_until_usec != USEC_INFINITY)
            return false;
    }
    return false;
}

/* The calendar is asked but once for each window and for each time between two. */
static bool recurs_still(Exclusion *exclusion, bool utc, usec_t at_usec, usec_t *ret_until_usec)
{
    if (at_usec < exclusion->known_from_usec || at_usec >= exclusion->known_until_usec) {
        exclusion->known_held = recurs(exclusion, utc, at_usec, &exclusion->known_until_usec);
        exclusion->known_from_usec = at_usec;
    }
    *ret_until_usec = exclusion->known_until_usec;
    return exclusion->known_held;
}

bool exclusions_hold(Exclusion *exclusions, size_t count, bool utc, usec_t realtime_usec,
                     usec_t *ret_until_usec)
{
    usec_t inside_usec = 0, outside_usec = USEC_INFINITY;
    for (size_t i = 0; i < count; i++) {
        usec_t until_usec = USEC_INFINITY;
        Exclusion *exclusion = &exclusions[i];
        bool held = exclusion->recurring
                        ? recurs_still(exclusion, utc, realtime_usec, &until_usec)
                        : holds(exclusion->from_usec, exclusion->to_usec, realtime_usec, &until_usec);
        if (held && until_usec > inside_usec)
            inside_usec = until_usec;
        else if (!held && until_usec < outside_usec)
            outside_usec = until_usec;
    }
    *ret_until_usec = inside_usec > 0 ? inside_usec : outside_usec;
    return inside_usec > 0;
}
