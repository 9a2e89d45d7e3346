/* SPDX-License-Identifier: MIT */
#pragma once
/* What was seen from one beat to the next, and what it means if beats were missing: a gap, or a wall clock
 * that was set. Nothing is read or written here. */

#include "core/event.h"
#include "daemon/beat.h"

/* The longest step of a beat, see steps. */
typedef struct LongestStep {
    char name[STEP_MAX]; /* empty: none yet */
    usec_t usec;         /* CLOCK_MONOTONIC */
    usec_t all_usec;     /* with all the others */
} LongestStep;

typedef struct Witness {
    Instant at;        /* of the beat before */
    Counters counters; /* as they were then */
} Witness;

/* The wall clock may move so much against the other clocks without a word: a leap second does, and on
 * a machine that is slow enough so do clocks that are read one after the other. */
#define CLOCK_STEP_USEC (USEC_PER_SEC + 100 * USEC_PER_MSEC)

/* The first beat. */
void witness_begin(Witness *witness, const Instant *at, const Counters *counters);

/* A beat after it. allowed_usec: how long after the beat before it was due at the latest; longest: of the
 * steps since then. */
typedef struct Sight {
    const Instant *at;
    const Counters *counters;
    const Due *due;
    usec_t allowed_usec;
    const LongestStep *longest;
    bool stopping; /* told to stop, for which a SIGCONT is sent too: systemd.kill(5) */
} Sight;

/* Looks at what has changed since the beat before. Of the two events what is not the writer's (run, boot) is
 * filled in when they happened: ret_gap when beats were missed, ret_clock when CLOCK_REALTIME moved against
 * CLOCK_BOOTTIME by more than CLOCK_STEP_USEC. Returns a set of SEEN_*. */
enum { SEEN_GAP = 1 << 0, SEEN_CLOCK = 1 << 1 };
int witness_look(Witness *witness, const Sight *sight, Event *ret_gap, Event *ret_clock);
