/* SPDX-License-Identifier: MIT */
/* --record-exit: one line for a run that has no end yet, and nothing otherwise. */

#include "daemon/record-exit.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lock-holder.h"
#include "store/history.h"
#include "store/identity.h"
#include "store/pulse-file.h"
#include "store/recall.h"
#include "temp-dir.h"
#include "util/cleanup.h"

TestSuite(record_exit, .init = temp_dir_enter, .fini = temp_dir_leave, .timeout = 120);

#define RUN "0123456789abcdef0123456789abcdef"

static const ExitRecord killed = { "signal", "killed", "KILL" };

static void leave_pulse(const char *boot)
{
    Pulse pulse = { .run = RUN, .seq = 1, .interval_usec = 1 };
    if (boot)
        memcpy(pulse.boot, boot, strlen(boot) + 1);
    else
        cr_assert_eq(identity_boot(pulse.boot), 0);
    cleanup_close int fd = pulse_file_open(".");
    cr_assert_eq(pulse_file_write(fd, &pulse, NULL), 0);
}

static void leave_stop(void)
{
    Event event;
    event_init(&event, EVENT_STOP);
    event.realtime_usec = UINT64_C(1795352410123000);
    cr_assert_eq(identity_boot(event.boot), 0);
    strcpy(event.run, RUN);
    cleanup_close int fd = history_open(".");
    cr_assert_eq(history_append(fd, &event), 0);
}

static void expect_exit(const char *status)
{
    Past past;
    RecallTrouble trouble;
    recall_past(".", "", &past, &trouble);
    cr_expect_eq(past.exited, status != NULL);
    if (status)
        cr_expect_str_eq(past.exit.status, status);
}

Test(record_exit, is_one_line_of_the_run_whose_beat_is_stored)
{
    leave_pulse(NULL);
    cr_expect_eq(record_exit(".", &killed), 1);
    expect_exit("KILL");
    static const ExitRecord other = { "exit-code", "exited", "1" };
    cr_expect_eq(record_exit(".", &other), 0);
    expect_exit("KILL");
}

Test(record_exit, says_nothing_where_there_is_nothing_to_say)
{
    struct stat st;
    cr_expect_eq(record_exit(".", &killed), 0, "no run ever");
    cr_expect_lt(stat("history", &st), 0);
    leave_pulse("fedcba9876543210fedcba9876543210");
    cr_expect_eq(record_exit(".", &killed), 0, "a run of another boot");
    leave_pulse(NULL);
    leave_stop();
    cr_expect_eq(record_exit(".", &killed), 0, "a run that was told to stop");
    expect_exit(NULL);
    cr_expect_eq(record_exit("/nowhere", &killed), 0);
}

Test(record_exit, leaves_a_daemon_that_runs_alone)
{
    leave_pulse(NULL);
    LockHolder holder = lock_hold("lock");
    cr_expect_eq(record_exit(".", &killed), 0);
    expect_exit(NULL);
    lock_let_go(&holder);
    cr_expect_eq(record_exit(".", &killed), 1);
    expect_exit("KILL");
}

static int record_by_environment(const char *result, const char *code, const char *status)
{
    Options options = { 0 };
    Places places = { 0 };
    Error error;
    char name[] = "heartbeatd", command[] = "--record-exit", directory[] = "--state-dir=.";
    char *arguments[] = { name, command, directory, NULL };
    optind = 1;
    cr_assert_eq(options_parse(3, arguments, &options, &error), 0, "%s", error.text);
    setenv("SERVICE_RESULT", result, true);
    setenv("EXIT_CODE", code, true);
    setenv("EXIT_STATUS", status, true);
    int exit_code = record_exit_from_environment(&options, &places);
    options_done(&options);
    return exit_code;
}

Test(record_exit, takes_what_the_service_manager_has_set_and_never_fails)
{
    leave_pulse(NULL);
    cr_expect_eq(record_by_environment("exec-condition", "", ""), 0, "there was no process");
    expect_exit(NULL);
    cr_expect_eq(record_by_environment("oom-kill", "killed", "KILL"), 0);
    Past past;
    RecallTrouble trouble;
    recall_past(".", "", &past, &trouble);
    cr_expect_str_eq(past.exit.result, "oom-kill");
    cr_expect_str_eq(past.exit.code, "killed");
    cr_assert_eq(unlink("history"), 0);
    cr_assert_eq(mkdir("history", 0755), 0);
    cr_expect_eq(record_by_environment("signal", "killed", "SEGV"), 0, "a warning at most");
    cr_assert_eq(rmdir("history"), 0);
    char longer[200];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    cr_expect_eq(record_by_environment(longer, longer, longer), 0);
    recall_past(".", "", &past, &trouble);
    cr_expect(past.exited, "cut to what fits");
}
