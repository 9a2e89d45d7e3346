/* SPDX-License-Identifier: MIT */
#pragma once
/* Is it alive? Judged from the last beat, from how its run ended, and from whether its process is there.
 * Pure.
 */

#include "core/past.h"

typedef enum Liveness {
    LIVENESS_ALIVE,
    LIVENESS_LATE,       /* a beat is missing, which a busy host may explain */
    LIVENESS_SILENT,     /* the process is there and does not beat */
    LIVENESS_GONE,       /* no process, and nobody told it to stop */
    LIVENESS_STOPPED,    /* no process, for it was told to stop */
    LIVENESS_NEVER_RAN,  /* there is no record */
    LIVENESS_UNREADABLE, /* there is one that says nothing */
} Liveness;

#define LIVENESS_COUNT (LIVENESS_UNREADABLE + 1)

/* What the present holds against the record. */
typedef struct LivenessNow {
    usec_t boottime_usec;
    const char *boot; /* 32 digits */
    bool process;     /* the run's process is there; not asked for when the boot is another */
} LivenessNow;

Liveness liveness_judge(const Past *past, const LivenessNow *now);

/* "alive", "never-ran"; never NULL. */
const char *liveness_name(Liveness liveness);

/* CLOCK_BOOTTIME from the last beat to now_usec, both of one boot: 0 for a beat that is ahead. */
usec_t liveness_age(const Pulse *pulse, usec_t now_usec);

/* Whether the beat lies so far ahead of now_usec that the two are not on one clock. */
bool liveness_is_ahead(const Pulse *pulse, usec_t now_usec);

/* Ages above which a beat is late, and a process that made it is silent: two and three intervals, and a
 * second for a clock tick, a slow disk and a reader that looks just then. */
usec_t liveness_late_after(usec_t interval_usec);
usec_t liveness_silent_after(usec_t interval_usec);

/* The states of monitoring plugins, by their exit statuses. */
typedef enum Severity {
    SEVERITY_OK = 0,
    SEVERITY_WARNING = 1,
    SEVERITY_CRITICAL = 2,
    SEVERITY_UNKNOWN = 3,
} Severity;

/* Ages above which there is something to report. */
typedef struct Thresholds {
    usec_t warning_usec;
    usec_t critical_usec;
} Thresholds;

/* Those of the interval, or what the caller asked for in their place; USEC_INFINITY: asked for nothing. Where
 * only one was, the other gives way to it: the warning never comes after the alarm. */
Thresholds liveness_thresholds(usec_t interval_usec, usec_t asked_warning_usec, usec_t asked_critical_usec);

/* What to report. age_usec and failing, the number of outputs that fail, count where the process is there. */
Severity liveness_severity(Liveness liveness, usec_t age_usec, uint64_t failing,
                           const Thresholds *thresholds);

/* "OK", "WARNING", "CRITICAL", "UNKNOWN". */
const char *severity_name(Severity severity);
