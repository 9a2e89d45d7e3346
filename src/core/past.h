/* SPDX-License-Identifier: MIT */
#pragma once
/* What an earlier run has left, and the gap between it and the run that finds it. Pure. */

#include "core/event.h"

/* An earlier run, as far as its records tell. */
typedef struct Past {
    bool any;            /* there is a record at all */
    bool readable;       /* it could be read; if not, the rest is empty */
    Pulse pulse;         /* the last beat; its interval is 0 when that is not known */
    bool obscured;       /* its lines in the history are lost, or may be: how it ended is not known */
    char step[STEP_MAX]; /* what the run was doing when it ended, empty: nothing that can hang */
    bool stopped;
    usec_t stopped_usec; /* CLOCK_REALTIME */
    bool exited;
    ExitRecord exit;
} Past;

/* The first beat of the run that looks back. */
typedef struct Present {
    usec_t realtime_usec;
    usec_t boottime_usec;
    char boot[BOOT_ID_LENGTH + 1];
    char run[RUN_ID_LENGTH + 1];
} Present;

/* Closes the past: returns 1 with the gap to be recorded, or 0 when there is none: nothing was recorded
 * before, or it was stopped, for all that is known, and not one beat was missed.
 *
 * Within one boot times come from CLOCK_BOOTTIME. Across boots there is only the wall clock; where it runs
 * backwards, how long it lasted and how many beats were missed is not known, and neither is in the event. */
int past_close(const Past *past, const Present *present, Event *ret_gap);
