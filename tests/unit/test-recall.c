/* SPDX-License-Identifier: MIT */
/* What the files of the state directory say of the run before this one: the truth, or nothing. */

#include "store/recall.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/history.h"
#include "store/pulse-file.h"
#include "temp-dir.h"
#include "util/cleanup.h"

TestSuite(recall, .init = temp_dir_enter, .fini = temp_dir_leave, .timeout = 30);

#define RUN "0123456789abcdef0123456789abcdef"
#define OTHER_RUN "00000000000000000000000000000001"
#define BOOT "fedcba9876543210fedcba9876543210"

static void write_pulse(void)
{
    Pulse pulse = { .run = RUN, .boot = BOOT, .seq = 42, .interval_usec = 1, .realtime_usec = 1000 };
    cleanup_close int fd = pulse_file_open(".");
    cr_assert_eq(pulse_file_write(fd, &pulse, NULL), 0);
    cr_assert_eq(pulse_file_mark(fd, "output syslog"), 0);
}

static void write_event(EventKind kind, const char *run, const char *result)
{
    Event event;
    event_init(&event, kind);
    event.realtime_usec = UINT64_C(1795352410123000);
    strcpy(event.boot, BOOT);
    strcpy(event.run, run);
    strcpy(event.exit.result, result);
    cleanup_close int fd = history_open(".");
    cr_assert_eq(history_append(fd, &event), 0);
}

static Past recall(RecallTrouble *ret_trouble)
{
    Past past;
    recall_past(".", "0badcafe", &past, ret_trouble);
    return past;
}

Test(recall, of_nothing_is_no_past)
{
    RecallTrouble trouble;
    Past past = recall(&trouble);
    cr_expect_not(past.any);
    cr_expect(trouble.pulse == 0 && trouble.history == 0 && trouble.bad_lines == 0);
    recall_past("/nowhere", "", &past, &trouble);
    cr_expect_not(past.any);
}

Test(recall, has_the_last_beat_and_how_its_run_ended)
{
    RecallTrouble trouble;
    write_pulse();
    write_event(EVENT_STOP, OTHER_RUN, "");
    write_event(EVENT_EXIT, OTHER_RUN, "signal");
    Past past = recall(&trouble);
    cr_expect(past.any && past.readable);
    cr_expect_eq(past.pulse.seq, 42u);
    cr_expect_str_eq(past.step, "output syslog");
    cr_expect(!past.stopped && !past.exited, "lines of another run");
    write_event(EVENT_EXIT, RUN, "oom-kill");
    past = recall(&trouble);
    cr_expect(past.exited && !past.stopped);
    cr_expect_str_eq(past.exit.result, "oom-kill");
    write_event(EVENT_STOP, RUN, "");
    past = recall(&trouble);
    cr_expect(past.stopped);
    cr_expect_eq(past.stopped_usec, UINT64_C(1795352410123000));
    cr_expect(trouble.pulse == 0 && trouble.history == 0);
}

Test(recall, of_a_pulse_that_cannot_be_read_knows_only_that_there_was_one)
{
    RecallTrouble trouble;
    temp_write_text("pulse", "v=1 nonsense");
    Past past = recall(&trouble);
    cr_expect(past.any && !past.readable && !past.stopped);
    cr_expect_eq(trouble.pulse, -EBADMSG);
    cr_assert_eq(unlink("pulse"), 0);
    cr_assert_eq(mkfifo("pulse", 0600), 0);
    past = recall(&trouble);
    cr_expect(past.any && !past.readable);
    cr_expect_eq(trouble.pulse, -EINVAL);
}

Test(recall, of_a_history_without_its_pulse_knows_that_there_was_a_run)
{
    RecallTrouble trouble;
    write_event(EVENT_STOP, RUN, "");
    Past past = recall(&trouble);
    cr_expect(past.any && !past.readable && !past.stopped);
    cr_expect_eq(trouble.pulse, 0);
}

Test(recall, names_a_history_that_is_newer_or_damaged)
{
    RecallTrouble trouble;
    write_pulse();
    temp_write_text("history", "hello\nv=1\n");
    write_event(EVENT_STOP, RUN, "");
    Past past = recall(&trouble);
    cr_expect(past.stopped, "what can be read counts");
    cr_expect_eq(trouble.history, 0);
    cr_expect_eq(trouble.bad_lines, 2u);
    temp_write_text("history", "v=2 of=the future\n");
    past = recall(&trouble);
    cr_expect(past.any && past.readable && !past.stopped);
    cr_expect_eq(trouble.history, -ENOTSUP);
    cr_assert_eq(unlink("history"), 0);
    cr_assert_eq(mkdir("history", 0700), 0);
    past = recall(&trouble);
    cr_expect_eq(trouble.history, -EINVAL);
}

Test(recall, moves_aside_and_keeps_what_was_there)
{
    temp_write_text("pulse", "first");
    cr_expect_eq(recall_move_aside(".", "pulse"), 0);
    temp_write_text("pulse", "second");
    cr_expect_eq(recall_move_aside(".", "pulse"), 0);
    cr_expect_str_eq(temp_read("pulse.unreadable"), "second");
    cr_expect_neq(access("pulse", F_OK), 0);
    cr_expect_eq(recall_move_aside(".", "pulse"), -ENOENT);
}

/* The pulse is written after the lines: a run that was cut off in between is told by the lines alone. */
Test(recall, run_without_a_stored_beat_is_known_by_its_lines)
{
    RecallTrouble trouble;
    Event event;
    write_event(EVENT_START, "00000000000000000000000000000099", "");
    write_pulse();
    Past past = recall(&trouble);
    cr_expect_str_eq(past.pulse.run, RUN, "an older line");
    write_event(EVENT_START, RUN, "");
    write_event(EVENT_EXIT, RUN, "signal");
    event_init(&event, EVENT_GAP);
    event.realtime_usec = UINT64_C(1795352999000000);
    event.boottime_usec = 777;
    strcpy(event.boot, BOOT);
    strcpy(event.run, OTHER_RUN);
    cleanup_close int fd = history_open(".");
    cr_assert_eq(history_append(fd, &event), 0);
    past = recall(&trouble);
    cr_expect(past.readable && !past.exited && !past.stopped);
    cr_expect_str_eq(past.pulse.run, OTHER_RUN);
    cr_expect_eq(past.pulse.realtime_usec, UINT64_C(1795352999000000));
    cr_expect_eq(past.pulse.boottime_usec, 777u);
    cr_expect_eq(past.pulse.due_usec, 777u);
    write_event(EVENT_EXIT, OTHER_RUN, "watchdog");
    past = recall(&trouble);
    cr_expect(past.exited);
    cr_expect_str_eq(past.exit.result, "watchdog");
}

Test(recall, records_of_another_machine_are_nobodys_past)
{
    RecallTrouble trouble;
    Past past;
    Pulse pulse = { .run = RUN, .boot = BOOT, .machine = "12345678", .seq = 1, .interval_usec = 1 };
    cleanup_close int fd = pulse_file_open(".");
    cr_assert_eq(pulse_file_write(fd, &pulse, NULL), 0);
    write_event(EVENT_STOP, RUN, "");
    past = recall(&trouble);
    cr_expect(past.any && !past.readable && !past.stopped);
    cr_expect_eq(trouble.pulse, -EREMOTE);
    cr_expect_eq(trouble.history, -EREMOTE);
    recall_past(".", "12345678", &past, &trouble);
    cr_expect(past.readable && past.stopped, "our own");
    cr_expect_eq(trouble.pulse, 0);
    recall_past(".", "", &past, &trouble);
    cr_expect(past.readable, "no telling");
}
