/* SPDX-License-Identifier: MIT */
#pragma once
/* The latest beat as one record: what tells, to whoever reads it, that the host was alive. */

#include "core/message.h"
#include "core/verdict.h"
#include "util/usec.h"

#define PULSE_VERSION 1
#define PULSE_SIZE 512         /* bytes of the record, a newline at the end included */
#define RUN_ID_LENGTH 32       /* hexadecimal digits */
#define MACHINE_LENGTH 8       /* hexadecimal digits */
#define STEP_STOPPED "stopped" /* in a step's place: the run was told to stop, and no line could say so */
#define STEP_MAX 64            /* what a beat is about to do, in a few words and a NUL */

/* How late the beats of a run were. Each bound is ten times the one before: below the first is what a timer
 * needs on an idle host, a hundredth of a second is the shortest interval, a tenth is a host with more to do
 * than it has CPUs for, and a second is what heartbeatctl check forgives. Beyond that the interval is the
 * bound, for a beat that is later is missed, and makes a gap. */
#define LATENESS_BOUNDS 4

typedef struct Lateness {
    bool known;      /* not in the records of versions that did not count */
    usec_t sum_usec; /* of all beats */
    uint64_t
        over[LATENESS_BOUNDS]; /* beats that were later than each bound; not more than over the one before */
} Lateness;

extern const usec_t lateness_bounds_usec[LATENESS_BOUNDS];

typedef struct Pulse {
    char run[RUN_ID_LENGTH + 1];
    char boot[BOOT_ID_LENGTH + 1];
    char machine[MACHINE_LENGTH + 1]; /* empty: it has no id; see store/identity */
    uint64_t pid;
    uint64_t start_ticks; /* of the process: starttime in proc(5), without which a pid says little */
    usec_t started_usec;  /* CLOCK_REALTIME of the run's first beat */
    uint64_t seq;         /* number of the beat in its run */
    usec_t due_usec;      /* CLOCK_BOOTTIME instant that it stands for */
    usec_t realtime_usec; /* of the beat, on three clocks */
    usec_t boottime_usec;
    usec_t monotonic_usec;
    usec_t interval_usec;
    usec_t late_usec;
    usec_t late_max_usec; /* in the run */
    uint64_t missed;      /* in the run, as the three below */
    uint64_t failing;     /* outputs that fail at present */
    uint64_t lost;        /* messages, of each output that failed */
    uint64_t gaps;
    Cause last_cause; /* of the last gap, if there was one */
    Lateness lateness;
} Pulse;

/* Counts a beat of the run, so late. */
void pulse_count_lateness(Pulse *pulse, usec_t late_usec);

/* Writes the record, padded with blanks to its size. Time values up to the year 30000 fit, and all numbers
 * that can come of them; the lateness, which is done without where there is no room for it, in boots of up to
 * 30 years. */
void pulse_format(const Pulse *pulse, char ret[static PULSE_SIZE]);

/* Reads it back. Returns 0, -EBADMSG when it is damaged or torn, -ENOTSUP when a newer version wrote it. Keys
 * that are not known are passed over. */
int pulse_parse(const char text[static PULSE_SIZE], Pulse *ret);
