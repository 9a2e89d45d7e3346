/* SPDX-License-Identifier: MIT */
/* Points in time as text. */

#include "core/timestamp.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "util/number.h"

#define LAST_USEC (TIMESTAMP_LAST_SEC * USEC_PER_SEC + USEC_PER_SEC - 1)

/* Decimal digits with leading zeros. Returns where they end. */
static char *put_digits(char *at, unsigned number, unsigned count)
{
    for (unsigned i = count; i > 0; i--, number /= 10)
        at[i - 1] = (char)('0' + number % 10);
    return at + count;
}

/* The calendar by hand: gmtime_r(3) and timegm(3) read the file of the local time zone first, which a time in
 * UTC does not need, and a start would wait for.
 *
 * Years are counted from March, so that the leap day is the last of its year, and months come in runs of five
 * with 153 days each. 400 years have 146,097 days; before 1970 there were 719,468 since March of the year 0.
 */
#define DAYS_BEFORE_1970 719468U
#define DAYS_IN_400_YEARS 146097U

typedef struct Date {
    unsigned year, month, day; /* month and day from 1 */
} Date;

static unsigned days_before_year(unsigned year)
{
    return year * 365 + year / 4 - year / 100 + year / 400;
}

static unsigned days_before_month(unsigned months_since_march)
{
    return (months_since_march * 153 + 2) / 5;
}

static Date date_of(unsigned days_since_1970)
{
    unsigned days = days_since_1970 + DAYS_BEFORE_1970;
    unsigned year = (unsigned)((uint64_t)days * 400 / DAYS_IN_400_YEARS);
    if (days_before_year(year + 1) <= days) /* a year is not 365.2425 days long, but on the average */
        year++;
    unsigned day = days - days_before_year(year), month = (day * 5 + 2) / 153;
    return (Date){
        .year = year + (month >= 10),
        .month = month < 10 ? month + 3 : month - 9,
        .day = day - days_before_month(month) + 1,
    };
}

static unsigned days_since_1970(Date date)
{
    bool early = date.month < 3; /* of the year that began in March */
    return days_before_year(date.year - early) + days_before_month(early ? date.month + 9 : date.month - 3) +
           date.day - 1 - DAYS_BEFORE_1970;
}

char *timestamp_format(usec_t realtime_usec, char buffer[static TIMESTAMP_TEXT_MAX])
{
    if (realtime_usec > LAST_USEC)
        realtime_usec = LAST_USEC;
    unsigned day_msec = (unsigned)(realtime_usec % USEC_PER_DAY / USEC_PER_MSEC);
    Date date = date_of((unsigned)(realtime_usec / USEC_PER_DAY));

    char *at = put_digits(buffer, date.year, 4);
    *at++ = '-';
    at = put_digits(at, date.month, 2);
    *at++ = '-';
    at = put_digits(at, date.day, 2);
    *at++ = 'T';
    at = put_digits(at, day_msec / 3600000, 2);
    *at++ = ':';
    at = put_digits(at, day_msec / 60000 % 60, 2);
    *at++ = ':';
    at = put_digits(at, day_msec / 1000 % 60, 2);
    *at++ = '.';
    at = put_digits(at, day_msec % 1000, 3);
    *at++ = 'Z';
    *at = '\0';
    return buffer;
}

/* Takes digits and the character behind them. Returns where it ends, or NULL. */
static const char *take_part(const char *at, unsigned count, char behind, int *ret)
{
    at = number_take_digits(at, count, count, ret);
    return at && *at == behind ? at + 1 : NULL;
}

int timestamp_parse(const char *text, usec_t *ret_realtime_usec)
{
    int year, month, day, hour, minute, second, msec;
    char again[TIMESTAMP_TEXT_MAX];
    const char *at = take_part(text, 4, '-', &year);
    at = take_part(at, 2, '-', &month);
    at = take_part(at, 2, 'T', &day);
    at = take_part(at, 2, ':', &hour);
    at = take_part(at, 2, ':', &minute);
    at = take_part(at, 2, '.', &second);
    at = take_part(at, 3, 'Z', &msec);
    if (!at || *at != '\0' || year < 1970 || month < 1 || month > 12 || day < 1)
        return -EINVAL;
    usec_t usec = days_since_1970((Date){ (unsigned)year, (unsigned)month, (unsigned)day }) * USEC_PER_DAY +
                  (usec_t)hour * USEC_PER_HOUR + (usec_t)minute * USEC_PER_MINUTE +
                  (usec_t)second * USEC_PER_SEC + (usec_t)msec * USEC_PER_MSEC;
    /* A 31st of June, which is the 1st of July here, comes back as another text. */
    if (strcmp(timestamp_format(usec, again), text) != 0)
        return -EINVAL;
    *ret_realtime_usec = usec;
    return 0;
}
