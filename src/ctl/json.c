/* SPDX-License-Identifier: MIT */
/* A writer of JSON. */

#include "ctl/json.h"

#include <inttypes.h>
#include <string.h>

#include "core/timestamp.h"
#include "util/text.h"

static void put_key(Json *json, const char *key)
{
    if (json->comma)
        fputc(',', json->file);
    if (key)
        fprintf(json->file, "\"%s\":", key);
    json->comma = true;
}

void json_begin(Json *json, const char *key, char bracket)
{
    put_key(json, key);
    fputc(bracket, json->file);
    json->comma = false;
}

void json_end(Json *json, char bracket)
{
    fputc(bracket, json->file);
    json->comma = true;
}

/* Writes what stands for one character, or for one byte that is none. Returns how many bytes that were. */
static size_t put_character(FILE *file, const char *text, size_t length)
{
    size_t size = text_character(text, length);
    unsigned char first = (unsigned char)text[0], second = size == 2 ? (unsigned char)text[1] : 0;
    if (size == 0)
        fputs("\\ufffd", file);
    else if (first == '"' || first == '\\')
        fprintf(file, "\\%c", first);
    else if (first == '\n')
        fputs("\\n", file);
    else if (first < ' ' || first == 0x7f)
        fprintf(file, "\\u%04x", (unsigned)first);
    else if (first == 0xc2 && second < 0xa0) /* U+0080 to U+009F */
        fprintf(file, "\\u%04x", (unsigned)second);
    else
        fwrite(text, 1, size, file);
    return size > 0 ? size : 1;
}

void json_text(Json *json, const char *key, const char *value)
{
    put_key(json, key);
    if (!value) {
        fputs("null", json->file);
        return;
    }
    fputc('"', json->file);
    for (size_t length = strlen(value); length > 0;) {
        size_t n = put_character(json->file, value, length);
        value += n;
        length -= n;
    }
    fputc('"', json->file);
}

void json_bool(Json *json, const char *key, bool value)
{
    put_key(json, key);
    fputs(value ? "true" : "false", json->file);
}

void json_number(Json *json, const char *key, uint64_t value)
{
    put_key(json, key);
    if (value == UINT64_MAX)
        fputs("null", json->file);
    else
        fprintf(json->file, "%" PRIu64, value);
}

void json_time(Json *json, const char *key, usec_t realtime_usec)
{
    char text[TIMESTAMP_TEXT_MAX];
    json_text(json, key, realtime_usec == USEC_INFINITY ? NULL : timestamp_format(realtime_usec, text));
}
