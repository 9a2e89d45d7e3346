/* SPDX-License-Identifier: MIT */
#pragma once
/* What happened, as one line of the history. */

#include "core/message.h"
#include "core/pulse.h"
#include "core/verdict.h"
#include "util/usec.h"

#define EVENT_VERSION 1
#define EVENT_LINE_MAX 2048 /* newline included */

typedef enum EventKind {
    EVENT_START,  /* a run begins */
    EVENT_STOP,   /* a run ends because it was told to */
    EVENT_EXIT,   /* how the service manager saw a run end */
    EVENT_GAP,    /* beats were missing, or a run ended without a word */
    EVENT_CLOCK,  /* CLOCK_REALTIME moved against CLOCK_BOOTTIME */
    EVENT_OUTPUT, /* an output works again that has lost messages */
    EVENT_RELOAD, /* the configuration was read again */
    EVENT_TRIM,   /* what is older was thrown away */
} EventKind;

#define EVENT_KIND_COUNT (EVENT_TRIM + 1)

/* Of a number: not known, and not in the line. */
#define EVENT_NONE UINT64_MAX

/* A record with room for all that any kind has. Texts that a kind has not are empty. */
typedef struct Event {
    EventKind kind;
    usec_t realtime_usec; /* when it was written, to the millisecond */
    usec_t boottime_usec;
    char boot[BOOT_ID_LENGTH + 1];
    char run[RUN_ID_LENGTH + 1];

    usec_t latest_usec; /* CLOCK_REALTIME that lines before this one tell of, where that is later: course.h */

    uint64_t pid;         /* start */
    usec_t interval_usec; /* start, reload: from now on; gap: until then */
    uint64_t seq;         /* stop: of the last beat */

    ExitRecord exit; /* exit, and a gap that it explains */

    char past[RUN_ID_LENGTH + 1]; /* gap: the run that it follows, if not this one */
    usec_t from_usec, to_usec;    /* gap, output: CLOCK_REALTIME of the last and of the next sign of life;
                                     trim: from when on the history is whole */
    usec_t lasted_usec;           /* gap: by CLOCK_BOOTTIME where that is one boot */
    uint64_t missed;              /* gap: beats */
    Verdict verdict;              /* gap */
    usec_t boot_usec;             /* gap: when the new boot began, CLOCK_REALTIME */
    usec_t stopped_usec;          /* gap: when the last run was told to stop */
    char step[STEP_MAX];          /* gap: the longest step, or the one that hung */
    usec_t longest_usec;          /* and how long it took */
    usec_t steps_usec;            /* gap: how long all steps took together */
    usec_t suspended_usec, throttled_usec, starved_usec, cpu_usec, frozen_usec;
    uint64_t switches, polls, faults, continued;

    int64_t moved_usec; /* clock: forwards, or backwards if negative */

    char output[256]; /* output: its name, cut if it is longer */
    uint64_t errnum;  /* output */
    uint64_t lost;    /* output: messages */

    uint64_t gaps[CAUSE_COUNT]; /* trim: how many of each cause there were before from_usec */
} Event;

/* An event of a kind of which nothing is known yet. */
void event_init(Event *ret, EventKind kind);

/* How far the wall clock was moved, in either direction. */
usec_t event_clock_moved(const Event *event);

/* Writes it with a newline. Returns the length, or -E2BIG when it needs more than EVENT_LINE_MAX. */
int event_format(const Event *event, char ret[static EVENT_LINE_MAX]);

/* What a writer appends to a line that it finds torn off before its newline: whatever stands there is no
 * event then, even if what was torn off was nothing but the last digit of a number. */
#define EVENT_TORN_MARK " !torn\n"

/* Reads a line, without its newline. Keys that are not known are passed over. Returns 0, -EBADMSG when it is
 * torn or none, -ENOTSUP when a newer version wrote it or it is of a kind that is not known. */
int event_parse(const char *line, size_t length, Event *ret);

/* "gap"; never NULL. */
const char *event_kind_name(EventKind kind);
