/* SPDX-License-Identifier: MIT */
/* The program's own words: one line each, to one place. */

#include "util/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syslog.h>

#include "util/fd.h"
#include "util/probe.h"
#include "util/text.h"

#define LINE_MAX_BYTES 2048

static enum { TO_FD, TO_JOURNAL_STREAM, TO_SYSLOG } target = TO_FD;
static int target_fd = STDERR_FILENO;

void log_to_fd(int fd)
{
    target = TO_FD;
    target_fd = fd;
}

void log_to_journal_stream(void)
{
    target = TO_JOURNAL_STREAM;
    target_fd = STDERR_FILENO;
}

void log_to_syslog(void)
{
    target = TO_SYSLOG;
}

static void log_to_line(int level, const char *text)
{
    char line[LINE_MAX_BYTES + 32];
    int length = target == TO_JOURNAL_STREAM ? snprintf(line, sizeof(line), "<%d>%s\n", level, text)
                                             : snprintf(line, sizeof(line), "heartbeatd: %s\n", text);
    (void)fd_write_now(target_fd, line, (size_t)length);
}

static void log_valist(int level, const char *format, va_list arguments) PRINTF_LIKE(2, 0);
static void log_valist(int level, const char *format, va_list arguments)
{
    char raw[LINE_MAX_BYTES], text[LINE_MAX_BYTES];

    vsnprintf(raw, sizeof(raw), format, arguments);
    text_escape(raw, strlen(raw), text, sizeof(text));
    if (target != TO_SYSLOG)
        log_to_line(level, text);
    else if (probe_path(SYSLOG_SOCKET) == 0)
        syslog(LOG_DAEMON | level, "%s", text);
}

#define DEFINE_LOG(name, level)               \
    void name(const char *format, ...)        \
    {                                         \
        va_list arguments;                    \
        va_start(arguments, format);          \
        log_valist(level, format, arguments); \
        va_end(arguments);                    \
    }

DEFINE_LOG(log_error, LOG_ERR)
DEFINE_LOG(log_warning, LOG_WARNING)
DEFINE_LOG(log_notice, LOG_NOTICE)
