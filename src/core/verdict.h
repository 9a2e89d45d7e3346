/* SPDX-License-Identifier: MIT */
#pragma once
/* Why a beat was missing: from evidence to a cause. Pure, and the only place that judges. */

#include <stdbool.h>

#include "util/usec.h"

typedef enum Cause {
    CAUSE_UNKNOWN,
    /* the daemon lived through it */
    CAUSE_SUSPEND,
    CAUSE_CPU_THROTTLED,
    CAUSE_CPU_STARVED,
    CAUSE_BUSY,
    CAUSE_PROCESS_STOPPED,
    CAUSE_FROZEN,
    CAUSE_OUTPUT_BLOCKED,
    CAUSE_HOST_PAUSED,
    /* the daemon ended, and the host went on, as far as is known */
    CAUSE_SERVICE_CRASHED,
    CAUSE_SERVICE_OOM_KILLED,
    CAUSE_SERVICE_WATCHDOG_KILLED,
    CAUSE_SERVICE_KILLED,
    CAUSE_SERVICE_FAILED,
    CAUSE_SERVICE_STOPPED,
    /* the host ended, too */
    CAUSE_HOST_SHUTDOWN,
    CAUSE_HOST_DOWN,
} Cause;

#define CAUSE_COUNT (CAUSE_HOST_DOWN + 1)

/* What the host did from the last sign of life on: until the next beat within a boot, else until the new boot
 * began; since then it was up. */
typedef enum HostState {
    HOST_UNKNOWN,
    HOST_UP,
    HOST_SUSPENDED, /* for the greater part */
    HOST_DOWN,
} HostState;

typedef struct Verdict {
    Cause cause;
    bool sure; /* high confidence, else low */
    HostState host;
} Verdict;

/* How much of a gap something accounts for, where the kernel tells. */
typedef struct Measure {
    bool known;
    usec_t usec;
} Measure;

/* What was seen at the beat that ended a gap, all of it as growth since the beat before. */
typedef struct RunEvidence {
    usec_t gap_usec;       /* CLOCK_BOOTTIME from beat to beat */
    usec_t interval_usec;  /* the longest that it should have been */
    usec_t suspended_usec; /* CLOCK_BOOTTIME less CLOCK_MONOTONIC */
    Measure throttled;     /* by the CPU quota of the own cgroup */
    Measure starved;       /* ready to run, and another ran: contains the throttling */
    Measure cpu;           /* own time on a CPU */
    Measure frozen;        /* by the freezer of the own cgroup */
    usec_t steps_usec;     /* in steps of a beat, all of them together: one may hang after the other */
    bool continued;        /* a SIGCONT was read */
    bool stopping;         /* and the process was told to stop: its SIGCONT proves no stop */
    bool switches_known;
    uint64_t switches; /* voluntary ones while waiting in poll(2) */
    uint64_t polls;
} RunEvidence;

/* For a gap that the same process ended. */
Verdict verdict_within_run(const RunEvidence *evidence);

/* How the service manager saw a process end: $SERVICE_RESULT, $EXIT_CODE and $EXIT_STATUS of systemd.exec(5);
 * "gone" and nothing else when somebody merely found that it had. */
typedef struct ExitRecord {
    char result[24], code[16], status[16];
} ExitRecord;

/* What an earlier run has left. Times are CLOCK_REALTIME. */
typedef struct PastEvidence {
    bool readable;
    bool same_boot;
    const ExitRecord *exited; /* NULL: no exit line */
    bool stopped;             /* a stop line, and its time */
    usec_t stopped_usec;
    usec_t boot_usec; /* when the present boot began */
} PastEvidence;

/* For the gap between an earlier run and this one. */
Verdict verdict_between_runs(const PastEvidence *evidence);

/* "perhaps " to stand before a cause of low confidence, else "": unknown says it by itself. */
const char *verdict_hedge(const Verdict *verdict);

/* "service-oom-killed"; never NULL. */
const char *cause_name(Cause cause);
/* Returns 0, or -EINVAL for a name that is none. */
int cause_from_name(const char *name, Cause *ret);

/* "up", "down", "suspended", "unknown". */
const char *host_state_name(HostState state);
int host_state_from_name(const char *name, HostState *ret);
