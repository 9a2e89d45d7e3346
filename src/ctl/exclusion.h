/* SPDX-License-Identifier: MIT */
#pragma once
/* Times that a report leaves out: planned maintenance. */

#include <stdbool.h>
#include <stddef.h>

#include "util/usec.h"

/* One stretch of time, or one of each day or of some days of the week. */
typedef struct Exclusion {
    bool recurring;
    usec_t from_usec, to_usec;                /* CLOCK_REALTIME; not recurring */
    unsigned weekdays;                        /* a bit for each day on which it begins, bit 0: Sunday */
    int from_seconds, to_seconds;             /* since midnight; behind 86400 it ends on the next day */
    usec_t known_from_usec, known_until_usec; /* recurring: what is known of this time, */
    bool known_held;                          /* that it lies in it, or not; at first of none */
} Exclusion;

/* Reads one of these:
 *
 *   2026-11-22 01:00..2026-11-22 03:00        two times as when_parse() takes them
 *   02:00..03:00   Sun 02:00..04:00   Mon..Fri,Sun 22:00..06:00   each day, or each of these, by the clock on
 * the wall; what ends at an earlier time than it begins at ends on the next day
 *
 * A time without a date is one of the latter only. utc: both are in UTC. Returns 0 or -EINVAL. */
int exclusion_parse(const char *text, usec_t now_usec, bool utc, Exclusion *ret);

/* Whether a CLOCK_REALTIME lies in one of them, and until when at least that stays so. utc is to be the same
 * for each time that one is asked about. */
bool exclusions_hold(Exclusion *exclusions, size_t count, bool utc, usec_t realtime_usec,
                     usec_t *ret_until_usec);
