/* SPDX-License-Identifier: MIT */
/* Points in time as text. */

#include "core/timestamp.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "util/number.h"

#define LAST_USEC (TIMESTAMP_LAST_SEC * USEC_PER_SEC + USEC_PER_SEC - 1)

/* Decimal digits with leading zeros. Returns where they end. */
static char *put_digits(char *at, unsigned number, unsigned count)
{
    for (unsigned i = count; i > 0; i--, number /= 10)
        at[i - 1] = (char)('0' + number % 10);
    return at + count;
}

char *timestamp_format(usec_t realtime_usec, char buffer[static TIMESTAMP_TEXT_MAX])
{
    if (realtime_usec > LAST_USEC)
        realtime_usec = LAST_USEC;
    time_t seconds = (time_t)(realtime_usec / USEC_PER_SEC);
    struct tm tm;
    gmtime_r(&seconds, &tm);

    char *at = put_digits(buffer, (unsigned)tm.tm_year + 1900, 4);
    *at++ = '-';
    at = put_digits(at, (unsigned)tm.tm_mon + 1, 2);
    *at++ = '-';
    at = put_digits(at, (unsigned)tm.tm_mday, 2);
    *at++ = 'T';
    at = put_digits(at, (unsigned)tm.tm_hour, 2);
    *at++ = ':';
    at = put_digits(at, (unsigned)tm.tm_min, 2);
    *at++ = ':';
    at = put_digits(at, (unsigned)tm.tm_sec, 2);
    *at++ = '.';
    at = put_digits(at, (unsigned)(realtime_usec % USEC_PER_SEC / USEC_PER_MSEC), 3);
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
    struct tm tm = { 0 };
    char again[TIMESTAMP_TEXT_MAX];
    int msec = 0;
    const char *at = take_part(text, 4, '-', &tm.tm_year);
    at = take_part(at, 2, '-', &tm.tm_mon);
    at = take_part(at, 2, 'T', &tm.tm_mday);
    at = take_part(at, 2, ':', &tm.tm_hour);
    at = take_part(at, 2, ':', &tm.tm_min);
    at = take_part(at, 2, '.', &tm.tm_sec);
    at = take_part(at, 3, 'Z', &msec);
    if (!at || *at != '\0' || tm.tm_year < 1970)
        return -EINVAL;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    usec_t usec = (usec_t)timegm(&tm) * USEC_PER_SEC + (usec_t)msec * USEC_PER_MSEC;
    /* A 31st of June, which timegm() takes for the 1st of July, comes back as another text. */
    if (strcmp(timestamp_format(usec, again), text) != 0)
        return -EINVAL;
    *ret_realtime_usec = usec;
    return 0;
}
