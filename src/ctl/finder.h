/* SPDX-License-Identifier: MIT */
#pragma once
/* What the history has around a time. */

#include "ctl/view.h"

typedef struct Finder {
    usec_t time_usec;
    bool any, has_gap, has_output, has_clock, has_start, has_stop, has_next, has_later;
    Event gap, output, clock; /* at the time */
    Event start, stop;        /* the run that was on, and its end if that was before the time */
    Event next;               /* the run after it */
    usec_t last_usec;         /* the event before the one that is looked at */
    usec_t interval_usec;
    Summary *summary;
} Finder;

/* Reads the history for a CLOCK_REALTIME, and what all of it comes to; of one that cannot be read, as the
 * summary then says, nothing is found. */
void finder_read(const View *view, usec_t time_usec, Finder *ret, Summary *summary);
