/* SPDX-License-Identifier: MIT */
#pragma once
/* Time values. Every variable that holds one says so in its name: interval_usec, due_usec. */

#include <inttypes.h>
#include <stdint.h>

typedef uint64_t usec_t;

#define PRI_USEC PRIu64
#define USEC_INFINITY UINT64_MAX
#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC UINT64_C(1000000)
#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MINUTE)
#define USEC_PER_DAY (24 * USEC_PER_HOUR)
#define USEC_PER_WEEK (7 * USEC_PER_DAY)
/* systemd.time(7): a year is 365.25 days, a month a twelfth of it. */
#define USEC_PER_YEAR (UINT64_C(31557600) * USEC_PER_SEC)
#define USEC_PER_MONTH (USEC_PER_YEAR / 12)

static inline usec_t usec_min(usec_t a, usec_t b)
{
    return a < b ? a : b;
}

static inline usec_t usec_max(usec_t a, usec_t b)
{
    return a > b ? a : b;
}

/* a - b, 0 where that would be negative. */
static inline usec_t usec_less(usec_t a, usec_t b)
{
    return a > b ? a - b : 0;
}

/* a + b, and never USEC_INFINITY, which stands for something else. */
static inline usec_t usec_add(usec_t a, usec_t b)
{
    usec_t sum;
    return __builtin_add_overflow(a, b, &sum) || sum == USEC_INFINITY ? USEC_INFINITY - 1 : sum;
}
