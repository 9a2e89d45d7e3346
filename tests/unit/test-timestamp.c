/* SPDX-License-Identifier: MIT */
/* Points in time as text. */

#include "core/timestamp.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/cleanup.h"

Test(timestamp, is_rfc_3339_in_utc_with_milliseconds_cut_off)
{
    static const struct {
        usec_t usec;
        const char *text;
    } table[] = {
        { 0, "1970-01-01T00:00:00.000Z" },
        { 999, "1970-01-01T00:00:00.000Z" },
        { 1000, "1970-01-01T00:00:00.001Z" },
        { 999999, "1970-01-01T00:00:00.999Z" },
        { UINT64_C(951782400) * USEC_PER_SEC, "2000-02-29T00:00:00.000Z" },
        { UINT64_C(1467331199) * USEC_PER_SEC, "2016-06-30T23:59:59.000Z" },
        { UINT64_C(1483228799999999), "2016-12-31T23:59:59.999Z" }, /* before a leap second */
        { UINT64_C(1795352410123456), "2026-11-22T13:00:10.123Z" },
        { UINT64_C(2147483648000000), "2038-01-19T03:14:08.000Z" },
        { UINT64_C(4107542400000000), "2100-03-01T00:00:00.000Z" }, /* no leap year */
        { UINT64_C(253402300799999999), "9999-12-31T23:59:59.999Z" },
        { UINT64_C(253402300800000000), "9999-12-31T23:59:59.999Z" },
        { UINT64_MAX, "9999-12-31T23:59:59.999Z" },
    };
    char buffer[TIMESTAMP_TEXT_MAX];
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        cr_expect_str_eq(timestamp_format(table[i].usec, buffer), table[i].text, "%" PRI_USEC ": %s",
                         table[i].usec, buffer);
        cr_expect_eq(strlen(buffer), (size_t)TIMESTAMP_TEXT_MAX - 1);
    }
}

Test(timestamp, agrees_with_strftime_for_four_centuries)
{
    char buffer[TIMESTAMP_TEXT_MAX], expected[64], whole[64];
    for (int64_t second = 0; second < INT64_C(400) * 366 * 86400; second += 86400 - 7) {
        time_t t = (time_t)second;
        struct tm tm;
        cr_assert_not_null(gmtime_r(&t, &tm));
        cr_assert_gt(strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S", &tm), (size_t)0);
        snprintf(whole, sizeof(whole), "%.40s.042Z", expected);
        cr_assert_str_eq(timestamp_format((usec_t)second * USEC_PER_SEC + 42000, buffer), whole);
    }
}

Test(timestamp, does_not_depend_on_the_time_zone)
{
    char buffer[TIMESTAMP_TEXT_MAX];
    setenv("TZ", "Asia/Kathmandu", 1);
    tzset();
    cr_expect_str_eq(timestamp_format(0, buffer), "1970-01-01T00:00:00.000Z");
}

Test(timestamp, that_was_written_is_read_back)
{
    static const usec_t table[] = {
        0,
        1000,
        UINT64_C(1795352410123000),
        UINT64_C(951782399999000),           /* the last of 29 February 2000 */
        UINT64_C(2147483647) * USEC_PER_SEC, /* 2038 */
        UINT64_C(4294967296) * USEC_PER_SEC, /* 2106 */
        UINT64_C(253402300799999000),
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        char text[TIMESTAMP_TEXT_MAX];
        usec_t again = 1;
        cr_expect_eq(timestamp_parse(timestamp_format(table[i], text), &again), 0, "%s", text);
        cr_expect_eq(again, table[i], "%s", text);
    }
}

Test(timestamp, what_is_none_is_refused)
{
    static const char *const table[] = {
        "",
        "2026",
        "2026-11-22T13:00:10Z",
        "2026-11-22T13:00:10.12Z",
        "2026-11-22T13:00:10.123",
        "2026-11-22T13:00:10.123z",
        "2026-11-22 13:00:10.123Z",
        "2026-11-22T13:00:10.123Z ",
        "2026-11-22T13:00:10.123+00:00",
        "2026-02-29T00:00:00.000Z",
        "2026-06-31T00:00:00.000Z",
        "2026-00-01T00:00:00.000Z",
        "2026-13-01T00:00:00.000Z",
        "2026-01-00T00:00:00.000Z",
        "2026-01-01T24:00:00.000Z",
        "2026-01-01T00:60:00.000Z",
        "2026-12-31T23:59:60.000Z", /* CLOCK_REALTIME has no leap seconds */
        "1969-12-31T23:59:59.999Z",
        "-026-01-01T00:00:00.000Z",
        "99999-01-01T00:00:00.000Z",
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        usec_t untouched = 1;
        cr_expect_neq(timestamp_parse(table[i], &untouched), 0, "\"%s\"", table[i]);
        cr_expect_eq(untouched, 1u);
    }
}
