/* SPDX-License-Identifier: MIT */
#pragma once
/* One beat, as every output and the service manager are told of it. */

#include <stddef.h>

#include "core/schedule.h"
#include "daemon/clocks.h"

typedef struct Beat {
    uint64_t seq; /* from 1 within a run */
    Instant at;   /* when it is made */
    Due due;      /* what it stands for */
    usec_t interval_usec;
    const char *text; /* the expanded message: no control character in it */
    size_t length;
} Beat;
