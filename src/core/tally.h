/* SPDX-License-Identifier: MIT */
#pragma once
/* Sums over what the host and the pulse were, and the figures that come of them. Pure. */

#include "core/availability.h"

/* Outages of one kind. */
typedef struct Outages {
    uint64_t count;
    uint64_t measured; /* of them, those of a known length */
    usec_t usec, longest_usec;
    uint64_t number; /* the one that is counted at present */
    usec_t current_usec;
} Outages;

/* Sums over segments or parts of them. All begin as 0, and stay at the highest value rather than to run over.
 */
typedef struct Tally {
    usec_t up_usec, down_usec, suspended_usec, unknown_usec; /* the host */
    usec_t excluded_usec;                                    /* in no other sum */
    usec_t beating_usec, silent_usec; /* the pulse; not when the host was suspended, for nothing beats then */
    Outages outages, gaps;
    Outages causes[CAUSE_COUNT]; /* the gaps, by cause */
} Tally;

/* Adds the part of a segment from from_usec to to_usec, to what was added before in the order of the walk. */
void tally_add(Tally *tally, const Segment *segment, usec_t from_usec, usec_t to_usec, bool excluded);

/* good / (good + bad) in millionths, cut and not rounded: a million only if bad_usec is 0. EVENT_NONE without
 * data. */
uint64_t share_of(usec_t good_usec, usec_t bad_usec);

/* "99.9988%", "n/a" for EVENT_NONE. Returns buffer. */
#define SHARE_TEXT_MAX 16
char *share_format(uint64_t share, char buffer[static SHARE_TEXT_MAX]);

/* Mean times between outages and of one, EVENT_NONE where there was none (of known length). */
usec_t outages_mean_between(const Outages *outages, usec_t good_usec);
usec_t outages_mean_repair(const Outages *outages);
