/* SPDX-License-Identifier: MIT */
/* The bytes are what befalls a host and its daemon, one after the other, on clocks that nobody sets: busy
 * hours, suspends, kills, stops, crashes, reboots and power cuts. The daemon's own modules write down what
 * they see of it; what the record then comes to is what was. */

#include "fuzz.h"

#include <stdio.h>
#include <string.h>

#include "core/past.h"
#include "core/tally.h"
#include "daemon/witness.h"
#include "util/cleanup.h"

/* A line has its time to the millisecond, and each may be so much away from what was. */
#define SLACK_USEC (2 * USEC_PER_MSEC)
#define SHUTDOWN_USEC (10 * USEC_PER_MINUTE) /* DESIGN, "Why was a beat missing?" */
#define DEEDS_MAX 200

typedef struct World {
    Instant now;
    unsigned boot, run;
    usec_t interval_usec;

    /* the daemon's */
    Schedule schedule;
    Witness witness;
    Counters counters;
    Past past; /* as the next run will find it */
    uint64_t beats, missed;

    /* what is told of it */
    Availability walk;
    Tally tally;
    uint64_t lines, gaps;

    /* what was */
    usec_t begin_usec, down_usec, unknown_usec, suspended_usec;
    uint64_t outages, lost;
} World;

static void take_segment(void *context, const Segment *segment)
{
    FUZZ_ASSERT(segment->from_usec <= segment->to_usec);
    tally_add(context, segment, segment->from_usec, segment->to_usec, false);
}

static void name_ids(const World *world, char boot[static 33], char run[static 33])
{
    snprintf(boot, 33, "%032x", world->boot);
    snprintf(run, 33, "%032x", world->run);
}

/* By way of the line that it is on the disk. */
static void tell(World *world, Event *event)
{
    char line[EVENT_LINE_MAX];
    Event read;
    event->realtime_usec = world->now.realtime_usec;
    event->boottime_usec = world->now.boottime_usec;
    name_ids(world, event->boot, event->run);
    int length = event_format(event, line);
    FUZZ_ASSERT(length > 0 && event_parse(line, (size_t)length - 1, &read) == 0);
    availability_take(&world->walk, &read);
    world->lines++;
    world->gaps += event->kind == EVENT_GAP;
}

static void pass(World *world, usec_t usec)
{
    world->now.realtime_usec += usec;
    world->now.boottime_usec += usec;
    world->now.monotonic_usec += usec;
}

static void store_beat(World *world, const Due *due)
{
    Pulse *pulse = &world->past.pulse;
    world->past = (Past){ .any = true, .readable = true, .pulse = *pulse };
    name_ids(world, pulse->boot, pulse->run);
    pulse->seq = ++world->beats;
    pulse->due_usec = due->due_usec;
    pulse->late_usec = due->late_usec;
    pulse->realtime_usec = world->now.realtime_usec;
    pulse->boottime_usec = world->now.boottime_usec;
    pulse->interval_usec = world->interval_usec;
}

static void start(World *world)
{
    Event start, gap;
    Due due;
    Present present = { .realtime_usec = world->now.realtime_usec };
    present.boottime_usec = world->now.boottime_usec;
    world->run++;
    name_ids(world, present.boot, present.run);
    if (past_close(&world->past, &present, &gap)) {
        FUZZ_ASSERT(gap.missed != EVENT_NONE && gap.lasted_usec != EVENT_NONE);
        tell(world, &gap);
    }
    event_init(&start, EVENT_START);
    start.interval_usec = world->interval_usec;
    tell(world, &start);
    schedule_start(&world->schedule, world->interval_usec, world->now.boottime_usec, &due);
    witness_begin(&world->witness, &world->now, &world->counters);
    world->beats = world->missed = 0;
    store_beat(world, &due);
}

static void beat(World *world)
{
    LongestStep longest = { 0 };
    Event gap, clock;
    Due due;
    schedule_beat(&world->schedule, world->now.boottime_usec, &due);
    Sight sight = { .at = &world->now, .counters = &world->counters, .due = &due, .longest = &longest };
    sight.allowed_usec = world->interval_usec;
    int seen = witness_look(&world->witness, &sight, &gap, &clock);
    FUZZ_ASSERT(!(seen & SEEN_CLOCK));
    if (seen & SEEN_GAP)
        tell(world, &gap);
    world->missed += due.missed;
    store_beat(world, &due);
    FUZZ_ASSERT(world->beats + world->missed == world->schedule.last + 1);
}

static usec_t until_next(const World *world)
{
    return usec_less(schedule_next(&world->schedule), world->now.boottime_usec);
}

static void beat_on(World *world, unsigned count)
{
    for (; count > 0; count--) {
        pass(world, until_next(world));
        beat(world);
    }
}

static void be_late(World *world, usec_t usec, bool starved)
{
    pass(world, until_next(world) + usec);
    world->counters.starved.known = true;
    world->counters.starved.usec += starved ? usec : 0;
    beat(world);
}

/* In the middle of a wait, which ends at once afterwards if it was long enough. */
static void suspend(World *world, usec_t usec)
{
    usec_t rest_usec = until_next(world);
    world->now.realtime_usec += usec;
    world->now.boottime_usec += usec;
    world->suspended_usec += usec;
    pass(world, usec_less(rest_usec, usec));
    beat(world);
}

static void stop(World *world)
{
    Event stop;
    event_init(&stop, EVENT_STOP);
    stop.seq = world->beats;
    tell(world, &stop);
    world->past.stopped = true;
    world->past.stopped_usec = world->now.realtime_usec - world->now.realtime_usec % USEC_PER_MSEC;
}

static void crash(World *world)
{
    Event exit;
    event_init(&exit, EVENT_EXIT);
    exit.exit = (ExitRecord){ "core-dump", "dumped", "SEGV" };
    tell(world, &exit);
    world->past.exited = true;
    world->past.exit = exit.exit;
}

/* Time without a clock, then a new boot in which it takes some until the daemon starts. */
static void boot(World *world, usec_t off_usec, usec_t until_start_usec)
{
    world->boot++;
    world->now.realtime_usec += off_usec;
    world->now.boottime_usec = world->now.monotonic_usec = 0;
    world->counters = (Counters){ 0 };
    pass(world, until_start_usec);
    start(world);
}

static bool is_near(usec_t told_usec, usec_t was_usec, uint64_t lines)
{
    return usec_max(told_usec, was_usec) - usec_min(told_usec, was_usec) <= SLACK_USEC * (lines + 1);
}

/* Of a host that goes without a word nobody knows more than its last beat. */
static void cut_power(World *world, usec_t since_beat_usec, usec_t off_usec, usec_t until_start_usec)
{
    pass(world, since_beat_usec);
    usec_t since_usec = world->now.realtime_usec - world->past.pulse.realtime_usec;
    world->down_usec += since_usec + off_usec;
    world->outages++;
    boot(world, off_usec, until_start_usec);
}

static void shut_down(World *world, usec_t until_off_usec, usec_t off_usec, usec_t until_start_usec)
{
    stop(world);
    pass(world, until_off_usec);
    usec_t stopped_usec = world->past.stopped_usec, boot_usec = world->now.realtime_usec + off_usec;
    if (is_near(boot_usec - stopped_usec, SHUTDOWN_USEC, 0)) { /* it is either, by the times in the lines */
        off_usec += 2 * SLACK_USEC;
        boot_usec += 2 * SLACK_USEC;
    }
    bool down = boot_usec - stopped_usec <= SHUTDOWN_USEC;
    world->outages += down;
    *(down ? &world->down_usec : &world->unknown_usec) += boot_usec - stopped_usec;
    boot(world, off_usec, until_start_usec);
}

/* To the microsecond, mostly short, up to a month. */
static usec_t take_span(FuzzInput *input)
{
    static const usec_t units[] = {
        1, 10 * USEC_PER_MSEC, USEC_PER_SEC, USEC_PER_MINUTE, USEC_PER_HOUR, 3 * USEC_PER_HOUR
    };
    usec_t unit = units[fuzz_choice(input, ELEMENTSOF(units))];
    return unit * fuzz_byte(input) + fuzz_byte(input);
}

static void do_next(World *world, FuzzInput *input)
{
    switch (fuzz_choice(input, 8)) {
    case 0:
        beat_on(world, fuzz_byte(input));
        break;
    case 1:
        be_late(world, take_span(input), fuzz_bool(input));
        break;
    case 2:
        suspend(world, take_span(input));
        break;
    case 3: /* killed */
        pass(world, take_span(input));
        start(world);
        break;
    case 4:
        stop(world);
        pass(world, take_span(input));
        start(world);
        break;
    case 5:
        crash(world);
        pass(world, take_span(input));
        start(world);
        break;
    case 6:
        cut_power(world, take_span(input) % world->interval_usec, take_span(input), take_span(input));
        break;
    default:
        shut_down(world, take_span(input) % USEC_PER_MINUTE, take_span(input), take_span(input));
    }
}

static void finish(World *world)
{
    AvailabilityEnd end = { .known = true };
    end.now.realtime_usec = world->now.realtime_usec;
    end.now.boottime_usec = world->now.boottime_usec;
    name_ids(world, end.now.boot, end.now.run);
    availability_end(&world->walk, &end);
}

static void check(const World *world)
{
    const Tally *tally = &world->tally;
    usec_t whole_usec = world->now.realtime_usec - world->begin_usec;
    usec_t told_usec = tally->up_usec + tally->down_usec + tally->suspended_usec + tally->unknown_usec;
    uint64_t share = share_of(tally->up_usec, tally->down_usec);
    FUZZ_ASSERT(share == EVENT_NONE || share <= 1000000);
    FUZZ_ASSERT(is_near(told_usec, whole_usec, world->lines));
    FUZZ_ASSERT(is_near(tally->down_usec, world->down_usec, world->lines));
    FUZZ_ASSERT(is_near(tally->unknown_usec, world->unknown_usec, world->lines));
    FUZZ_ASSERT(tally->suspended_usec <= world->suspended_usec + SLACK_USEC * (world->lines + 1));
    FUZZ_ASSERT(tally->gaps.count == world->gaps && tally->outages.count == world->outages);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput input = { data, data + size };
    World world = { .now = { UINT64_C(1795352410123456), 5 * USEC_PER_MINUTE, 5 * USEC_PER_MINUTE } };
    world.boot = 1;
    world.interval_usec = usec_max(take_span(&input) % USEC_PER_DAY, 10 * USEC_PER_MSEC);
    world.begin_usec = world.now.realtime_usec;
    availability_begin(&world.walk, take_segment, &world.tally);
    start(&world);
    for (int i = 0; i < DEEDS_MAX && input.at < input.end; i++)
        do_next(&world, &input);
    finish(&world);
    check(&world);
    return 0;
}
