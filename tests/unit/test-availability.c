/* SPDX-License-Identifier: MIT */
/* What the host and the pulse were at any time. */

#include "core/availability.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/tally.h"
#include "util/cleanup.h"

TestSuite(availability, .timeout = 240);

#define SEC USEC_PER_SEC
#define HOUR USEC_PER_HOUR
#define BOOT_A "0123456789abcdef0123456789abcdef"
#define BOOT_B "fedcba9876543210fedcba9876543210"
#define RUN_A "00000000000000000000000000000001"
#define RUN_B "00000000000000000000000000000002"
#define BASE (UINT64_C(1795352400) * SEC)
#define UP (100 * SEC) /* CLOCK_BOOTTIME at BASE */
#define SEGMENTS_MAX 64

/* What a walk has handed out. */
typedef struct Found {
    Segment segments[SEGMENTS_MAX];
    size_t count;
    Tally tally;
} Found;

static void collect(void *context, const Segment *segment)
{
    Found *found = context;
    cr_assert_leq(segment->from_usec, segment->to_usec);
    tally_add(&found->tally, segment, segment->from_usec, segment->to_usec, false);
    if (found->count < SEGMENTS_MAX)
        found->segments[found->count++] = *segment;
}

/* An event of the first boot, so long after BASE on both clocks. */
static Event at(EventKind kind, usec_t after_usec)
{
    Event event;
    event_init(&event, kind);
    event.realtime_usec = BASE + after_usec;
    event.boottime_usec = UP + after_usec;
    strcpy(event.boot, BOOT_A);
    strcpy(event.run, RUN_A);
    return event;
}

static Event in_second_boot(EventKind kind, usec_t after_usec, usec_t boottime_usec)
{
    Event event = at(kind, after_usec);
    event.boottime_usec = boottime_usec;
    strcpy(event.boot, BOOT_B);
    strcpy(event.run, RUN_B);
    return event;
}

static Event gap_at(usec_t after_usec, usec_t lasted_usec, Cause cause)
{
    Event gap = at(EVENT_GAP, after_usec);
    gap.verdict =
        (Verdict){ .cause = cause, .sure = true, .host = cause == CAUSE_SUSPEND ? HOST_SUSPENDED : HOST_UP };
    gap.from_usec = gap.realtime_usec - lasted_usec;
    gap.to_usec = gap.realtime_usec;
    gap.lasted_usec = lasted_usec;
    return gap;
}

static Event gap_over_boots(usec_t after_usec, usec_t lasted_usec, usec_t up_usec, HostState host)
{
    Event gap = in_second_boot(EVENT_GAP, after_usec, up_usec);
    gap.verdict = (Verdict){ .cause = CAUSE_HOST_DOWN, .sure = true, .host = host };
    strcpy(gap.past, RUN_A);
    gap.from_usec = gap.realtime_usec - lasted_usec;
    gap.to_usec = gap.realtime_usec;
    gap.lasted_usec = lasted_usec;
    gap.boot_usec = gap.realtime_usec - up_usec;
    return gap;
}

/* Walks along events; the last one's clocks go on for a minute, in which it beats. */
static Found walk(const Event *events, size_t count)
{
    static Found found;
    Availability availability;
    found = (Found){ 0 };
    availability_begin(&availability, collect, &found);
    for (size_t i = 0; i < count; i++)
        availability_take(&availability, &events[i]);
    const Event *last = &events[count - 1];
    AvailabilityEnd end = { .known = true,
                            .now = { .realtime_usec = last->realtime_usec + 60 * SEC,
                                     .boottime_usec = last->boottime_usec + 60 * SEC } };
    memcpy(end.now.boot, last->boot, sizeof(end.now.boot));
    memcpy(end.now.run, last->run, sizeof(end.now.run));
    availability_end(&availability, &end);
    return found;
}

#define WALK(...) walk((const Event[]){ __VA_ARGS__ }, sizeof((const Event[]){ __VA_ARGS__ }) / sizeof(Event))

typedef struct Wanted {
    usec_t from_usec, to_usec; /* after BASE */
    HostState host;
    PulseState pulse;
} Wanted;

static void expect(const Found *found, const Wanted *wanted, size_t count)
{
    cr_assert_eq(found->count, count, "%zu segments", found->count);
    for (size_t i = 0; i < count; i++) {
        const Segment *segment = &found->segments[i];
        cr_expect_eq(segment->from_usec, BASE + wanted[i].from_usec, "%zu from %" PRIu64, i,
                     segment->from_usec - BASE);
        cr_expect_eq(segment->to_usec, BASE + wanted[i].to_usec, "%zu to %" PRIu64, i,
                     segment->to_usec - BASE);
        cr_expect_eq(segment->host, wanted[i].host, "%zu", i);
        cr_expect_eq(segment->pulse, wanted[i].pulse, "%zu", i);
    }
}

#define EXPECT(found, ...)                            \
    expect(&(found), (const Wanted[]){ __VA_ARGS__ }, \
           sizeof((const Wanted[]){ __VA_ARGS__ }) / sizeof(Wanted))

Test(availability, run_without_a_gap_is_one_segment)
{
    Found found = WALK(at(EVENT_START, 0), at(EVENT_RELOAD, HOUR), at(EVENT_OUTPUT, 2 * HOUR));
    EXPECT(found, { 0, 2 * HOUR + 60 * SEC, HOST_UP, PULSE_BEATING });
    cr_expect_eq(found.tally.up_usec, 2 * HOUR + 60 * SEC);
}

Test(availability, host_is_up_within_a_boot_however_long_the_service_was_not)
{
    Event killed = gap_at(10 * HOUR, 8 * HOUR, CAUSE_SERVICE_KILLED), start = at(EVENT_START, 10 * HOUR);
    strcpy(killed.past, RUN_A);
    strcpy(killed.run, RUN_B);
    strcpy(start.run, RUN_B);
    Found found = WALK(at(EVENT_START, 0), killed, start);
    EXPECT(found, { 0, 2 * HOUR, HOST_UP, PULSE_BEATING }, { 2 * HOUR, 10 * HOUR, HOST_UP, PULSE_SILENT },
           { 10 * HOUR, 10 * HOUR + 60 * SEC, HOST_UP, PULSE_BEATING });
    cr_expect_eq(found.tally.down_usec, 0);
    cr_expect(found.tally.gaps.count == 1 && found.tally.outages.count == 0);
}

Test(availability, suspended_time_is_no_more_than_was_measured)
{
    Event gap = gap_at(2 * HOUR, HOUR, CAUSE_SUSPEND);
    gap.suspended_usec = HOUR - 4 * SEC;
    Found found = WALK(at(EVENT_START, 0), gap);
    EXPECT(found, { 0, HOUR, HOST_UP, PULSE_BEATING }, { HOUR, HOUR + 4 * SEC, HOST_UP, PULSE_SILENT },
           { HOUR + 4 * SEC, 2 * HOUR, HOST_SUSPENDED, PULSE_SILENT },
           { 2 * HOUR, 2 * HOUR + 60 * SEC, HOST_UP, PULSE_BEATING });
    cr_expect_eq(found.tally.suspended_usec, HOUR - 4 * SEC);
    cr_expect_eq(found.tally.silent_usec, 4 * SEC, "nothing beats in a suspended host");
    gap.suspended_usec = 50 * HOUR;
    found = WALK(at(EVENT_START, 0), gap);
    cr_expect_eq(found.tally.suspended_usec, HOUR);
}

Test(availability, host_is_down_from_its_last_sign_of_life_to_its_boot)
{
    Event gap = gap_over_boots(3 * HOUR, 2 * HOUR, 60 * SEC, HOST_DOWN);
    Found found = WALK(at(EVENT_START, 0), gap, in_second_boot(EVENT_START, 3 * HOUR, 60 * SEC));
    EXPECT(found, { 0, HOUR, HOST_UP, PULSE_BEATING }, { HOUR, 3 * HOUR - 60 * SEC, HOST_DOWN, PULSE_SILENT },
           { 3 * HOUR - 60 * SEC, 3 * HOUR, HOST_UP, PULSE_SILENT },
           { 3 * HOUR, 3 * HOUR + 60 * SEC, HOST_UP, PULSE_BEATING });
    cr_expect_eq(found.tally.outages.count, 1);
    cr_expect_eq(found.tally.outages.longest_usec, 2 * HOUR - 60 * SEC);

    found = WALK(at(EVENT_START, 0), at(EVENT_STOP, HOUR + 5 * SEC), gap);
    cr_expect_eq(found.segments[1].host, HOST_UP, "it still lived to be stopped");
    cr_expect_eq(found.segments[1].to_usec, BASE + HOUR + 5 * SEC);
    cr_expect_eq(found.tally.down_usec, 2 * HOUR - 65 * SEC);
}

Test(availability, what_the_verdict_does_not_know_is_neither_up_nor_down)
{
    Found found = WALK(at(EVENT_START, 0), gap_over_boots(3 * HOUR, 2 * HOUR, 60 * SEC, HOST_UNKNOWN));
    cr_expect_eq(found.tally.unknown_usec, 2 * HOUR - 60 * SEC);
    cr_expect_eq(found.tally.down_usec, 0);
    cr_expect_eq(found.tally.up_usec, HOUR + 120 * SEC);
}

Test(availability, stop_without_a_missed_beat_is_no_gap_but_may_hide_a_boot)
{
    Event start = at(EVENT_START, HOUR + 4 * SEC);
    strcpy(start.run, RUN_B);
    Found found = WALK(at(EVENT_START, 0), at(EVENT_STOP, HOUR), start);
    EXPECT(found, { 0, HOUR + 64 * SEC, HOST_UP, PULSE_BEATING });
    found = WALK(at(EVENT_START, 0), at(EVENT_STOP, HOUR),
                 in_second_boot(EVENT_START, 2 * HOUR, HOUR - 60 * SEC));
    EXPECT(found, { 0, HOUR, HOST_UP, PULSE_BEATING }, { HOUR, HOUR + 60 * SEC, HOST_DOWN, PULSE_BEATING },
           { HOUR + 60 * SEC, 2 * HOUR + 60 * SEC, HOST_UP, PULSE_BEATING });
    cr_expect(found.tally.outages.count == 1 && found.tally.gaps.count == 0);
}

Test(availability, missing_lines_are_not_taken_for_beats)
{
    Event start = at(EVENT_START, HOUR);
    strcpy(start.run, RUN_B);
    Found found = WALK(at(EVENT_START, 0), start);
    EXPECT(found, { 0, HOUR, HOST_UP, PULSE_UNKNOWN }, { HOUR, HOUR + 60 * SEC, HOST_UP, PULSE_BEATING });
    found = WALK(at(EVENT_START, 0), in_second_boot(EVENT_START, HOUR, 60 * SEC));
    EXPECT(found, { 0, HOUR - 60 * SEC, HOST_UNKNOWN, PULSE_UNKNOWN },
           { HOUR - 60 * SEC, HOUR, HOST_UP, PULSE_UNKNOWN },
           { HOUR, HOUR + 60 * SEC, HOST_UP, PULSE_BEATING });
}

Test(availability, last_words_of_a_run_that_nothing_else_is_known_of)
{
    Found found = WALK(at(EVENT_START, 0), in_second_boot(EVENT_STOP, 2 * HOUR, HOUR),
                       in_second_boot(EVENT_START, 2 * HOUR + SEC, HOUR + SEC));
    EXPECT(found, { 0, HOUR, HOST_UNKNOWN, PULSE_UNKNOWN }, { HOUR, 2 * HOUR, HOST_UP, PULSE_UNKNOWN },
           { 2 * HOUR, 2 * HOUR + 61 * SEC, HOST_UP, PULSE_BEATING });
}

Test(availability, gap_behind_a_run_whose_lines_are_missing_says_nothing_of_the_time_before_it)
{
    Event gap = gap_at(3 * HOUR, HOUR, CAUSE_SERVICE_KILLED);
    strcpy(gap.past, RUN_B);
    Found found = WALK(at(EVENT_START, 0), gap);
    EXPECT(found, { 0, 2 * HOUR, HOST_UP, PULSE_UNKNOWN }, { 2 * HOUR, 3 * HOUR, HOST_UP, PULSE_SILENT },
           { 3 * HOUR, 3 * HOUR + 60 * SEC, HOST_UP, PULSE_BEATING });
}

/* The wall clock is set by so much before an event. */
static Event moved(Event event, int64_t usec)
{
    event.realtime_usec += (uint64_t)usec;
    return event;
}

Test(availability, time_that_was_jumped_over_never_was)
{
    Event clock = moved(at(EVENT_CLOCK, HOUR), (int64_t)(5 * HOUR));
    clock.moved_usec = (int64_t)(5 * HOUR);
    Found found = WALK(at(EVENT_START, 0), clock, moved(at(EVENT_RELOAD, 2 * HOUR), (int64_t)(5 * HOUR)));
    EXPECT(found, { 0, HOUR, HOST_UP, PULSE_BEATING },
           { 6 * HOUR, 7 * HOUR + 60 * SEC, HOST_UP, PULSE_BEATING });
    cr_expect_eq(found.tally.up_usec, 2 * HOUR + 60 * SEC);
}

Test(availability, time_that_came_twice_was_lived_twice)
{
    Event clock = moved(at(EVENT_CLOCK, 3 * HOUR), -(int64_t)(2 * HOUR));
    Found found = WALK(at(EVENT_START, 0), clock, moved(at(EVENT_RELOAD, 4 * HOUR), -(int64_t)(2 * HOUR)));
    EXPECT(found, { 0, 3 * HOUR, HOST_UP, PULSE_BEATING },
           { HOUR, 2 * HOUR + 60 * SEC, HOST_UP, PULSE_BEATING });
    cr_expect_eq(found.tally.up_usec, 4 * HOUR + 60 * SEC);
}

Test(availability, step_within_a_gap_does_not_change_its_length)
{
    static const int64_t steps[] = { 7200, -7200, 86400 };
    for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
        int64_t usec = steps[i] * (int64_t)SEC;
        Event clock = moved(at(EVENT_CLOCK, 3 * HOUR), usec);
        Event gap = moved(gap_at(3 * HOUR, HOUR, CAUSE_PROCESS_STOPPED), usec);
        Found found = WALK(at(EVENT_START, 0), clock, gap);
        EXPECT(found, { 0, 2 * HOUR, HOST_UP, PULSE_BEATING }, { 2 * HOUR, 3 * HOUR, HOST_UP, PULSE_SILENT },
               { 3 * HOUR + (uint64_t)usec, 3 * HOUR + 60 * SEC + (uint64_t)usec, HOST_UP, PULSE_BEATING });
        cr_expect_eq(found.tally.gaps.usec, HOUR);
    }
}

Test(availability, what_no_line_tells_of_is_no_step)
{
    Found found =
        WALK(at(EVENT_START, 0), moved(at(EVENT_RELOAD, HOUR), -999), moved(at(EVENT_RELOAD, 2 * HOUR), -5),
             moved(at(EVENT_RELOAD, 3 * HOUR), (int64_t)SEC - 5));
    EXPECT(found, { 0, 3 * HOUR + 61 * SEC - 5, HOST_UP, PULSE_BEATING });
}

Test(availability, lines_are_cut_to_milliseconds)
{
    Event gap = moved(gap_at(2 * HOUR + 736, HOUR + 374, CAUSE_PROCESS_STOPPED), -736);
    Found found = WALK(at(EVENT_START, 0), gap);
    EXPECT(found, { 0, HOUR + 362, HOST_UP, PULSE_BEATING }, { HOUR + 362, 2 * HOUR, HOST_UP, PULSE_SILENT },
           { 2 * HOUR, 2 * HOUR + 60 * SEC, HOST_UP, PULSE_BEATING });
    gap.suspended_usec = HOUR;
    gap.realtime_usec += 1999;
    found = WALK(at(EVENT_START, 0), gap);
    cr_assert_eq(found.count, 4);
    for (size_t i = 1; i < found.count; i++)
        cr_expect_eq(found.segments[i - 1].to_usec, found.segments[i].from_usec, "%zu", i);
}

Test(availability, clock_that_was_set_while_the_service_was_not_changes_no_length)
{
    static const int64_t steps[] = { 36000, -36000 };
    for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
        int64_t usec = steps[i] * (int64_t)SEC;
        Event gap = moved(gap_at(3 * HOUR, HOUR, CAUSE_SERVICE_STOPPED), usec);
        gap.from_usec = BASE + 2 * HOUR;
        strcpy(gap.past, RUN_A);
        strcpy(gap.run, RUN_B);
        Found found = WALK(at(EVENT_START, 0), at(EVENT_STOP, 2 * HOUR + SEC), gap);
        EXPECT(found, { 0, 2 * HOUR, HOST_UP, PULSE_BEATING }, { 2 * HOUR, 3 * HOUR, HOST_UP, PULSE_SILENT },
               { 3 * HOUR + (uint64_t)usec, 3 * HOUR + 60 * SEC + (uint64_t)usec, HOST_UP, PULSE_BEATING });
    }
}

Test(availability, clock_that_ran_backwards_over_a_boot_gives_an_outage_without_a_length)
{
    Event gap = in_second_boot(EVENT_GAP, 0, 60 * SEC);
    gap.realtime_usec = 3600 * SEC; /* 1970 */
    gap.from_usec = BASE + HOUR;
    gap.verdict = (Verdict){ .cause = CAUSE_HOST_DOWN, .sure = true, .host = HOST_DOWN };
    strcpy(gap.past, RUN_A);
    Found found = WALK(at(EVENT_START, 0), gap);
    cr_assert_eq(found.count, 4);
    cr_expect_eq(found.segments[1].from_usec, BASE + HOUR);
    cr_expect_eq(found.segments[1].to_usec, BASE + HOUR);
    cr_expect_eq(found.segments[2].from_usec, 3540 * SEC);
    cr_expect(found.tally.outages.count == 1 && found.tally.outages.measured == 0 &&
              found.tally.down_usec == 0);
    cr_expect_eq(outages_mean_repair(&found.tally.outages), EVENT_NONE);
    cr_expect_eq(outages_mean_between(&found.tally.outages, found.tally.up_usec), HOUR + 120 * SEC);
}

Test(availability, nothing_is_claimed_of_the_time_before_the_record)
{
    Event trim = at(EVENT_TRIM, 90 * HOUR);
    Found found = WALK(trim, at(EVENT_START, HOUR));
    EXPECT(found, { HOUR, HOUR + 60 * SEC, HOST_UP, PULSE_BEATING });
    found = WALK(trim, gap_at(3 * HOUR, HOUR, CAUSE_BUSY));
    EXPECT(found, { 3 * HOUR, 3 * HOUR + 60 * SEC, HOST_UP, PULSE_BEATING });
    found = WALK(gap_at(3 * HOUR, HOUR, CAUSE_BUSY));
    EXPECT(found, { 2 * HOUR, 3 * HOUR, HOST_UP, PULSE_SILENT },
           { 3 * HOUR, 3 * HOUR + 60 * SEC, HOST_UP, PULSE_BEATING });
}

Test(availability, gap_that_goes_on_is_the_end)
{
    Found found = { 0 };
    Availability availability;
    Event start = at(EVENT_START, 0), gap = gap_at(5 * HOUR, 2 * HOUR, CAUSE_UNKNOWN);
    AvailabilityEnd end = { .ongoing = &gap, .known = true };
    availability_begin(&availability, collect, &found);
    availability_take(&availability, &start);
    availability_end(&availability, &end);
    EXPECT(found, { 0, 3 * HOUR, HOST_UP, PULSE_BEATING }, { 3 * HOUR, 5 * HOUR, HOST_UP, PULSE_SILENT });
    cr_expect(found.segments[1].ongoing && !found.segments[0].ongoing);
}

Test(availability, without_a_readable_beat_there_is_no_telling_whether_it_beats)
{
    static const char *const boots[] = { BOOT_A, BOOT_B };
    for (size_t i = 0; i < ELEMENTSOF(boots); i++) {
        Found found = { 0 };
        Availability availability;
        Event start = at(EVENT_START, 0);
        AvailabilityEnd end = { .now = { .realtime_usec = BASE + HOUR, .boottime_usec = UP + HOUR } };
        strcpy(end.now.boot, boots[i]);
        availability_begin(&availability, collect, &found);
        availability_take(&availability, &start);
        availability_end(&availability, &end);
        cr_expect_eq(found.tally.beating_usec, 0);
        cr_expect_eq(found.tally.down_usec, 0);
        cr_expect_leq(found.tally.up_usec, HOUR + UP);
    }
}

Test(availability, stop_says_that_it_beat_until_then)
{
    Found found = { 0 };
    Availability availability;
    Event start = at(EVENT_START, 0), stop = at(EVENT_STOP, HOUR);
    AvailabilityEnd end = {
        .now = { .realtime_usec = BASE + 3 * HOUR, .boottime_usec = UP + 3 * HOUR, .boot = BOOT_A }
    };
    availability_begin(&availability, collect, &found);
    availability_take(&availability, &start);
    availability_take(&availability, &stop);
    availability_end(&availability, &end);
    EXPECT(found, { 0, HOUR, HOST_UP, PULSE_BEATING }, { HOUR, 3 * HOUR, HOST_UP, PULSE_UNKNOWN });
}

Test(availability, of_nothing_is_nothing)
{
    Found found = { 0 };
    Availability availability;
    AvailabilityEnd end = { .known = true, .now = { .realtime_usec = BASE, .boot = BOOT_A } };
    availability_begin(&availability, collect, &found);
    availability_end(&availability, &end);
    cr_expect_eq(found.count, 0);
    Tally nothing = { 0 };
    cr_expect_eq(memcmp(&found.tally, &nothing, sizeof(nothing)), 0);
}

/* What is true of each walk, whatever it was along. */
typedef struct Watch {
    Tally tally;
    usec_t length_usec, lived_usec;
    Segment last;
    bool any;
} Watch;

static usec_t sum(usec_t a, usec_t b)
{
    return a > UINT64_MAX - 1 - b ? UINT64_MAX - 1 : a + b;
}

static void watch(void *context, const Segment *segment)
{
    Watch *seen = context;
    usec_t length_usec = segment->to_usec - segment->from_usec;
    cr_assert_leq(segment->from_usec, segment->to_usec);
    cr_assert_leq(segment->to_usec / SEC, UINT64_C(253402300799));
    cr_assert(length_usec > 0 || segment->gap > 0 || segment->outage > 0);
    cr_assert_eq(segment->outage > 0, segment->host == HOST_DOWN);
    cr_assert(segment->pulse != PULSE_SILENT || segment->gap > 0, "nothing is silent without a reason");
    cr_assert(!seen->any || seen->last.to_usec != segment->from_usec || seen->last.host != segment->host ||
              seen->last.pulse != segment->pulse || seen->last.gap != segment->gap ||
              seen->last.outage != segment->outage);
    tally_add(&seen->tally, segment, segment->from_usec, segment->to_usec, false);
    seen->length_usec = sum(seen->length_usec, length_usec);
    if (segment->host == HOST_UP || segment->host == HOST_SUSPENDED)
        seen->lived_usec = sum(seen->lived_usec, length_usec);
    seen->last = *segment;
    seen->any = true;
}

static void check_tally(const Tally *tally, usec_t length_usec, unsigned round)
{
    usec_t whole_usec =
        sum(sum(tally->up_usec, tally->down_usec), sum(tally->suspended_usec, tally->unknown_usec));
    cr_assert_eq(whole_usec, length_usec, "round %u", round);
    uint64_t share = share_of(tally->up_usec, tally->down_usec);
    cr_assert(share == EVENT_NONE || share < 1000000 || tally->down_usec == 0, "round %u", round);
    cr_assert(share == EVENT_NONE || share <= 1000000);
    cr_assert_eq(share == EVENT_NONE, tally->up_usec == 0 && tally->down_usec == 0);
    cr_assert_leq(tally->outages.longest_usec, tally->down_usec);
    cr_assert_leq(tally->outages.measured, tally->outages.count);
    cr_assert_leq(tally->silent_usec, tally->gaps.usec);
    uint64_t gaps = 0;
    for (Cause cause = 0; cause < CAUSE_COUNT; cause++)
        gaps += tally->causes[cause].count;
    cr_assert_eq(gaps, tally->gaps.count, "round %u", round);
}

static const uint64_t edges[] = {
    0,
    1,
    SEC,
    UP,
    UP + HOUR,
    BASE,
    BASE + HOUR,
    UINT64_C(0x7fffffff) * SEC, /* 2038 */
    UINT64_C(0xffffffff) * SEC, /* 2106 */
    UINT64_C(0x7fffffffffffffff),
    UINT64_MAX - 1,
    UINT64_MAX,
};

#define DRAW(seed) edges[(size_t)rand_r(seed) % ELEMENTSOF(edges)]

static Event any_event(unsigned *seed)
{
    Event event;
    event_init(&event, (EventKind)(rand_r(seed) % EVENT_KIND_COUNT));
    event.realtime_usec = DRAW(seed);
    event.boottime_usec = DRAW(seed);
    event.from_usec = DRAW(seed);
    event.to_usec = DRAW(seed);
    event.lasted_usec = DRAW(seed);
    event.boot_usec = DRAW(seed);
    event.stopped_usec = DRAW(seed);
    event.suspended_usec = DRAW(seed);
    event.missed = DRAW(seed);
    event.moved_usec = (int64_t)DRAW(seed);
    event.verdict = (Verdict){ .cause = (Cause)(rand_r(seed) % CAUSE_COUNT),
                               .host = (HostState)(rand_r(seed) % (HOST_DOWN + 1)) };
    strcpy(event.boot, rand_r(seed) % 2 ? BOOT_A : BOOT_B);
    strcpy(event.run, rand_r(seed) % 2 ? RUN_A : RUN_B);
    if (rand_r(seed) % 2)
        strcpy(event.past, rand_r(seed) % 2 ? RUN_A : RUN_B);
    return event;
}

static Watch watch_walk(const Event *events, size_t count, const AvailabilityEnd *end)
{
    Watch seen = { 0 };
    Availability availability;
    availability_begin(&availability, watch, &seen);
    for (size_t i = 0; i < count; i++)
        availability_take(&availability, &events[i]);
    availability_end(&availability, end);
    return seen;
}

Test(availability, any_sequence_of_events_makes_possible_figures)
{
    unsigned seed = 7;
    for (unsigned round = 0; round < 50000; round++) {
        Event events[12], gap = any_event(&seed);
        size_t count = (size_t)rand_r(&seed) % ELEMENTSOF(events);
        for (size_t i = 0; i < count; i++)
            events[i] = any_event(&seed);
        gap.kind = EVENT_GAP;
        AvailabilityEnd end = {
            .ongoing = rand_r(&seed) % 2 ? &gap : NULL,
            .known = rand_r(&seed) % 2,
            .now = { .realtime_usec = DRAW(&seed), .boottime_usec = DRAW(&seed), .run = RUN_A }
        };
        strcpy(end.now.boot, rand_r(&seed) % 2 ? BOOT_A : BOOT_B);
        Watch seen = watch_walk(events, count, &end);
        check_tally(&seen.tally, seen.length_usec, round);
    }
}

/* A host that lives, sleeps, dies and has its clock set, and what it knows of itself. */
typedef struct World {
    unsigned seed;
    usec_t real_usec, boot_usec; /* the two clocks now */
    unsigned boots, runs;
    usec_t up_usec, down_usec, suspended_usec, beating_usec;
    uint64_t outages, gaps;
} World;

static usec_t some_time(World *world)
{
    return (1 + (usec_t)rand_r(&world->seed) % (50 * 3600)) * SEC;
}

static Event note(const World *world, EventKind kind)
{
    Event event;
    event_init(&event, kind);
    event.realtime_usec = world->real_usec;
    event.boottime_usec = world->boot_usec;
    snprintf(event.boot, sizeof(event.boot), "%032x", world->boots);
    snprintf(event.run, sizeof(event.run), "%032x", world->runs);
    return event;
}

static void live(World *world, usec_t usec)
{
    world->real_usec += usec;
    world->boot_usec += usec;
}

static Event sleep_or_stall(World *world)
{
    usec_t usec = some_time(world), from_usec = world->real_usec;
    bool sleeps = rand_r(&world->seed) % 2;
    live(world, usec);
    Event gap = note(world, EVENT_GAP);
    gap.from_usec = from_usec;
    gap.to_usec = world->real_usec;
    gap.lasted_usec = usec;
    gap.suspended_usec = sleeps ? usec - SEC / 2 : 0;
    gap.verdict =
        (Verdict){ .cause = sleeps ? CAUSE_SUSPEND : CAUSE_BUSY, .host = sleeps ? HOST_SUSPENDED : HOST_UP };
    world->suspended_usec += gap.suspended_usec;
    world->up_usec += usec - gap.suspended_usec;
    world->gaps++;
    return gap;
}

static Event die(World *world)
{
    usec_t down_usec = some_time(world), boots_usec = 60 * SEC, from_usec = world->real_usec;
    world->real_usec += down_usec + boots_usec;
    world->boot_usec = boots_usec;
    world->boots++;
    Event gap = note(world, EVENT_GAP);
    snprintf(gap.past, sizeof(gap.past), "%032x", world->runs++);
    snprintf(gap.run, sizeof(gap.run), "%032x", world->runs);
    gap.from_usec = from_usec;
    gap.to_usec = world->real_usec;
    gap.lasted_usec = down_usec + boots_usec;
    gap.boot_usec = from_usec + down_usec;
    gap.verdict = (Verdict){ .cause = CAUSE_HOST_DOWN, .sure = true, .host = HOST_DOWN };
    world->down_usec += down_usec;
    world->up_usec += boots_usec;
    world->outages++;
    world->gaps++;
    return gap;
}

static Event set_clock(World *world)
{
    int64_t usec = (int64_t)some_time(world) * (rand_r(&world->seed) % 2 ? 1 : -1);
    world->real_usec += (uint64_t)usec;
    Event clock = note(world, EVENT_CLOCK);
    clock.moved_usec = usec;
    return clock;
}

Test(availability, sums_are_what_the_host_has_lived)
{
    for (unsigned round = 0; round < 2000; round++) {
        World world = { .seed = round, .real_usec = BASE, .boot_usec = UP };
        Event events[100];
        events[0] = note(&world, EVENT_START);
        size_t count = 1;
        while (count < ELEMENTSOF(events)) {
            usec_t usec = some_time(&world);
            live(&world, usec);
            world.up_usec += usec;
            world.beating_usec += usec;
            int what = rand_r(&world.seed) % 4;
            events[count++] = what == 0   ? sleep_or_stall(&world)
                              : what == 1 ? die(&world)
                              : what == 2 ? set_clock(&world)
                                          : note(&world, EVENT_OUTPUT);
        }
        Event now = note(&world, EVENT_RELOAD);
        AvailabilityEnd end = {
            .known = true, .now = { .realtime_usec = now.realtime_usec, .boottime_usec = now.boottime_usec }
        };
        memcpy(end.now.boot, now.boot, sizeof(end.now.boot));
        memcpy(end.now.run, now.run, sizeof(end.now.run));
        Watch seen = watch_walk(events, count, &end);
        check_tally(&seen.tally, seen.length_usec, round);
        cr_assert_eq(seen.tally.up_usec, world.up_usec, "round %u", round);
        cr_assert_eq(seen.tally.down_usec, world.down_usec, "round %u", round);
        cr_assert_eq(seen.tally.suspended_usec, world.suspended_usec, "round %u", round);
        cr_assert_eq(seen.tally.beating_usec, world.beating_usec, "round %u", round);
        cr_assert_eq(seen.tally.outages.count, world.outages, "round %u", round);
        cr_assert_eq(seen.tally.gaps.count, world.gaps, "round %u", round);
    }
}
