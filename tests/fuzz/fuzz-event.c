/* SPDX-License-Identifier: MIT */
/* Any bytes as a line of the history: what is taken is written as a line that means the same, and a line that
 * was torn off is none. */

#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "core/event.h"

static void check_written(const Event *event)
{
    char line[EVENT_LINE_MAX], again[EVENT_LINE_MAX];
    Event read;
    int length = event_format(event, line);
    FUZZ_ASSERT(length > 0 && line[length - 1] == '\n' &&
                memchr(line, '\n', (size_t)length) == line + length - 1);
    FUZZ_ASSERT(event_parse(line, (size_t)length - 1, &read) == 0 && read.kind == event->kind);
    FUZZ_ASSERT(event_format(&read, again) == length && memcmp(line, again, (size_t)length) == 0);
}

static void check_torn(const char *text, size_t length)
{
    Event event;
    char *torn = malloc(length + strlen(EVENT_TORN_MARK) + 1);
    memcpy(torn, text, length);
    strcpy(torn + length, EVENT_TORN_MARK);
    FUZZ_ASSERT(event_parse(torn, strlen(torn) - 1, &event) != 0);
    free(torn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Event event;
    char *text = fuzz_text(data, size);
    size_t length = strlen(text);
    int r = event_parse(text, length, &event);
    FUZZ_ASSERT(r == 0 || r == -EBADMSG || r == -ENOTSUP);
    if (r == 0) {
        check_written(&event);
        check_torn(text, length);
    }
    free(text);
    return 0;
}
