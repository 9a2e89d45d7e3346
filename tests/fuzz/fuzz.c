/* SPDX-License-Identifier: MIT */
/* What the fuzz targets have in common. */

#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util/text.h"

static const char *shown;

void fuzz_show(const char *text)
{
    shown = text;
}

void fuzz_fail(const char *condition, const char *file, int line)
{
    dprintf(STDERR_FILENO, "%s:%d: does not hold: %s\n", file, line, condition);
    if (shown)
        dprintf(STDERR_FILENO, "%.8000s\n", shown);
    __builtin_trap();
}

char *fuzz_text(const uint8_t *data, size_t size)
{
    size_t length = size > 0 ? strnlen((const char *)data, size) : 0;
    char *text = malloc(length + 1);
    FUZZ_ASSERT(text);
    if (length > 0)
        memcpy(text, data, length);
    text[length] = '\0';
    return text;
}

uint8_t fuzz_byte(FuzzInput *input)
{
    return input->at < input->end ? *input->at++ : 0;
}

unsigned fuzz_choice(FuzzInput *input, unsigned count)
{
    return fuzz_byte(input) % count;
}

bool fuzz_bool(FuzzInput *input)
{
    return fuzz_byte(input) & 1;
}

uint64_t fuzz_number(FuzzInput *input)
{
    uint64_t number = 0;
    uint8_t kind = fuzz_byte(input);
    for (unsigned i = 0; i < kind % 9U; i++)
        number = number << 8 | fuzz_byte(input);
    return kind >= 0xc0 ? UINT64_MAX - number : number;
}

void fuzz_string(FuzzInput *input, char *buffer, size_t size)
{
    size_t length = fuzz_byte(input), n = 0;
    while (n < length && n + 1 < size && input->at < input->end && *input->at)
        buffer[n++] = (char)*input->at++;
    buffer[n] = '\0';
}

void fuzz_set_zone(unsigned zone)
{
    static const char *const zones[FUZZ_ZONES] = {
        "UTC0",
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "EST5EDT,M3.2.0,M11.1.0",
        "LHST-10:30LHDT-11,M10.1.0,M4.1.0", /* half an hour */
        "<+14>-14",
        "<-12>12",
        "CLT4CLST,M9.1.6/24,M4.1.6/24", /* at midnight: a day that begins at one */
        "AZOT1AZOST,M3.5.0/0,M10.5.0/1",
    };
    setenv("TZ", zones[zone % FUZZ_ZONES], 1);
    tzset();
}

static void assert_printable(const char *text, size_t length)
{
    FUZZ_ASSERT(text_is_utf8(text, length));
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i], next = i + 1 < length ? (unsigned char)text[i + 1] : 0;
        FUZZ_ASSERT(byte >= 0x20 && byte != 0x7f && !(byte == 0xc2 && next < 0xa0));
    }
}

void fuzz_assert_printable(const char *text)
{
    assert_printable(text, strlen(text));
}

void fuzz_assert_lines(const char *text)
{
    while (*text) {
        const char *newline = strchr(text, '\n');
        FUZZ_ASSERT(newline);
        assert_printable(text, (size_t)(newline - text));
        text = newline + 1;
    }
}

/* Each of these takes what its name says from the beginning of a text and returns behind it. */

static const char *take_word(const char *at, const char *word)
{
    FUZZ_ASSERT(strncmp(at, word, strlen(word)) == 0);
    return at + strlen(word);
}

static const char *take_json_string(const char *at)
{
    at = take_word(at, "\"");
    while (*at != '"') {
        FUZZ_ASSERT((unsigned char)*at >= 0x20);
        if (*at++ != '\\')
            continue;
        FUZZ_ASSERT(*at && strchr("\"\\/bfnrtu", *at));
        if (*at++ == 'u') {
            FUZZ_ASSERT(strspn(at, "0123456789abcdef") >= 4);
            at += 4;
        }
    }
    return at + 1;
}

static const char *take_json(const char *at, unsigned depth);

static const char *take_json_members(const char *at, char end, unsigned depth)
{
    if (*at == end)
        return at + 1;
    for (;; at++) {
        if (end == '}')
            at = take_word(take_json_string(at), ":");
        at = take_json(at, depth + 1);
        if (*at == end)
            return at + 1;
        FUZZ_ASSERT(*at == ',');
    }
}

static const char *take_json(const char *at, unsigned depth)
{
    FUZZ_ASSERT(depth < 16);
    switch (*at) {
    case '{':
        return take_json_members(at + 1, '}', depth);
    case '[':
        return take_json_members(at + 1, ']', depth);
    case '"':
        return take_json_string(at);
    case 't':
        return take_word(at, "true");
    case 'f':
        return take_word(at, "false");
    case 'n':
        return take_word(at, "null");
    default: /* whole numbers, and no sign: none is below zero */
        FUZZ_ASSERT(*at >= '0' && *at <= '9' && !(*at == '0' && at[1] >= '0' && at[1] <= '9'));
        return at + strspn(at, "0123456789");
    }
}

void fuzz_assert_json(const char *text)
{
    FUZZ_ASSERT(strcmp(take_json(text, 0), "\n") == 0);
    fuzz_assert_lines(text);
}

static const char *take_xml_text(const char *at)
{
    while (*at && *at != '<' && *at != '"') {
        FUZZ_ASSERT(*at != '>');
        if (*at++ != '&')
            continue;
        size_t length = strcspn(at, ";");
        FUZZ_ASSERT(at[length] == ';' && (strncmp(at, "amp;", 4) == 0 || strncmp(at, "lt;", 3) == 0 ||
                                          strncmp(at, "gt;", 3) == 0 || strncmp(at, "quot;", 5) == 0 ||
                                          strncmp(at, "#39;", 4) == 0));
        at += length + 1;
    }
    return at;
}

static const char *take_xml_attributes(const char *at)
{
    while (*at == ' ') {
        size_t length = strspn(at + 1, "abcdefghijklmnopqrstuvwxyzB-");
        FUZZ_ASSERT(length > 0);
        at = take_word(take_xml_text(take_word(at + 1 + length, "=\"")), "\"");
    }
    return at;
}

#define XML_NAME_MAX 16
#define XML_DEPTH_MAX 8

void fuzz_assert_xml(const char *text)
{
    char open[XML_DEPTH_MAX][XML_NAME_MAX];
    size_t depth = 0;
    fuzz_assert_lines(text);
    const char *at = text;
    do {
        bool closes = at[0] == '<' && at[1] == '/';
        at = take_word(at, "<") + closes;
        size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz");
        FUZZ_ASSERT(length > 0 && length < XML_NAME_MAX && depth < XML_DEPTH_MAX);
        if (closes) {
            FUZZ_ASSERT(depth > 0 && strlen(open[depth - 1]) == length &&
                        strncmp(open[--depth], at, length) == 0);
            at += length;
        } else {
            memcpy(open[depth], at, length);
            open[depth++][length] = '\0';
            at = take_xml_attributes(at + length);
            depth -= *at == '/';
            at += *at == '/';
        }
        at = take_word(at, ">");
        while (*at && *at != '<') { /* a quote is text here */
            at = take_xml_text(at);
            at += *at == '"';
        }
    } while (depth > 0);
    FUZZ_ASSERT(*at == '\0');
}
