/* SPDX-License-Identifier: MIT */
#pragma once
/* How far the wall clock has come along a history, whose lines are in the order in which they were written: a
 * reader that asks for a time can only leave out the lines before one if it knows that none of them is of a
 * later time than that. The wall clock does not promise it. So a line says it wherever the clock is behind
 * what a line before it has shown, and a history that is kept like this says so in its first line. Pure. */

#include "core/event.h"

/* Steps of the clock below a second are no events, and no line is marked for them: so much later than its
 * course says a history may tell of something. */
#define COURSE_MARGIN_USEC USEC_PER_MINUTE

typedef struct Course {
    usec_t latest_usec; /* CLOCK_REALTIME: no line so far tells of a later time, but for the margin */
    usec_t boottime_usec;
    char boot[BOOT_ID_LENGTH + 1]; /* of the last line; empty: none so far */
} Course;

/* Takes the next event into account. What comes of the one alone is what comes of it behind all others, where
 * course_mark() was asked about each of them. */
void course_take(Course *course, const Event *event);

/* What an event has to carry as its latest_usec, which stands behind the others, or EVENT_NONE. first: it is
 * the first of its file. */
usec_t course_mark(const Course *course, const Event *event, bool first);

/* Whether a history that begins with this event is kept like this. */
bool course_is_kept(const Event *first);
