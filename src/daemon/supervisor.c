/* SPDX-License-Identifier: MIT */
/* What the service manager is told, and when. */

#include "daemon/supervisor.h"

#include <stdio.h>
#include <string.h>

#include "core/timestamp.h"
#include "util/text.h"

#define STATUS_MAX 1024
#define WATCHDOG_MIN_USEC (20 * USEC_PER_MSEC)

int supervisor_open(Supervisor *ret, bool will_fork)
{
    *ret = (Supervisor){ .forked = will_fork, .ready = will_fork };
    int r = notify_open(&ret->notify, will_fork);
    /* A period that nobody can mean must not make the loop spin. */
    if (ret->notify.watchdog_usec > 0 && ret->notify.watchdog_usec < WATCHDOG_MIN_USEC)
        ret->notify.watchdog_usec = WATCHDOG_MIN_USEC;
    return r;
}

void supervisor_close(Supervisor *supervisor)
{
    notify_close(&supervisor->notify);
}

/* "42 beats, last at 2026-11-22T13:00:10.123Z; last gap: suspend, 3 beats missed, until
 * 2026-11-22T12:00:00.000Z; output /x: No space left on device (3 messages lost)". What does not fit is cut.
 * On one line whatever an output's path holds: a newline would begin another assignment.
 */
static void format_status(const Supervisor *supervisor, Output *const *outputs, size_t n,
                          char status[static STATUS_MAX])
{
    char time[TIMESTAMP_TEXT_MAX], raw[STATUS_MAX];
    int length = snprintf(raw, sizeof(raw), "%" PRIu64 " beat%s, last at %s", supervisor->seq,
                          supervisor->seq == 1 ? "" : "s", timestamp_format(supervisor->realtime_usec, time));
    if (supervisor->gap[0])
        length += snprintf(raw + length, sizeof(raw) - (size_t)length, "; last gap: %s", supervisor->gap);
    for (size_t i = 0; i < n && length < STATUS_MAX; i++)
        if (outputs[i]->failure != 0)
            length +=
                snprintf(raw + length, sizeof(raw) - (size_t)length,
                         "; output %s: %s (%" PRIu64 " message%s lost)", outputs[i]->name,
                         output_failure_text(outputs[i]), outputs[i]->lost, outputs[i]->lost == 1 ? "" : "s");
    text_escape(raw, strlen(raw), status, STATUS_MAX);
}

/* Sends assignments, and the status with them. */
static int tell(Supervisor *supervisor, const char *assignments, Output *const *outputs, size_t n_outputs)
{
    char status[STATUS_MAX], state[STATUS_MAX + 64];
    if (!supervisor->notify.open)
        return 0;
    format_status(supervisor, outputs, n_outputs, status);
    snprintf(state, sizeof(state), "%s\nSTATUS=%s", assignments, status);
    return notify_send(&supervisor->notify, state);
}

static usec_t least_pause(const Supervisor *supervisor)
{
    usec_t half = supervisor->notify.watchdog_usec / 2;
    return half > 0 && half < USEC_PER_SEC ? half : USEC_PER_SEC;
}

int supervisor_beat(Supervisor *supervisor, const Beat *beat, Output *const *outputs, size_t n_outputs)
{
    if (!supervisor->notify.open)
        return 0;
    supervisor->seq = beat->seq;
    supervisor->realtime_usec = beat->at.realtime_usec;
    if (supervisor->forked && beat->seq == 1) {
        supervisor->fed_usec = beat->due.due_usec;
        return 1;
    }
    /* By due instants, on which no lateness can make a beat of each second look like one too early. */
    if (supervisor->ready && beat->seq > 1 &&
        beat->due.due_usec < supervisor->fed_usec + least_pause(supervisor))
        return 1;

    int r = tell(supervisor, supervisor->ready ? "WATCHDOG=1" : "READY=1\nWATCHDOG=1", outputs, n_outputs);
    if (r < 0)
        return r;
    supervisor->ready = true;
    supervisor->fed_usec = beat->due.due_usec;
    return 0;
}

void supervisor_note_gap(Supervisor *supervisor, const Event *gap)
{
    char until[TIMESTAMP_TEXT_MAX], missed[48] = "";
    if (gap->missed != EVENT_NONE)
        snprintf(missed, sizeof(missed), ", %" PRIu64 " beat%s missed", gap->missed,
                 gap->missed == 1 ? "" : "s");
    snprintf(supervisor->gap, sizeof(supervisor->gap), "%s%s, until %s", cause_name(gap->verdict.cause),
             missed, timestamp_format(gap->realtime_usec, until));
}

usec_t supervisor_next(const Supervisor *supervisor, usec_t interval_usec)
{
    usec_t period = supervisor->notify.watchdog_usec;
    return period > 0 && period < 2 * interval_usec ? supervisor->fed_usec + period / 2 : USEC_INFINITY;
}

int supervisor_feed(Supervisor *supervisor, usec_t boottime_usec, Output *const *outputs, size_t n_outputs)
{
    /* Taken as fed even if the manager does not read: the next try has its time, too. */
    supervisor->fed_usec = boottime_usec;
    return tell(supervisor, "WATCHDOG=1", outputs, n_outputs);
}

int supervisor_reloading(Supervisor *supervisor, usec_t monotonic_usec)
{
    char state[64];
    if (supervisor->forked)
        return 0;
    /* Both in one datagram: sd_notify(3) on Type=notify-reload. */
    snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRI_USEC, monotonic_usec);
    return notify_send(&supervisor->notify, state);
}

int supervisor_reloaded(Supervisor *supervisor, Output *const *outputs, size_t n_outputs)
{
    return supervisor->forked ? 0 : tell(supervisor, "READY=1", outputs, n_outputs);
}

int supervisor_stopping(Supervisor *supervisor, const Error *error)
{
    char state[ERROR_TEXT_MAX + 64];
    if (!error)
        return notify_send(&supervisor->notify, "STOPPING=1");
    if (supervisor->forked && supervisor->seq == 0)
        return 0; /* the manager learns it from the parent, and listens to nobody else yet */
    snprintf(state, sizeof(state), "STOPPING=1\nSTATUS=%s\nERRNO=%d", error->text, error->errnum);
    return notify_send(&supervisor->notify, state);
}
