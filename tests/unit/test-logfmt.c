/* SPDX-License-Identifier: MIT */
/* One record as one line. */

#include "core/logfmt.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

static const struct {
    const char *value, *written;
} values[] = {
    { "plain", "k=plain" },
    { "2026-11-22T13:00:10.123Z", "k=2026-11-22T13:00:10.123Z" },
    { "", "k=\"\"" },
    { "two words", "k=\"two words\"" },
    { "a=b", "k=\"a=b\"" },
    { "\"", "k=\"\\\"\"" },
    { "back\\slash", "k=\"back\\\\slash\"" },
    { "line\nfeed", "k=\"line\\nfeed\"" },
    { "\t\x01\x1b[2J\x7f", "k=\"\\x09\\x01\\x1b[2J\\x7f\"" },
    { "gr\xc3\xbc\xc3\x9f \xf0\x9f\x92\x93", "k=\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x92\x93\"" },
    { "\xff\xfe", "k=\xff\xfe" },
};

Test(logfmt, writes_a_value_that_it_reads_back)
{
    for (size_t i = 0; i < ELEMENTSOF(values); i++) {
        char text[128], value[64];
        const char *at = text;
        LogfmtLine line;
        LogfmtPair pair;
        logfmt_begin(&line, text, sizeof(text));
        logfmt_add(&line, "k", values[i].value);
        cr_expect_str_eq(text, values[i].written);
        cr_expect_eq(line.length, strlen(text));
        cr_assert_eq(logfmt_next(&at, text + line.length, &pair), 1, "row %zu", i);
        cr_expect(logfmt_is(&pair, "k"));
        cr_assert_eq(logfmt_text(&pair, value, sizeof(value)), 0, "row %zu", i);
        cr_expect_str_eq(value, values[i].value);
        cr_expect_eq(logfmt_next(&at, text + line.length, &pair), 0);
    }
}

Test(logfmt, numbers_are_read_back_and_nothing_else_is_one)
{
    static const struct {
        const char *text;
        int result;
        uint64_t number;
    } table[] = {
        { "n=0", 0, 0 },
        { "n=18446744073709551615", 0, UINT64_MAX },
        { "n=007", 0, 7 },
        { "n=18446744073709551616", -EBADMSG, 0 },
        { "n=99999999999999999999", -EBADMSG, 0 },
        { "n=-1", -EBADMSG, 0 },
        { "n=+1", -EBADMSG, 0 },
        { "n=1.5", -EBADMSG, 0 },
        { "n=0x10", -EBADMSG, 0 },
        { "n=\"1\"", -EBADMSG, 0 },
        { "n=\"\"", -EBADMSG, 0 },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        const char *at = table[i].text;
        LogfmtPair pair;
        uint64_t number = 0;
        cr_assert_eq(logfmt_next(&at, at + strlen(at), &pair), 1);
        cr_expect_eq(logfmt_number(&pair, &number), table[i].result, "%s", table[i].text);
        cr_expect_eq(number, table[i].number, "%s", table[i].text);
    }
}

Test(logfmt, what_is_no_line_of_pairs_is_refused)
{
    static const char *const table[] = {
        " k=v",     "k=v ",   "k=v  l=w", "k",         "k=",      "=v",    "k =v",       "K=v",
        "k=v\tl=w", "k=\"",   "k=\"v",    "k=\"v\\\"", "k=\"v\\", "k=v\"", "k=\"v\"l=w", "k=a=b",
        "k=\"v\" ", "k=a\\b", "k=\"\n\"", "k=v\n",     "k-l=v",   "k.l=v", "k=\x7f",     "\xc3\xbc=v",
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        const char *at = table[i], *end = at + strlen(at);
        LogfmtPair pair;
        int r;
        while ((r = logfmt_next(&at, end, &pair)) > 0)
            ;
        cr_expect_eq(r, -EBADMSG, "row %zu: \"%s\": %d", i, table[i], r);
    }
}

Test(logfmt, an_escape_that_is_none_is_refused)
{
    static const char *const table[] = { "k=\"\\t\"",   "k=\"\\x\"",   "k=\"\\x1\"",
                                         "k=\"\\xZZ\"", "k=\"\\x00\"", "k=\"\\X41\"" };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        const char *at = table[i];
        char value[16];
        LogfmtPair pair;
        cr_assert_eq(logfmt_next(&at, at + strlen(at), &pair), 1, "%s", table[i]);
        cr_expect_eq(logfmt_text(&pair, value, sizeof(value)), -EBADMSG, "%s", table[i]);
    }
}

Test(logfmt, a_pair_that_does_not_fit_is_left_out_whole_and_so_is_what_follows)
{
    char whole[64];
    LogfmtLine line;
    logfmt_begin(&line, whole, sizeof(whole));
    logfmt_add_number(&line, "first", 1);
    size_t first = line.length;
    logfmt_add(&line, "second", "two words");
    size_t length = line.length;
    for (size_t size = 1; size <= length + 1; size++) {
        char text[64];
        logfmt_begin(&line, text, size);
        logfmt_add_number(&line, "first", 1);
        logfmt_add(&line, "second", "two words");
        size_t expected = size <= first ? 0 : size <= length ? first : length;
        cr_expect_eq(line.length, expected, "size %zu: %zu", size, line.length);
        cr_expect_eq(strlen(text), expected);
        cr_expect_eq(line.full, expected != length);
        cr_expect_eq(strncmp(text, whole, expected), 0);
        bool full = line.full;
        logfmt_add(&line, "k", "v");
        cr_expect(!full || line.length == expected, "nothing follows what was left out");
    }
}

Test(logfmt, a_value_that_does_not_fit_is_refused)
{
    const char *at = "k=\"four\"";
    char value[8];
    LogfmtPair pair;
    cr_assert_eq(logfmt_next(&at, at + strlen(at), &pair), 1);
    for (size_t size = 0; size < 5; size++)
        cr_expect_eq(logfmt_text(&pair, value, size), -E2BIG, "size %zu", size);
    cr_expect_eq(logfmt_text(&pair, value, 5), 0);
}

Test(logfmt, random_values_come_back)
{
    unsigned seed = 1;
    for (unsigned round = 0; round < 20000; round++) {
        char value[32] = "", text[256], again[32];
        size_t length = (size_t)rand_r(&seed) % sizeof(value);
        for (size_t i = 0; i < length; i++)
            value[i] = (char)(1 + rand_r(&seed) % 255);
        LogfmtLine line;
        LogfmtPair pair;
        logfmt_begin(&line, text, sizeof(text));
        logfmt_add(&line, "a", value);
        logfmt_add_number(&line, "b", round);
        const char *at = text, *end = text + line.length;
        cr_assert(!line.full && !memchr(text, '\n', line.length));
        cr_assert_eq(logfmt_next(&at, end, &pair), 1);
        cr_assert_eq(logfmt_text(&pair, again, sizeof(again)), 0);
        cr_assert_str_eq(again, value, "seed 1, round %u", round);
        cr_assert_eq(logfmt_next(&at, end, &pair), 1);
        cr_assert_eq(logfmt_next(&at, end, &pair), 0);
    }
}
