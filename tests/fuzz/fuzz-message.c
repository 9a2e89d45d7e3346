/* SPDX-License-Identifier: MIT */
/* Any bytes as a template, after a first line with any bytes as the host name: what is taken fits, is UTF-8
 * and holds no control character at any beat, and is what each of its specifiers says. */

#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/message.h"
#include "core/timespan.h"
#include "core/timestamp.h"
#include "util/text.h"

#define BOOT_ID "0123456789abcdef0123456789abcdef"

/* What a specifier stands for at a beat, not made fit to be shown. */
static char *value_of(char letter, const char *host, uint64_t seq, usec_t realtime_usec, usec_t boottime_usec,
                      char buffer[static TIMESPAN_TEXT_MAX])
{
    switch (letter) {
    case 'n':
        snprintf(buffer, TIMESPAN_TEXT_MAX, "%" PRIu64, seq);
        break;
    case 't':
        timestamp_format(realtime_usec, buffer);
        break;
    case 'u':
        timespan_format(boottime_usec / USEC_PER_SEC * USEC_PER_SEC, buffer);
        break;
    case 'b':
        memcpy(buffer, BOOT_ID, sizeof(BOOT_ID));
        break;
    default:
        memcpy(buffer, "%", 2);
    }
    return letter == 'H' ? memcpy(buffer, host, strlen(host) + 1) : buffer;
}

/* The template filled in at once and character by character, in place of once for all beats. */
static void fill_in(const char *template, const char *host, uint64_t seq, usec_t realtime_usec,
                    usec_t boottime_usec, char ret[static 4 * MESSAGE_MAX])
{
    char value[HOST_MAX + TIMESPAN_TEXT_MAX];
    size_t length = 0;
    while (*template) {
        size_t size = text_character(template, strlen(template));
        const char *piece = template;
        if (*template == '%') {
            piece = value_of(template[1], host, seq, realtime_usec, boottime_usec, value);
            template += 2;
            size = strlen(piece);
        } else
            template += size;
        length += text_escape(piece, size, ret + length, 4 * MESSAGE_MAX - length);
    }
    ret[length] = '\0';
}

static void expand(const Message *message, const char *template, const char *host, uint64_t seq,
                   usec_t realtime_usec, usec_t boottime_usec)
{
    char text[MESSAGE_MAX + 1], expected[4 * MESSAGE_MAX];
    size_t length = message_expand(message, seq, realtime_usec, boottime_usec, text);
    FUZZ_ASSERT(length <= MESSAGE_MAX && strlen(text) == length);
    fuzz_assert_printable(text);
    fill_in(template, host, seq, realtime_usec, boottime_usec, expected);
    FUZZ_ASSERT(strcmp(text, expected) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    char *newline = strchr(text, '\n');
    char *template = newline ? newline + 1 : text;
    char host[HOST_MAX + 1] = "host";
    char *escaped = malloc(4 * strlen(template) + 1);
    Message message;

    if (newline) {
        *newline = '\0';
        strncpy(host, text, HOST_MAX);
    }
    int checked = message_check(template);
    int r = message_prepare(&message, template, host, BOOT_ID);
    FUZZ_ASSERT(r == 0 || r == -EINVAL || r == -EILSEQ || r == -E2BIG);
    if (checked == 0 && text_is_utf8(host, strlen(host)) && strcspn(host, "\x7f\xc2") == strlen(host)) {
        bool plain = true;
        for (const char *at = host; *at; at++)
            plain = plain && (unsigned char)*at >= 0x20;
        FUZZ_ASSERT(!plain || r == 0); /* what is good on every host is good on this one */
    }
    if (r == 0) {
        expand(&message, template, host, 1, 0, 0);
        expand(&message, template, host, 42, UINT64_C(1795352410123456), UINT64_C(86400999999));
        expand(&message, template, host, UINT64_MAX, UINT64_MAX, UINT64_MAX);
    }

    /* A template may be escaped before or after: settings_print() relies on it. */
    text_escape(template, strlen(template), escaped, 4 * strlen(template) + 1);
    FUZZ_ASSERT(checked == -EILSEQ || message_check(escaped) == checked);
    FUZZ_ASSERT(checked < 0 || !message_needs_boot_id(template) || strstr(template, "%b"));
    free(escaped);
    free(text);
    return 0;
}
