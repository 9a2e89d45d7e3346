/* SPDX-License-Identifier: MIT */
/* A descriptor that takes lines. */

#include "daemon/sink.h"

#include <string.h>

#include "core/message.h"
#include "core/timestamp.h"

#define LINE_BYTES_MAX (1 + TIMESTAMP_TEXT_MAX + MESSAGE_MAX + 1)

static size_t format_line(const Sink *sink, Format format, usec_t realtime_usec, const char *text,
                          size_t length, char line[static LINE_BYTES_MAX])
{
    char *at = line;
    if (sink->torn)
        *at++ = '\n';
    if (format == FORMAT_FULL) {
        timestamp_format(realtime_usec, at);
        at += TIMESTAMP_TEXT_MAX - 1;
        *at++ = ' ';
    }
    memcpy(at, text, length);
    at += length;
    *at++ = '\n';
    return (size_t)(at - line);
}

int sink_write(Sink *sink, Format format, usec_t realtime_usec, const char *text, size_t length)
{
    char line[LINE_BYTES_MAX];
    size_t whole = format_line(sink, format, realtime_usec, text, length, line);
    int n = fd_write_known(sink->fd, &sink->kind, line, whole);
    if (n <= 0)
        return n < 0 ? n : -EIO;
    /* A part is taken only where the disk, the file's limit or the reader's patience ends within the line. A
     * second write(2) tells which. */
    size_t written = (size_t)n;
    int more = written < whole ? fd_write_known(sink->fd, &sink->kind, line + written, whole - written) : 0;
    if (more > 0)
        written += (size_t)more;
    sink->torn = line[written - 1] != '\n';
    return more < 0 ? more : written == whole ? 0 : -EIO;
}
