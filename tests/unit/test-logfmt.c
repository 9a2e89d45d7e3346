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

/* The end of a value is looked for in eight characters at once: each character at each place among bare ones.
 */
Test(logfmt, ends_a_bare_value_at_the_first_character_that_is_not_bare)
{
    for (int c = 1; c < 256; c++)
        for (size_t at = 0; at < 20; at++) {
            char text[] = "k=xxxxxxxxxxxxxxxxxxxx";
            const char *from = text, *end = text + strlen(text);
            LogfmtPair pair;
            bool bare = c > ' ' && c != 0x7f && !strchr("\"=\\", c);
            text[2 + at] = (char)c;
            int r = logfmt_next(&from, end, &pair);
            bool parted = c == ' ' && at > 0 && at < 19;
            cr_assert_eq(r, bare || parted ? 1 : -EBADMSG, "%#x at %zu", (unsigned)c, at);
            if (r == 1)
                cr_assert_eq(pair.value_length, bare ? 20 : at, "%#x at %zu", (unsigned)c, at);
        }
}

/* And so are digits: each length, with a character in it that is none, or not. */
Test(logfmt, takes_the_numbers_that_strtoull_takes)
{
    unsigned seed = 1;
    for (unsigned round = 0; round < 100000; round++) {
        char text[32];
        size_t length = 1 + (size_t)rand_r(&seed) % 24;
        for (size_t i = 0; i < length; i++)
            text[i] = (char)('0' + rand_r(&seed) % 10);
        if (round % 4 == 0)
            text[(size_t)rand_r(&seed) % length] = (char)rand_r(&seed);
        text[length] = '\0';
        LogfmtPair pair = { .value = text, .value_length = length };
        const char *at = text;
        uint64_t number = 42, taken = 42;
        errno = 0;
        unsigned long long expected = strtoull(text, NULL, 10);
        bool good = strspn(text, "0123456789") == length && errno == 0;
        cr_assert_eq(logfmt_number(&pair, &number), good ? 0 : -EBADMSG, "%s", text);
        cr_assert_eq(number, good ? expected : 42, "%s", text);
        bool blank = text[strspn(text, "0123456789")] == ' ';
        if (!blank) {
            cr_assert_eq(logfmt_take_number(&at, text + length, &taken), good ? 0 : -EBADMSG, "%s", text);
            cr_assert_eq(taken, number, "%s", text);
        }
    }
}

Test(logfmt, knows_a_key_by_its_name_and_its_length)
{
    static const LogfmtKey keys[] = { LOGFMT_KEY("t"), LOGFMT_KEY("boottime"), LOGFMT_KEY("boot_began") };
    static const char *const lines[] = { "t=1", "boottime=1", "boot_began=1" };
    static const char *const others[] = {
        "", "t", "to=1", "boottime", "boottimes=1", "boot_begun=1", "boot=1"
    };
    for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
        for (size_t j = 0; j < ELEMENTSOF(lines); j++)
            cr_expect_eq(logfmt_has_key(lines[j], lines[j] + strlen(lines[j]), &keys[i]), i == j);
        for (size_t j = 0; j < ELEMENTSOF(others); j++)
            cr_expect_not(logfmt_has_key(others[j], others[j] + strlen(others[j]), &keys[i]));
    }
}
