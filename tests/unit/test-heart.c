/* SPDX-License-Identifier: MIT */
/* The loop and the beat, on simulated clocks, with real files and a real socket for the manager. */

#include "daemon/heart.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "allocations.h"
#include "daemon/exit.h"
#include "manager.h"
#include "simulation.h"
#include "store/history.h"
#include "store/pulse-file.h"
#include "temp-dir.h"
#include "told.h"
#include "util/cleanup.h"
#include "util/log.h"

#define INTERVAL (10 * USEC_PER_SEC)

/* All that a test needs; each one has a process to itself. */
static struct {
    SimClocks clocks;
    Supervisor supervisor;
    Ledger ledger;
    Manager manager;
    Heart heart;
    FakeOutput *output;
    usec_t first_usec;
    int log_fd;
    uint64_t beats, missed; /* as the output was told */
    usec_t next_interval_usec;
    size_t reloads;
} world;

static void hear_manager(void *context)
{
    (void)context;
    manager_hear(&world.manager, world.clocks.now.boottime_usec);
}

static void count_beat(const Beat *beat, void *context)
{
    (void)context;
    world.beats++;
    world.missed += beat->due.missed;
    cr_assert_eq(beat->seq, world.beats);
    cr_assert_eq(beat->at.boottime_usec, beat->due.due_usec + beat->due.late_usec);
}

static int reload(void *context)
{
    (void)context;
    world.reloads++;
    if (world.next_interval_usec > 0)
        world.heart.interval_usec = world.next_interval_usec;
    return 0;
}

static void give_outputs(Output *first, Output *second)
{
    Output **outputs = calloc(2, sizeof(*outputs));
    cr_assert_not_null(outputs);
    outputs[0] = first;
    outputs[1] = second;
    heart_take_outputs(&world.heart, outputs, second ? 2 : 1);
}

static void open_ledger(void)
{
    RecallTrouble trouble;
    Error error = { 0 };
    world.ledger = LEDGER_NONE;
    cr_assert_eq(ledger_open(&world.ledger, ".", &world.clocks.clocks, &trouble, &error), 0, "%s",
                 error.text);
    world.ledger.sync = SYNC_NEVER;
}

static void enter(void)
{
    temp_dir_enter();
    unsetenv("NOTIFY_SOCKET");
    sim_clocks_init(&world.clocks);
    world.log_fd = temp_file();
    log_to_fd(world.log_fd);
    cr_assert_eq(supervisor_open(&world.supervisor, false), 0);
    world.heart = (Heart){
        .clocks = &world.clocks.clocks,
        .supervisor = &world.supervisor,
        .ledger = &world.ledger,
        .interval_usec = INTERVAL,
        .reload = reload,
    };
    cr_assert_eq(message_prepare(&world.heart.message, "heartbeat %n", "host", ""), 0);
    open_ledger();
    world.output = fake_output_new("/fake");
    world.output->check = count_beat;
    give_outputs(&world.output->output, NULL);
}

static void leave(void)
{
    heart_done(&world.heart);
    ledger_close(&world.ledger);
    close(world.log_fd);
    temp_dir_leave();
}

TestSuite(heart, .init = enter, .fini = leave, .timeout = 480);

static void have_manager(usec_t watchdog_usec)
{
    if (!notify_supported)
        temp_dir_skip("built without libsystemd");
    manager_listen(&world.manager, temp_path("notify"), watchdog_usec);
    cr_assert_eq(supervisor_open(&world.supervisor, false), 0);
    world.clocks.on_wait = hear_manager;
}

static void start(void)
{
    world.first_usec = world.clocks.now.boottime_usec;
    Error error = { 0 };
    cr_assert_eq(heart_start(&world.heart, &error), 0, "%s", error.text);
}

/* Runs through events, whose times are counted from the first beat, until `length` after it. */
static void run(const SimEvent *events, size_t n, usec_t length)
{
    SimEvent all[8];
    cr_assert_lt(n, ELEMENTSOF(all));
    for (size_t i = 0; i < n; i++) {
        all[i] = events[i];
        all[i].at_usec += world.first_usec;
    }
    all[n] = (SimEvent){ .at_usec = world.first_usec + length, .wake = WAKE_STOP };
    world.clocks.events = all;
    world.clocks.n_events = n + 1;
    cr_assert_eq(heart_run(&world.heart), 0);
    world.clocks.events = NULL;
}

/* The last beat, told by instants counted from the first. */
static void expect_last(uint64_t seq, usec_t due, usec_t late, uint64_t missed)
{
    const Beat *last = &world.output->last;
    cr_expect_eq(last->seq, seq, "number %" PRIu64, last->seq);
    cr_expect_eq(last->due.due_usec, world.first_usec + due, "due %" PRI_USEC,
                 last->due.due_usec - world.first_usec);
    cr_expect_eq(last->due.late_usec, late, "late %" PRI_USEC, last->due.late_usec);
    cr_expect_eq(last->due.missed, missed, "missed %" PRIu64, last->due.missed);
}

Test(heart, first_beat_comes_at_once)
{
    start();
    expect_last(1, 0, 0, 0);
    cr_expect_eq(world.clocks.waits, 0u);
    cr_expect_str_eq(world.output->text, "heartbeat 1");
    run(NULL, 0, INTERVAL - 1);
    cr_expect_eq(world.beats, 1u, "the second waits for its time");
}

static void fill_disk(bool full)
{
    int fd = full ? open("/dev/full", O_RDWR | O_CLOEXEC) : pulse_file_open(".");
    cr_assert_geq(fd, 0);
    cr_assert_geq(dup3(fd, world.ledger.pulse_fd, O_CLOEXEC), 0);
    close(fd);
}

Test(heart, start_fails_when_nothing_takes_the_first_beat)
{
    have_manager(0);
    fill_disk(true);
    FakeOutput *other = fake_output_new("/other");
    FakeOutput *fake = fake_output_new("/fake");
    give_outputs(&fake->output, &other->output);
    fake->error = ENOSPC;
    other->error = EIO;
    Error error = { 0 };
    cr_expect_eq(heart_start(&world.heart, &error), -ENOSPC, "the first one's reason");
    cr_expect_str_eq(
        error.text,
        "output /fake: No space left on device; nothing else took the first beat, the pulse neither", "%s",
        error.text);
    cr_expect_eq(error.exit_code, EXIT_FAILURE);
    cr_expect_not(manager_hear_one(&world.manager), "not ready: %s", world.manager.last);
}

Test(heart, start_succeeds_when_the_pulse_alone_takes_the_first_beat)
{
    Error error;
    world.output->error = ENOSPC;
    cr_expect_eq(heart_start(&world.heart, &error), 0);
    cr_expect_str_eq(
        temp_read_fd(world.log_fd),
        "heartbeatd: output /fake: No space left on device; its messages are lost until it works "
        "again\n");
}

Test(heart, start_succeeds_when_one_output_takes_the_first_beat)
{
    have_manager(0);
    fill_disk(true);
    FakeOutput *bad = fake_output_new("/bad"), *good = fake_output_new("/good");
    give_outputs(&bad->output, &good->output);
    bad->error = ENOSPC;
    Error error;
    cr_expect_eq(heart_start(&world.heart, &error), 0);
    cr_expect_str_eq(
        temp_read_fd(world.log_fd),
        "heartbeatd: ./pulse: No space left on device; the beats are not stored until it works again\n"
        "heartbeatd: output /bad: No space left on device; its messages are "
        "lost until it works again\n");
    cr_expect(manager_hear_one(&world.manager));
    cr_expect_str_eq(world.manager.last,
                     "READY=1\nWATCHDOG=1\nSTATUS=1 beat, last at 2026-11-22T13:00:10.123Z; "
                     "output /bad: No space left on device (1 message lost)");
}

static void expect_on_grid(const Beat *beat, void *context)
{
    count_beat(beat, context);
    cr_assert_eq(beat->due.due_usec, world.first_usec + (beat->seq - 1) * world.heart.interval_usec,
                 "beat %" PRIu64 " has drifted", beat->seq);
    cr_assert_eq(beat->due.missed, 0u);
}

Test(heart, does_not_drift_in_a_hundred_thousand_beats_into_a_file)
{
    struct stat st;
    Output *file = output_new(temp_path("log"), FORMAT_PLAIN);
    FakeOutput *fake = fake_output_new("/grid");
    fake->check = expect_on_grid;
    give_outputs(file, &fake->output);
    world.heart.interval_usec = 10 * USEC_PER_MSEC;
    world.clocks.jitter_usec = 9 * USEC_PER_MSEC; /* every wake is late by something else */
    cr_assert_eq(message_prepare(&world.heart.message, "%n", "", ""), 0);
    start();
    run(NULL, 0, 100000 * world.heart.interval_usec - 1);
    cr_expect_eq(world.beats, 100000u);
    cr_expect_eq(fake->last.due.due_usec, world.first_usec + 99999 * world.heart.interval_usec);
    cr_expect_eq(schedule_next(&world.heart.schedule), world.first_usec + 100000 * world.heart.interval_usec);
    cr_assert_eq(stat("log", &st), 0);
    /* The digits of all numbers from 1 to 100,000, each with a newline. */
    cr_expect_eq(st.st_size, (off_t)(488895 + 100000), "%jd", (intmax_t)st.st_size);
}

/* The third beat blocks its output for a while. */
Test(heart, late_beats_shift_none_and_missed_ones_are_counted_and_not_made_up_for)
{
    static const struct {
        usec_t blocked;
        usec_t due, late; /* of the fourth beat */
        uint64_t missed;
    } table[] = {
        { 0, 3 * INTERVAL, 0, 0 },
        { INTERVAL - 1, 3 * INTERVAL, 0, 0 },
        { INTERVAL, 3 * INTERVAL, 0, 0 },
        { INTERVAL + 1, 3 * INTERVAL, 1, 0 },
        { 2 * INTERVAL - 1, 3 * INTERVAL, INTERVAL - 1, 0 },
        { 2 * INTERVAL, 4 * INTERVAL, 0, 1 },
        { 3 * INTERVAL + 7, 5 * INTERVAL, 7, 2 },
        { 1000000 * INTERVAL + 7, 1000002 * INTERVAL, 7, 999999 },
        { USEC_PER_YEAR, 2 * INTERVAL + USEC_PER_YEAR, 0, 3155759 },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        world.heart.seq = world.beats = world.missed = 0;
        start();
        run(NULL, 0, INTERVAL + 1);
        world.output->clocks = &world.clocks;
        world.output->takes_usec = table[i].blocked;
        run(NULL, 0, table[i].due + table[i].late + 1);
        expect_last(4, table[i].due, table[i].late, table[i].missed);
        run(NULL, 0, table[i].due + INTERVAL + 1);
        expect_last(5, table[i].due + INTERVAL, 0, 0);
        cr_expect_eq(world.missed, table[i].missed, "row %zu", i);
        cr_expect_eq(world.beats + world.missed, table[i].due / INTERVAL + 2,
                     "row %zu: each due instant once", i);
    }
}

Test(heart, suspend_and_steps_of_the_wall_clock_do_not_disturb_the_grid)
{
    static const struct {
        const char *what;
        SimEvent event;
        usec_t due, late; /* of the beat after it */
        uint64_t missed;
    } table[] = {
        { "an hour back", { .step_usec = -(int64_t)USEC_PER_HOUR }, INTERVAL, 0, 0 },
        { "a year on", { .step_usec = (int64_t)USEC_PER_YEAR }, INTERVAL, 0, 0 },
        { "before 1980", { .step_usec = -(int64_t)(50 * USEC_PER_YEAR) }, INTERVAL, 0, 0 },
        { "a nap", { .suspend_usec = USEC_PER_SEC }, INTERVAL, 0, 0 },
        { "suspended over a beat", { .suspend_usec = 7 * USEC_PER_SEC }, INTERVAL, 2 * USEC_PER_SEC, 0 },
        { "suspended for a night",
          { .suspend_usec = 8 * USEC_PER_HOUR },
          8 * USEC_PER_HOUR,
          5 * USEC_PER_SEC,
          2879 },
        { "suspended, then set",
          { .suspend_usec = 15 * USEC_PER_SEC, .step_usec = -15000000 },
          2 * INTERVAL,
          0,
          1 },
        { "stopped", { .stopped_usec = 25 * USEC_PER_SEC }, 3 * INTERVAL, 0, 2 },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        world.heart.seq = world.beats = world.missed = 0;
        SimEvent event = table[i].event;
        event.at_usec = 5 * USEC_PER_SEC;
        start();
        usec_t monotonic = world.clocks.now.monotonic_usec;
        run(&event, 1, table[i].due + table[i].late + 1);
        expect_last(2, table[i].due, table[i].late, table[i].missed);
        cr_expect_eq(world.clocks.now.monotonic_usec - monotonic,
                     table[i].due + table[i].late + 1 - event.suspend_usec, "%s", table[i].what);
        run(NULL, 0, table[i].due + INTERVAL + 1);
        expect_last(3, table[i].due + INTERVAL, 0, 0);
    }
}

Test(heart, time_of_a_message_follows_the_wall_clock)
{
    SimEvent events[] = { { .at_usec = USEC_PER_SEC, .step_usec = -3600000000 } };
    cr_assert_eq(message_prepare(&world.heart.message, "%t", "", ""), 0);
    start();
    cr_expect_str_eq(world.output->text, "2026-11-22T13:00:10.123Z");
    run(events, 1, INTERVAL + 1);
    cr_expect_str_eq(world.output->text, "2026-11-22T12:00:20.123Z");
}

/* The first beat at 0, then a reload at `at`. */
Test(heart, reload_that_changes_the_interval_begins_a_new_grid_and_misses_nothing)
{
    static const struct {
        usec_t interval, at, due;
    } table[] = {
        { INTERVAL, 3 * USEC_PER_SEC, INTERVAL },
        { USEC_PER_SEC, 3500 * USEC_PER_MSEC, 4 * USEC_PER_SEC },
        { USEC_PER_SEC, 3 * USEC_PER_SEC, 4 * USEC_PER_SEC },
        { 7 * USEC_PER_SEC, 8 * USEC_PER_SEC, 14 * USEC_PER_SEC },
        { USEC_PER_MINUTE, 3 * USEC_PER_SEC, USEC_PER_MINUTE },
        { USEC_PER_DAY, 9999999, USEC_PER_DAY },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        SimEvent events[] = { { .at_usec = table[i].at, .wake = WAKE_RELOAD } };
        world.heart.seq = world.beats = world.missed = 0;
        world.heart.interval_usec = INTERVAL;
        world.next_interval_usec = table[i].interval;
        start();
        run(events, 1, table[i].due + 1);
        expect_last(2, table[i].due, 0, 0);
        run(NULL, 0, table[i].due + table[i].interval + 1);
        expect_last(3, table[i].due + table[i].interval, 0, 0);
        cr_expect_eq(world.output->last.interval_usec, table[i].interval);
    }
    cr_expect_eq(world.reloads, ELEMENTSOF(table));
}

Test(heart, reload_is_told_to_the_manager_with_its_instant)
{
    SimEvent events[] = { { .at_usec = USEC_PER_SEC, .wake = WAKE_RELOAD } };
    char reloading[128];
    have_manager(0);
    world.clocks.on_wait = NULL;
    start();
    cr_expect(manager_hear_one(&world.manager));
    run(events, 1, 2 * USEC_PER_SEC);
    snprintf(reloading, sizeof(reloading), "RELOADING=1\nMONOTONIC_USEC=%" PRI_USEC,
             world.clocks.now.monotonic_usec - USEC_PER_SEC);
    cr_expect(manager_hear_one(&world.manager));
    cr_expect_str_eq(world.manager.last, reloading, "%s", world.manager.last);
    cr_expect(manager_hear_one(&world.manager));
    cr_expect_str_eq(world.manager.last, "READY=1\nSTATUS=1 beat, last at 2026-11-22T13:00:10.123Z", "%s",
                     world.manager.last);
}

/* The process was stopped, and got a SIGHUP meanwhile: what was due before the reload is answered or counted,
 * by the interval it was due by. */
Test(heart, beats_due_before_a_reload_are_answered_or_counted)
{
    static const struct {
        usec_t stopped, interval;
        uint64_t due; /* instants that passed by then */
    } table[] = {
        { 25 * USEC_PER_SEC, INTERVAL, 3 },
        { 25 * USEC_PER_SEC, USEC_PER_HOUR, 3 },
        { 5 * USEC_PER_SEC, USEC_PER_HOUR, 1 },
        { 60 * USEC_PER_SEC, 7 * USEC_PER_SEC, 6 },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        SimEvent events[] = {
            { .at_usec = 5 * USEC_PER_SEC, .stopped_usec = table[i].stopped, .wake = WAKE_RELOAD }
        };
        world.heart.seq = world.beats = world.missed = 0;
        world.heart.interval_usec = INTERVAL;
        world.next_interval_usec = table[i].interval;
        start();
        run(events, 1, 5 * USEC_PER_SEC + table[i].stopped + 1);
        cr_expect_eq(world.beats - 1 + world.missed, table[i].due, "row %zu: %" PRIu64 " of %" PRIu64, i,
                     world.beats - 1 + world.missed, table[i].due);
    }
}

Test(heart, signals_stop_and_reload)
{
    static const struct {
        int wake;
        size_t reloads;
        uint64_t beats; /* within two intervals */
    } table[] = {
        { 0, 0, 3 },
        { WAKE_TIME, 0, 3 },
        { WAKE_RELOAD, 1, 3 },
        { WAKE_STOP, 0, 1 },
        { WAKE_STOP | WAKE_RELOAD, 0, 1 },
        { WAKE_STOP | WAKE_TIME, 0, 1 },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        SimEvent events[] = { { .at_usec = USEC_PER_SEC, .wake = table[i].wake } };
        world.heart.seq = world.beats = world.reloads = 0;
        start();
        run(events, 1, 2 * INTERVAL + 1);
        cr_expect_eq(world.reloads, table[i].reloads, "row %zu", i);
        cr_expect_eq(world.beats, table[i].beats, "row %zu: %" PRIu64, i, world.beats);
    }
}

static int refuse_to_wait(Clocks *clocks, usec_t until_usec)
{
    (void)clocks, (void)until_usec;
    return -EBADF;
}

Test(heart, run_ends_when_there_is_no_waiting_any_more)
{
    start();
    world.clocks.clocks.wait = refuse_to_wait;
    cr_expect_eq(heart_run(&world.heart), -EBADF);
}

static int failing_errors[] = { 0, ENOSPC, ENOSPC, ENOSPC, 0, EIO, 0, 0 };

static void fail_as_told(const Beat *beat, void *context)
{
    FakeOutput *self = context;
    self->error = beat->seq <= ELEMENTSOF(failing_errors) ? failing_errors[beat->seq - 1] : 0;
}

Test(heart, failing_output_is_reported_once_and_its_recovery_with_what_was_lost)
{
    FakeOutput *bad = fake_output_new("/bad"), *good = fake_output_new("/good");
    give_outputs(&bad->output, &good->output);
    bad->check = fail_as_told;
    bad->context = bad;
    start();
    run(NULL, 0, 10 * INTERVAL + 1);
    cr_expect_eq(bad->tries, 11u);
    cr_expect_eq(good->tries, 11u, "the others get all of them");
    cr_expect_str_eq(
        temp_read_fd(world.log_fd),
        "heartbeatd: output /bad: No space left on device; its messages are lost until it works again\n"
        "heartbeatd: output /bad works again: 3 messages lost from 2026-11-22T13:00:20.123Z to "
        "2026-11-22T13:00:40.123Z\n"
        "heartbeatd: output /bad: Input/output error; its messages are lost until it works again\n"
        "heartbeatd: output /bad works again: 1 message lost from 2026-11-22T13:01:00.123Z to "
        "2026-11-22T13:01:00.123Z\n",
        "%s", temp_read_fd(world.log_fd));
}

Test(heart, end_says_what_an_output_that_still_fails_has_lost)
{
    FakeOutput *bad = fake_output_new("/bad"), *good = fake_output_new("/good");
    give_outputs(&bad->output, &good->output);
    start();
    bad->error = ENOSPC;
    run(NULL, 0, 2 * INTERVAL + 1);
    heart_end(&world.heart);
    cr_expect_str_eq(
        temp_read_fd(world.log_fd),
        "heartbeatd: output /bad: No space left on device; its messages are lost until it works again\n"
        "heartbeatd: output /bad still fails: 2 messages lost from 2026-11-22T13:00:20.123Z to "
        "2026-11-22T13:00:30.123Z\n",
        "%s", temp_read_fd(world.log_fd));
}

Test(heart, outputs_that_stay_over_a_reload_go_on_with_what_they_lost)
{
    FakeOutput *stays = fake_output_new("/stays"), *goes = fake_output_new("/goes");
    give_outputs(&stays->output, &goes->output);
    start();
    stays->error = goes->error = ENOSPC;
    run(NULL, 0, INTERVAL + 1);

    FakeOutput *again = fake_output_new("/stays"), *new = fake_output_new("/new");
    give_outputs(&new->output, &again->output);
    again->error = ENOSPC;
    run(NULL, 0, 2 * INTERVAL + 1);
    again->error = 0;
    run(NULL, 0, 3 * INTERVAL + 1);
    cr_expect_str_eq(
        temp_read_fd(world.log_fd),
        "heartbeatd: output /stays: No space left on device; its messages are lost until it works "
        "again\n"
        "heartbeatd: output /goes: No space left on device; its messages are lost until it works "
        "again\n"
        "heartbeatd: output /goes is given up: 1 message lost from 2026-11-22T13:00:20.123Z to "
        "2026-11-22T13:00:20.123Z\n"
        "heartbeatd: output /stays works again: 2 messages lost from 2026-11-22T13:00:20.123Z to "
        "2026-11-22T13:00:30.123Z\n",
        "%s", temp_read_fd(world.log_fd));
}

Test(heart, blocked_output_makes_later_beats_late_and_no_output_is_left_out)
{
    FakeOutput *slow = fake_output_new("/slow"), *other = fake_output_new("/other");
    give_outputs(&slow->output, &other->output);
    slow->clocks = &world.clocks;
    start();
    slow->takes_usec = 3 * INTERVAL;
    run(NULL, 0, 4 * INTERVAL + 1);
    run(NULL, 0, 5 * INTERVAL + 1);
    cr_expect_eq(slow->tries, other->tries);
    cr_expect_eq(other->last.due.due_usec, world.first_usec + 5 * INTERVAL);
}

/* For ten minutes. */
Test(heart, watchdog_is_fed_in_time_without_a_busy_loop_and_not_too_often)
{
    static const struct {
        usec_t watchdog, interval;
        usec_t pause; /* at least, on average, between two datagrams */
    } table[] = {
        { 30 * USEC_PER_SEC, INTERVAL, 10 * USEC_PER_SEC },
        { 20 * USEC_PER_SEC, INTERVAL, 10 * USEC_PER_SEC },
        { 19 * USEC_PER_SEC, INTERVAL, 5 * USEC_PER_SEC },
        { 3 * USEC_PER_SEC, INTERVAL, USEC_PER_SEC },
        { 2 * USEC_PER_SEC, INTERVAL, USEC_PER_SEC },
        { USEC_PER_SEC, INTERVAL, 500 * USEC_PER_MSEC },
        { 1500 * USEC_PER_MSEC, USEC_PER_SEC, 500 * USEC_PER_MSEC },
        { 500 * USEC_PER_MSEC, 70 * USEC_PER_SEC, 250 * USEC_PER_MSEC },
        { 3 * USEC_PER_SEC, 1700 * USEC_PER_MSEC, USEC_PER_SEC },
        { 10 * USEC_PER_SEC, 10 * USEC_PER_MSEC, USEC_PER_SEC },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        world.heart.seq = world.beats = world.clocks.waits = 0;
        world.heart.interval_usec = table[i].interval;
        unlink("notify");
        have_manager(table[i].watchdog);
        world.clocks.jitter_usec = USEC_PER_MSEC;
        start();
        run(NULL, 0, 10 * USEC_PER_MINUTE);
        manager_hear(&world.manager, world.clocks.now.boottime_usec);
        const Manager *manager = &world.manager;
        usec_t period = table[i].watchdog;
        cr_expect_lt(manager->longest_usec, period, "row %zu: starved for %" PRI_USEC, i,
                     manager->longest_usec);
        cr_expect_leq(manager->longest_usec, period / 2 + USEC_PER_SEC + 2 * USEC_PER_MSEC,
                      "row %zu: %" PRI_USEC, i, manager->longest_usec);
        cr_expect_leq(manager->datagrams, 10 * USEC_PER_MINUTE / table[i].pause + 2, "row %zu: %zu datagrams",
                      i, manager->datagrams);
        cr_expect_leq(world.clocks.waits, world.beats + manager->datagrams + 2, "row %zu: %" PRIu64 " waits",
                      i, world.clocks.waits);
        cr_expect_eq(manager->ready, 1u);
        manager_close(&world.manager);
    }
}

/* The watchdog's feeding must not crowd out what systemctl status shows. */
Test(heart, status_is_kept_up_to_date_whatever_the_watchdog_period)
{
    static const struct {
        usec_t watchdog, interval;
    } table[] = {
        { 0, INTERVAL },
        { 30 * USEC_PER_SEC, INTERVAL },
        { 5 * USEC_PER_SEC, INTERVAL },
        { 3 * USEC_PER_SEC, INTERVAL },
        { 2 * USEC_PER_SEC, INTERVAL },
        { USEC_PER_SEC, INTERVAL },
        { 1500 * USEC_PER_MSEC, USEC_PER_SEC },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        world.heart.seq = world.beats = 0;
        world.heart.interval_usec = table[i].interval;
        unlink("notify");
        have_manager(table[i].watchdog);
        world.clocks.jitter_usec = USEC_PER_MSEC;
        start();
        run(NULL, 0, USEC_PER_HOUR);
        manager_hear(&world.manager, world.clocks.now.boottime_usec);
        cr_expect_geq(world.manager.status, world.beats / 4, "row %zu: in %" PRIu64 " beats %zu times", i,
                      world.beats, world.manager.status);
        manager_close(&world.manager);
    }
}

Test(heart, ten_millisecond_beats_tell_the_manager_once_a_second)
{
    have_manager(0);
    world.heart.interval_usec = 10 * USEC_PER_MSEC;
    start();
    run(NULL, 0, 10 * USEC_PER_MINUTE - 1);
    manager_hear(&world.manager, world.clocks.now.boottime_usec);
    cr_expect_eq(world.beats, 60000u);
    cr_expect_eq(world.manager.datagrams, 600u, "%zu", world.manager.datagrams);
    cr_expect_eq(world.manager.most_in_second, 1u, "%zu in a second", world.manager.most_in_second);
}

/* Stopped from 8 s to 13 s, while at 9 s a feeding was due and at 10 s a beat. */
Test(heart, watchdog_is_not_fed_before_the_beat_that_is_due_is_made)
{
    SimEvent events[] = { { .at_usec = 8 * USEC_PER_SEC, .stopped_usec = 5 * USEC_PER_SEC } };
    have_manager(3 * USEC_PER_SEC);
    start();
    run(NULL, 0, 8 * USEC_PER_SEC - 1);
    hear_manager(NULL);
    cr_expect_eq(world.manager.watchdog, 6u, "the first beat, and each second and a half");
    world.clocks.on_wait = NULL;
    run(events, 1, 13 * USEC_PER_SEC + 1);
    cr_assert(manager_hear_one(&world.manager));
    cr_expect_not_null(strstr(world.manager.last, "STATUS=2 beats"), "%s", world.manager.last);
}

Test(heart, manager_that_does_not_read_is_reported_once_and_delays_no_beat)
{
    have_manager(3 * USEC_PER_SEC);
    start();
    hear_manager(NULL);
    world.clocks.on_wait = NULL;
    manager_fill(&world.manager);
    world.clocks.waits = 0;
    run(NULL, 0, 100 * INTERVAL + 1);
    expect_last(101, 100 * INTERVAL, 0, 0);
    cr_expect_eq(world.missed, 0u);
    cr_expect_lt(world.clocks.waits, 100u * 10, "%" PRIu64 " waits", world.clocks.waits);
    cr_expect_str_eq(temp_read_fd(world.log_fd),
                     "heartbeatd: the service manager takes no notification: it does not read; beating on\n",
                     "%s", temp_read_fd(world.log_fd));

    hear_manager(NULL); /* it reads again */
    size_t before = world.manager.watchdog;
    world.clocks.on_wait = hear_manager;
    run(NULL, 0, 101 * INTERVAL + 1);
    cr_expect_geq(world.manager.watchdog, before + 3);
}

Test(heart, manager_that_was_deaf_at_the_start_learns_that_it_is_ready)
{
    static const usec_t watchdogs[] = { 0, 30 * USEC_PER_SEC, 3 * USEC_PER_SEC };
    for (size_t i = 0; i < ELEMENTSOF(watchdogs); i++) {
        world.heart.seq = world.beats = 0;
        unlink("notify");
        have_manager(watchdogs[i]);
        world.clocks.on_wait = NULL;
        manager_fill(&world.manager);
        start();
        run(NULL, 0, INTERVAL / 2);
        hear_manager(NULL);
        world.clocks.on_wait = hear_manager;
        run(NULL, 0, 4 * INTERVAL + 1);
        hear_manager(NULL);
        cr_expect_eq(world.manager.ready, 1u, "row %zu: %zu", i, world.manager.ready);
        manager_close(&world.manager);
    }
}

static Pulse read_pulse(void)
{
    Pulse pulse = { 0 };
    char step[STEP_MAX];
    cr_assert_eq(pulse_file_read(".", &pulse, step), 0);
    cr_expect_str_eq(step, "");
    return pulse;
}

static void continue_process(void *context)
{
    ((SimClocks *)context)->counters.continued++;
}

static void starve(void *context)
{
    ((SimClocks *)context)->counters.starved.usec += 30 * USEC_PER_SEC;
}

/* The machine that runs the tests can neither be suspended nor have its clock set: here both can be had. */
Test(heart, gap_has_its_cause_in_history_outputs_pulse_and_status)
{
    static const struct {
        SimEvent event;
        const char *history, *warning;
        Cause cause;
        uint64_t missed;
    } table[] = {
        { { .suspend_usec = 35 * USEC_PER_SEC },
          "start gap:suspend",
          "gap: 3 beats missed, 40s without one: suspend (suspended for 35s)",
          CAUSE_SUSPEND,
          3 },
        { { .stopped_usec = 30 * USEC_PER_SEC, .call = continue_process },
          "start gap:process-stopped",
          "gap: 2 beats missed, 35s without one: process-stopped (a SIGCONT ended a stop)",
          CAUSE_PROCESS_STOPPED,
          2 },
        { { .stopped_usec = 30 * USEC_PER_SEC, .call = starve },
          "start gap:cpu-starved",
          "gap: 2 beats missed, 35s without one: cpu-starved (waited for a CPU for 30s)",
          CAUSE_CPU_STARVED,
          2 },
        { { .stopped_usec = 30 * USEC_PER_SEC },
          "start gap:host-paused",
          "gap: 2 beats missed, 35s without one: host-paused (only the clocks went on)",
          CAUSE_HOST_PAUSED,
          2 },
    };
    world.clocks.context = &world.clocks;
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        SimEvent event = table[i].event;
        event.at_usec = 5 * USEC_PER_SEC;
        start();
        run(&event, 1, 60 * USEC_PER_SEC);
        Told told = told_read(true);
        cr_expect_str_eq(told.words, table[i].history, "row %zu: %s", i, told.words);
        cr_expect_eq(told.missed, table[i].missed);
        cr_expect_eq(told.last.interval_usec, INTERVAL);
        cr_expect_str_eq(world.output->warning, table[i].warning, "%s", world.output->warning);
        cr_expect_eq(world.output->warnings, i + 1);
        cr_expect_eq(world.output->gap.verdict.cause, table[i].cause);
        Pulse pulse = read_pulse();
        cr_expect_eq(pulse.last_cause, table[i].cause);
        cr_expect_eq(pulse.gaps, 1u);
        cr_expect_eq(pulse.missed, table[i].missed);
        cr_expect(strstr(world.supervisor.gap, cause_name(table[i].cause)));
        ledger_close(&world.ledger);
        cr_assert_eq(unlink("pulse"), 0);
        cr_assert_eq(unlink("history"), 0);
        open_ledger();
        world.heart.seq = world.beats = world.missed = 0;
    }
}

typedef struct Stop {
    bool asking, before_reading;
    uint64_t missed; /* by the beat that tells of it: this one, or the next where this one was on time */
} Stop;
static const Stop *stop;
static uint64_t stopped_at_count;

/* The process is stopped for half a minute while it reads its counters at the second beat. */
static void count_and_stop(Clocks *base, bool asking, Counters *ret)
{
    SimClocks *clocks = (SimClocks *)base;
    bool now = ++stopped_at_count == 2;
    cr_assert(!now || asking == stop->asking);
    if (now && stop->before_reading)
        continue_process(clocks);
    *ret = clocks->counters;
    if (now && !stop->before_reading)
        continue_process(clocks);
    if (now)
        sim_clocks_pass(clocks, 30 * USEC_PER_SEC);
}

Test(heart, stop_while_the_counters_are_read_is_told_as_one)
{
    static const Stop table[] = { { true, true, 3 }, { true, false, 3 }, { false, false, 2 } };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        stop = &table[i];
        stopped_at_count = 0;
        world.clocks.latency_usec = stop->asking ? USEC_PER_SEC : 0;
        world.clocks.clocks.count = count_and_stop;
        start();
        run(NULL, 0, 60 * USEC_PER_SEC);
        cr_expect_eq(world.output->warnings, i + 1);
        cr_expect_eq(world.output->gap.verdict.cause, CAUSE_PROCESS_STOPPED, "%s", world.output->warning);
        cr_expect_eq(world.output->gap.missed, stop->missed, "row %zu: %" PRIu64, i,
                     world.output->gap.missed);
        world.heart.seq = world.beats = world.missed = 0;
    }
}

static uint64_t asked;
static Counters as_asked;

/* What files hold is as of the last time that they were read. */
static void count_by_files(Clocks *base, bool asking, Counters *ret)
{
    *ret = ((SimClocks *)base)->counters;
    if (asking) {
        asked++;
        as_asked = *ret;
    }
    ret->starved = as_asked.starved;
    ret->throttled = as_asked.throttled;
}

Test(heart, counters_are_asked_for_only_where_they_can_have_grown)
{
    static const struct {
        usec_t latency_usec;
        SimEvent event;
        uint64_t least, most; /* of 1000 beats */
    } table[] = {
        { 100, { 0 }, 1, 1 },
        { 10 * USEC_PER_MSEC, { 0 }, 30, 33 },
        { USEC_PER_SEC, { 0 }, 1000, 1000 },
        { 100, { .at_usec = 15 * USEC_PER_SEC, .stopped_usec = 60 * USEC_PER_SEC }, 2, 2 },
        { 100, { .at_usec = 15 * USEC_PER_SEC }, 2, 2 }, /* a signal between beats */
        { 100, { .at_usec = 15 * USEC_PER_SEC, .wake = WAKE_RELOAD }, 2, 2 },
    };
    world.clocks.clocks.count = count_by_files;
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        SimEvent event = table[i].event;
        asked = 0;
        world.clocks.latency_usec = table[i].latency_usec;
        start();
        run(&event, event.at_usec > 0 ? 1 : 0, 999 * INTERVAL + 5 * USEC_PER_SEC);
        cr_expect(asked >= table[i].least && asked <= table[i].most, "row %zu: %" PRIu64, i, asked);
        world.heart.seq = world.beats = world.missed = 0;
    }
}

/* Hours of a load under which each beat is a little late are no reason for a gap that has none. */
Test(heart, what_was_starved_before_a_gap_is_no_part_of_it)
{
    static const usec_t late_usec[] = { 100, USEC_PER_MSEC, 9 * USEC_PER_MSEC, 300 * USEC_PER_MSEC };
    world.clocks.clocks.count = count_by_files;
    for (size_t i = 0; i < ELEMENTSOF(late_usec); i++) {
        SimEvent event = { .at_usec = USEC_PER_HOUR, .stopped_usec = 20 * USEC_PER_SEC };
        world.clocks.latency_usec = late_usec[i];
        world.clocks.starves = true;
        start();
        run(&event, 1, USEC_PER_HOUR + USEC_PER_MINUTE);
        cr_expect_eq(world.output->warnings, i + 1);
        cr_expect_neq(world.output->gap.verdict.cause, CAUSE_CPU_STARVED, "%s", world.output->warning);
        cr_expect_lt(world.output->gap.starved_usec, INTERVAL / 16);
        world.heart.seq = world.beats = world.missed = 0;
    }
}

Test(heart, clock_that_was_set_is_recorded_and_no_gap)
{
    SimEvent events[] = { { .at_usec = USEC_PER_SEC, .step_usec = -3600000000 },
                          { .at_usec = 15 * USEC_PER_SEC, .step_usec = 1000000 },
                          { .at_usec = 25 * USEC_PER_SEC, .step_usec = 7200000000 } };
    start();
    run(events, 3, 60 * USEC_PER_SEC);
    Told told = told_read(true);
    cr_expect_str_eq(told.words, "start clock clock", "%s", told.words);
    cr_expect_eq(told.last.moved_usec, INT64_C(7200000000));
    cr_expect_eq(world.output->warnings, 0u);
    cr_expect_str_eq(temp_read_fd(world.log_fd), "heartbeatd: the wall clock was set back by 1h\n"
                                                 "heartbeatd: the wall clock was set forward by 2h\n");
}

/* Stopped, and continued by whoever ends it: the cause would otherwise be lost with the process. */
Test(heart, gap_that_a_stop_ends_has_its_cause)
{
    SimEvent events[] = { { .at_usec = 5 * USEC_PER_SEC,
                            .stopped_usec = 30 * USEC_PER_SEC,
                            .call = continue_process,
                            .wake = WAKE_STOP } };
    world.clocks.context = &world.clocks;
    start();
    run(events, 1, 60 * USEC_PER_SEC);
    heart_end(&world.heart);
    cr_expect_str_eq(told_read(true).words, "start gap:process-stopped stop");
    cr_expect_eq(world.clocks.now.boottime_usec, world.first_usec + 35 * USEC_PER_SEC);
}

Test(heart, output_that_blocks_is_named_as_the_cause)
{
    start();
    world.output->clocks = &world.clocks;
    world.output->takes_usec = 25 * USEC_PER_SEC;
    run(NULL, 0, 60 * USEC_PER_SEC);
    Told told = told_read(true);
    cr_expect_str_eq(told.words, "start gap:output-blocked", "%s", told.words);
    cr_expect_str_eq(told.last.step, "write /fake");
    cr_expect_eq(told.last.longest_usec, 25 * USEC_PER_SEC);
}

/* Each for less than half of what was lost, and nothing else went on but the clocks. */
Test(heart, steps_that_block_one_after_the_other_are_no_paused_host)
{
    start();
    FakeOutput *others[] = { fake_output_new("/second"), fake_output_new("/third") };
    Output **outputs = calloc(3, sizeof(*outputs));
    world.output = fake_output_new("/fake");
    outputs[0] = &world.output->output;
    outputs[1] = &others[0]->output;
    outputs[2] = &others[1]->output;
    heart_take_outputs(&world.heart, outputs, 3);
    world.output->clocks = others[0]->clocks = others[1]->clocks = &world.clocks;
    world.output->takes_usec = 10 * USEC_PER_SEC;
    others[0]->takes_usec = 11 * USEC_PER_SEC;
    others[1]->takes_usec = 10 * USEC_PER_SEC;
    run(NULL, 0, 60 * USEC_PER_SEC);
    Told told = told_read(true);
    cr_expect_str_eq(told.words, "start gap:output-blocked", "%s", told.words);
    cr_expect_str_eq(told.last.step, "write /second");
    cr_expect_eq(told.last.longest_usec, 11 * USEC_PER_SEC);
    cr_expect_eq(told.last.steps_usec, 31 * USEC_PER_SEC);
}

Test(heart, messages_lost_are_recorded_and_are_no_gap)
{
    start();
    world.output->error = ENOSPC;
    run(NULL, 0, 2 * INTERVAL + 1);
    cr_expect_eq(read_pulse().failing, 1u);
    world.output->error = 0;
    run(NULL, 0, 3 * INTERVAL + 1);
    Told told = told_read(true);
    cr_expect_str_eq(told.words, "start output", "%s", told.words);
    cr_expect_str_eq(told.last.output, "/fake");
    cr_expect_eq(told.last.errnum, (uint64_t)ENOSPC);
    cr_expect_eq(told.last.lost, 2u);
    cr_expect_eq(told.last.to_usec - told.last.from_usec, INTERVAL);
    cr_expect_eq(read_pulse().failing, 0u);
    cr_expect_eq(read_pulse().lost, 2u);
    world.output->error = EIO;
    run(NULL, 0, 4 * INTERVAL + 1);
    heart_end(&world.heart);
    cr_expect_str_eq(told_read(true).words, "start output output stop");
}

Test(heart, plain_output_has_messages_only)
{
    SimEvent events[] = { { .at_usec = USEC_PER_SEC, .suspend_usec = USEC_PER_MINUTE } };
    Output *plain = output_new(temp_path("plain"), FORMAT_PLAIN);
    Output *full = output_new(temp_path("full"), FORMAT_FULL);
    give_outputs(plain, full);
    start();
    run(events, 1, 75 * USEC_PER_SEC);
    cr_expect_str_eq(temp_read("plain"), "heartbeat 1\nheartbeat 2\nheartbeat 3\n");
    cr_expect(strstr(temp_read("full"), "Z gap: 5 beats missed, "), "%s", temp_read("full"));
}

Test(heart, messages_can_be_fewer_than_beats)
{
    SimEvent events[] = { { .at_usec = 45 * USEC_PER_MINUTE, .suspend_usec = 15 * USEC_PER_SEC } };
    world.heart.log_every_usec = USEC_PER_HOUR;
    world.output->check = NULL; /* which wants to be told of each */
    start();
    cr_expect_eq(world.output->tries, 1u, "the first");
    run(NULL, 0, 30 * USEC_PER_MINUTE);
    cr_expect_eq(world.output->tries, 1u);
    cr_expect_eq(read_pulse().seq, 180u, "the pulse goes on");
    run(events, 1, 50 * USEC_PER_MINUTE);
    cr_expect_eq(world.output->tries, 2u, "the one after the gap");
    cr_expect_eq(world.output->warnings, 1u);
    cr_expect_eq(world.output->last.seq, 271u);
    run(NULL, 0, 200 * USEC_PER_MINUTE);
    cr_expect_eq(world.output->tries, 4u, "an hour after that, and another one");
}

Test(heart, reload_is_recorded_with_the_new_interval)
{
    SimEvent events[] = { { .at_usec = USEC_PER_SEC, .wake = WAKE_RELOAD } };
    world.next_interval_usec = USEC_PER_MINUTE;
    start();
    run(events, 1, 2 * USEC_PER_SEC);
    Told told = told_read(true);
    cr_expect_str_eq(told.words, "start reload");
    cr_expect_eq(told.last.interval_usec, USEC_PER_MINUTE);
}

/* A change of the interval in the middle of a gap: what was lost counts from when the next beat was due. */
Test(heart, suspend_after_a_reload_to_a_shorter_interval_is_seen)
{
    SimEvent events[] = { { .at_usec = 100 * USEC_PER_SEC, .wake = WAKE_RELOAD },
                          { .at_usec = 105 * USEC_PER_SEC, .suspend_usec = 25 * USEC_PER_SEC } };
    world.heart.interval_usec = USEC_PER_HOUR;
    world.next_interval_usec = INTERVAL;
    start();
    run(events, 2, 150 * USEC_PER_SEC);
    Told told = told_read(true);
    cr_expect_str_eq(told.words, "start reload gap:suspend", "%s", told.words);
    cr_expect_eq(told.missed, 2u);
}

static void starve_long(void *context)
{
    SimClocks *clocks = context;
    clocks->counters.starved.usec += USEC_PER_MONTH;
}

/* Weeks of adversity: nothing is counted twice or forgotten, and nothing has a wrong name. */
Test(heart, every_due_instant_of_random_weeks_is_a_beat_or_missed_in_a_gap)
{
    static const usec_t intervals[] = { 10 * USEC_PER_MSEC, USEC_PER_SEC, INTERVAL, USEC_PER_HOUR };
    static SimEvent events[2000];
    uint64_t state = 4711;
    world.clocks.context = &world.clocks;
    world.clocks.jitter_usec = 100;
    for (size_t round = 0; round < ELEMENTSOF(intervals); round++) {
        usec_t at = 0, interval = intervals[round];
        world.heart.interval_usec = interval;
        world.heart.seq = world.beats = world.missed = 0;
        world.next_interval_usec = 0;
        start();
        for (size_t i = 0; i < ELEMENTSOF(events); i++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            usec_t length = interval * (1 + (state >> 40) % 30) / 7;
            at += interval * (1 + (state >> 20) % 50) / 10 + length;
            events[i] = (SimEvent){ .at_usec = world.first_usec + at };
            switch ((state >> 33) % 5) {
            case 0:
                events[i].suspend_usec = length;
                break;
            case 1:
                events[i].stopped_usec = length;
                events[i].call = continue_process;
                break;
            case 2:
                events[i].stopped_usec = length;
                events[i].call = starve_long;
                break;
            case 3:
                events[i].step_usec = (int64_t)((state >> 13) % (30 * USEC_PER_DAY)) - INT64_C(1296000000000);
                break;
            default:
                events[i].wake = WAKE_RELOAD;
            }
        }
        events[ELEMENTSOF(events) - 1].wake = WAKE_STOP;
        world.clocks.events = events;
        world.clocks.n_events = ELEMENTSOF(events);
        cr_assert_eq(heart_run(&world.heart), 0);
        uint64_t due = (world.heart.witness.at.boottime_usec - world.first_usec) / interval + 1;
        cr_expect_eq(world.beats + world.missed, due, "interval %" PRI_USEC, interval);
        Pulse pulse = read_pulse();
        cr_expect_eq(pulse.missed, world.missed);
        cr_expect_eq(pulse.seq, world.beats);
        Told told = told_read(true);
        cr_expect_eq(told.gaps, pulse.gaps);
        cr_expect_eq(told.missed, pulse.missed);
        cr_expect_not(strstr(told.words, "unknown") || strstr(told.words, "host-"), "%s", told.words);
        ledger_close(&world.ledger);
        cr_assert_eq(unlink("pulse"), 0);
        cr_assert_eq(unlink("history"), 0);
        open_ledger();
    }
}

/* Times that a second in 32 bits has no room for, signed and not. */
#define SECOND_2038 UINT64_C(2147483648)
#define SECOND_2106 UINT64_C(4294967296)

/* A beat a day from 2026 on, over the ends of both. */
Test(heart, beats_once_a_day_for_a_century)
{
    world.heart.interval_usec = USEC_PER_DAY;
    world.output->check = expect_on_grid;
    cr_assert_eq(message_prepare(&world.heart.message, "%n %t %u", "", ""), 0);
    start();
    run(NULL, 0, 36524 * USEC_PER_DAY + 1);
    cr_expect_eq(world.beats, 36525u);
    cr_expect_str_eq(world.output->text, "36525 2126-11-22T13:00:10.123Z 36525d 1min 1s", "%s",
                     world.output->text);
    Pulse pulse = read_pulse();
    cr_expect_eq(pulse.seq, 36525u);
    cr_expect_eq(pulse.missed, 0u);
    cr_expect_eq(pulse.realtime_usec, world.clocks.now.realtime_usec - 1);
    cr_expect_str_eq(told_read(true).words, "start");
}

/* A gap over each of the two seconds: its ends, and what the message after it says. */
Test(heart, goes_on_over_2038_and_2106)
{
    static const struct {
        usec_t second;
        const char *text;
    } table[] = { { SECOND_2038, "2038-01-19T03:14:20.000Z" }, { SECOND_2106, "2106-02-07T06:28:28.000Z" } };
    cr_assert_eq(message_prepare(&world.heart.message, "%t", "", ""), 0);
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        SimEvent event = { .at_usec = 3 * USEC_PER_SEC, .suspend_usec = 17 * USEC_PER_SEC };
        world.heart.seq = world.beats = world.missed = 0;
        world.clocks.now.realtime_usec = (table[i].second - 8) * USEC_PER_SEC;
        start();
        run(&event, 1, 2 * INTERVAL + 1);
        cr_expect_str_eq(world.output->text, table[i].text, "%s", world.output->text);
        Event gap = told_read(true).last;
        cr_expect_eq(gap.from_usec, (table[i].second - 8) * USEC_PER_SEC);
        cr_expect_eq(gap.to_usec, (table[i].second + 12) * USEC_PER_SEC);
        cr_expect_eq(gap.realtime_usec, gap.to_usec);
        cr_expect_eq(gap.lasted_usec, 2 * INTERVAL);
        cr_expect_eq(gap.verdict.cause, CAUSE_SUSPEND);
        cr_expect_eq(read_pulse().realtime_usec, gap.to_usec);
    }
}

/* CLOCK_REALTIME shows the last second of the year twice. */
Test(heart, leap_second_is_neither_a_gap_nor_a_clock_that_was_set)
{
    SimEvent event = { .at_usec = 10 * USEC_PER_SEC, .step_usec = -(int64_t)USEC_PER_SEC };
    world.heart.interval_usec = USEC_PER_SEC;
    world.clocks.now.realtime_usec = (UINT64_C(1483228800) - 10) * USEC_PER_SEC; /* the one of 2016 */
    cr_assert_eq(message_prepare(&world.heart.message, "%n %t", "", ""), 0);
    start();
    run(NULL, 0, 9 * USEC_PER_SEC + 1);
    cr_expect_str_eq(world.output->text, "10 2016-12-31T23:59:59.000Z", "%s", world.output->text);
    run(&event, 1, 10 * USEC_PER_SEC + 1);
    cr_expect_str_eq(world.output->text, "11 2016-12-31T23:59:59.000Z", "%s", world.output->text);
    run(NULL, 0, 11 * USEC_PER_SEC + 1);
    cr_expect_str_eq(world.output->text, "12 2017-01-01T00:00:00.000Z", "%s", world.output->text);
    cr_expect_str_eq(told_read(true).words, "start");
    cr_expect_eq(world.output->warnings, 0u);
}

/* As after 140 years of uptime, and with more beats and losses than 32 bits count, or than a double does. */
Test(heart, counts_on_beyond_32_and_53_bits)
{
    static const uint64_t table[] = { UINT64_C(1) << 32, UINT64_C(1) << 53 };
    FakeOutput *bad = fake_output_new("/bad"), *good = fake_output_new("/good");
    give_outputs(&bad->output, &good->output);
    bad->error = ENOSPC;
    world.clocks.now.boottime_usec = world.clocks.now.monotonic_usec = 140 * USEC_PER_YEAR;
    start();
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        world.heart.seq = world.heart.lost = world.ledger.pulse.missed = world.ledger.pulse.gaps =
            table[i] - 2;
        world.first_usec = world.clocks.now.boottime_usec;
        SimEvent event = { .at_usec = INTERVAL / 2, .suspend_usec = 4 * INTERVAL };
        run(&event, 1, 6 * INTERVAL);
        Pulse pulse = read_pulse();
        cr_expect_gt(pulse.seq, table[i] - 1);
        cr_expect_eq(pulse.seq, world.heart.seq);
        cr_expect_eq(pulse.lost, pulse.seq);
        cr_expect_gt(pulse.missed, table[i]);
        cr_expect_eq(pulse.gaps, table[i] - 1);
        cr_expect_geq(pulse.boottime_usec, 140 * USEC_PER_YEAR);
        char number[32];
        snprintf(number, sizeof(number), "heartbeat %" PRIu64, pulse.seq);
        cr_expect_str_eq(good->text, number);
    }
}

static void have_metrics(const char *name)
{
    Metrics next = { 0 };
    Error error = { 0 };
    cr_assert_eq(metrics_open(temp_path(name), NULL, 0, &next, &error), 0, "%s", error.text);
    metrics_replace(&world.heart.metrics, &next);
}

static void expect_metrics_of_the_pulse(const char *name)
{
    char step[STEP_MAX], text[EXPOSITION_MAX];
    Pulse pulse;
    cr_assert_eq(pulse_file_read(".", &pulse, step), 0);
    cr_expect_str_eq(step, "", "no step is at hand");
    exposition_format(&pulse, ledger_census(&world.ledger), text);
    cr_expect_str_eq(temp_read(name), text);
}

Test(heart, metrics_are_those_of_each_beat_from_the_first_on)
{
    have_metrics("x.prom");
    start();
    expect_metrics_of_the_pulse("x.prom");
    run(&(SimEvent){ .at_usec = INTERVAL / 2, .suspend_usec = 3 * INTERVAL }, 1, 5 * INTERVAL + 1);
    expect_metrics_of_the_pulse("x.prom");
    cr_expect_not_null(strstr(temp_read("x.prom"), "heartbeat_gaps_total{cause=\"suspend\"} 1\n"));
}

static void count_metrics(void *context)
{
    (void)context;
    world.reloads += access("x.prom", F_OK) == 0;
    (void)unlink("x.prom");
}

Test(heart, metrics_are_written_once_a_second_at_most)
{
    have_metrics("x.prom");
    world.heart.interval_usec = 10 * USEC_PER_MSEC;
    world.clocks.on_wait = count_metrics;
    start();
    run(NULL, 0, 10 * USEC_PER_SEC - 1);
    cr_expect_eq(world.reloads, 10u, "%zu times in ten seconds", world.reloads);
}

Test(heart, metrics_that_cannot_be_written_are_reported_once_and_once_more_when_they_can)
{
    have_metrics("x.prom");
    start();
    cr_assert_eq(mkdir("x.prom.new", 0700), 0);
    run(NULL, 0, 5 * INTERVAL + 1);
    cr_assert_eq(rmdir("x.prom.new"), 0);
    run(NULL, 0, 8 * INTERVAL + 1);
    char expected[512];
    snprintf(expected, sizeof(expected),
             "heartbeatd: metrics %1$s: Is a directory; they are not written until it works again\n"
             "heartbeatd: metrics %1$s: are written again\n",
             temp_path("x.prom"));
    cr_expect_str_eq(temp_read_fd(world.log_fd), expected);
    cr_expect_eq(world.beats, 9u, "and stop no beat");
    expect_metrics_of_the_pulse("x.prom");
}

/* A thousand beats to a file, and to an output that fails, while allocations are counted. */
static void count_a_thousand_beats(void)
{
    FakeOutput *bad = fake_output_new("/bad");
    bad->error = ENOSPC;
    give_outputs(output_new(temp_path("log"), FORMAT_FULL), &bad->output);
    cr_assert_eq(message_prepare(&world.heart.message, "%n %t %u %H", "host", ""), 0);
    have_metrics("x.prom");
    start();
    allocations_count(true);
    void *volatile one = malloc(1); /* volatile, lest the compiler leave it out */
    free(one);
    cr_assert_eq(allocations_counted(), 1u, "the count counts");
    run(NULL, 0, 1000 * INTERVAL + 1);
    allocations_count(false);
    cr_expect_eq(bad->tries, 1001u);
    cr_expect_not_null(strstr(temp_read("x.prom"), "heartbeat_beats_total 1001\n"));
}

Test(heart, allocates_nothing_once_it_beats)
{
    count_a_thousand_beats();
    cr_expect_eq(allocations_counted(), 1u, "%zu in 1000 beats", allocations_counted() - 1);
}

/* sd_notify(3) of libsystemd 257 allocates four times a call, that of 252 never. */
Test(heart, keeps_nothing_of_what_notifications_allocate)
{
    if (notify_supported)
        have_manager(15 * USEC_PER_SEC);
    count_a_thousand_beats();
    cr_expect_eq(allocations_kept(), 0, "%td after 1000 beats", allocations_kept());
}
