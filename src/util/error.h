/* SPDX-License-Identifier: MIT */
#pragma once
/* What went wrong, in words for the user, on its way up to whoever prints it.
 *
 * The contract of the whole project: a function returns -errno when it failed, 0 when it did what it was
 * asked, and a positive value for a condition that its comment names. One that can fail in a way that the
 * user must mend also fills an Error. Only main, service, control, record-exit, heart, daemonize and the
 * commands of heartbeatctl print. */

#include <stdbool.h>

#include "util/cleanup.h"

#define ERROR_TEXT_MAX 1024

typedef struct Error {
    int exit_code;             /* what the program is to exit with */
    int errnum;                /* errno of the cause, positive */
    char text[ERROR_TEXT_MAX]; /* one line, without the program's name; control characters escaped, cut if
                                  long */
} Error;

/* Fills *ret and returns -errnum. */
int error_set(Error *ret, int exit_code, int errnum, const char *format, ...) PRINTF_LIKE(4, 5);

/* Whether trouble with a file may be over at the next try: a disk that is full or fails, a table that is
 * full. */
bool error_passes(int errnum);
