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
    cr_assert_eq(pulse_file_write(fd, &pulse), 0);
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
    recall_past(".", &past, ret_trouble);
    return past;
}

Test(recall, of_nothing_is_no_past)
{
    RecallTrouble trouble;
    Past past = recall(&trouble);
    cr_expect_not(past.any);
    cr_expect(trouble.pulse == 0 && trouble.history == 0 && trouble.bad_lines == 0);
    recall_past("/nowhere", &past, &trouble);
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
