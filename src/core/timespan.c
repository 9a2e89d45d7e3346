/* SPDX-License-Identifier: MIT */
/* Time spans as people write them, in the syntax of systemd.time(7). */

#include "core/timespan.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/number.h"

#define BLANKS " \t\n\r"
#define DIGITS "0123456789"

/* systemd.time(7), "Parsing Time Spans". */
static const struct {
    char name[8]; /* not a pointer: a program that can lie anywhere writes each of them at its start */
    usec_t usec;
} units[] = {
    { "seconds", USEC_PER_SEC },
    { "second", USEC_PER_SEC },
    { "sec", USEC_PER_SEC },
    { "s", USEC_PER_SEC },
    { "", USEC_PER_SEC },
    { "minutes", USEC_PER_MINUTE },
    { "minute", USEC_PER_MINUTE },
    { "min", USEC_PER_MINUTE },
    { "m", USEC_PER_MINUTE },
    { "months", USEC_PER_MONTH },
    { "month", USEC_PER_MONTH },
    { "M", USEC_PER_MONTH },
    { "msec", USEC_PER_MSEC },
    { "ms", USEC_PER_MSEC },
    { "hours", USEC_PER_HOUR },
    { "hour", USEC_PER_HOUR },
    { "hr", USEC_PER_HOUR },
    { "h", USEC_PER_HOUR },
    { "days", USEC_PER_DAY },
    { "day", USEC_PER_DAY },
    { "d", USEC_PER_DAY },
    { "weeks", USEC_PER_WEEK },
    { "week", USEC_PER_WEEK },
    { "w", USEC_PER_WEEK },
    { "years", USEC_PER_YEAR },
    { "year", USEC_PER_YEAR },
    { "y", USEC_PER_YEAR },
    { "usec", 1 },
    { "us", 1 },
    { "\u00b5s", 1 }, /* micro sign */
    { "\u03bcs", 1 }, /* Greek mu */
};

static bool unit_find(const char *name, size_t length, usec_t *ret_usec)
{
    for (size_t i = 0; i < ELEMENTSOF(units); i++)
        if (strlen(units[i].name) == length && memcmp(units[i].name, name, length) == 0) {
            *ret_usec = units[i].usec;
            return true;
        }
    return false;
}

/* Adds digits x unit to *total. */
static int add_whole(const char *digits, size_t length, usec_t unit, usec_t *total)
{
    usec_t number = 0, usec;
    if (length > 0 && !number_take(digits, digits + length, &number))
        return -ERANGE;
    return __builtin_mul_overflow(number, unit, &usec) || __builtin_add_overflow(*total, usec, total)
               ? -ERANGE
               : 0;
}

/* The same for digits behind the point, each worth a tenth of the one before. */
static int add_fraction(const char *digits, size_t length, usec_t unit, usec_t *total)
{
    usec_t sum = 0;
    for (size_t i = 0; i < length && unit > 0; i++, unit /= 10)
        sum += (usec_t)(digits[i] - '0') * unit / 10;
    return __builtin_add_overflow(*total, sum, total) ? -ERANGE : 0;
}

/* One "1.5 min" at *text, which is moved behind it. */
static int parse_term(const char **text, usec_t *total)
{
    const char *whole = *text;
    size_t n_whole = strspn(whole, DIGITS);
    const char *fraction = whole + n_whole;
    size_t n_fraction = 0;
    if (*fraction == '.' && (n_fraction = strspn(++fraction, DIGITS)) == 0)
        return -EINVAL;
    if (n_whole + n_fraction == 0)
        return -EINVAL;

    const char *name = fraction + n_fraction;
    size_t blanks = strspn(name, BLANKS);
    name += blanks;
    size_t n_name = strcspn(name, BLANKS DIGITS ".");
    usec_t unit;
    if (!unit_find(name, n_name, &unit) || (n_name + blanks == 0 && *name)) /* the latter: 12.34.56 */
        return -EINVAL;
    *text = name + n_name + strspn(name + n_name, BLANKS);

    int r = add_whole(whole, n_whole, unit, total);
    return r < 0 ? r : add_fraction(fraction, n_fraction, unit, total);
}

int timespan_parse(const char *text, usec_t *ret_usec)
{
    usec_t total = 0;
    text += strspn(text, BLANKS);
    do {
        int r = parse_term(&text, &total);
        if (r < 0)
            return r;
    } while (*text);
    *ret_usec = total;
    return 0;
}

char *timespan_format(usec_t usec, char buffer[static TIMESPAN_TEXT_MAX])
{
    static const struct {
        const char *name;
        usec_t usec;
    } steps[] = { { "d", USEC_PER_DAY }, { "h", USEC_PER_HOUR },  { "min", USEC_PER_MINUTE },
                  { "s", USEC_PER_SEC }, { "ms", USEC_PER_MSEC }, { "us", 1 } };
    size_t length = 0;

    for (size_t i = 0; i < ELEMENTSOF(steps); i++)
        if (usec >= steps[i].usec) {
            length += (size_t)snprintf(buffer + length, TIMESPAN_TEXT_MAX - length, "%s%" PRI_USEC "%s",
                                       length > 0 ? " " : "", usec / steps[i].usec, steps[i].name);
            usec %= steps[i].usec;
        }
    if (length == 0)
        memcpy(buffer, "0", 2);
    return buffer;
}

char *timespan_format_short(usec_t usec, char buffer[static TIMESPAN_TEXT_MAX])
{
    usec_t tenths = usec % USEC_PER_SEC / (USEC_PER_SEC / 10);
    if (usec >= USEC_PER_DAY)
        return timespan_format(usec - usec % USEC_PER_HOUR, buffer);
    if (usec >= USEC_PER_HOUR)
        return timespan_format(usec - usec % USEC_PER_MINUTE, buffer);
    if (usec >= USEC_PER_MINUTE)
        return timespan_format(usec - usec % USEC_PER_SEC, buffer);
    if (usec < USEC_PER_SEC)
        return timespan_format(usec < USEC_PER_MSEC ? usec : usec - usec % USEC_PER_MSEC, buffer);
    snprintf(buffer, TIMESPAN_TEXT_MAX, tenths > 0 ? "%" PRI_USEC ".%" PRI_USEC "s" : "%" PRI_USEC "s",
             usec / USEC_PER_SEC, tenths);
    return buffer;
}

char *timespan_format_seconds(usec_t usec, char buffer[static TIMESPAN_TEXT_MAX])
{
    int n = snprintf(buffer, TIMESPAN_TEXT_MAX, "%" PRI_USEC ".%06" PRI_USEC, usec / USEC_PER_SEC,
                     usec % USEC_PER_SEC);
    while (buffer[n - 1] == '0')
        n--;
    buffer[buffer[n - 1] == '.' ? n - 1 : n] = '\0';
    return buffer;
}
