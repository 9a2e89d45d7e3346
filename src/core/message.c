/* SPDX-License-Identifier: MIT */
/* The text of a beat: a template with specifiers. */

#include "core/message.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "core/timespan.h"
#include "core/timestamp.h"
#include "util/number.h"
#include "util/text.h"

/* Marks of the specifiers whose value is known only at the beat, and the longest that each can become. */
enum { MARK_SEQ = 1, MARK_TIME, MARK_UPTIME };
static const size_t mark_max[] = {
    [MARK_SEQ] = NUMBER_DIGITS_MAX,
    [MARK_TIME] = TIMESTAMP_TEXT_MAX - 1,
    [MARK_UPTIME] = 26, /* 2^64 us: "213503982d 23h 59min 59s", and a little air */
};

typedef struct Builder {
    char *pattern;
    size_t length;   /* of the pattern */
    size_t expanded; /* of the longest text that can come of it */
} Builder;

static int add_escaped(Builder *b, const char *text, size_t length)
{
    size_t room = MESSAGE_MAX + 1 - b->length;
    size_t n = text_escape(text, length, b->pattern + b->length, room);
    if (n >= room)
        return -E2BIG;
    b->length += n;
    b->expanded += n;
    return 0;
}

static int add_mark(Builder *b, char mark)
{
    if (b->length >= MESSAGE_MAX)
        return -E2BIG;
    b->pattern[b->length++] = mark;
    b->pattern[b->length] = '\0';
    b->expanded += mark_max[(unsigned char)mark];
    return 0;
}

static int add_specifier(Builder *b, char letter, const char *host, const char *boot_id)
{
    switch (letter) {
    case 'n':
        return add_mark(b, MARK_SEQ);
    case 't':
        return add_mark(b, MARK_TIME);
    case 'u':
        return add_mark(b, MARK_UPTIME);
    case 'H':
        return add_escaped(b, host, strlen(host));
    case 'b':
        return add_escaped(b, boot_id, strlen(boot_id));
    case '%':
        return add_escaped(b, "%", 1);
    default:
        return -EINVAL;
    }
}

int message_prepare(Message *ret, const char *template, const char *host, const char *boot_id)
{
    Message message = { 0 };
    Builder b = { .pattern = message.pattern };
    if (!text_is_utf8(template, strlen(template)))
        return -EILSEQ;

    for (const char *at = template; *at;) {
        size_t plain = strcspn(at, "%");
        int r = add_escaped(&b, at, plain);
        at += plain;
        if (r == 0 && *at == '%') {
            r = add_specifier(&b, at[1], host, boot_id);
            at += 2;
        }
        if (r < 0)
            return r;
    }
    if (b.expanded > MESSAGE_MAX)
        return -E2BIG;
    *ret = message;
    return 0;
}

int message_check(const char *template)
{
    char host[HOST_MAX + 1], boot_id[BOOT_ID_LENGTH + 1];
    Message unused;
    memset(host, 'h', HOST_MAX);
    memset(boot_id, '0', BOOT_ID_LENGTH);
    host[HOST_MAX] = boot_id[BOOT_ID_LENGTH] = '\0';
    return message_prepare(&unused, template, host, boot_id);
}

bool message_needs_boot_id(const char *template)
{
    for (const char *at = strchr(template, '%'); at && at[1]; at = strchr(at + 2, '%'))
        if (at[1] == 'b')
            return true;
    return false;
}

static size_t expand_mark(char mark, uint64_t seq, usec_t realtime_usec, usec_t boottime_usec, char *buffer)
{
    if (mark == MARK_SEQ)
        return (size_t)(number_put(buffer, seq) - buffer);
    if (mark == MARK_TIME)
        return strlen(timestamp_format(realtime_usec, buffer));
    char uptime[TIMESPAN_TEXT_MAX];
    timespan_format(boottime_usec - boottime_usec % USEC_PER_SEC, uptime);
    size_t length = strlen(uptime);
    memcpy(buffer, uptime, length + 1);
    return length;
}

size_t message_expand(const Message *message, uint64_t seq, usec_t realtime_usec, usec_t boottime_usec,
                      char buffer[static MESSAGE_MAX + 1])
{
    char *at = buffer;
    for (const char *from = message->pattern; *from; from++)
        if (*from <= MARK_UPTIME && *from > 0)
            at += expand_mark(*from, seq, realtime_usec, boottime_usec, at);
        else
            *at++ = *from;
    *at = '\0';
    return (size_t)(at - buffer);
}
