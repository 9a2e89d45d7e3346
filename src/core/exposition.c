/* SPDX-License-Identifier: MIT */
/* Pulse and history as metrics. */

#include "core/exposition.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/timespan.h"
#include "util/cleanup.h"
#include "util/text.h"

typedef struct Text {
    char *buffer;
    size_t length;
} Text;

static void PRINTF_LIKE(2, 3) put(Text *text, const char *format, ...)
{
    va_list arguments;
    size_t room = EXPOSITION_MAX - text->length;
    va_start(arguments, format);
    size_t length = (size_t)vsnprintf(text->buffer + text->length, room, format, arguments);
    va_end(arguments);
    text->length += length < room ? length : room - 1;
}

/* What begins a metric: every one has both lines, even where it has no sample. */
static void put_head(Text *text, const char *name, const char *type, const char *help)
{
    put(text, "# HELP heartbeat_%s %s\n# TYPE heartbeat_%s %s\n", name, help, name, type);
}

#define SECONDS(usec) timespan_format_seconds(usec, (char[TIMESPAN_TEXT_MAX]){ 0 })

static void put_time(Text *text, const char *name, const char *help, usec_t usec)
{
    put_head(text, name, "gauge", help);
    put(text, "heartbeat_%s %s\n", name, SECONDS(usec));
}

static void put_number(Text *text, const char *name, const char *type, const char *help, uint64_t number)
{
    put_head(text, name, type, help);
    put(text, "heartbeat_%s %" PRIu64 "\n", name, number);
}

static void put_lateness(Text *text, const Pulse *pulse)
{
    if (!pulse->lateness.known)
        return;
    put_head(text, "lateness_seconds", "histogram", "How late the beats of this run were made.");
    for (size_t i = 0; i < LATENESS_BOUNDS; i++)
        put(text, "heartbeat_lateness_seconds_bucket{le=\"%s\"} %" PRIu64 "\n",
            SECONDS(lateness_bounds_usec[i]), pulse->seq - pulse->lateness.over[i]);
    put(text, "heartbeat_lateness_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n", pulse->seq);
    put(text, "heartbeat_lateness_seconds_sum %s\n", SECONDS(pulse->lateness.sum_usec));
    put(text, "heartbeat_lateness_seconds_count %" PRIu64 "\n", pulse->seq);
}

static void put_gaps(Text *text, const Census *census)
{
    put_head(text, "gaps_total", "counter",
             "Times without a beat by their cause, of all runs that the history tells of.");
    for (Cause cause = 0; cause < CAUSE_COUNT; cause++)
        put(text, "heartbeat_gaps_total{cause=\"%s\"} %" PRIu64 "\n", cause_name(cause), census->gaps[cause]);
    put_head(text, "last_gap_timestamp_seconds", "gauge",
             "When the last gap of each cause that there was ended, since 1970.");
    for (Cause cause = 0; cause < CAUSE_COUNT; cause++)
        if (census->last_usec[cause] > 0)
            put(text, "heartbeat_last_gap_timestamp_seconds{cause=\"%s\"} %s\n", cause_name(cause),
                SECONDS(census->last_usec[cause]));
}

/* A value of a label: one line of UTF-8, whatever a record holds, with backslash and quote escaped. */
static void put_label(Text *text, const char *name, const char *value)
{
    char fit[RUN_ID_LENGTH * 4 + 1];
    text_escape(value, strlen(value), fit, sizeof(fit));
    put(text, "%s=\"", name);
    for (const char *at = fit; *at; at++)
        put(text, *at == '\\' || *at == '"' ? "\\%c" : "%c", *at);
    put(text, "\"");
}

/* The ids change with each start, and so stand here only: one series of each host, and not all of them, is
 * another one then. */
static void put_info(Text *text, const Pulse *pulse)
{
    put_head(text, "run_info", "gauge", "The run of the daemon and the boot of the host, by their ids.");
    put(text, "heartbeat_run_info{");
    put_label(text, "run", pulse->run);
    put(text, ",");
    put_label(text, "boot", pulse->boot);
    put(text, "} 1\n");
}

size_t exposition_format(const Pulse *pulse, const Census *census, char buffer[static EXPOSITION_MAX])
{
    Text text = { .buffer = buffer };
    put_time(&text, "last_beat_timestamp_seconds", "When the last beat was made, since 1970.",
             pulse->realtime_usec);
    put_time(&text, "start_time_seconds", "When the first beat of this run was made, since 1970.",
             pulse->started_usec);
    put_time(&text, "interval_seconds", "Time from one beat to the next.", pulse->interval_usec);
    put_number(&text, "beats_total", "counter", "Beats made in this run.", pulse->seq);
    put_number(&text, "missed_beats_total", "counter", "Beats that were due in this run and not made.",
               pulse->missed);
    put_lateness(&text, pulse);
    put_time(&text, "max_lateness_seconds", "The greatest lateness of a beat of this run.",
             pulse->late_max_usec);
    put_gaps(&text, census);
    put_number(&text, "outputs_failing", "gauge", "Outputs that did not take the last message.",
               pulse->failing);
    put_number(&text, "messages_lost_total", "counter", "Messages of this run that outputs did not take.",
               pulse->lost);
    put_info(&text, pulse);
    return text.length;
}
