/* SPDX-License-Identifier: MIT */
/* A gap in words. */

#include "core/reason.h"

#include <stdio.h>
#include <string.h>

#include "core/timespan.h"
#include "util/text.h"

/* "text 31.4s", or without the figure where it is not known. */
static int put_span(char *buffer, const char *text, usec_t usec)
{
    if (usec == EVENT_NONE)
        return snprintf(buffer, REASON_TEXT_MAX, "%s for a while", text);
    return snprintf(buffer, REASON_TEXT_MAX, "%s for %s", text, SPAN(usec));
}

static int put_busy(const Event *gap, char *buffer)
{
    int n = put_span(buffer, "used the CPU", gap->cpu_usec);
    if (gap->faults == EVENT_NONE || gap->faults == 0)
        return n;
    return n + snprintf(buffer + n, REASON_TEXT_MAX - (size_t)n, ", with %" PRIu64 " major page fault%s",
                        gap->faults, gap->faults == 1 ? "" : "s");
}

static int put_stopped(const Event *gap, char *buffer)
{
    if (gap->verdict.sure)
        return snprintf(buffer, REASON_TEXT_MAX, "a SIGCONT ended a stop");
    return snprintf(buffer, REASON_TEXT_MAX, "taken off the CPU by a freezer or a debugger");
}

static int put_step(const Event *gap, char *buffer)
{
    int n = snprintf(buffer, REASON_TEXT_MAX, "%s ", gap->step[0] ? gap->step : "a step");
    if (gap->longest_usec == EVENT_NONE)
        return n + snprintf(buffer + n, REASON_TEXT_MAX - (size_t)n, "blocked");
    n += snprintf(buffer + n, REASON_TEXT_MAX - (size_t)n, "took %s", SPAN(gap->longest_usec));
    /* One that is not even most of it does not explain a gap by itself. */
    if (gap->steps_usec != EVENT_NONE && gap->longest_usec / 3 < gap->steps_usec / 4)
        n += snprintf(buffer + n, REASON_TEXT_MAX - (size_t)n, ", with the other steps %s",
                      SPAN(gap->steps_usec));
    return n;
}

static int put_watchdog(const Event *gap, char *buffer)
{
    if (!gap->step[0])
        return snprintf(buffer, REASON_TEXT_MAX, "hung, but in no step of a beat");
    return snprintf(buffer, REASON_TEXT_MAX, "hung in: %s", gap->step);
}

/* systemd.exec(5): $EXIT_STATUS is a number with "exited", else a signal's name without its SIG. */
static int put_exit(const Event *gap, char *buffer)
{
    if (!gap->exit.status[0])
        return snprintf(buffer, REASON_TEXT_MAX, "ended without a word, and nobody recorded how");
    if (strcmp(gap->exit.code, "exited") == 0)
        return snprintf(buffer, REASON_TEXT_MAX, "ended with exit status %s", gap->exit.status);
    return snprintf(buffer, REASON_TEXT_MAX, "ended by SIG%s%s", gap->exit.status,
                    strcmp(gap->exit.code, "dumped") == 0 ? ", with a core dump" : "");
}

static int put_unknown(const Event *gap, char *buffer)
{
    if (gap->lasted_usec == EVENT_NONE && gap->from_usec == EVENT_NONE)
        return snprintf(buffer, REASON_TEXT_MAX, "the record of what was before could not be read");
    if (gap->past[0])
        return snprintf(buffer, REASON_TEXT_MAX, "the lines that tell how it ended are lost");
    return snprintf(buffer, REASON_TEXT_MAX, "nothing that was measured accounts for it");
}

static int put_evidence(const Event *gap, char *buffer)
{
    switch (gap->verdict.cause) {
    case CAUSE_SUSPEND:
        return put_span(buffer, "suspended", gap->suspended_usec);
    case CAUSE_CPU_THROTTLED:
        return put_span(buffer, "held back by a CPU quota", gap->throttled_usec);
    case CAUSE_CPU_STARVED:
        return put_span(buffer, "waited for a CPU", gap->starved_usec);
    case CAUSE_BUSY:
        return put_busy(gap, buffer);
    case CAUSE_PROCESS_STOPPED:
        return put_stopped(gap, buffer);
    case CAUSE_FROZEN:
        return put_span(buffer, "frozen", gap->frozen_usec);
    case CAUSE_OUTPUT_BLOCKED:
        return put_step(gap, buffer);
    case CAUSE_HOST_PAUSED:
        return snprintf(buffer, REASON_TEXT_MAX, "only the clocks went on");
    case CAUSE_SERVICE_WATCHDOG_KILLED:
        return put_watchdog(gap, buffer);
    case CAUSE_SERVICE_CRASHED:
    case CAUSE_SERVICE_KILLED:
    case CAUSE_SERVICE_FAILED:
        return put_exit(gap, buffer);
    case CAUSE_SERVICE_OOM_KILLED:
        return snprintf(buffer, REASON_TEXT_MAX, "killed because memory was short");
    case CAUSE_SERVICE_STOPPED:
        return snprintf(buffer, REASON_TEXT_MAX, "told to stop");
    case CAUSE_HOST_SHUTDOWN:
        return snprintf(buffer, REASON_TEXT_MAX, "told to stop, then the host went down");
    case CAUSE_HOST_DOWN:
        return snprintf(buffer, REASON_TEXT_MAX, "the host went down without a word");
    default:
        return put_unknown(gap, buffer);
    }
}

char *reason_evidence(const Event *gap, char buffer[static REASON_TEXT_MAX])
{
    char raw[REASON_TEXT_MAX];
    put_evidence(gap, raw);
    text_escape(raw, strlen(raw), buffer, REASON_TEXT_MAX);
    return buffer;
}

static int put_missed(uint64_t missed, char *buffer)
{
    if (missed == EVENT_NONE)
        return snprintf(buffer, REASON_TEXT_MAX, "nobody knows how many beats missed");
    if (missed == 0)
        return snprintf(buffer, REASON_TEXT_MAX, "no beat missed");
    return snprintf(buffer, REASON_TEXT_MAX, "%" PRIu64 " beat%s missed", missed, missed == 1 ? "" : "s");
}

char *reason_summary(const Event *gap, char buffer[static REASON_TEXT_MAX])
{
    char evidence[REASON_TEXT_MAX];
    int n = put_missed(gap->missed, buffer);
    if (gap->lasted_usec != EVENT_NONE)
        n += snprintf(buffer + n, REASON_TEXT_MAX - (size_t)n, ", %s without one", SPAN(gap->lasted_usec));
    snprintf(buffer + n, REASON_TEXT_MAX - (size_t)n, ": %s%s (%s)", verdict_hedge(&gap->verdict),
             cause_name(gap->verdict.cause), reason_evidence(gap, evidence));
    return buffer;
}

char *reason_clock(const Event *clock, char buffer[static REASON_TEXT_MAX])
{
    snprintf(buffer, REASON_TEXT_MAX, "the wall clock was set %s by %s",
             clock->moved_usec < 0 ? "back" : "forward", SPAN(event_clock_moved(clock)));
    return buffer;
}
