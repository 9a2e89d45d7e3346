/* SPDX-License-Identifier: MIT */
#pragma once
/* The program's own words (its diagnostics, not its messages): one line each, to one place. */

#include "util/cleanup.h"

/* "heartbeatd: text" on fd. This is where words go at first, with fd 2; the caller keeps the descriptor. */
void log_to_fd(int fd);

/* "<N>text" on standard error, N the level of syslog(3), as sd-daemon(3) has it for the journal. */
void log_to_journal_stream(void);

/* syslog(3), facility daemon. A syslogd that does not read never blocks the caller: the words are dropped. */
void log_to_syslog(void);

/* Control characters are escaped. A destination that takes nothing right now is passed over: a daemon must
 * not stop beating because nobody reads its complaints. */
void log_error(const char *format, ...) PRINTF_LIKE(1, 2);
void log_warning(const char *format, ...) PRINTF_LIKE(1, 2);
void log_notice(const char *format, ...) PRINTF_LIKE(1, 2);
