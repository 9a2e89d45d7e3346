/* SPDX-License-Identifier: MIT */
/* Bytes from outside made fit to be shown. */

#include "util/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Returns the length of the UTF-8 character at text, 0 when there is none. length is at least 1. */
static size_t utf8_character(const unsigned char *text, size_t length)
{
    unsigned char lead = text[0];
    size_t size = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (size == 0 || size > length)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    /* The four leads whose second byte has a narrower range: overlong forms, surrogates, over U+10FFFF. */
    if ((lead == 0xe0 && text[1] < 0xa0) || (lead == 0xed && text[1] > 0x9f) ||
        (lead == 0xf0 && text[1] < 0x90) || (lead == 0xf4 && text[1] > 0x8f))
        return 0;
    return size;
}

bool text_is_utf8(const char *text, size_t length)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + length;
    while (at < end) {
        size_t size = utf8_character(at, (size_t)(end - at));
        if (size == 0)
            return false;
        at += size;
    }
    return true;
}

/* C0, DEL, and C1 (U+0080 to U+009F), some of which terminals obey too. */
static bool is_control(const unsigned char *text, size_t size)
{
    return size == 1 ? text[0] < 0x20 || text[0] == 0x7f : size == 2 && text[0] == 0xc2 && text[1] < 0xa0;
}

/* Writes one character, or one byte that is none, as it is to be shown. Returns the number of bytes of text
 * that it stands for; shown holds up to 8 bytes and a NUL. */
static size_t show_character(const unsigned char *text, size_t length, char shown[static 9])
{
    size_t size = utf8_character(text, length);
    if (size > 0 && !is_control(text, size)) {
        memcpy(shown, text, size);
        shown[size] = '\0';
        return size;
    }
    if (text[0] == '\n' || text[0] == '\t')
        memcpy(shown, text[0] == '\n' ? "\\n" : "\\t", 3);
    else if (size == 2)
        snprintf(shown, 9, "\\x%02x\\x%02x", text[0], text[1]);
    else
        snprintf(shown, 9, "\\x%02x", text[0]);
    return size == 2 ? 2 : 1;
}

size_t text_character(const char *text, size_t length)
{
    for (size_t size = 1; size <= 4 && size <= length; size++)
        if (text_is_utf8(text, size))
            return size;
    return 0;
}

size_t text_escape(const char *text, size_t length, char *buffer, size_t size)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + length;
    size_t whole = 0, written = 0;

    while (at < end) {
        char shown[9];
        at += show_character(at, (size_t)(end - at), shown);
        size_t n = strlen(shown);
        whole += n;
        if (written == whole - n && whole < size) { /* nothing was left out so far, and it fits */
            memcpy(buffer + written, shown, n);
            written += n;
        }
    }
    if (size > 0)
        buffer[written] = '\0';
    return whole;
}

int text_find(const char *const *words, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (words[i][0] == word[0] && strcmp(words[i], word) == 0)
            return (int)i;
    return -EINVAL;
}
