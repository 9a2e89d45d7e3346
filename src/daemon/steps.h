/* SPDX-License-Identifier: MIT */
#pragma once
/* The steps of a beat that may take long: how long each does, and, marked beside the pulse before it begins,
 * which one the daemon was in when it was killed. */

#include "daemon/clocks.h"
#include "daemon/witness.h"

typedef struct Steps {
    Clocks *clocks;
    int pulse_fd; /* where the mark goes; -1: nowhere */
    bool marked;
    char name[STEP_MAX]; /* of the step at hand */
    usec_t began_usec;   /* CLOCK_MONOTONIC: a suspend within is none of its doing */
    LongestStep longest; /* since steps_forget() */
} Steps;

/* verb and name make its name: "write" and "/var/log/x". Marks it, unless that was done. */
void steps_begin(Steps *steps, const char *verb, const char *name);
void steps_end(Steps *steps);

/* As steps_begin(), for a step whose mark another write carries or that can do without. */
void steps_begin_unmarked(Steps *steps, const char *verb, const char *name);

/* No step is at hand: takes the mark away, if there is one. */
void steps_rest(Steps *steps);

/* What was longest belongs to a beat that has been told of. */
void steps_forget(Steps *steps);
