/* SPDX-License-Identifier: MIT */
/* The machine's clocks. */

#include "util/clock.h"

#include <criterion/criterion.h>

Test(clock, shows_what_the_kernel_does)
{
    static const clockid_t ids[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME };
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        struct timespec before, after;
        clock_gettime(ids[i], &before);
        usec_t usec = clock_usec(ids[i]);
        clock_gettime(ids[i], &after);
        cr_expect_geq(usec, (usec_t)before.tv_sec * USEC_PER_SEC + (usec_t)before.tv_nsec / 1000);
        cr_expect_leq(usec, (usec_t)after.tv_sec * USEC_PER_SEC + (usec_t)after.tv_nsec / 1000);
    }
}
