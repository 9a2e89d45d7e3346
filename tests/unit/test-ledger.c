/* SPDX-License-Identifier: MIT */
/* Pulse and history as the running daemon keeps them: real files, on simulated clocks. */

#include "daemon/ledger.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/exit.h"
#include "simulation.h"
#include "store/history-read.h"
#include "store/history.h"
#include "store/identity.h"
#include "store/pulse-file.h"
#include "temp-dir.h"
#include "told.h"
#include "util/cleanup.h"

#define INTERVAL (10 * USEC_PER_SEC)

static struct {
    SimClocks clocks;
    Ledger ledger;
    RecallTrouble trouble;
    uint64_t seq;
} world;

static void open_ledger(void)
{
    Error error = { 0 };
    world.ledger = LEDGER_NONE;
    cr_assert_eq(ledger_open(&world.ledger, ".", &world.clocks.clocks, &world.trouble, &error), 0, "%s",
                 error.text);
    world.ledger.sync = SYNC_BEAT;
    world.seq = 0;
}

static void enter(void)
{
    temp_dir_enter();
    sim_clocks_init(&world.clocks);
    open_ledger();
}

static void leave(void)
{
    ledger_close(&world.ledger);
    temp_dir_leave();
}

TestSuite(ledger, .init = enter, .fini = leave, .timeout = 240);

static int begin(bool *ret_gap)
{
    Event gap;
    bool found = ledger_close_past(&world.ledger, &world.clocks.now, &gap) > 0;
    if (ret_gap)
        *ret_gap = found;
    return ledger_begin(&world.ledger, &world.clocks.now, INTERVAL, found ? &gap : NULL);
}

static int beat(usec_t late_usec, uint64_t missed)
{
    Beat beat = {
        .seq = ++world.seq,
        .at = world.clocks.now,
        .due = { .due_usec = world.clocks.now.boottime_usec - late_usec,
                 .late_usec = late_usec,
                 .missed = missed },
        .interval_usec = INTERVAL,
    };
    return ledger_beat(&world.ledger, &beat, 1, 7);
}

static Pulse read_pulse(char step[static STEP_MAX])
{
    Pulse pulse = { 0 };
    cr_assert_eq(pulse_file_read(".", &pulse, step), 0);
    return pulse;
}

Test(ledger, pulse_names_run_boot_process_and_beat)
{
    char step[STEP_MAX], boot[BOOT_ID_LENGTH + 1];
    uint64_t ticks;
    cr_assert_eq(begin(NULL), 0);
    cr_assert_eq(beat(0, 0), 0);
    sim_clocks_pass(&world.clocks, 3 * INTERVAL);
    cr_assert_eq(beat(1234, 2), 0);
    Pulse pulse = read_pulse(step);
    cr_assert_eq(identity_boot(boot), 0);
    cr_assert_eq(identity_process(getpid(), &ticks), 0);
    cr_expect_str_eq(pulse.boot, boot);
    cr_expect_eq(strspn(pulse.run, "0123456789abcdef"), (size_t)RUN_ID_LENGTH);
    cr_expect_eq(pulse.pid, (uint64_t)getpid());
    cr_expect_eq(pulse.start_ticks, ticks);
    cr_expect_eq(pulse.seq, 2u);
    cr_expect_eq(pulse.boottime_usec, world.clocks.now.boottime_usec);
    cr_expect_eq(pulse.due_usec, world.clocks.now.boottime_usec - 1234);
    cr_expect_eq(pulse.started_usec, world.clocks.now.realtime_usec - 3 * INTERVAL);
    cr_expect_eq(pulse.late_usec, 1234u);
    cr_expect_eq(pulse.late_max_usec, 1234u);
    cr_expect(pulse.missed == 2 && pulse.failing == 1 && pulse.lost == 7 && pulse.gaps == 0);
    cr_expect_str_eq(step, "", "nothing is at hand");
}

Test(ledger, first_start_has_no_past_and_each_run_has_an_id)
{
    bool gap;
    char run[RUN_ID_LENGTH + 1];
    cr_assert_eq(begin(&gap), 0);
    cr_expect_not(gap);
    memcpy(run, world.ledger.pulse.run, sizeof(run));
    ledger_close(&world.ledger);
    open_ledger();
    cr_expect_str_neq(world.ledger.pulse.run, run);
}

Test(ledger, clean_stop_is_no_gap_until_a_beat_is_missed)
{
    static const struct {
        usec_t pause;
        bool gap;
    } table[] = { { INTERVAL / 2, false }, { 2 * INTERVAL - 1, false }, { 2 * INTERVAL, true } };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        bool gap;
        cr_assert_eq(begin(NULL), 0);
        cr_assert_eq(beat(0, 0), 0);
        cr_assert_eq(ledger_end(&world.ledger, &world.clocks.now), 0);
        ledger_close(&world.ledger);
        sim_clocks_pass(&world.clocks, table[i].pause);
        open_ledger();
        cr_assert_eq(begin(&gap), 0);
        cr_expect_eq(gap, table[i].gap, "row %zu", i);
        cr_expect_eq(world.ledger.pulse.gaps, table[i].gap ? 1u : 0u);
        cr_assert_eq(ledger_end(&world.ledger, &world.clocks.now), 0);
        ledger_close(&world.ledger);
        cr_assert_eq(unlink("pulse"), 0);
        cr_assert_eq(unlink("history"), 0);
        open_ledger();
    }
}

Test(ledger, run_without_an_end_is_closed_as_a_gap_and_only_once)
{
    bool gap;
    cr_assert_eq(begin(NULL), 0);
    cr_assert_eq(beat(0, 0), 0);
    ledger_close(&world.ledger);
    sim_clocks_pass(&world.clocks, 5 * INTERVAL);
    open_ledger();
    cr_assert_eq(begin(&gap), 0);
    cr_expect(gap);
    Told told = told_read(false);
    cr_expect_str_eq(told.words, "start gap start");

    /* It ends before it has stored a beat: the gap was told, and is not told again. */
    ledger_close(&world.ledger);
    sim_clocks_pass(&world.clocks, 3 * INTERVAL);
    usec_t from_usec = world.clocks.now.realtime_usec - 3 * INTERVAL;
    open_ledger();
    Event second;
    cr_assert_eq(ledger_close_past(&world.ledger, &world.clocks.now, &second), 1);
    cr_expect_eq(second.from_usec, from_usec, "it begins where the first one ended");
    cr_expect_eq(second.missed, 2u);
    cr_expect_eq(second.verdict.cause, CAUSE_SERVICE_KILLED);
}

Test(ledger, events_that_cannot_be_written_wait_in_order)
{
    Event event;
    int full = open("/dev/full", O_RDWR | O_CLOEXEC);
    cr_assert_eq(begin(NULL), 0);
    cr_assert_geq(dup3(full, world.ledger.history_fd, O_CLOEXEC), 0);
    event_init(&event, EVENT_RELOAD);
    cr_expect_eq(ledger_add(&world.ledger, &world.clocks.now, &event), -ENOSPC);
    event_init(&event, EVENT_CLOCK);
    cr_expect_eq(ledger_add(&world.ledger, &world.clocks.now, &event), -ENOSPC);
    cr_expect_eq(world.ledger.n_waiting, 2u);
    cr_expect_eq(ledger_retry(&world.ledger), -ENOSPC);
    int history = history_open(".");
    cr_assert_geq(dup3(history, world.ledger.history_fd, O_CLOEXEC), 0);
    event_init(&event, EVENT_OUTPUT);
    cr_expect_eq(ledger_add(&world.ledger, &world.clocks.now, &event), 0);
    cr_expect_eq(world.ledger.n_waiting, 0u);
    cr_expect_str_eq(told_read(false).words, "start reload clock output");
    cr_expect_eq(world.ledger.dropped, 0u);
    close_fd(history);
    close_fd(full);
}

Test(ledger, events_beyond_what_can_wait_are_counted)
{
    int full = open("/dev/full", O_RDWR | O_CLOEXEC);
    cr_assert_eq(begin(NULL), 0);
    cr_assert_geq(dup3(full, world.ledger.history_fd, O_CLOEXEC), 0);
    for (unsigned i = 0; i < 100; i++) {
        Event event;
        event_init(&event, EVENT_RELOAD);
        cr_expect_eq(ledger_add(&world.ledger, &world.clocks.now, &event), -ENOSPC);
    }
    cr_expect_eq(world.ledger.n_waiting + world.ledger.dropped, 100u);
    cr_expect_gt(world.ledger.n_waiting, 0u);
    close_fd(full);
}

Test(ledger, pulse_on_a_full_disk_fails_and_recovers)
{
    char step[STEP_MAX];
    int full = open("/dev/full", O_RDWR | O_CLOEXEC),
        old = fcntl(world.ledger.pulse_fd, F_DUPFD_CLOEXEC, 100);
    cr_assert_eq(begin(NULL), 0);
    cr_assert_eq(beat(0, 0), 0);
    cr_assert_geq(dup3(full, world.ledger.pulse_fd, O_CLOEXEC), 0);
    cr_expect_eq(beat(0, 0), -ENOSPC);
    cr_expect_eq(read_pulse(step).seq, 1u);
    cr_assert_geq(dup3(old, world.ledger.pulse_fd, O_CLOEXEC), 0);
    cr_expect_eq(beat(0, 0), 0);
    cr_expect_eq(read_pulse(step).seq, 3u);
    close_fd(full);
    close_fd(old);
}

Test(ledger, files_that_somebody_removes_are_made_again)
{
    char step[STEP_MAX];
    Event event;
    cr_assert_eq(begin(NULL), 0);
    cr_assert_eq(beat(0, 0), 0);
    cr_assert_eq(unlink("pulse"), 0);
    cr_assert_eq(unlink("history"), 0);
    cr_expect_eq(beat(0, 0), 0);
    cr_expect_eq(read_pulse(step).seq, 2u);
    event_init(&event, EVENT_RELOAD);
    cr_expect_eq(ledger_add(&world.ledger, &world.clocks.now, &event), 0);
    cr_expect_str_eq(told_read(false).words, "reload");
    cr_expect_eq(beat(0, 0), 0);
    steps_begin(&world.ledger.steps, "write", "journal");
    read_pulse(step);
    cr_expect_str_eq(step, "write journal", "the mark goes into the new one, too");
}

Test(ledger, pulse_is_synced_as_the_policy_says)
{
    static const struct {
        Sync sync;
        usec_t interval;
        bool synced[4]; /* at the first beat and the three after it; before the last there was a gap */
    } table[] = {
        { SYNC_BEAT, INTERVAL, { true, true, true, true } },
        { SYNC_BEAT, USEC_PER_SEC / 2, { true, false, true, true } },
        { SYNC_GAP, INTERVAL, { true, false, false, true } },
        { SYNC_NEVER, INTERVAL, { false, false, false, false } },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        ledger_close(&world.ledger);
        open_ledger();
        world.ledger.sync = table[i].sync;
        cr_assert_eq(begin(NULL), 0);
        for (size_t j = 0; j < 4; j++) {
            Event gap;
            event_init(&gap, EVENT_GAP);
            if (j == 3)
                cr_assert_eq(ledger_add(&world.ledger, &world.clocks.now, &gap), 0);
            usec_t before = world.ledger.synced_usec;
            cr_assert_eq(beat(0, 0), 0);
            cr_expect_eq(world.ledger.synced_usec != before, table[i].synced[j], "row %zu, beat %zu", i, j);
            sim_clocks_pass(&world.clocks, table[i].interval);
        }
    }
}

Test(ledger, history_stays_within_its_bound)
{
    struct stat st;
    cr_assert_eq(begin(NULL), 0);
    world.ledger.history_max_bytes = 64 * 1024;
    world.ledger.sync = SYNC_NEVER;
    for (unsigned i = 0; i < 2000; i++) {
        Event event;
        event_init(&event, EVENT_GAP);
        cr_assert_eq(ledger_add(&world.ledger, &world.clocks.now, &event), 0);
        cr_assert_eq(stat("history", &st), 0);
        cr_assert_leq(st.st_size, 64 * 1024);
    }
    cr_expect_gt(st.st_size, 32 * 1024 - EVENT_LINE_MAX);
    cr_expect_str_eq(world.ledger.steps.longest.name, "trim history", "a step that may take long, too");
}

static void expect_census_of_the_file(void)
{
    Census census;
    cr_assert_eq(history_count(".", &census), 0);
    cr_expect_eq(memcmp(&census, ledger_census(&world.ledger), sizeof(census)), 0);
}

static void add_gap(Cause cause)
{
    Event gap;
    event_init(&gap, EVENT_GAP);
    gap.verdict.cause = cause;
    gap.to_usec = world.clocks.now.realtime_usec;
    cr_assert_eq(ledger_add(&world.ledger, &world.clocks.now, &gap), 0);
    sim_clocks_pass(&world.clocks, INTERVAL);
}

/* Also over a trim that takes the lines of all gaps of a cause with it. */
Test(ledger, counts_gaps_by_cause_over_runs_and_trims_as_a_reader_of_the_file)
{
    cr_assert_eq(begin(NULL), 0);
    world.ledger.history_max_bytes = 64 * 1024;
    world.ledger.sync = SYNC_NEVER;
    add_gap(CAUSE_HOST_DOWN);
    cr_expect_neq(ledger_census(&world.ledger)->last_usec[CAUSE_HOST_DOWN], 0u);
    for (unsigned i = 0; i < 1000; i++)
        add_gap(CAUSE_SUSPEND);
    expect_census_of_the_file();
    cr_expect_eq(ledger_census(&world.ledger)->gaps[CAUSE_SUSPEND], 1000u);
    cr_expect_eq(ledger_census(&world.ledger)->gaps[CAUSE_HOST_DOWN], 1u);
    cr_expect_eq(ledger_census(&world.ledger)->last_usec[CAUSE_HOST_DOWN], 0u,
                 "when it was is not known any more");

    cr_assert_eq(beat(0, 0), 0);
    ledger_close(&world.ledger);
    open_ledger();
    expect_census_of_the_file();
    bool gap;
    cr_assert_eq(begin(&gap), 0);
    cr_expect(gap);
    expect_census_of_the_file();
    cr_expect_eq(ledger_census(&world.ledger)->gaps[CAUSE_SERVICE_KILLED], 1u,
                 "the one that the start has found");
}

Test(ledger, counts_no_gaps_of_a_history_that_was_moved_aside)
{
    cr_assert_eq(begin(NULL), 0);
    add_gap(CAUSE_SUSPEND);
    ledger_close(&world.ledger);
    cleanup_close int fd = open("history", O_WRONLY | O_APPEND | O_CLOEXEC);
    cr_assert_eq(write(fd, "v=2 ev=gap\n", 11), 11);
    open_ledger();
    cr_assert_eq(world.trouble.history, -ENOTSUP);
    expect_census_of_the_file();
}

Test(ledger, counts_how_late_the_beats_were)
{
    char step[STEP_MAX];
    cr_assert_eq(begin(NULL), 0);
    cr_assert_eq(beat(0, 0), 0);
    cr_assert_eq(beat(5 * USEC_PER_MSEC, 0), 0);
    Pulse pulse = read_pulse(step);
    cr_expect(pulse.lateness.known);
    cr_expect_eq(pulse.lateness.sum_usec, 5 * USEC_PER_MSEC);
    cr_expect(pulse.lateness.over[0] == 1 && pulse.lateness.over[1] == 0);
}

Test(ledger, files_that_cannot_be_used_are_moved_aside_and_named)
{
    struct stat st;
    cr_expect(world.trouble.pulse == 0 && world.trouble.history == 0);
    ledger_close(&world.ledger);
    temp_write_text("pulse", "noise");
    temp_write_text("history", "v=2 ev=start\n");
    open_ledger();
    cr_expect_eq(world.trouble.pulse, -EBADMSG);
    cr_expect_eq(world.trouble.history, -ENOTSUP);
    cr_expect_str_eq(temp_read("pulse.unreadable"), "noise");
    cr_expect_str_eq(temp_read("history.unreadable"), "v=2 ev=start\n");
    cr_assert_eq(stat("history", &st), 0);
    cr_expect_eq(st.st_size, 0);
    bool gap;
    cr_assert_eq(begin(&gap), 0);
    cr_expect(gap, "something was there");
    cr_expect_eq(world.ledger.pulse.last_cause, CAUSE_UNKNOWN);
    cr_assert_eq(beat(0, 0), 0);
    ledger_close(&world.ledger);
    open_ledger();
    cr_expect(world.trouble.pulse == 0 && world.trouble.history == 0, "said once");
}

Test(ledger, what_an_administrator_must_mend_is_refused)
{
    Error error = { 0 };
    Ledger ledger = LEDGER_NONE;
    ledger_close(&world.ledger);
    cr_assert_eq(unlink("pulse"), 0);
    cr_assert_eq(mkdir("pulse", 0755), 0);
    cr_expect_eq(ledger_open(&ledger, ".", &world.clocks.clocks, &world.trouble, &error), -EISDIR);
    cr_expect_str_eq(error.text, "./pulse: Is a directory", "%s", error.text);
    cr_expect_eq(error.exit_code, EXIT_CONFIG);
    ledger_close(&ledger);
    cr_assert_eq(rmdir("pulse"), 0);
    cr_assert_eq(unlink("history"), 0);
    cr_assert_eq(symlink("/dev/null", "history"), 0);
    cr_expect_eq(ledger_open(&ledger, ".", &world.clocks.clocks, &world.trouble, &error), -ELOOP);
    cr_expect_eq(error.exit_code, EXIT_CONFIG);
    ledger_close(&ledger);
    cr_assert_eq(unlink("history"), 0);
    open_ledger();
}

Test(ledger, own_files_are_known_by_any_name)
{
    cr_assert_eq(mkdir("sub", 0755), 0);
    cr_assert_eq(symlink(".", "link"), 0);
    cr_assert_eq(link("pulse", "other"), 0);
    cr_expect(ledger_owns(".", "./pulse"));
    cr_expect(ledger_owns(".", "./lock"), "also one that is not there yet");
    cr_expect(ledger_owns(".", temp_path("history")));
    cr_expect(ledger_owns("./link", temp_path("sub/../history")));
    cr_expect(ledger_owns(".", temp_path("link/history.new")));
    cr_expect(ledger_owns(".", temp_path("other")), "a hard link");
    cr_expect_not(ledger_owns(".", temp_path("heartbeat.log")));
    cr_expect_not(ledger_owns(".", temp_path("sub/pulse")));
    cr_expect_not(ledger_owns(".", "/nowhere/pulse"));
    cr_expect_not(ledger_owns("/nowhere", temp_path("pulse")));
}
