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
