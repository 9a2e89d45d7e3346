/* SPDX-License-Identifier: MIT */
/* Gaps by cause, over all runs. */

#include "core/census.h"

/* A line has its own time to the millisecond only, and who writes it is not to count more exactly than who
 * reads it. */
static usec_t end_of(const Event *gap)
{
    return gap->to_usec != EVENT_NONE ? gap->to_usec
                                      : gap->realtime_usec - gap->realtime_usec % USEC_PER_MSEC;
}

void census_take(Census *census, const Event *event)
{
    if (event->kind == EVENT_GAP) {
        census->gaps[event->verdict.cause]++;
        census->last_usec[event->verdict.cause] = end_of(event);
    }
    for (Cause cause = 0; event->kind == EVENT_TRIM && cause < CAUSE_COUNT; cause++)
        census->gaps[cause] += event->gaps[cause];
}
