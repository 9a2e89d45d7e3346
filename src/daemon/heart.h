/* SPDX-License-Identifier: MIT */
#pragma once
/* The loop and the beat. */

#include "core/message.h"
#include "daemon/ledger.h"
#include "daemon/metrics.h"
#include "daemon/supervisor.h"

typedef struct Heart {
    Clocks *clocks;
    Supervisor *supervisor;
    Ledger *ledger; /* open */
    Message message;
    usec_t interval_usec;  /* takes effect with the next turn of the loop */
    usec_t log_every_usec; /* how often a message is written, 0: at each beat */
    Output **outputs;      /* owned, opened */
    size_t n_outputs;
    Metrics metrics; /* owned; empty: none */

    /* Called on SIGHUP: exchanges the five above for new ones, or leaves them and returns -errno. */
    int (*reload)(void *context);
    void *context;

    Schedule schedule;
    Witness witness;
    usec_t unasked_usec; /* see must_ask() */
    uint64_t seq;
    uint64_t lost;      /* messages, of all outputs */
    bool stopping;      /* told to stop */
    usec_t logged_usec; /* the due instant of the last message */
    /* Trouble that was reported, and not again until it is over. */
    bool unheard; /* the manager took no datagram */
    int pulse_failure, history_failure;
} Heart;

/* Makes the first beat, at once, and closes the gap behind which the run before this one ended. Returns 0, or
 * -errno of the first output with *ret_error filled when nothing took it: no output and not the pulse. */
int heart_start(Heart *heart, Error *ret_error);

/* Beats until a signal says to stop. Returns 0, or -errno when there is no waiting any more. */
int heart_run(Heart *heart);

/* Replaces the outputs. Those that stay go on with what they lost so far; of one that goes while it fails,
 * the loss is reported. */
void heart_take_outputs(Heart *heart, Output **outputs, size_t n_outputs);

/* After heart_run(): records that the run was told to end, and what outputs that still fail have lost. */
void heart_end(Heart *heart);

void heart_done(Heart *heart);
