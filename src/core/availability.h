/* SPDX-License-Identifier: MIT */
#pragma once
/* What the host and the pulse were at any time, as the record tells it: a walk along the history that hands
 * out stretches of wall time, which tally sums up. Pure; what it keeps does not grow with the history.
 *
 * Within one boot the host was up, or suspended, however long the service was not, and CLOCK_BOOTTIME tells
 * how long that was. Such a time is placed on the wall clock from the event before it on: wall time that a
 * step of that clock jumped over is part of no segment, and wall time that came twice is part of two. From
 * one boot to the next there is only the wall clock, and where it ran backwards there is no telling. */

#include "core/event.h"

typedef enum PulseState {
    PULSE_UNKNOWN, /* the lines that would tell are missing */
    PULSE_BEATING, /* no beat was missed */
    PULSE_SILENT,
} PulseState;

/* One state for a while. Times are CLOCK_REALTIME, from_usec <= to_usec; they are equal only for an outage or
 * a gap of which nobody knows how long it was. */
typedef struct Segment {
    usec_t from_usec, to_usec;
    HostState host;
    PulseState pulse;
    uint64_t outage;    /* number of the host's outage in this walk, from 1; 0 unless the host was down */
    uint64_t gap;       /* number of the gap in this walk, from 1; 0: in none */
    bool ongoing;       /* that gap is not over */
    const Event *event; /* the gap's, if there is one; valid until the sink returns */
} Segment;

typedef void SegmentSink(void *context, const Segment *segment);

/* An instant on both clocks. */
typedef struct Stamp {
    usec_t realtime_usec, boottime_usec;
    char boot[BOOT_ID_LENGTH + 1];
    char run[RUN_ID_LENGTH + 1]; /* that was there then, empty: not known */
} Stamp;

/* A walk in progress; nothing in it is for others to use. */
typedef struct Availability {
    SegmentSink *sink;
    void *context;
    bool begun, trimmed;
    Stamp at;               /* up to where all is handed out */
    bool stepped;           /* the wall clock was set, and whether a gap began before that is not known yet */
    Stamp step;             /* right after it */
    bool stopped, exited;   /* the run was seen to end after `at` */
    Stamp end;              /* and when that was */
    uint64_t outages, gaps; /* so far */
    const Event *gap;       /* that is being taken; its segments are told apart by these */
    bool gap_ongoing, shown; /* shown: in a segment */
    bool waiting;            /* a segment that the next one may continue */
    Segment segment;
    Event event;        /* of its gap */
    uint64_t event_gap; /* the number of that */
} Availability;

/* The sink gets each segment in the order of the record, in which the wall clock may go back. Two that touch
 * differ. */
void availability_begin(Availability *ret, SegmentSink *sink, void *context);

/* The history's events in their order, of any content. */
void availability_take(Availability *walk, const Event *event);

/* Whether what a walk knows behind this event is the same whatever it was given before it: a walk that begins
 * with it hands out the same segments from there on, but for their numbers, and what the first one was
 * continued by. */
bool availability_begins_at(const Event *event);

/* Hands out what is waiting, and begins anew. */
void availability_restart(Availability *walk);

/* What was after the last event. */
typedef struct AvailabilityEnd {
    const Event *ongoing; /* the gap that lasts until now, as past_close() has it for a run that begins now;
                             NULL: none */
    bool known;           /* the last beat could be read; without it there is no telling whether it beats */
    Stamp now;            /* with the last beat's run */
} AvailabilityEnd;

/* Hands out the rest. */
void availability_end(Availability *walk, const AvailabilityEnd *end);

/* "beating", "silent", "unknown". */
const char *pulse_state_name(PulseState state);
