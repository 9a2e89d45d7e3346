/* SPDX-License-Identifier: MIT */
/* What the service manager is told, and when; a socket plays the manager. */

#include "daemon/supervisor.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager.h"
#include "simulation.h"
#include "temp-dir.h"

static void enter(void)
{
    temp_dir_enter();
    unsetenv("SYSTEMD_EXEC_PID");
    if (!notify_supported)
        temp_dir_skip("built without libsystemd");
}

TestSuite(supervisor, .init = enter, .fini = temp_dir_leave, .timeout = 120);

#define FIRST UINT64_C(86461234567)

static Beat beat_number(uint64_t seq, usec_t since_first_usec)
{
    return (Beat){ .seq = seq,
                   .at = { .realtime_usec = UINT64_C(1795352410123456) + since_first_usec,
                           .boottime_usec = FIRST + since_first_usec,
                           .monotonic_usec = FIRST + since_first_usec },
                   .due = { .due_usec = FIRST + since_first_usec },
                   .interval_usec = USEC_PER_SEC,
                   .text = "beat",
                   .length = 4 };
}

/* What the manager was told since it was asked last: "-" for nothing, "|" between datagrams. */
static const char *heard(Manager *manager)
{
    static char all[8192];
    size_t length = 0;
    strcpy(all, "-");
    while (manager_hear_one(manager))
        length += (size_t)snprintf(all + length, sizeof(all) - length, "%s%s", length > 0 ? "|" : "",
                                   manager->last);
    return all;
}

Test(supervisor, is_ready_with_the_first_beat_in_one_datagram)
{
    Manager manager;
    Supervisor supervisor;
    Beat first = beat_number(1, 0), second = beat_number(2, USEC_PER_SEC);
    manager_listen(&manager, temp_path("notify"), 0);
    cr_assert_eq(supervisor_open(&supervisor, false), 0);
    cr_expect_str_eq(heard(&manager), "-", "nothing before a beat");
    cr_expect_eq(supervisor_beat(&supervisor, &first, NULL, 0), 0);
    cr_expect_str_eq(heard(&manager), "READY=1\nWATCHDOG=1\nSTATUS=1 beat, last at 2026-11-22T13:00:10.123Z");
    cr_expect_eq(supervisor_beat(&supervisor, &second, NULL, 0), 0);
    cr_expect_str_eq(heard(&manager), "WATCHDOG=1\nSTATUS=2 beats, last at 2026-11-22T13:00:11.123Z");
    manager_close(&manager);
}

Test(supervisor, forked_says_nothing_with_the_first_beat_and_never_that_it_is_ready)
{
    Manager manager;
    Supervisor supervisor;
    Error error = { .text = "why", .errnum = 2 };
    Beat first = beat_number(1, 0), second = beat_number(2, USEC_PER_SEC);
    manager_listen(&manager, temp_path("notify"), 3 * USEC_PER_SEC);
    cr_assert_eq(supervisor_open(&supervisor, true), 0);
    cr_expect_eq(supervisor_stopping(&supervisor, &error), 0); /* had the start failed */
    cr_expect_eq(supervisor_beat(&supervisor, &first, NULL, 0), 1);
    cr_expect_str_eq(heard(&manager), "-");
    cr_expect_eq(supervisor_next(&supervisor, 10 * USEC_PER_SEC), FIRST + 1500000);
    cr_expect_eq(supervisor_beat(&supervisor, &second, NULL, 0), 0);
    cr_expect_str_eq(heard(&manager), "WATCHDOG=1\nSTATUS=2 beats, last at 2026-11-22T13:00:11.123Z");
    supervisor_reloading(&supervisor, 1);
    supervisor_reloaded(&supervisor, NULL, 0);
    cr_expect_null(strstr(heard(&manager), "READY=1"));
    cr_expect_eq(supervisor_stopping(&supervisor, NULL), 0);
    cr_expect_str_eq(heard(&manager), "STOPPING=1");
    manager_close(&manager);
}

Test(supervisor, status_tells_what_fails)
{
    Manager manager;
    Supervisor supervisor;
    FakeOutput *works = fake_output_new("/works"), *one = fake_output_new("/one"),
               *many = fake_output_new("/many");
    Output *outputs[] = { &works->output, &one->output, &many->output };
    Beat beat = beat_number(1, 0);
    one->output.failure = ENOSPC;
    one->output.lost = 1;
    many->output.failure = EACCES;
    many->output.lost = 3;
    manager_listen(&manager, temp_path("notify"), 0);
    cr_assert_eq(supervisor_open(&supervisor, false), 0);
    cr_expect_eq(supervisor_beat(&supervisor, &beat, outputs, 3), 0);
    cr_expect_str_eq(heard(&manager), "READY=1\nWATCHDOG=1\nSTATUS=1 beat, last at 2026-11-22T13:00:10.123Z"
                                      "; output /one: No space left on device (1 message lost)"
                                      "; output /many: Permission denied (3 messages lost)");
    for (size_t i = 0; i < 3; i++)
        output_free(outputs[i]);
    manager_close(&manager);
}

Test(supervisor, status_of_any_length_is_cut_and_is_one_line)
{
    Manager manager;
    Supervisor supervisor;
    char name[600];
    Output *outputs[8];
    Beat beat = beat_number(UINT64_MAX, 0);
    memset(name, 'x', sizeof(name) - 1);
    name[0] = '/';
    name[sizeof(name) - 1] = '\0';
    for (size_t i = 0; i < ELEMENTSOF(outputs); i++) {
        outputs[i] = &fake_output_new(name)->output;
        outputs[i]->failure = EIO;
        outputs[i]->lost = UINT64_MAX;
    }
    manager_listen(&manager, temp_path("notify"), 0);
    cr_assert_eq(supervisor_open(&supervisor, false), 0);
    cr_expect_eq(supervisor_beat(&supervisor, &beat, outputs, ELEMENTSOF(outputs)), 0);
    const char *text = heard(&manager), *status = strstr(text, "STATUS=");
    cr_assert_not_null(status);
    cr_expect_lt(strlen(text), 1100u, "%zu", strlen(text));
    cr_expect_null(strchr(status, '\n'));
    for (size_t i = 0; i < ELEMENTSOF(outputs); i++)
        output_free(outputs[i]);
    manager_close(&manager);
}

/* A newline in it would be an assignment of its own to the manager. */
Test(supervisor, status_cannot_be_made_to_assign_anything_else)
{
    Manager manager;
    Supervisor supervisor;
    Output *outputs[] = { &fake_output_new("/x\nMAINPID=1")->output };
    Beat beat = beat_number(1, 0);
    outputs[0]->failure = EIO;
    manager_listen(&manager, temp_path("notify"), 0);
    cr_assert_eq(supervisor_open(&supervisor, false), 0);
    cr_expect_eq(supervisor_beat(&supervisor, &beat, outputs, 1), 0);
    const char *text = heard(&manager);
    cr_expect_null(strstr(text, "\nMAINPID=1"), "%s", text);
    output_free(outputs[0]);
    manager_close(&manager);
}

Test(supervisor, tells_at_most_one_beat_a_second_or_two_a_watchdog_period)
{
    static const struct {
        usec_t watchdog, interval;
        size_t beats, told;
    } table[] = {
        { 0, USEC_PER_SEC, 61, 61 },
        { 0, 10 * USEC_PER_MSEC, 6001, 61 },
        { 0, 300 * USEC_PER_MSEC, 201, 51 }, /* each fourth */
        { 30 * USEC_PER_SEC, 10 * USEC_PER_MSEC, 6001, 61 },
        { USEC_PER_SEC, 10 * USEC_PER_MSEC, 6001, 121 },
        { 100 * USEC_PER_MSEC, 10 * USEC_PER_MSEC, 6001, 1201 },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Manager manager;
        Supervisor supervisor;
        unlink("notify");
        manager_listen(&manager, temp_path("notify"), table[i].watchdog);
        cr_assert_eq(supervisor_open(&supervisor, false), 0);
        for (uint64_t j = 0; j < table[i].beats; j++) {
            Beat beat = beat_number(j + 1, j * table[i].interval);
            beat.at.boottime_usec += j % 7 * USEC_PER_MSEC; /* lateness does not count */
            cr_assert_geq(supervisor_beat(&supervisor, &beat, NULL, 0), 0);
            manager_hear(&manager, beat.due.due_usec);
        }
        cr_expect_eq(manager.datagrams, table[i].told, "row %zu: %zu", i, manager.datagrams);
        cr_expect_eq(manager.ready, 1u);
        manager_close(&manager);
    }
}

Test(supervisor, feeds_between_beats_only_if_the_period_is_shorter_than_two_intervals)
{
    static const struct {
        usec_t watchdog, interval, next; /* after the first beat; USEC_INFINITY: never */
    } table[] = {
        { 0, 10 * USEC_PER_SEC, USEC_INFINITY },
        { 30 * USEC_PER_SEC, 10 * USEC_PER_SEC, USEC_INFINITY },
        { 20 * USEC_PER_SEC, 10 * USEC_PER_SEC, USEC_INFINITY },
        { 20 * USEC_PER_SEC - 1, 10 * USEC_PER_SEC, 9999999 },
        { 3 * USEC_PER_SEC, 10 * USEC_PER_SEC, 1500000 },
        { 500 * USEC_PER_MSEC, USEC_PER_DAY, 250 * USEC_PER_MSEC },
        { 1, USEC_PER_DAY, 10 * USEC_PER_MSEC }, /* nobody can mean that, and the loop must not spin */
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Manager manager;
        Supervisor supervisor;
        Beat beat = beat_number(1, 0);
        unlink("notify");
        manager_listen(&manager, temp_path("notify"), table[i].watchdog);
        cr_assert_eq(supervisor_open(&supervisor, false), 0);
        cr_assert_eq(supervisor_beat(&supervisor, &beat, NULL, 0), 0);
        usec_t next = supervisor_next(&supervisor, table[i].interval);
        cr_expect_eq(next, table[i].next == USEC_INFINITY ? USEC_INFINITY : FIRST + table[i].next,
                     "row %zu: %" PRI_USEC, i, next);
        manager_close(&manager);
    }
}

Test(supervisor, feeding_tells_the_watchdog_and_the_status_once_more)
{
    Manager manager;
    Supervisor supervisor;
    Beat beat = beat_number(1, 0);
    manager_listen(&manager, temp_path("notify"), 3 * USEC_PER_SEC);
    cr_assert_eq(supervisor_open(&supervisor, false), 0);
    cr_assert_eq(supervisor_beat(&supervisor, &beat, NULL, 0), 0);
    heard(&manager);
    cr_expect_eq(supervisor_feed(&supervisor, FIRST + 1500000, NULL, 0), 0);
    cr_expect_str_eq(heard(&manager), "WATCHDOG=1\nSTATUS=1 beat, last at 2026-11-22T13:00:10.123Z");
    cr_expect_eq(supervisor_next(&supervisor, 10 * USEC_PER_SEC), FIRST + 3000000);
    manager_close(&manager);
}

Test(supervisor, reload_and_end_are_told_as_sd_notify_has_them)
{
    Manager manager;
    Supervisor supervisor;
    Error error = { .text = "output /x: Is a directory", .errnum = EISDIR };
    Beat beat = beat_number(7, 0);
    char expected[128];
    manager_listen(&manager, temp_path("notify"), 0);
    cr_assert_eq(supervisor_open(&supervisor, false), 0);
    cr_expect_eq(supervisor_beat(&supervisor, &beat, NULL, 0), 0);
    heard(&manager);
    cr_expect_eq(supervisor_reloading(&supervisor, UINT64_MAX), 0);
    cr_expect_str_eq(heard(&manager), "RELOADING=1\nMONOTONIC_USEC=18446744073709551615");
    cr_expect_eq(supervisor_reloaded(&supervisor, NULL, 0), 0);
    cr_expect_str_eq(heard(&manager), "READY=1\nSTATUS=7 beats, last at 2026-11-22T13:00:10.123Z");
    cr_expect_eq(supervisor_stopping(&supervisor, NULL), 0);
    cr_expect_str_eq(heard(&manager), "STOPPING=1");
    cr_expect_eq(supervisor_stopping(&supervisor, &error), 0);
    snprintf(expected, sizeof(expected), "STOPPING=1\nSTATUS=output /x: Is a directory\nERRNO=%d", EISDIR);
    cr_expect_str_eq(heard(&manager), expected);
    manager_close(&manager);
}

Test(supervisor, ready_that_was_not_heard_is_said_again)
{
    Manager manager;
    Supervisor supervisor;
    Beat first = beat_number(1, 0), second = beat_number(2, USEC_PER_SEC);
    manager_listen(&manager, temp_path("notify"), 0);
    cr_assert_eq(supervisor_open(&supervisor, false), 0);
    manager_fill(&manager);
    cr_expect_eq(supervisor_beat(&supervisor, &first, NULL, 0), -EAGAIN);
    heard(&manager);
    cr_expect_eq(supervisor_beat(&supervisor, &second, NULL, 0), 0);
    cr_expect_not_null(strstr(heard(&manager), "READY=1\n"));
    manager_close(&manager);
}

Test(supervisor, without_a_manager_succeeds_and_never_wakes_the_loop)
{
    Supervisor supervisor;
    Beat beat = beat_number(1, 0);
    unsetenv("NOTIFY_SOCKET");
    setenv("WATCHDOG_USEC", "3000000", 1);
    cr_expect_eq(supervisor_open(&supervisor, false), 0);
    cr_expect_eq(supervisor_beat(&supervisor, &beat, NULL, 0), 0);
    cr_expect_eq(supervisor_next(&supervisor, 10 * USEC_PER_SEC), USEC_INFINITY);
    cr_expect_eq(supervisor_reloading(&supervisor, 1), 0);
    cr_expect_eq(supervisor_reloaded(&supervisor, NULL, 0), 0);
    cr_expect_eq(supervisor_stopping(&supervisor, NULL), 0);
}
