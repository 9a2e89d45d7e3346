/* SPDX-License-Identifier: MIT */
/* Points in time as people type them. */

#include "ctl/when.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "core/timespan.h"
#include "util/cleanup.h"
#include "util/number.h"

#define NO_WEEKDAY (-1)

/* What was typed, apart from a word for a day. */
typedef struct Moment {
    struct tm tm;
    usec_t fraction_usec;
    int weekday;
    bool utc;
    int isdst; /* as in struct tm: told by the name of the zone, or -1 */
} Moment;

static const char *take_character(const char *at, char wanted)
{
    return at && *at == wanted ? at + 1 : NULL;
}

static const char *take_date(const char *at, struct tm *tm)
{
    at = take_character(number_take_digits(at, 4, 4, &tm->tm_year), '-');
    at = take_character(number_take_digits(at, 2, 2, &tm->tm_mon), '-');
    at = number_take_digits(at, 2, 2, &tm->tm_mday);
    tm->tm_year -= 1900;
    tm->tm_mon -= 1;
    return at;
}

/* Up to six digits count, more are read and do not. */
static const char *take_fraction(const char *at, usec_t *ret_usec)
{
    usec_t unit = USEC_PER_SEC / 10;
    const char *begin = at;
    for (; *at >= '0' && *at <= '9'; at++, unit /= 10)
        *ret_usec += (usec_t)(*at - '0') * unit;
    return at > begin ? at : NULL;
}

static const char *take_time(const char *at, Moment *moment)
{
    at = take_character(number_take_digits(at, 1, 2, &moment->tm.tm_hour), ':');
    at = number_take_digits(at, 2, 2, &moment->tm.tm_min);
    if (at && *at == ':')
        at = number_take_digits(at + 1, 2, 2, &moment->tm.tm_sec);
    return at && *at == '.' ? take_fraction(at + 1, &moment->fraction_usec) : at;
}

static const char *take_weekday(const char *at, int *ret)
{
    static const char *const names[] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
                                         "Thursday", "Friday", "Saturday" };
    *ret = NO_WEEKDAY;
    size_t length = strcspn(at, " ");
    for (size_t i = 0; i < ELEMENTSOF(names); i++)
        if (at[length] == ' ' && (length == 3 || length == strlen(names[i])) &&
            strncasecmp(at, names[i], length) == 0) {
            *ret = (int)i;
            return at + length + 1;
        }
    return at;
}

static bool is_zone_utc(const char *at)
{
    return strcmp(at, "Z") == 0 || strcmp(at, " UTC") == 0;
}

/* The name of the local zone, as times are printed with it; it also tells the two hours apart that the end of
 * summer time makes one of. Returns what struct tm has for it, or -1 when it is another name. */
static int find_zone(const char *at)
{
    for (int i = 0; at[0] == ' ' && at[1] && i < 2; i++)
        if (strcmp(at + 1, tzname[i]) == 0)
            return i;
    return -1;
}

/* The day that it is, at its midnight; what a time without a date belongs to. */
static void set_today(usec_t now_usec, bool utc, struct tm *ret)
{
    time_t now = (time_t)(now_usec / USEC_PER_SEC);
    struct tm tm;
    utc ? gmtime_r(&now, &tm) : localtime_r(&now, &tm);
    *ret = (struct tm){ .tm_year = tm.tm_year, .tm_mon = tm.tm_mon, .tm_mday = tm.tm_mday };
}

/* Date, time or both. Returns 0 or -EINVAL. */
static int take_moment(const char *text, usec_t now_usec, bool utc, Moment *ret)
{
    Moment moment = { .utc = utc, .isdst = -1 };
    const char *at = take_weekday(text, &moment.weekday);
    const char *behind_date = take_date(at, &moment.tm);
    if (!behind_date) {
        const char *zone = take_time(at, &moment);
        if (!zone)
            return -EINVAL;
        set_today(now_usec, utc || is_zone_utc(zone), &moment.tm);
        moment.fraction_usec = 0;
        at = take_time(at, &moment);
    } else if ((*behind_date == ' ' && behind_date[1] >= '0' && behind_date[1] <= '9') || *behind_date == 'T')
        at = take_time(behind_date + 1, &moment);
    else
        at = behind_date;
    if (!at)
        return -EINVAL;
    moment.utc = utc || is_zone_utc(at);
    moment.isdst = moment.utc ? -1 : find_zone(at);
    if (*at && !is_zone_utc(at) && moment.isdst < 0)
        return -EINVAL;
    *ret = moment;
    return 0;
}

/* A 31st of June or a 24th hour would be taken for the time that comes after it. */
static bool exists(const Moment *moment)
{
    struct tm tm = moment->tm;
    timegm(&tm);
    return tm.tm_mon == moment->tm.tm_mon && tm.tm_mday == moment->tm.tm_mday &&
           tm.tm_hour == moment->tm.tm_hour && tm.tm_min == moment->tm.tm_min &&
           tm.tm_sec == moment->tm.tm_sec && (moment->weekday == NO_WEEKDAY || moment->weekday == tm.tm_wday);
}

static int moment_usec(const Moment *moment, usec_t *ret_usec)
{
    struct tm tm = moment->tm;
    tm.tm_isdst = moment->isdst;
    time_t seconds = moment->utc ? timegm(&tm) : mktime(&tm);
    if (seconds < 0)
        return -EINVAL;
    *ret_usec = (usec_t)seconds * USEC_PER_SEC + moment->fraction_usec;
    return 0;
}

/* "now", "today" and its neighbours. Returns 0, or -EINVAL when it is none of them. */
static int take_word(const char *text, usec_t now_usec, bool utc, usec_t *ret_usec)
{
    static const struct {
        const char *name;
        int days;
    } words[] = { { "yesterday", -1 }, { "today", 0 }, { "tomorrow", 1 } };
    if (strcmp(text, "now") == 0) {
        *ret_usec = now_usec;
        return 0;
    }
    for (size_t i = 0; i < ELEMENTSOF(words); i++)
        if (strcmp(text, words[i].name) == 0) {
            Moment moment = { .utc = utc, .isdst = -1 };
            set_today(now_usec, utc, &moment.tm);
            moment.tm.tm_mday += words[i].days; /* mktime(3) makes a date of the 0th or the 32nd */
            return moment_usec(&moment, ret_usec);
        }
    return -EINVAL;
}

/* No span that anybody means is as long. */
#define SPAN_TEXT_MAX 256

/* "-2h", "+5min", "2h ago", "@1795352410". Returns 0, or -EINVAL when it is none of them. */
static int take_relative(const char *text, usec_t now_usec, usec_t *ret_usec)
{
    static const char ago[] = " ago";
    size_t length = strlen(text);
    bool past = length > strlen(ago) && strcmp(text + length - strlen(ago), ago) == 0;
    if (!past && !strchr("+-@", text[0]))
        return -EINVAL;
    char span[SPAN_TEXT_MAX];
    usec_t usec;
    if (length >= sizeof(span))
        return -EINVAL;
    snprintf(span, sizeof(span), "%.*s", (int)(past ? length - strlen(ago) : length), past ? text : text + 1);
    if (timespan_parse(span, &usec) < 0)
        return -EINVAL;
    if (text[0] == '@' && !past) {
        if (strspn(span, "0123456789.") != strlen(span))
            return -EINVAL;
        *ret_usec = usec;
        return 0;
    }
    if (past || text[0] == '-')
        return __builtin_sub_overflow(now_usec, usec, ret_usec) ? -EINVAL : 0;
    return __builtin_add_overflow(now_usec, usec, ret_usec) ? -EINVAL : 0;
}

int when_parse(const char *text, usec_t now_usec, bool utc, usec_t *ret_realtime_usec)
{
    Moment moment;
    usec_t usec;
    tzset(); /* localtime_r(3) need not */
    int r = text[0] ? take_word(text, now_usec, utc, &usec) : -EINVAL;
    if (r < 0 && text[0])
        r = take_relative(text, now_usec, &usec);
    if (r < 0) {
        r = take_moment(text, now_usec, utc, &moment);
        if (r == 0)
            r = exists(&moment) ? moment_usec(&moment, &usec) : -EINVAL;
    }
    if (r == 0)
        *ret_realtime_usec = usec;
    return r;
}
