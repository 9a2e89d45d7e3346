/* SPDX-License-Identifier: MIT */
#pragma once
/* A descriptor that takes lines: what a file and standard output have in common. */

#include <stdbool.h>

#include "daemon/output.h"
#include "util/fd.h"

typedef struct Sink {
    int fd;
    FdKind kind;
    bool torn; /* what was written last did not end in a newline */
} Sink;

/* Writes one line, with one write(2) where it is taken as a whole: a newline first where the last line was
 * torn, then in full format the time and a space, then the text, of at most MESSAGE_MAX bytes. Returns 0, or
 * -errno when the line is not there as a whole. */
int sink_write(Sink *sink, Format format, usec_t realtime_usec, const char *text, size_t length);
