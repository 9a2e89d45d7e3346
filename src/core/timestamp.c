/* SPDX-License-Identifier: MIT */
/* Points in time as text. */

#include "core/timestamp.h"

#include <time.h>

#define LAST_OF_YEAR_9999 (UINT64_C(253402300799) * USEC_PER_SEC + 999999)

/* Decimal digits with leading zeros. Returns where they end. */
static char *put_digits(char *at, unsigned number, unsigned count)
{
    for (unsigned i = count; i > 0; i--, number /= 10)
        at[i - 1] = (char)('0' + number % 10);
    return at + count;
}

char *timestamp_format(usec_t realtime_usec, char buffer[static TIMESTAMP_TEXT_MAX])
{
    if (realtime_usec > LAST_OF_YEAR_9999)
        realtime_usec = LAST_OF_YEAR_9999;
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
