/* SPDX-License-Identifier: MIT */
/* The pid file. */

#include "daemon/pidfile.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/exit.h"
#include "temp-dir.h"

TestSuite(pidfile, .init = temp_dir_enter, .fini = temp_dir_leave, .timeout = 120);

Test(pidfile, holds_the_pid_and_a_newline_and_is_readable_for_everyone)
{
    static const mode_t umasks[] = { 0, 022, 027, 077 };
    for (size_t i = 0; i < ELEMENTSOF(umasks); i++) {
        PidFile file = PIDFILE_NONE;
        struct stat st;
        Error error = { 0 };
        umask(umasks[i]);
        cr_assert_eq(pidfile_open(&file, temp_path("pid"), &error), 0, "%s", error.text);
        cr_expect_str_eq(temp_read("pid"), "", "not before there is something to say");
        cr_expect_eq(pidfile_write(&file, 4711), 0);
        cr_expect_str_eq(temp_read("pid"), "4711\n");
        cr_assert_eq(stat("pid", &st), 0);
        cr_expect_eq(st.st_mode & 07777, 0644u, "%o", st.st_mode & 07777);
        cr_expect(fcntl(file.fd, F_GETFD) & FD_CLOEXEC);
        pidfile_remove(&file);
        cr_expect_eq(access("pid", F_OK), -1);
        pidfile_close(&file);
    }
}

Test(pidfile, whatever_a_regular_one_holds_is_replaced_only_when_it_is_written)
{
    static const char *const contents[] = { "", "1\n", "99999999999999999999\n",
                                            "garbage that is longer than a pid" };
    for (size_t i = 0; i < ELEMENTSOF(contents); i++) {
        PidFile file = PIDFILE_NONE;
        Error error;
        temp_write_text("pid", contents[i]);
        cr_assert_eq(pidfile_open(&file, "pid", &error), 0);
        cr_expect_str_eq(temp_read("pid"), contents[i], "the daemon that it names may be alive");
        cr_expect_eq(pidfile_write(&file, 12), 0);
        cr_expect_str_eq(temp_read("pid"), "12\n", "row %zu: %s", i, temp_read("pid"));
        pidfile_close(&file);
    }
}

Test(pidfile, planted_in_its_place_is_refused_and_named)
{
    static const struct {
        const char *path;
        const char *error;
        int exit_code;
    } table[] = {
        { "link", "pid file link: is a symbolic link; expected a regular file", EXIT_CONFIG },
        { "dangling", "pid file dangling: is a symbolic link; expected a regular file", EXIT_CONFIG },
        { "directory", "pid file directory: Is a directory", EXIT_CONFIG },
        { "fifo", "pid file fifo: expected a regular file", EXIT_CONFIG },
        { "/dev/null", "pid file /dev/null: expected a regular file", EXIT_CONFIG },
        { "missing/pid", "pid file missing/pid: No such file or directory", EXIT_CONFIG },
        { "victim/pid", "pid file victim/pid: Not a directory", EXIT_CONFIG },
    };
    temp_write_text("victim", "keep me");
    cr_assert_eq(symlink("victim", "link"), 0);
    cr_assert_eq(symlink("planted", "dangling"), 0);
    cr_assert_eq(mkdir("directory", 0755), 0);
    cr_assert_eq(mkfifo("fifo", 0644), 0);
    size_t descriptors = open_descriptors();
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        PidFile file = PIDFILE_NONE;
        Error error = { 0 };
        cr_expect_lt(pidfile_open(&file, table[i].path, &error), 0, "%s", table[i].path);
        cr_expect_str_eq(error.text, table[i].error, "%s", error.text);
        cr_expect_eq(error.exit_code, table[i].exit_code, "%s: %d", table[i].path, error.exit_code);
        cr_expect_eq(pidfile_write(&file, 1), 0, "there is none");
        pidfile_remove(&file);
        pidfile_close(&file);
    }
    cr_expect_eq(open_descriptors(), descriptors, "one stayed open");
    cr_expect_str_eq(temp_read("victim"), "keep me");
    cr_expect_eq(access("planted", F_OK), -1, "a link was followed");
}

Test(pidfile, of_somebody_else_or_with_a_second_name_is_replaced_by_a_new_one)
{
    static const char *const kinds[] = { "second name", "somebody else's" };
    for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
        PidFile file = PIDFILE_NONE;
        Error error = { 0 };
        struct stat st;
        unlink("pid");
        unlink("other");
        temp_write_text("pid", "1\n");
        cr_assert_eq(link("pid", "other"), 0);
        if (i == 1) {
            if (geteuid() != 0)
                continue;
            cr_assert_eq(chown("pid", 65534, 65534), 0);
        }
        cr_assert_eq(pidfile_open(&file, "pid", &error), 0, "%s: %s", kinds[i], error.text);
        cr_assert_eq(pidfile_write(&file, 12), 0);
        cr_expect_str_eq(temp_read("pid"), "12\n");
        cr_expect_str_eq(temp_read("other"), "1\n", "%s", kinds[i]);
        cr_assert_eq(stat("pid", &st), 0);
        cr_expect_eq(st.st_uid, geteuid());
        pidfile_close(&file);
    }
}

Test(pidfile, that_is_not_ours_any_more_is_left_alone_at_the_end)
{
    PidFile file = PIDFILE_NONE;
    Error error;
    cr_assert_eq(pidfile_open(&file, "pid", &error), 0);
    cr_assert_eq(pidfile_write(&file, 12), 0);
    cr_assert_eq(rename("pid", "moved"), 0);
    temp_write_text("pid", "4711\n");
    pidfile_remove(&file);
    cr_expect_str_eq(temp_read("pid"), "4711\n");
    cr_expect_str_eq(temp_read("moved"), "");
    pidfile_close(&file);
}

Test(pidfile, that_cannot_be_removed_is_emptied)
{
    PidFile file = PIDFILE_NONE;
    Error error;
    if (geteuid() != 0)
        temp_dir_skip("needs root");
    cr_assert_eq(pidfile_open(&file, temp_path("pid"), &error), 0);
    cr_assert_eq(pidfile_write(&file, 12), 0);
    cr_assert_eq(seteuid(65534), 0);
    pidfile_remove(&file);
    cr_assert_eq(seteuid(0), 0);
    cr_expect_str_eq(temp_read("pid"), "");
    cr_expect_eq(pidfile_read("pid"), 0, "an empty one counts as absent");
    pidfile_close(&file);
}

/* The daemon before is at its end while the next start has the file open already. */
Test(pidfile, of_a_start_is_emptied_and_not_removed_by_the_daemon_before)
{
    PidFile before = PIDFILE_NONE, after = PIDFILE_NONE;
    Error error;
    cr_assert_eq(pidfile_open(&before, "pid", &error), 0);
    cr_assert_eq(pidfile_write(&before, 11), 0);
    cr_assert_eq(pidfile_open(&after, "pid", &error), 0);
    pidfile_remove(&before);
    cr_expect_str_eq(temp_read("pid"), "");
    pidfile_close(&before);
    cr_expect_eq(pidfile_write(&after, 12), 0);
    cr_expect_str_eq(temp_read("pid"), "12\n");
    pidfile_remove(&after);
    cr_expect_eq(access("pid", F_OK), -1);
    pidfile_close(&after);
}

Test(pidfile, of_a_failed_start_goes_if_it_is_empty_and_nobody_elses)
{
    PidFile failed = PIDFILE_NONE, other = PIDFILE_NONE;
    Error error;
    cr_assert_eq(pidfile_open(&failed, "pid", &error), 0);
    cr_assert_eq(pidfile_open(&other, "pid", &error), 0);
    pidfile_abandon(&failed);
    cr_expect_eq(access("pid", F_OK), 0, "another start has it open");
    pidfile_close(&failed);
    pidfile_abandon(&other);
    cr_expect_eq(access("pid", F_OK), -1);
    pidfile_close(&other);

    temp_write_text("pid", "1\n");
    cr_assert_eq(pidfile_open(&failed, "pid", &error), 0);
    pidfile_abandon(&failed);
    cr_expect_str_eq(temp_read("pid"), "1\n", "it names a daemon, or did");
    pidfile_close(&failed);
}

Test(pidfile, is_read_as_a_pid_as_nothing_or_as_garbage)
{
    static const struct {
        const char *content;
        pid_t pid; /* negative: any error */
    } table[] = {
        { "4711\n", 4711 },
        { "4711", 4711 },
        { "1\n", 1 },
        { "2147483647\n", 2147483647 },
        { "", 0 },
        { "\n", -1 },
        { "0\n", -1 },
        { "-1\n", -1 },
        { "2147483648\n", -1 },
        { "4294967297\n", -1 },
        { "99999999999999999999\n", -1 },
        { "4711x\n", -1 },
        { "0x10\n", -1 },
        { "garbage\n", -1 },
        { "a line that is much longer than any pid can be\n", -1 },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        temp_write_text("pid", table[i].content);
        pid_t pid = pidfile_read("pid");
        cr_expect(table[i].pid < 0 ? pid < 0 : pid == table[i].pid, "\"%s\": %d", table[i].content, pid);
    }
    cr_expect_eq(pidfile_read("missing"), 0);
    cr_expect_eq(pidfile_read("pid/below"), 0);
    cr_assert_eq(mkfifo("fifo", 0644), 0);
    cr_expect_lt(pidfile_read("fifo"), 0, "and it did not wait");
    cr_expect_lt(pidfile_read("."), 0);
}
