/* SPDX-License-Identifier: MIT */
#pragma once
/* The text of a beat: a template with specifiers, made ready once and filled in at each beat.
 *
 *   %n  number of the beat      %H  host name        %u  time since the boot, whole seconds
 *   %t  time, RFC 3339 in UTC   %b  boot id          %%  a percent sign */

#include <stdbool.h>
#include <stddef.h>

#include "util/usec.h"

#define MESSAGE_MAX 1024  /* bytes, expanded */
#define HOST_MAX 64       /* HOST_NAME_MAX of gethostname(2) */
#define BOOT_ID_LENGTH 32 /* hexadecimal digits, as the journal's _BOOT_ID= has them */

typedef struct Message {
    /* The template with host and boot id filled in and control characters escaped, so that a control
     * character in here can only be one that message_prepare() put in: the mark of a specifier. */
    char pattern[MESSAGE_MAX + 1];
} Message;

/* Whether template can be prepared on every host. Returns 0, -EINVAL for a % that introduces no specifier,
 * -EILSEQ when it is not UTF-8, -E2BIG when it could become longer than MESSAGE_MAX. */
int message_check(const char *template);

/* Whether the template has a %b in it. */
bool message_needs_boot_id(const char *template);

/* Returns 0 or an error as above. */
int message_prepare(Message *ret, const char *template, const char *host, const char *boot_id);

/* seq is the number of the beat, realtime_usec its CLOCK_REALTIME, boottime_usec its CLOCK_BOOTTIME. Returns
 * the length written to buffer, NUL not counted: at most MESSAGE_MAX. */
size_t message_expand(const Message *message, uint64_t seq, usec_t realtime_usec, usec_t boottime_usec,
                      char buffer[static MESSAGE_MAX + 1]);
