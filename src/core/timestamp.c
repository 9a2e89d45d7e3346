/* SPDX-License-Identifier: MIT */
/* Points in time as text. */

#include "core/timestamp.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

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

/* A number of so many digits; *good only stays true if they are digits. */
static unsigned digits_at(const char *text, unsigned count, bool *good)
{
    unsigned number = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned digit = (unsigned char)text[i] - (unsigned)'0';
        *good &= digit <= 9;
        number = number * 10 + digit;
    }
    return number;
}

static bool is_date(Date date)
{
    if (date.year < 1970 || date.month < 1 || date.month > 12 || date.day < 1)
        return false;
    if (date.day <= 28)
        return true;
    Date again = date_of(days_since_1970(date)); /* a 31st of June comes back as another one */
    return date.year == again.year && date.month == again.month && date.day == again.day;
}

int timestamp_parse(const char *text, usec_t *ret_realtime_usec)
{
    if (strnlen(text, TIMESTAMP_TEXT_MAX) != TIMESTAMP_TEXT_MAX - 1)
        return -EINVAL;
    bool good = text[4] == '-' && text[7] == '-' && text[10] == 'T' && text[13] == ':' && text[16] == ':' &&
                text[19] == '.' && text[23] == 'Z';
    Date date = { digits_at(text, 4, &good), digits_at(text + 5, 2, &good), digits_at(text + 8, 2, &good) };
    unsigned hour = digits_at(text + 11, 2, &good), minute = digits_at(text + 14, 2, &good);
    unsigned second = digits_at(text + 17, 2, &good), msec = digits_at(text + 20, 3, &good);
    if (!good || !is_date(date) || hour > 23 || minute > 59 || second > 59)
        return -EINVAL;
    *ret_realtime_usec = days_since_1970(date) * USEC_PER_DAY + hour * USEC_PER_HOUR +
                         minute * USEC_PER_MINUTE + second * USEC_PER_SEC + msec * USEC_PER_MSEC;
    return 0;
}
