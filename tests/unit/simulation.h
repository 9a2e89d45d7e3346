/* SPDX-License-Identifier: MIT */
#pragma once
/* A world for the loop: clocks that a test moves, and outputs that fail and block as it wishes. */

#include "daemon/clocks.h"
#include "daemon/output.h"

/* What happens at an instant of the simulated CLOCK_BOOTTIME. */
typedef struct SimEvent {
    usec_t at_usec;
    int wake;             /* WAKE_STOP, WAKE_RELOAD: a signal comes; 0: the clocks move without a word */
    usec_t suspend_usec;  /* BOOTTIME and REALTIME go on so far, MONOTONIC stands still */
    int64_t step_usec;    /* somebody sets CLOCK_REALTIME */
    usec_t stopped_usec;  /* the process does not run so long (SIGSTOP): the clocks do */
    void (*call)(void *); /* with SimClocks.context */
} SimEvent;

typedef struct SimClocks {
    Clocks clocks;
    Instant now;
    Counters counters; /* of which waits and switches are kept here, as if nothing ever disturbed a wait */
    const SimEvent *events; /* by time */
    size_t n_events;
    void (*on_wait)(void *context); /* before each wait */
    void *context;
    usec_t latency_usec; /* so much later than asked for does a timer wake; with jitter_usec: up to so much */
    usec_t jitter_usec;
    bool starves; /* and that is because others have the CPU */
    uint64_t waits;
    uint64_t idle_waits; /* in which no time passed, at a stretch: a busy loop fails the test */
    uint64_t random;
} SimClocks;

/* Starts at an instant that is round on no clock. */
void sim_clocks_init(SimClocks *clocks);

/* Lets time pass on all three clocks. */
void sim_clocks_pass(SimClocks *clocks, usec_t usec);

/* An output that remembers what it was told. */
typedef struct FakeOutput {
    Output output;
    int error;         /* errno that it fails with, 0: it takes the message */
    SimClocks *clocks; /* with takes_usec: so long it blocks, once */
    usec_t takes_usec;
    void (*check)(const Beat *beat, void *context);
    void *context;
    uint64_t tries;
    Beat last; /* without the text */
    char text[1025];
    uint64_t warnings; /* how often it was told of a gap, and the last one */
    Event gap;
    char warning[1025];
} FakeOutput;

/* Freed by output_free(). */
FakeOutput *fake_output_new(const char *name);
