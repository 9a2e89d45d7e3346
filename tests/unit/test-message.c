/* SPDX-License-Identifier: MIT */
/* The text of a beat. */

#include "core/message.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/text.h"

#define HOST "pulse.example"
#define BOOT_ID "0123456789abcdef0123456789abcdef"
#define REALTIME_USEC UINT64_C(1795352410123456)
#define BOOTTIME_USEC (USEC_PER_DAY + 2 * USEC_PER_HOUR + 3 * USEC_PER_MINUTE + 4 * USEC_PER_SEC + 999999)

Test(message, is_the_template_with_its_specifiers_filled_in)
{
    static const struct {
        const char *template;
        int result;
        const char *text;
    } table[] = {
        { "heartbeat %n", 0, "heartbeat 42" },
        { "%n", 0, "42" },
        { "%n%n", 0, "4242" },
        { "%t", 0, "2026-11-22T13:00:10.123Z" },
        { "%H", 0, HOST },
        { "%b", 0, BOOT_ID },
        { "%u", 0, "1d 2h 3min 4s" },
        { "100 %%", 0, "100 %" },
        { "%%n", 0, "%n" },
        { "%%%n", 0, "%42" },
        { "%%%%", 0, "%%" },
        { "%n %t %H %b %u %%", 0, "42 2026-11-22T13:00:10.123Z " HOST " " BOOT_ID " 1d 2h 3min 4s %" },
        { "I am Dameon", 0, "I am Dameon" },
        { "gr\xc3\xbc\xc3\x9f %n \xf0\x9f\x92\x93", 0, "gr\xc3\xbc\xc3\x9f 42 \xf0\x9f\x92\x93" },
        { "", 0, "" },
        { "\\n stays", 0, "\\n stays" },

        { "two\nlines", 0, "two\\nlines" },
        { "tab\there", 0, "tab\\there" },
        { "\x1b[2J", 0, "\\x1b[2J" },
        { "\x01\x02\x03\x04", 0, "\\x01\\x02\\x03\\x04" }, /* what the module uses itself as marks */
        { "\x7f\r", 0, "\\x7f\\x0d" },
        { "\xc2\x9b", 0, "\\xc2\\x9b" }, /* C1's CSI */
        { "%", -EINVAL, NULL },
        { "100 %", -EINVAL, NULL },
        { "%%%", -EINVAL, NULL },
        { "%x", -EINVAL, NULL },
        { "%N", -EINVAL, NULL },
        { "% n", -EINVAL, NULL },
        { "%s%s%s%n", -EINVAL, NULL },
        { "%5n", -EINVAL, NULL },
        { "%\x01", -EINVAL, NULL },
        { "%\xc3\xbc", -EINVAL, NULL },
        { "\xff", -EILSEQ, NULL },
        { "%n \xc3", -EILSEQ, NULL },
        { "\xc0\xaf", -EILSEQ, NULL },
        { "\xed\xa0\x80", -EILSEQ, NULL },
        { "%\xff", -EILSEQ, NULL },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Message message;
        char text[MESSAGE_MAX + 1];
        int r = message_prepare(&message, table[i].template, HOST, BOOT_ID);
        cr_expect_eq(r, table[i].result, "row %zu, \"%s\": %d", i, table[i].template, r);
        cr_expect_eq(message_check(table[i].template), table[i].result, "row %zu", i);
        if (r < 0)
            continue;
        size_t length = message_expand(&message, 42, REALTIME_USEC, BOOTTIME_USEC, text);
        cr_expect_str_eq(text, table[i].text, "row %zu: %s", i, text);
        cr_expect_eq(length, strlen(text));
    }
}

/* "x" so many times, and then a specifier. */
static char *padded(size_t n, const char *specifier)
{
    char *template = malloc(n + strlen(specifier) + 1);
    cr_assert_not_null(template);
    memset(template, 'x', n);
    strcpy(template + n, specifier);
    return template;
}

Test(message, is_refused_when_it_could_become_longer_than_1024_bytes)
{
    static const struct {
        const char *specifier;
        size_t at_most; /* bytes that it can become */
    } table[] = {
        { "", 0 },   { "%n", 20 },   { "%t", 24 },  { "%u", 26 },      { "%H", HOST_MAX }, { "%b", 32 },
        { "%%", 1 }, { "%n%t", 44 }, { "\x01", 4 }, { "\xc2\x80", 8 }, { "\n", 2 },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        cleanup_free char *fits = padded(MESSAGE_MAX - table[i].at_most, table[i].specifier);
        cleanup_free char *too_long = padded(MESSAGE_MAX - table[i].at_most + 1, table[i].specifier);
        cr_expect_eq(message_check(fits), 0, "row %zu", i);
        cr_expect_eq(message_check(too_long), -E2BIG, "row %zu", i);
    }
}

Test(message, at_its_longest_fills_the_buffer_and_no_more)
{
    Message message;
    char host[HOST_MAX + 1];
    memset(host, 'h', HOST_MAX);
    host[HOST_MAX] = '\0';
    cleanup_free char *template = padded(MESSAGE_MAX - 20 - 24 - 26 - HOST_MAX - 32, "%n%t%u%H%b");
    cleanup_free char *text = malloc(MESSAGE_MAX + 1); /* so that a sanitizer sees a step beyond it */
    cr_assert_eq(message_prepare(&message, template, host, BOOT_ID), 0);
    size_t length = message_expand(&message, UINT64_MAX, UINT64_MAX, UINT64_MAX, text);
    /* The longest uptime has 22 bytes; 26 are set aside for it. */
    cr_expect_eq(length, (size_t)MESSAGE_MAX - 4, "%zu", length);
    cr_expect_eq(strlen(text), length);
}

/* What is only known on the host can break the bound, too, and is as little trusted. */
Test(message, holds_no_control_character_of_a_hostile_host_name)
{
    static const struct {
        const char *host;
        int result;
        const char *text;
    } table[] = {
        { "", 0, "" },
        { "a\nb", 0, "a\\nb" },
        { "\x1b[31m", 0, "\\x1b[31m" },
        { "\x01\x02\x03", 0, "\\x01\\x02\\x03" },
        { "\xff\xfe", 0, "\\xff\\xfe" },
        { "%n", 0, "%n" },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Message message;
        char text[MESSAGE_MAX + 1];
        cr_expect_eq(message_prepare(&message, "%H", table[i].host, BOOT_ID), table[i].result);
        message_expand(&message, 1, 0, 0, text);
        cr_expect_str_eq(text, table[i].text, "row %zu: %s", i, text);
    }

    Message message;
    char host[HOST_MAX + 1];
    memset(host, 1, HOST_MAX);
    host[HOST_MAX] = '\0';
    cleanup_free char *template = padded(MESSAGE_MAX - HOST_MAX, "%H");
    cr_expect_eq(message_check(template), 0);
    cr_expect_eq(message_prepare(&message, template, host, BOOT_ID), -E2BIG);
}

Test(message, refused_leaves_the_one_in_use_alone)
{
    Message message;
    char text[MESSAGE_MAX + 1];
    cr_assert_eq(message_prepare(&message, "old %n", HOST, BOOT_ID), 0);
    cr_assert_eq(message_prepare(&message, "new %q", HOST, BOOT_ID), -EINVAL);
    message_expand(&message, 7, 0, 0, text);
    cr_expect_str_eq(text, "old 7");
}

Test(message, knows_whether_it_needs_the_boot_id)
{
    static const struct {
        const char *template;
        bool needed;
    } table[] = {
        { "%b", true },  { "%n %b", true },  { "%%%b", true }, { "b%b", true },
        { "", false },   { "%n", false },    { "%%b", false }, { "%", false },
        { "%%", false }, { "%%%%b", false }, { "b", false },   { "100%", false },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        cr_expect_eq(message_needs_boot_id(table[i].template), table[i].needed, "\"%s\"", table[i].template);
}

Test(message, uptime_is_in_whole_seconds)
{
    static const struct {
        usec_t usec;
        const char *text;
    } table[] = {
        { 0, "0" },
        { 999999, "0" },
        { USEC_PER_SEC, "1s" },
        { USEC_PER_MINUTE - 1, "59s" },
        { USEC_PER_DAY, "1d" },
        { UINT64_MAX, "213503982d 8h 1min 49s" },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Message message;
        char text[MESSAGE_MAX + 1];
        cr_assert_eq(message_prepare(&message, "%u", HOST, BOOT_ID), 0);
        message_expand(&message, 1, 0, table[i].usec, text);
        cr_expect_str_eq(text, table[i].text, "%" PRI_USEC ": %s", table[i].usec, text);
    }
}
