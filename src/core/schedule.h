/* SPDX-License-Identifier: MIT */
#pragma once
/* When beats are due: first + j x interval on CLOCK_BOOTTIME, for ever, never now + interval. A beat that
 * comes late shifts none after it, and several due instants that passed are answered by one beat, which
 * stands for the last. */

#include "util/usec.h"

typedef struct Schedule {
    usec_t first_usec;    /* the instant with j = 0 */
    usec_t interval_usec; /* at least 1 */
    uint64_t last;        /* j of the beat made last */
} Schedule;

/* What a beat stands for. */
typedef struct Due {
    usec_t due_usec;  /* CLOCK_BOOTTIME */
    usec_t late_usec; /* below one interval */
    uint64_t missed;  /* due instants since the beat before that no beat answered */
} Due;

/* Begins at now_usec with a beat that is due and made at this instant, which *ret describes. */
void schedule_start(Schedule *schedule, usec_t interval_usec, usec_t now_usec, Due *ret);

/* When the next beat is due. */
usec_t schedule_next(const Schedule *schedule);

/* Takes a beat made at now_usec into account, which must not be before schedule_next(). */
void schedule_beat(Schedule *schedule, usec_t now_usec, Due *ret);

/* Changes the interval: a new grid begins at the instant that the last beat stood for, and its first instant
 * after now_usec is the next one due. Nothing is missed by it. The same interval changes nothing. */
void schedule_change(Schedule *schedule, usec_t interval_usec, usec_t now_usec);
