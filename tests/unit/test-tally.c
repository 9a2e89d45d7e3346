/* SPDX-License-Identifier: MIT */
/* Sums over what the host and the pulse were. */

#include "core/tally.h"

#include <criterion/criterion.h>

#include "util/cleanup.h"

#define SEC USEC_PER_SEC
#define HOUR USEC_PER_HOUR

Test(tally, share_is_cut_and_never_whole_while_something_is_missing)
{
    static const struct {
        usec_t good, bad;
        const char *text;
    } table[] = {
        { 0, 0, "n/a" },
        { 1, 0, "100.0000%" },
        { 0, 1, "0.0000%" },
        { USEC_PER_DAY - SEC, SEC, "99.9988%" },
        { 2, 1, "66.6666%" },
        { USEC_PER_YEAR, 1, "99.9999%" },
        { UINT64_MAX - 1, 1, "99.9999%" },
        { UINT64_MAX - 1, UINT64_MAX - 1, "50.0000%" },
        { UINT64_MAX - 1, 0, "100.0000%" },
        { 1, UINT64_MAX - 1, "0.0000%" },
    };
    char text[SHARE_TEXT_MAX];
    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        cr_expect_str_eq(share_format(share_of(table[i].good, table[i].bad), text), table[i].text,
                         "row %zu: %s", i, text);
}

Test(tally, excluded_time_is_in_no_other_sum)
{
    Tally tally = { 0 };
    const Event gap = { .kind = EVENT_GAP };
    Segment segment = { .from_usec = 0,
                        .to_usec = HOUR,
                        .host = HOST_DOWN,
                        .pulse = PULSE_SILENT,
                        .outage = 1,
                        .gap = 1,
                        .event = &gap };
    tally_add(&tally, &segment, 0, HOUR, true);
    cr_expect(tally.excluded_usec == HOUR && tally.down_usec == 0 && tally.outages.count == 0 &&
              tally.gaps.count == 0 && tally.silent_usec == 0);
    cr_expect_eq(share_of(tally.up_usec, tally.down_usec), EVENT_NONE);
    tally_add(&tally, &segment, HOUR, 2 * HOUR, false);
    tally_add(&tally, &segment, 2 * HOUR, 3 * HOUR, false);
    cr_expect(tally.outages.count == 1 && tally.outages.longest_usec == 2 * HOUR);
    cr_expect_eq(tally.causes[CAUSE_UNKNOWN].count, 1);
}

Test(tally, gaps_by_cause)
{
    static const struct {
        uint64_t gap;
        Cause cause;
        usec_t hours;
    } table[] = { { 1, CAUSE_BUSY, 1 },      { 1, CAUSE_BUSY, 3 },  { 2, CAUSE_HOST_DOWN, 5 },
                  { 3, CAUSE_BUSY, 2 },      { 4, CAUSE_BUSY, 0 },  { 5, CAUSE_HOST_DOWN, 7 },
                  { 6, CAUSE_HOST_DOWN, 1 }, { 7, CAUSE_FROZEN, 0 } };
    Tally tally = { 0 };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Segment segment = { .host = HOST_UP, .pulse = PULSE_SILENT, .gap = table[i].gap };
        Event gap = { .verdict.cause = table[i].cause };
        segment.event = &gap;
        tally_add(&tally, &segment, 0, table[i].hours * HOUR, false);
    }
    const Outages *busy = &tally.causes[CAUSE_BUSY], *down = &tally.causes[CAUSE_HOST_DOWN];
    cr_expect(busy->count == 3 && busy->measured == 2 && busy->usec == 6 * HOUR &&
              busy->longest_usec == 4 * HOUR);
    cr_expect(down->count == 3 && down->usec == 13 * HOUR && down->longest_usec == 7 * HOUR);
    cr_expect(tally.causes[CAUSE_FROZEN].count == 1 && tally.causes[CAUSE_FROZEN].measured == 0);
    cr_expect(tally.gaps.count == 7 && tally.gaps.longest_usec == 7 * HOUR);
}
