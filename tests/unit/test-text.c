/* SPDX-License-Identifier: MIT */
/* Bytes from outside made fit to be shown. */

#include "util/text.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

/* RFC 3629, and the tables of Unicode's "well-formed byte sequences". */
Test(text, knows_utf8_from_what_only_looks_like_it)
{
    static const struct {
        const char *text;
        bool is_utf8;
    } table[] = {
        { "", true },
        { "plain", true },
        { "\x01\x7f", true },
        { "\xc2\x80", true },
        { "\xdf\xbf", true },
        { "\xe0\xa0\x80", true },
        { "\xed\x9f\xbf", true },
        { "\xee\x80\x80", true },
        { "\xef\xbf\xbf", true },
        { "\xf0\x90\x80\x80", true },
        { "\xf4\x8f\xbf\xbf", true },
        { "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x92\x93z", true },

        { "\x80", false },
        { "\xbf", false },
        { "a\x80", false },
        { "\xc0\x80", false }, /* overlong */
        { "\xc1\xbf", false },
        { "\xe0\x80\x80", false },
        { "\xe0\x9f\xbf", false },
        { "\xf0\x80\x80\x80", false },
        { "\xf0\x8f\xbf\xbf", false },
        { "\xed\xa0\x80", false }, /* surrogates */
        { "\xed\xbf\xbf", false },
        { "\xf4\x90\x80\x80", false }, /* over U+10FFFF */
        { "\xf5\x80\x80\x80", false },
        { "\xf8\x88\x80\x80\x80", false },
        { "\xfe", false },
        { "\xff", false },
        { "\xc3", false }, /* cut off */
        { "\xe2\x82", false },
        { "\xf0\x9f\x92", false },
        { "\xc3z", false }, /* interrupted */
        { "\xe2\x82z", false },
        { "\xf0\x9f\x92z", false },
        { "\xc3\xc3\xbc", false },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        size_t length = strlen(table[i].text);
        cleanup_free char *exact = malloc(length + 1); /* a sanitizer sees a step beyond it */
        memcpy(exact, table[i].text, length);
        cr_expect_eq(text_is_utf8(exact, length), table[i].is_utf8, "row %zu", i);
    }
    cr_expect(text_is_utf8("a\0b", 3), "a NUL is a character to UTF-8");
}

Test(text, escapes_what_moves_a_terminal_and_nothing_else)
{
    static const struct {
        const char *text;
        const char *escaped;
    } table[] = {
        { "", "" },
        { "plain \\ \" % ~", "plain \\ \" % ~" },
        { "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x92\x93",
          "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x92\x93" },
        { "a\nb\tc", "a\\nb\\tc" },
        { "\x01\x1f\x7f\r", "\\x01\\x1f\\x7f\\x0d" },
        { "\x1b]0;owned\x07", "\\x1b]0;owned\\x07" },
        { "\xc2\x80\xc2\x9f", "\\xc2\\x80\\xc2\\x9f" },
        { "\xc2\xa0", "\xc2\xa0" }, /* no-break space is no control character */
        { "\xff\xfe", "\\xff\\xfe" },
        { "\xc3", "\\xc3" },
        { "\xc3z", "\\xc3z" },
        { "\xe2\x82", "\\xe2\\x82" },
        { "\xed\xa0\x80", "\\xed\\xa0\\x80" },
        { "\xf0\x9f\x92\n", "\\xf0\\x9f\\x92\\n" },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        char escaped[128], again[128];
        size_t n = text_escape(table[i].text, strlen(table[i].text), escaped, sizeof(escaped));
        cr_expect_str_eq(escaped, table[i].escaped, "row %zu: %s", i, escaped);
        cr_expect_eq(n, strlen(table[i].escaped), "row %zu", i);
        text_escape(escaped, strlen(escaped), again, sizeof(again));
        cr_expect_str_eq(again, escaped, "row %zu: what is escaped stays as it is", i);
    }
}

Test(text, escapes_every_single_byte_to_something_printable)
{
    for (int byte = 0; byte < 256; byte++) {
        char text = (char)byte, escaped[16];
        size_t n = text_escape(&text, 1, escaped, sizeof(escaped));
        cr_expect_eq(n, strlen(escaped));
        for (const char *at = escaped; *at; at++)
            cr_expect(*at >= 0x20 && *at < 0x7f, "0x%02x", (unsigned)byte);
    }
}

/* The buffers are of the exact size, so that a sanitizer sees a step beyond them. */
Test(text, cuts_at_a_character_and_says_how_long_the_whole_would_have_been)
{
    static const struct {
        const char *text;
        size_t size;
        const char *escaped;
        size_t whole;
    } table[] = {
        { "abc", 4, "abc", 3 },
        { "abc", 3, "ab", 3 },
        { "abc", 1, "", 3 },
        { "\xc3\xbc", 3, "\xc3\xbc", 2 },
        { "\xc3\xbc", 2, "", 2 },
        { "a\xf0\x9f\x92\x93", 5, "a", 5 },
        { "a\xf0\x9f\x92\x93", 6, "a\xf0\x9f\x92\x93", 5 },
        { "\n", 2, "", 2 },
        { "\n", 3, "\\n", 2 },
        { "\x1b", 4, "", 4 },
        { "\x1b", 5, "\\x1b", 4 },
        { "\xc2\x9b", 8, "", 8 },
        { "\xc2\x9b", 9, "\\xc2\\x9b", 8 },
        { "a\x1bz", 5, "a", 6 }, /* nothing after what did not fit */
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        cleanup_free char *buffer = malloc(table[i].size);
        size_t n = text_escape(table[i].text, strlen(table[i].text), buffer, table[i].size);
        cr_expect_eq(n, table[i].whole, "row %zu: %zu", i, n);
        cr_expect_str_eq(buffer, table[i].escaped, "row %zu: %s", i, buffer);
    }
    cr_expect_eq(text_escape("abc", 3, NULL, 0), 3u, "a size of 0 only counts");
}

Test(text, is_found_among_words_as_a_whole)
{
    static const char *const words[] = { "full", "plain", "full" };
    cr_expect_eq(text_find(words, 3, "full"), 0);
    cr_expect_eq(text_find(words, 3, "plain"), 1);
    cr_expect_eq(text_find(words, 1, "plain"), -EINVAL);
    cr_expect_eq(text_find(words, 3, "Full"), -EINVAL);
    cr_expect_eq(text_find(words, 3, "ful"), -EINVAL);
    cr_expect_eq(text_find(words, 3, ""), -EINVAL);
}

Test(text, character_is_one_or_none)
{
    cr_expect_eq(text_character("a", 1), 1u);
    cr_expect_eq(text_character("\xc3\xa4x", 3), 2u);
    cr_expect_eq(text_character("\xe2\x82\xac", 3), 3u);
    cr_expect_eq(text_character("\xf0\x9f\x92\x93", 4), 4u);
    cr_expect_eq(text_character("\xe2\x82\xac", 2), 0u, "cut off");
    cr_expect_eq(text_character("\xff", 1), 0u);
    cr_expect_eq(text_character("", 0), 0u);
}
