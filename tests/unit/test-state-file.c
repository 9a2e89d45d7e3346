/* SPDX-License-Identifier: MIT */
/* A file in the state directory, and what may stand in its place. */

#include "store/state-file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults.h"
#include "temp-dir.h"
#include "util/cleanup.h"

TestSuite(state_file, .init = temp_dir_enter, .fini = temp_dir_leave, .timeout = 120);

Test(state_file, is_made_with_its_mode_and_opened_again)
{
    struct stat st;
    cr_expect_eq(state_file_open("file", O_RDONLY), -ENOENT);
    cleanup_close int fd = state_file_open_or_make("file", O_RDWR, 0644);
    cr_assert_geq(fd, 0);
    cr_assert_eq(fstat(fd, &st), 0);
    cr_expect_eq(st.st_mode, S_IFREG | 0644u);
    cr_expect_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    cr_assert_eq(write(fd, "x", 1), 1);
    cleanup_close int again = state_file_open_or_make("file", O_RDWR, 0600);
    cr_assert_geq(again, 0);
    cr_expect_str_eq(temp_read("file"), "x", "an existing one is left as it is");
    cr_assert_eq(fstat(again, &st), 0);
    cr_expect_eq(st.st_mode, S_IFREG | 0644u);
}

Test(state_file, of_root_is_its_directorys_owners)
{
    struct stat st;
    if (geteuid() != 0)
        temp_dir_skip("needs root");
    cr_assert_eq(mkdir("theirs", 0755), 0);
    cr_assert_eq(chown("theirs", 65534, 65533), 0);
    cleanup_close int fd = state_file_open_or_make(temp_path("theirs/file"), O_RDWR, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(fstat(fd, &st), 0);
    cr_expect_eq(st.st_uid, 65534u);
    cr_expect_eq(st.st_gid, 65533u);
}

Test(state_file, that_is_a_trap_is_refused_at_once)
{
    static const struct {
        const char *name;
        int result;
    } table[] = {
        { "link", -ELOOP },       { "dangling", -ELOOP },     { "fifo", -EINVAL },
        { "directory", -EISDIR }, { "file/below", -ENOTDIR }, { "none/below", -ENOENT },
    };
    temp_write_text("file", "kept");
    cr_assert_eq(symlink("file", "link"), 0);
    cr_assert_eq(symlink("nowhere", "dangling"), 0);
    cr_assert_eq(mkfifo("fifo", 0600), 0);
    cr_assert_eq(mkdir("directory", 0700), 0);
    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        cr_expect_eq(state_file_open_or_make(table[i].name, O_RDWR, 0600), table[i].result, "%s",
                     table[i].name);
    cr_expect_eq(state_file_open("directory", O_RDONLY), -EINVAL);
    cr_expect_neq(access("nowhere", F_OK), 0, "nothing is made through a link");
    cr_expect_str_eq(temp_read("file"), "kept");
}

Test(state_file, directory_is_the_systems_or_ones_own)
{
    static const struct {
        bool system;
        const char *state, *home, *directory;
    } table[] = {
        { true, "/s", "/h", "/var/lib/heartbeatd" },
        { false, "/s", "/h", "/s/heartbeatd" },
        { false, "s", "/h", "/h/.local/state/heartbeatd" },
        { false, "", "/h", "/h/.local/state/heartbeatd" },
        { false, "/s", "", "/s/heartbeatd" },
        { false, "", "h", NULL },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        cleanup_free char *directory = NULL;
        setenv("XDG_STATE_HOME", table[i].state, 1);
        setenv("HOME", table[i].home, 1);
        int r = state_directory_default(table[i].system, &directory);
        cr_expect_eq(r, table[i].directory ? 0 : -ENOENT, "row %zu", i);
        if (table[i].directory)
            cr_expect_str_eq(directory, table[i].directory, "row %zu: %s", i, directory);
    }
}

Test(state_file, that_cannot_be_looked_at_or_given_its_mode_is_an_error)
{
    fault_plan(FAULT_FCHMOD, 1, EPERM);
    cr_expect_eq(state_file_open_or_make("file", O_RDWR, 0644), -EPERM);
    fault_plan(FAULT_FSTAT, 1, EIO);
    cr_expect_eq(state_file_open("file", O_RDONLY), -EIO);
    fault_plan(FAULT_FSYNC, 1, EIO);
    cr_expect_eq(state_directory_sync("."), -EIO);
}
