/* SPDX-License-Identifier: MIT */
/* The machine's clocks. */

#include "util/clock.h"

usec_t clock_usec(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts); /* cannot fail for a clock that there is */
    return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
}
