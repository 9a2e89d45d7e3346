/* SPDX-License-Identifier: MIT */
/* Any bytes as a template, after a first line with any bytes as the host name: what is taken fits, is UTF-8
 * and holds no control character at any beat. */

#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "core/message.h"
#include "util/text.h"

static void expand(const Message *message, uint64_t seq, usec_t realtime_usec, usec_t boottime_usec)
{
    char text[MESSAGE_MAX + 1];
    size_t length = message_expand(message, seq, realtime_usec, boottime_usec, text);
    FUZZ_ASSERT(length <= MESSAGE_MAX && strlen(text) == length);
    fuzz_assert_printable(text);
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
    int r = message_prepare(&message, template, host, "0123456789abcdef0123456789abcdef");
    FUZZ_ASSERT(r == 0 || r == -EINVAL || r == -EILSEQ || r == -E2BIG);
    if (checked == 0 && text_is_utf8(host, strlen(host)) && strcspn(host, "\x7f\xc2") == strlen(host)) {
        bool plain = true;
        for (const char *at = host; *at; at++)
            plain = plain && (unsigned char)*at >= 0x20;
        FUZZ_ASSERT(!plain || r == 0); /* what is good on every host is good on this one */
    }
    if (r == 0) {
        expand(&message, 1, 0, 0);
        expand(&message, UINT64_MAX, UINT64_MAX, UINT64_MAX);
    }

    /* A template may be escaped before or after: settings_print() relies on it. */
    text_escape(template, strlen(template), escaped, 4 * strlen(template) + 1);
    FUZZ_ASSERT(checked == -EILSEQ || message_check(escaped) == checked);
    (void)message_needs_boot_id(template);
    free(escaped);
    free(text);
    return 0;
}
