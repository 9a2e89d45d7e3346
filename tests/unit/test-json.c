/* SPDX-License-Identifier: MIT */
/* The writer of JSON: valid whatever a value holds. */

#include "ctl/json.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/text.h"

/* What a value makes of an object with one member. */
static char *write_text(const char *value)
{
    char *text;
    size_t length;
    Json json = { .file = open_memstream(&text, &length) };
    cr_assert_not_null(json.file);
    json_begin(&json, NULL, '{');
    json_text(&json, "k", value);
    json_end(&json, '}');
    fclose(json.file);
    return text;
}

Test(json, text_is_escaped)
{
    static const struct {
        const char *value, *json;
    } table[] = {
        { NULL, "{\"k\":null}" },
        { "", "{\"k\":\"\"}" },
        { "plain", "{\"k\":\"plain\"}" },
        { "a\"b\\c", "{\"k\":\"a\\\"b\\\\c\"}" },
        { "a\nb\tc\x1b\x7f", "{\"k\":\"a\\nb\\u0009c\\u001b\\u007f\"}" },
        { "h\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "{\"k\":\"h\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"}" },
        { "\xc2\x9b", "{\"k\":\"\\u009b\"}" },
        { "a\xff\xc3", "{\"k\":\"a\\ufffd\\ufffd\"}" },
        { "\xed\xa0\x80", "{\"k\":\"\\ufffd\\ufffd\\ufffd\"}" },
        { "\xc0\xaf", "{\"k\":\"\\ufffd\\ufffd\"}" },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        cleanup_free char *text = write_text(table[i].value);
        cr_expect_str_eq(text, table[i].json, "row %zu: %s", i, text);
    }
}

/* Two bytes of every kind: UTF-8 comes out, no control character does, and every quote is escaped or ends. */
Test(json, any_bytes_make_one_string)
{
    for (unsigned i = 1; i < 0x10000; i++) {
        char value[3] = { (char)(i & 0xff), (char)(i >> 8), '\0' };
        cleanup_free char *text = write_text(value);
        size_t length = strlen(text), quotes = 0;
        cr_assert(text_is_utf8(text, length), "%x", i);
        for (size_t at = 0; at < length; at++) {
            cr_assert_geq((unsigned char)text[at], 0x20, "%x", i);
            if (text[at] == '\\')
                at++;
            else
                quotes += text[at] == '"';
        }
        cr_assert_eq(quotes, 4u, "%x: %s", i, text);
    }
}

Test(json, values_stand_side_by_side_and_within)
{
    cleanup_free char *text = NULL;
    size_t length;
    Json json = { .file = open_memstream(&text, &length) };
    cr_assert_not_null(json.file);
    json_begin(&json, NULL, '[');
    json_begin(&json, NULL, '{');
    json_number(&json, "a", 1);
    json_number(&json, "b", UINT64_MAX);
    json_begin(&json, "c", '[');
    json_end(&json, ']');
    json_bool(&json, "d", true);
    json_end(&json, '}');
    json_bool(&json, NULL, false);
    json_time(&json, NULL, UINT64_C(1795352410123456));
    json_time(&json, NULL, USEC_INFINITY);
    json_number(&json, NULL, UINT64_MAX - 1);
    json_end(&json, ']');
    fclose(json.file);
    cr_expect_str_eq(text,
                     "[{\"a\":1,\"b\":null,\"c\":[],\"d\":true},false,\"2026-11-22T13:00:10.123Z\",null,"
                     "18446744073709551614]",
                     "%s", text);
}
