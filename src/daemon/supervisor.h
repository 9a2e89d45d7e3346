/* SPDX-License-Identifier: MIT */
#pragma once
/* What the service manager is told, and when: readiness, status, watchdog, reload, end. All functions return
 * 0, 1 when it was not the time to tell anything, or the -errno of notify_send(); whether the manager hears
 * never matters to a beat. */

#include "daemon/beat.h"
#include "daemon/notify.h"
#include "daemon/output.h"

typedef struct Supervisor {
    Notify notify;
    bool forked;     /* --fork: the parent's exit says that we are ready, READY=1 is never sent */
    bool ready;      /* READY=1 was sent, or need not be */
    usec_t fed_usec; /* CLOCK_BOOTTIME instant for which the watchdog was fed last */
    uint64_t seq;    /* of the last beat, and its CLOCK_REALTIME */
    usec_t realtime_usec;
    char gap[128]; /* the last gap in a few words, empty: none */
} Supervisor;

/* As notify_open(). */
int supervisor_open(Supervisor *ret, bool will_fork);
void supervisor_close(Supervisor *supervisor);

/* After each finished beat: WATCHDOG=1 and STATUS= in one datagram, READY=1 with the first; at most one a
 * second, or two in each watchdog period if that is more. Under --fork the first beat sends nothing: the
 * manager refuses what it gets before it has read the pid file. */
int supervisor_beat(Supervisor *supervisor, const Beat *beat, Output *const *outputs, size_t n_outputs);

/* What the status says of the latest gap from now on. */
void supervisor_note_gap(Supervisor *supervisor, const Event *gap);

/* When the watchdog is to be fed next although no beat is due by then: half a watchdog period after the last
 * time. USEC_INFINITY unless the period is shorter than two intervals. */
usec_t supervisor_next(const Supervisor *supervisor, usec_t interval_usec);

/* At that instant, if the last due beat was made. Tells the status again, which a beat so shortly before that
 * it was passed over could not. */
int supervisor_feed(Supervisor *supervisor, usec_t boottime_usec, Output *const *outputs, size_t n_outputs);

int supervisor_reloading(Supervisor *supervisor, usec_t monotonic_usec);
int supervisor_reloaded(Supervisor *supervisor, Output *const *outputs, size_t n_outputs);

/* On every way out. error: why the start failed, NULL when it did not. */
int supervisor_stopping(Supervisor *supervisor, const Error *error);
