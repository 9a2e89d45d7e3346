/* SPDX-License-Identifier: MIT */
#pragma once
/* The whole record in one reading, from its first event until now, as segments of time. */

#include "core/availability.h"
#include "ctl/print.h"
#include "ctl/view.h"

/* Only what lies between two CLOCK_REALTIMEs is wanted; USEC_INFINITY: no bound on that side. */
typedef struct ChronicleRange {
    usec_t since_usec, until_usec;
} ChronicleRange;

/* Hands each segment, cut to the range, to the sink. ret is what the history comes to, as
 * view_read_since() has it. Returns 0; -ENODATA when there is nothing to tell from, -ERANGE when there is
 * something, but nothing of the range. */
int chronicle_read(const View *view, const ChronicleRange *range, SegmentSink *sink, void *context,
                   Summary *ret);

/* Says on standard error what is missing of what was asked for; result is what chronicle_read() returned. */
void chronicle_complain(const View *view, const ChronicleRange *range, const Style *style,
                        const Summary *summary, int result);

/* Sums or the like, one for each unit of the calendar in which there was time, in their order. */
typedef struct Period {
    usec_t begin_usec, end_usec;
} Period;

typedef struct Periods {
    int unit; /* CalendarUnit */
    bool utc;
    size_t item_size; /* of what the caller keeps for each, which begins with a Period */
    char *items;
    size_t count, room;
    size_t last; /* that was asked for */
    int error;   /* -ENOMEM, or -E2BIG: more than anybody can read */
} Periods;

/* How many there may be: more than a hundred years of days. */
#define PERIODS_MAX 40000

/* What is kept for the one that holds a time, made and filled with zeros if it is the first time in it; NULL
 * once there was an error. It stays where it is until the next call. */
void *periods_find(Periods *periods, usec_t realtime_usec);
/* The same, but none is made. */
void *periods_get(const Periods *periods, usec_t realtime_usec);
void *periods_at(const Periods *periods, size_t index);
size_t periods_index(const Periods *periods, const void *item);
void periods_done(Periods *periods);
