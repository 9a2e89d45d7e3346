/* SPDX-License-Identifier: MIT */
/* The history, read in parts: what is left out is what does not matter. */

#include "store/history-read.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/tally.h"
#include "ctl/chronicle.h"
#include "store/history.h"
#include "temp-dir.h"
#include "util/cleanup.h"

TestSuite(history_read, .init = temp_dir_enter, .fini = temp_dir_leave, .timeout = 240);

#define SEC USEC_PER_SEC
#define EPOCH (UINT64_C(1795352400) * SEC)

static Event some_event(EventKind kind, char boot, char run, usec_t realtime_usec, usec_t boottime_usec)
{
    Event event;
    event_init(&event, kind);
    event.realtime_usec = realtime_usec;
    event.boottime_usec = boottime_usec;
    memset(event.boot, boot, BOOT_ID_LENGTH);
    memset(event.run, run, RUN_ID_LENGTH);
    return event;
}

static void append(const Event *event)
{
    cleanup_close int fd = history_open(".");
    cr_assert_eq(history_append(fd, event), 0);
}

static Event stop_number(uint64_t seq)
{
    Event event = some_event(EVENT_STOP, 'a', 'b', EPOCH + seq * SEC, seq * SEC);
    event.seq = seq;
    return event;
}

typedef struct Seen {
    uint64_t count, first, last;
    uint64_t wanted;
} Seen;

static bool is_wanted(void *context, const Event *event)
{
    return event->seq == ((Seen *)context)->wanted;
}

static int note(void *context, const Event *event)
{
    Seen *seen = context;
    if (seen->count++ == 0)
        seen->first = event->seq;
    seen->last = event->seq;
    return 0;
}

/* With noise of all lengths between the lines, up to more than is read in one piece. */
Test(history_read, last_begins_with_the_last_event_that_is_asked_for)
{
    static char noise[16384];
    memset(noise, 'x', sizeof(noise));
    for (uint64_t seq = 1; seq <= 200; seq++) {
        Event event = stop_number(seq);
        append(&event);
        cleanup_close int fd = history_open(".");
        size_t length = seq % 40 == 0 ? seq * 60 : seq % 4 == 0 ? seq : 0;
        noise[length] = '\n';
        if (length > 0)
            cr_assert_eq(write(fd, noise, length + 1), (ssize_t)length + 1);
        noise[length] = 'x';
    }
    for (uint64_t seq = 1; seq <= 201; seq++) {
        Seen seen = { .wanted = seq };
        HistoryDamage damage;
        cr_assert_eq(history_read_last(".", is_wanted, note, &seen, &damage), 0);
        cr_assert(seen.last == 200 && seen.first == (seq <= 200 ? seq : 1) && seen.count == 201 - seen.first,
                  "%" PRIu64 ": %" PRIu64 " from %" PRIu64, seq, seen.count, seen.first);
    }
}

Test(history_read, last_takes_no_torn_line_for_one)
{
    Seen seen = { .wanted = 2 };
    HistoryDamage damage;
    cr_expect_eq(history_read_last(".", is_wanted, note, &seen, &damage), -ENOENT);
    Event first = stop_number(1), second = stop_number(2);
    append(&first);
    append(&second);
    cr_assert_eq(truncate("history", (off_t)strlen(temp_read("history")) - 1), 0);
    cr_expect_eq(history_read_last(".", is_wanted, note, &seen, &damage), 0);
    cr_expect(seen.count == 1 && seen.first == 1 && damage.torn);
}

Test(history_read, gaps_are_counted_with_those_that_were_trimmed)
{
    Census census;
    cr_expect_eq(history_count(".", &census), -ENOENT);
    Event gap = some_event(EVENT_GAP, 'a', 'b', EPOCH, 1), trim = some_event(EVENT_TRIM, 'a', 'b', EPOCH, 1);
    trim.gaps[CAUSE_BUSY] = 3;
    gap.verdict.cause = CAUSE_BUSY;
    append(&trim);
    append(&gap);
    cr_assert_eq(history_count(".", &census), 0);
    cr_expect_eq(census.gaps[CAUSE_BUSY], 4u);
}

/* A host whose wall clock is set now and then, is lost over some boots, and goes wrong without a word. */
typedef struct World {
    unsigned seed;
    usec_t realtime_usec, boottime_usec;
    char boot, run;
} World;

static usec_t any(World *world, usec_t below)
{
    return (usec_t)rand_r(&world->seed) % below;
}

static void pass(World *world, usec_t usec)
{
    world->realtime_usec += usec;
    world->boottime_usec += usec;
}

static Event event_now(const World *world, EventKind kind)
{
    return some_event(kind, world->boot, world->run, world->realtime_usec, world->boottime_usec);
}

static void add_gap(World *world, bool boots)
{
    char past = world->run;
    usec_t from_usec = world->realtime_usec, lasted_usec = (20 + any(world, 5000)) * SEC;
    pass(world, lasted_usec);
    if (boots) {
        world->boot = (char)('a' + any(world, 26));
        world->run = (char)('a' + any(world, 26));
        world->boottime_usec = (1 + any(world, 60)) * SEC;
        if (any(world, 60) == 0)
            world->realtime_usec -= any(world, 50000) * SEC;
    }
    Event gap = event_now(world, EVENT_GAP);
    gap.from_usec = from_usec;
    gap.to_usec = world->realtime_usec;
    gap.verdict =
        (Verdict){ boots ? CAUSE_HOST_DOWN : CAUSE_SUSPEND, true, boots ? HOST_DOWN : HOST_SUSPENDED };
    if (!boots || world->realtime_usec >= from_usec)
        gap.lasted_usec = boots ? world->realtime_usec - from_usec : lasted_usec;
    if (boots) {
        memset(gap.past, past, RUN_ID_LENGTH);
        gap.boot_usec = world->realtime_usec - world->boottime_usec;
    } else
        gap.suspended_usec = lasted_usec / 2;
    append(&gap);
    if (boots) {
        Event start = event_now(world, EVENT_START);
        append(&start);
    }
}

static void set_clock(World *world)
{
    Event clock = event_now(world, EVENT_CLOCK);
    clock.moved_usec = (int64_t)(any(world, 20000) * SEC) - 10000 * (int64_t)SEC;
    world->realtime_usec += (usec_t)clock.moved_usec;
    clock.realtime_usec = world->realtime_usec;
    if (any(world, 3) > 0) /* else nobody has told of it */
        append(&clock);
}

static void tear(World *world)
{
    cleanup_close int fd = history_open(".");
    off_t size = lseek(fd, 0, SEEK_END);
    if (size > 500)
        cr_assert_eq(ftruncate(fd, size - 1 - (off_t)any(world, 100)), 0);
}

static void live(World *world)
{
    usec_t what = any(world, 20);
    Event event = event_now(world, what == 0 ? EVENT_RELOAD : what == 1 ? EVENT_STOP : EVENT_EXIT);
    pass(world, any(world, 3000) * SEC + any(world, SEC));
    event.realtime_usec = world->realtime_usec;
    event.boottime_usec = world->boottime_usec;
    if (what < 3)
        append(&event);
    else if (what == 3)
        tear(world);
    else if (what == 4)
        set_clock(world);
    else
        add_gap(world, what < 9);
}

typedef struct Told {
    Segment segments[2000];
    size_t count;
} Told;

static void keep(void *context, const Segment *segment)
{
    Told *told = context;
    cr_assert_lt(told->count, ELEMENTSOF(told->segments));
    told->segments[told->count++] = *segment;
}

static void tell(const World *world, usec_t since_usec, Told *ret, Summary *summary, int *ret_result)
{
    View view = { .state_dir = ".",
                  .realtime_usec = world->realtime_usec,
                  .boottime_usec = world->boottime_usec,
                  .liveness = LIVENESS_ALIVE };
    ChronicleRange range = { since_usec, USEC_INFINITY };
    view.past.any = view.past.readable = true;
    memset(view.boot, world->boot, BOOT_ID_LENGTH);
    memset(view.past.pulse.run, world->run, RUN_ID_LENGTH);
    ret->count = 0;
    *ret_result = chronicle_read(&view, &range, keep, ret, summary);
}

static void expect_same(const Told *part, const Told *whole, unsigned round)
{
    cr_assert_eq(part->count, whole->count, "round %u: %zu segments, not %zu", round, part->count,
                 whole->count);
    for (size_t i = 0; i < part->count; i++) {
        const Segment *a = &part->segments[i], *b = &whole->segments[i];
        cr_assert(a->from_usec == b->from_usec && a->to_usec == b->to_usec && a->host == b->host &&
                      a->pulse == b->pulse && (a->gap > 0) == (b->gap > 0) &&
                      (a->outage > 0) == (b->outage > 0),
                  "round %u: segment %zu", round, i);
    }
}

/* The whole file is read where its first line does not say that it is kept as course.h has it. */
static void unmark(void)
{
    const char *text = temp_read("history"), *mark = strstr(text, " latest="), *end = strchr(text, '\n');
    cleanup_close int fd = open("history", O_WRONLY | O_CLOEXEC);
    cr_assert(mark && mark < end);
    cr_assert_eq(pwrite(fd, "xxxxxx", 6, mark + 1 - text), 6);
}

static Seen read_since(usec_t since_usec)
{
    Seen seen = { 0 };
    HistoryDamage damage;
    cr_assert_eq(history_read_since(".", since_usec, note, &seen, &damage), 0);
    return seen;
}

Test(history_read, since_tells_what_the_whole_tells_whatever_the_clock_did)
{
    static Told part[4], whole;
    usec_t since[ELEMENTSOF(part)];
    unsigned shorter = 0;
    for (unsigned round = 0; round < 25; round++) {
        World world = {
            .seed = round + 1, .realtime_usec = EPOCH, .boottime_usec = SEC, .boot = 'a', .run = 'a'
        };
        Summary summary[ELEMENTSOF(part)], of_whole;
        int result[ELEMENTSOF(part)], whole_result;
        cleanup_close int fd = -1;
        unlink("history");
        Event start = event_now(&world, EVENT_START), stamp;
        append(&start);
        for (unsigned i = 0; i < 600; i++)
            live(&world);
        fd = history_open(".");
        stamp = event_now(&world, EVENT_TRIM);
        if (round % 3 == 0)
            cr_assert_geq(history_trim(".", &fd, 100000, &stamp), 0);
        for (size_t i = 0; i < ELEMENTSOF(part); i++) {
            since[i] = world.realtime_usec - (i == 0 ? 3600 : any(&world, 2000000)) * SEC;
            tell(&world, since[i], &part[i], &summary[i], &result[i]);
        }
        uint64_t read = read_since(since[0]).count;
        unmark();
        shorter += read < read_since(since[0]).count / 2;
        for (size_t i = 0; i < ELEMENTSOF(part); i++) {
            tell(&world, since[i], &whole, &of_whole, &whole_result);
            expect_same(&part[i], &whole, round);
            cr_assert_eq(result[i], whole_result, "round %u", round);
            cr_assert(summary[i].since_usec == of_whole.since_usec &&
                      summary[i].trimmed == of_whole.trimmed &&
                      summary[i].trimmed_gaps == of_whole.trimmed_gaps);
        }
    }
    cr_expect_gt(shorter, 5u, "half of it was left out %u times", shorter);
}
