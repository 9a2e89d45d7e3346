/* SPDX-License-Identifier: MIT */
#pragma once
/* The loop and the beat. */

#include "core/message.h"
#include "daemon/supervisor.h"

typedef struct Heart {
    Clocks *clocks;
    Supervisor *supervisor;
    Message message;
    usec_t interval_usec; /* takes effect with the next turn of the loop */
    Output **outputs;     /* owned, opened */
    size_t n_outputs;

    /* Called on SIGHUP: exchanges the three above for new ones, or leaves them. */
    void (*reload)(void *context);
    void *context;

    Schedule schedule;
    uint64_t seq;
    bool unheard; /* the manager took no datagram, and that was said */
    char text[MESSAGE_MAX + 1];
} Heart;

/* Makes the first beat, at once. Returns 0, or -errno of the first output with *ret_error filled when none
 * took it. */
int heart_start(Heart *heart, Error *ret_error);

/* Beats until a signal says to stop. Returns 0, or -errno when there is no waiting any more. */
int heart_run(Heart *heart);

/* Replaces the outputs. Those that stay go on with what they lost so far; of one that goes while it fails,
 * the loss is reported. */
void heart_take_outputs(Heart *heart, Output **outputs, size_t n_outputs);

void heart_done(Heart *heart);
