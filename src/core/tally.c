/* SPDX-License-Identifier: MIT */
/* Sums over what the host and the pulse were. */

#include "core/tally.h"

#include <stdio.h>

static void count_outage(Outages *outages, uint64_t number, usec_t usec)
{
    if (outages->number != number) {
        outages->number = number;
        outages->current_usec = 0;
        outages->count++;
    }
    outages->measured += outages->current_usec == 0 && usec > 0;
    outages->current_usec = usec_add(outages->current_usec, usec);
    outages->usec = usec_add(outages->usec, usec);
    outages->longest_usec = usec_max(outages->longest_usec, outages->current_usec);
}

static usec_t *host_sum(Tally *tally, HostState host)
{
    switch (host) {
    case HOST_UP:
        return &tally->up_usec;
    case HOST_SUSPENDED:
        return &tally->suspended_usec;
    case HOST_DOWN:
        return &tally->down_usec;
    default:
        return &tally->unknown_usec;
    }
}

static void count_gap(Tally *tally, const Segment *segment, usec_t usec)
{
    count_outage(&tally->causes[segment->event->verdict.cause], segment->gap, usec);
    count_outage(&tally->gaps, segment->gap, usec);
}

void tally_add(Tally *tally, const Segment *segment, usec_t from_usec, usec_t to_usec, bool excluded)
{
    usec_t usec = usec_less(to_usec, from_usec);
    if (excluded) {
        tally->excluded_usec = usec_add(tally->excluded_usec, usec);
        return;
    }
    usec_t *sum = host_sum(tally, segment->host);
    *sum = usec_add(*sum, usec);
    if (segment->pulse == PULSE_BEATING)
        tally->beating_usec = usec_add(tally->beating_usec, usec);
    else if (segment->pulse == PULSE_SILENT && segment->host != HOST_SUSPENDED)
        tally->silent_usec = usec_add(tally->silent_usec, usec);
    if (segment->outage > 0)
        count_outage(&tally->outages, segment->outage, usec);
    if (segment->gap > 0)
        count_gap(tally, segment, usec);
}

/* Six digits by long division, with room for ten times the divisor. */
uint64_t share_of(usec_t good_usec, usec_t bad_usec)
{
    bool perfect = bad_usec == 0;
    if (good_usec == 0 && perfect)
        return EVENT_NONE;
    while (good_usec >= UINT64_C(1) << 59 || bad_usec >= UINT64_C(1) << 59) {
        good_usec /= 2;
        bad_usec /= 2;
    }
    uint64_t whole = good_usec + bad_usec, rest = good_usec, share = 0;
    if (perfect || rest >= whole)
        return perfect ? 1000000 : 999999;
    for (unsigned i = 0; i < 6; i++) {
        rest *= 10;
        share = share * 10 + rest / whole;
        rest %= whole;
    }
    return share;
}

char *share_format(uint64_t share, char buffer[static SHARE_TEXT_MAX])
{
    if (share == EVENT_NONE)
        snprintf(buffer, SHARE_TEXT_MAX, "n/a");
    else
        snprintf(buffer, SHARE_TEXT_MAX, "%u.%04u%%", (unsigned)(share / 10000), (unsigned)(share % 10000));
    return buffer;
}

usec_t outages_mean_between(const Outages *outages, usec_t good_usec)
{
    return outages->count > 0 ? good_usec / outages->count : EVENT_NONE;
}

usec_t outages_mean_repair(const Outages *outages)
{
    return outages->measured > 0 ? outages->usec / outages->measured : EVENT_NONE;
}
