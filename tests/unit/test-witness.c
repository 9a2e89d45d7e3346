/* SPDX-License-Identifier: MIT */
/* What was seen from one beat to the next. Suspend and clocks that are set cannot be had on a test machine:
 * here they are invented. */

#include "daemon/witness.h"

#include <criterion/criterion.h>
#include <string.h>

#include "util/cleanup.h"

#define SEC USEC_PER_SEC
#define INTERVAL (10 * SEC)

static const Instant before = {
    .realtime_usec = UINT64_C(1795352410123456),
    .boottime_usec = UINT64_C(86461234567),
    .monotonic_usec = UINT64_C(80061234567),
};

static const Counters counters_before = {
    .throttled = { true, 100 },
    .starved = { true, 1000 },
    .frozen = { true, 10000 },
    .cpu = { true, 100000 },
    .faults = 7,
    .waits_known = true,
    .switches = 70,
    .waits = 70,
    .continued = 2,
};

/* What a test changes of an uneventful gap of 35 s, in which three beats were due and two were missed. */
typedef struct World {
    Witness witness;
    Instant at;
    Counters counters;
    Due due;
    LongestStep longest;
    bool stopping;
    Event gap, clock;
} World;

static void init_world(World *world)
{
    *world = (World){ .at = before, .counters = counters_before, .due = { .missed = 2 } };
    witness_begin(&world->witness, &before, &counters_before);
    world->at.realtime_usec += 35 * SEC;
    world->at.boottime_usec += 35 * SEC;
    world->at.monotonic_usec += 35 * SEC;
    world->counters.waits += 1;
    world->counters.switches += 1;
}

static int look(World *world)
{
    Sight sight = {
        .at = &world->at,
        .counters = &world->counters,
        .due = &world->due,
        .allowed_usec = INTERVAL,
        .longest = &world->longest,
        .stopping = world->stopping,
    };
    return witness_look(&world->witness, &sight, &world->gap, &world->clock);
}

static void expect_cause(World *world, Cause cause, bool sure, HostState host)
{
    cr_assert_eq(look(world), SEEN_GAP);
    const Verdict *verdict = &world->gap.verdict;
    cr_expect_eq(verdict->cause, cause, "%s and not %s", cause_name(verdict->cause), cause_name(cause));
    cr_expect_eq(verdict->sure, sure, "%s", cause_name(cause));
    cr_expect_eq(verdict->host, host, "%s", cause_name(cause));
}

Test(witness, beat_in_time_is_nothing_to_speak_of)
{
    World world;
    init_world(&world);
    world.due.missed = 0;
    cr_expect_eq(look(&world), 0);
    cr_expect_eq(world.witness.at.boottime_usec, world.at.boottime_usec, "the next one is measured from it");
}

Test(witness, growth_since_the_beat_before_is_what_counts)
{
    World world;
    init_world(&world);
    world.counters.starved.usec += 24 * SEC;
    world.counters.faults += 3;
    expect_cause(&world, CAUSE_CPU_STARVED, true, HOST_UP);
    cr_expect_eq(world.gap.starved_usec, 24 * SEC);
    cr_expect_eq(world.gap.throttled_usec, 0u);
    cr_expect_eq(world.gap.faults, 3u);
    cr_expect_eq(world.gap.switches, 1u);
    cr_expect_eq(world.gap.polls, 1u);
    cr_expect_eq(world.gap.continued, 0u);
    cr_expect_eq(world.gap.missed, 2u);
    cr_expect_eq(world.gap.lasted_usec, 35 * SEC);
    cr_expect_eq(world.gap.from_usec, before.realtime_usec);
    cr_expect_eq(world.gap.to_usec, world.at.realtime_usec);
    cr_expect_str_eq(world.gap.step, "");
    cr_expect(world.gap.longest_usec == EVENT_NONE);

    world.at.realtime_usec += 35 * SEC;
    world.at.boottime_usec += 35 * SEC;
    world.at.monotonic_usec += 35 * SEC;
    expect_cause(&world, CAUSE_UNKNOWN, false, HOST_UP);
    cr_expect_eq(world.gap.starved_usec, 0u, "that was told with the gap before");
}

Test(witness, each_cause_is_named_by_its_evidence)
{
    World world;
    init_world(&world);
    world.at.monotonic_usec -= 31 * SEC;
    expect_cause(&world, CAUSE_SUSPEND, true, HOST_SUSPENDED);
    cr_expect_eq(world.gap.suspended_usec, 31 * SEC);
    init_world(&world);
    world.counters.throttled.usec += 20 * SEC;
    world.counters.starved.usec += 24 * SEC;
    expect_cause(&world, CAUSE_CPU_THROTTLED, true, HOST_UP);
    init_world(&world);
    world.counters.cpu.usec += 20 * SEC;
    expect_cause(&world, CAUSE_BUSY, true, HOST_UP);
    init_world(&world);
    world.counters.continued++;
    expect_cause(&world, CAUSE_PROCESS_STOPPED, true, HOST_UP);
    cr_expect_eq(world.gap.continued, 1u);
    init_world(&world);
    world.counters.frozen.usec += 25 * SEC;
    expect_cause(&world, CAUSE_FROZEN, true, HOST_UP);
    init_world(&world);
    world.longest = (LongestStep){ "write /var/log/x", 24 * SEC, 24 * SEC };
    expect_cause(&world, CAUSE_OUTPUT_BLOCKED, true, HOST_UP);
    cr_expect_str_eq(world.gap.step, "write /var/log/x");
    cr_expect_eq(world.gap.longest_usec, 24 * SEC);
    cr_expect_eq(world.gap.steps_usec, 24 * SEC);
    init_world(&world);
    world.longest = (LongestStep){ "sync history", 8 * SEC, 24 * SEC };
    expect_cause(&world, CAUSE_OUTPUT_BLOCKED, true, HOST_UP);
    cr_expect_eq(world.gap.longest_usec, 8 * SEC);
    cr_expect_eq(world.gap.steps_usec, 24 * SEC, "one hung after the other");
    init_world(&world);
    world.counters.continued++;
    world.stopping = true;
    expect_cause(&world, CAUSE_PROCESS_STOPPED, true, HOST_UP);
    init_world(&world);
    world.counters.continued++;
    world.stopping = true;
    world.longest = (LongestStep){ "write /var/log/x", 24 * SEC, 24 * SEC };
    expect_cause(&world, CAUSE_OUTPUT_BLOCKED, true, HOST_UP);
    init_world(&world);
    world.counters.switches++;
    expect_cause(&world, CAUSE_PROCESS_STOPPED, false, HOST_UP);
    init_world(&world);
    expect_cause(&world, CAUSE_HOST_PAUSED, true, HOST_UP);
    init_world(&world);
    world.counters.waits_known = false;
    expect_cause(&world, CAUSE_UNKNOWN, false, HOST_UP);
    cr_expect(world.gap.switches == EVENT_NONE && world.gap.polls == EVENT_NONE);
}

/* The clocks are read one after the other: of a gap of a beat or two at 10 ms that may be half. */
Test(witness, clocks_that_differ_by_as_much_as_reading_them_takes_tell_of_no_suspend)
{
    for (unsigned longer = 0; longer < 2; longer++) {
        World world;
        init_world(&world);
        world.at = before;
        world.at.realtime_usec += INTERVAL + USEC_PER_MSEC;
        world.at.boottime_usec += INTERVAL + USEC_PER_MSEC;
        world.at.monotonic_usec += INTERVAL + USEC_PER_MSEC - 2 * SAMPLE_SPREAD_USEC - longer;
        world.counters.waits_known = false;
        expect_cause(&world, longer ? CAUSE_SUSPEND : CAUSE_UNKNOWN, longer,
                     longer ? HOST_SUSPENDED : HOST_UP);
        cr_expect_eq(world.gap.suspended_usec, longer ? 2 * SAMPLE_SPREAD_USEC + 1 : 0);
    }
}

Test(witness, what_is_not_known_stays_out_of_the_event)
{
    World world;
    init_world(&world);
    world.counters.throttled.known = world.counters.frozen.known = world.counters.cpu.known = false;
    cr_assert_eq(look(&world), SEEN_GAP);
    cr_expect(world.gap.throttled_usec == EVENT_NONE && world.gap.frozen_usec == EVENT_NONE &&
              world.gap.cpu_usec == EVENT_NONE);
    cr_expect_eq(world.gap.starved_usec, 0u);
}

/* A cgroup's counter begins anew when the process is moved to another one. */
Test(witness, counter_that_goes_back_has_not_grown)
{
    World world;
    init_world(&world);
    world.counters.throttled.usec = 3;
    world.counters.frozen.usec = 0;
    expect_cause(&world, CAUSE_HOST_PAUSED, true, HOST_UP);
    cr_expect_eq(world.gap.throttled_usec, 0u);
}

Test(witness, wall_clock_that_was_set_is_an_event_of_its_own)
{
    static const struct {
        const char *what;
        int64_t moved_usec;
        bool seen;
    } table[] = {
        { "not at all", 0, false },
        { "a leap second that was inserted", -(int64_t)SEC, false },
        { "a leap second that was left out", (int64_t)SEC, false },
        { "a leap second, with the clocks read microseconds apart", -(int64_t)SEC - 3, false },
        { "a little more than that", (int64_t)SEC + 100001, true },
        { "and back", -(int64_t)SEC - 100001, true },
        { "a device without a clock learns the time", INT64_C(1795000000) * 1000000, true },
        { "back to 1970", -INT64_C(1795352445123456), true },
        { "into 2038", INT64_C(360000000) * 1000000, true },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        World world;
        init_world(&world);
        world.due.missed = 0;
        world.at.realtime_usec += (usec_t)table[i].moved_usec;
        cr_expect_eq(look(&world), table[i].seen ? SEEN_CLOCK : 0, "%s", table[i].what);
        if (table[i].seen)
            cr_expect_eq(world.clock.moved_usec, table[i].moved_usec, "%s", table[i].what);
    }
}

/* A host that was suspended, and whose clock is then corrected: the gap has its cause, and the clock a line.
 */
Test(witness, suspend_within_a_gap_and_a_clock_step_are_told_apart)
{
    World world;
    init_world(&world);
    world.at.monotonic_usec -= 31 * SEC;
    world.at.realtime_usec -= 3600 * SEC;
    cr_expect_eq(look(&world), SEEN_GAP | SEEN_CLOCK);
    cr_expect_eq(world.gap.verdict.cause, CAUSE_SUSPEND);
    cr_expect_eq(world.gap.lasted_usec, 35 * SEC, "by the clock that nobody sets");
    cr_expect_eq(world.clock.moved_usec, -INT64_C(3600000000));
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 16;
}

/* Any three clocks and any counters whatever: no figure is longer than the gap it is to explain could be. */
Test(witness, has_no_impossible_figure_from_any_input)
{
    static const uint64_t scales[] = { 1, 1000, USEC_PER_SEC, USEC_PER_DAY, USEC_PER_YEAR };
    uint64_t state = 1;
    for (unsigned i = 0; i < 200000; i++) {
        World world;
        init_world(&world);
        uint64_t scale = scales[next_random(&state) % ELEMENTSOF(scales)];
        world.at.realtime_usec = next_random(&state) * scale;
        world.at.boottime_usec = before.boottime_usec + 21 * SEC + next_random(&state) % 1000 * scale;
        world.at.monotonic_usec = next_random(&state) % (UINT64_C(100000) * SEC);
        world.counters.starved.usec = next_random(&state);
        world.counters.cpu.usec = next_random(&state);
        world.counters.frozen.usec = next_random(&state);
        world.counters.throttled.usec = next_random(&state);
        world.counters.switches = next_random(&state) % 100;
        world.longest = (LongestStep){ "write x", next_random(&state) % (100 * SEC), next_random(&state) };
        cr_assert(look(&world) & SEEN_GAP);
        const Event *gap = &world.gap;
        cr_assert_eq(gap->lasted_usec, world.at.boottime_usec - before.boottime_usec);
        cr_assert_leq(gap->suspended_usec, gap->lasted_usec, "suspended for longer than the gap");
        cr_assert_leq(gap->throttled_usec, gap->lasted_usec);
        cr_assert_leq(gap->starved_usec, gap->lasted_usec);
        cr_assert_leq(gap->cpu_usec, gap->lasted_usec);
        cr_assert_leq(gap->frozen_usec, gap->lasted_usec);
        cr_assert_leq(gap->longest_usec, gap->lasted_usec);
        cr_assert_leq(gap->steps_usec, gap->lasted_usec);
    }
}
