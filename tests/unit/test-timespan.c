/* SPDX-License-Identifier: MIT */
/* Time spans: what systemd.time(7) has them mean, and what is none. */

#include "core/timespan.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "util/cleanup.h"

#define UNTOUCHED 4711

/* Whatever is not taken here, systemd-analyze(1) "timespan" does not take either, but for infinity. */
Test(timespan, is_read_as_systemd_reads_it_or_refused)
{
    static const struct {
        const char *text;
        int result;
        usec_t usec;
    } table[] = {
        { "10s", 0, 10 * USEC_PER_SEC },
        { "10", 0, 10 * USEC_PER_SEC },
        { "0", 0, 0 },
        { "007", 0, 7 * USEC_PER_SEC },
        { "1min 30s", 0, 90 * USEC_PER_SEC },
        { "1min30s", 0, 90 * USEC_PER_SEC },
        { "30s 1min", 0, 90 * USEC_PER_SEC },
        { "1s 1s", 0, 2 * USEC_PER_SEC },
        { "5 5", 0, 10 * USEC_PER_SEC },
        { " \t10 \t s\n", 0, 10 * USEC_PER_SEC },
        { "500ms", 0, 500 * USEC_PER_MSEC },
        { "500msec", 0, 500 * USEC_PER_MSEC },
        { "1us", 0, 1 },
        { "1usec", 0, 1 },
        { "1\u00b5s", 0, 1 },
        { "1\u03bcs", 0, 1 },
        { "2seconds 2second 2sec 2s", 0, 8 * USEC_PER_SEC },
        { "2minutes 2minute 2min 2m", 0, 8 * USEC_PER_MINUTE },
        { "2hours 2hour 2hr 2h", 0, 8 * USEC_PER_HOUR },
        { "2days 2day 2d", 0, 6 * USEC_PER_DAY },
        { "2weeks 2week 2w", 0, 6 * USEC_PER_WEEK },
        { "2months 2month 2M", 0, 6 * USEC_PER_MONTH },
        { "2years 2year 2y", 0, 6 * USEC_PER_YEAR },
        { "1y 12M", 0, 2 * USEC_PER_YEAR },
        { "1.5h", 0, 90 * USEC_PER_MINUTE },
        { ".7", 0, 700 * USEC_PER_MSEC },
        { "0.7", 0, 700 * USEC_PER_MSEC },
        { "1.000001", 0, 1000001 },
        { "1.0000019", 0, 1000001 },
        { "0.0000009", 0, 0 },
        { "0.00000000000000000000000000000000000000000000000000000001y", 0, 0 },
        { "18446744073709551615us", 0, UINT64_MAX },
        { "18446744073709551614us 1us", 0, UINT64_MAX },

        { "18446744073709551616us", -ERANGE, UNTOUCHED },
        { "18446744073709551615us 1us", -ERANGE, UNTOUCHED },
        { "18446744073709551615us 0.000001s", -ERANGE, UNTOUCHED },
        { "18446744073709551615s", -ERANGE, UNTOUCHED },
        { "99999999999999999999999999999999999999", -ERANGE, UNTOUCHED },
        { "1111111111111.1y", -ERANGE, UNTOUCHED },
        { "", -EINVAL, UNTOUCHED },
        { " ", -EINVAL, UNTOUCHED },
        { ".", -EINVAL, UNTOUCHED },
        { ".s", -EINVAL, UNTOUCHED },
        { "s", -EINVAL, UNTOUCHED },
        { "3.", -EINVAL, UNTOUCHED },
        { "3.s", -EINVAL, UNTOUCHED },
        { "3. 1s", -EINVAL, UNTOUCHED },
        { "3.+1s", -EINVAL, UNTOUCHED },
        { "12.34.56", -EINVAL, UNTOUCHED },
        { "12..34", -EINVAL, UNTOUCHED },
        { "..1234", -EINVAL, UNTOUCHED },
        { "1234..", -EINVAL, UNTOUCHED },
        { "-5s", -EINVAL, UNTOUCHED },
        { "-.5s", -EINVAL, UNTOUCHED },
        { "+5s", -EINVAL, UNTOUCHED },
        { "1s-1s", -EINVAL, UNTOUCHED },
        { "5x", -EINVAL, UNTOUCHED },
        { "5S", -EINVAL, UNTOUCHED },
        { "5sx", -EINVAL, UNTOUCHED },
        { "5 s s", -EINVAL, UNTOUCHED },
        { "5mins", -EINVAL, UNTOUCHED },
        { "0x10", -EINVAL, UNTOUCHED },
        { "1e3", -EINVAL, UNTOUCHED },
        { "10,5s", -EINVAL, UNTOUCHED },
        { "10s;", -EINVAL, UNTOUCHED },
        { "\v10s", -EINVAL, UNTOUCHED },
        { "1\xc2s", -EINVAL, UNTOUCHED },
        { "1\xb5s", -EINVAL, UNTOUCHED },
        { "infinity", -EINVAL, UNTOUCHED },
        { "nan", -EINVAL, UNTOUCHED },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        usec_t usec = UNTOUCHED;
        int r = timespan_parse(table[i].text, &usec);
        cr_expect_eq(r, table[i].result, "\"%s\": %d", table[i].text, r);
        cr_expect_eq(usec, table[i].usec, "\"%s\": %" PRI_USEC, table[i].text, usec);
    }
}

Test(timespan, is_written_in_the_shortest_form)
{
    static const struct {
        usec_t usec;
        const char *text;
    } table[] = {
        { 0, "0" },
        { 1, "1us" },
        { 999, "999us" },
        { USEC_PER_MSEC, "1ms" },
        { 10 * USEC_PER_SEC, "10s" },
        { 60 * USEC_PER_SEC, "1min" },
        { 90 * USEC_PER_SEC, "1min 30s" },
        { USEC_PER_HOUR, "1h" },
        { USEC_PER_DAY, "1d" },
        { USEC_PER_YEAR, "365d 6h" },
        { USEC_PER_DAY - 1, "23h 59min 59s 999ms 999us" },
        { UINT64_MAX, "213503982d 8h 1min 49s 551ms 615us" },
    };
    char buffer[TIMESPAN_TEXT_MAX];
    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        cr_expect_str_eq(timespan_format(table[i].usec, buffer), table[i].text, "%s", buffer);
}

Test(timespan, written_is_read_back_exactly)
{
    char buffer[TIMESPAN_TEXT_MAX];
    /* Powers of three: of every size, and round in no unit. */
    for (usec_t power = 1; power < UINT64_MAX / 3; power *= 3)
        for (usec_t usec = power - 1; usec <= power + 1; usec++) {
            usec_t back = UNTOUCHED;
            cr_expect_eq(timespan_parse(timespan_format(usec, buffer), &back), 0, "\"%s\"", buffer);
            cr_expect_eq(back, usec, "\"%s\" is %" PRI_USEC, buffer, back);
            cr_expect_lt(strlen(buffer), (size_t)TIMESPAN_TEXT_MAX);
        }
}

Test(timespan, short_form_has_what_matters)
{
    static const struct {
        usec_t usec;
        const char *text;
    } table[] = {
        { 0, "0" },
        { 999, "999us" },
        { 1999, "1ms" },
        { 999999, "999ms" },
        { USEC_PER_SEC, "1s" },
        { 34299999, "34.2s" },
        { USEC_PER_MINUTE - 1, "59.9s" },
        { USEC_PER_MINUTE + USEC_PER_SEC + 999999, "1min 1s" },
        { USEC_PER_HOUR - 1, "59min 59s" },
        { USEC_PER_HOUR + USEC_PER_MINUTE + 1, "1h 1min" },
        { USEC_PER_DAY + USEC_PER_HOUR + USEC_PER_MINUTE, "1d 1h" },
        { UINT64_MAX, "213503982d 8h" },
    };
    char buffer[TIMESPAN_TEXT_MAX];
    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        cr_expect_str_eq(timespan_format_short(table[i].usec, buffer), table[i].text, "%s", buffer);
}

Test(timespan, in_seconds_is_exact_and_without_a_unit)
{
    static const struct {
        usec_t usec;
        const char *text;
    } table[] = {
        { 0, "0" },
        { 1, "0.000001" },
        { 250000, "0.25" },
        { USEC_PER_SEC, "1" },
        { 10 * USEC_PER_SEC, "10" },
        { 100 * USEC_PER_SEC + 100, "100.0001" },
        { UINT64_MAX, "18446744073709.551615" },
    };
    char buffer[TIMESPAN_TEXT_MAX];
    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        cr_expect_str_eq(timespan_format_seconds(table[i].usec, buffer), table[i].text, "%s", buffer);
}
