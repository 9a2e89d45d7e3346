/* SPDX-License-Identifier: MIT */
#pragma once
/* Gaps by cause, over all runs: what a history comes to, trimmed lines included. Pure. */

#include "core/event.h"

typedef struct Census {
    uint64_t gaps[CAUSE_COUNT];
    /* CLOCK_REALTIME at which the last one of each ended; 0 when there was none, or its line was dropped. */
    usec_t last_usec[CAUSE_COUNT];
} Census;

/* Takes the next event of a history into account. */
void census_take(Census *census, const Event *event);
