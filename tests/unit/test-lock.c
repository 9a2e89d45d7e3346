/* SPDX-License-Identifier: MIT */
/* The lock: one daemon per state directory. A lock does not keep out its own process, so that there is always
 * another one here to hold it. */

#include "store/lock.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lock-holder.h"
#include "temp-dir.h"
#include "util/cleanup.h"

TestSuite(lock, .init = temp_dir_enter, .fini = temp_dir_leave, .timeout = 120);

Test(lock, path_lies_in_the_state_directory)
{
    cleanup_free char *path = lock_path("/var/lib/heartbeatd");
    cr_expect_str_eq(path, "/var/lib/heartbeatd/lock");
}

Test(lock, held_is_refused_to_a_second_and_names_the_holder)
{
    pid_t seen = 0;
    LockHolder holder = lock_hold("lock");
    cr_expect_eq(lock_acquire("lock", &seen), -EBUSY);
    cr_expect_eq(seen, holder.pid);
    seen = 0;
    cr_expect_eq(lock_query("lock", &seen), 1);
    cr_expect_eq(seen, holder.pid);
    lock_let_go(&holder);
    cr_expect_eq(lock_query("lock", &seen), 0, "it goes with the process");
    cleanup_close int fd = lock_acquire("lock", &seen);
    cr_expect_geq(fd, 0);
}

Test(lock, of_a_killed_holder_is_free)
{
    pid_t seen;
    LockHolder holder = lock_hold("lock");
    cr_assert_eq(kill(holder.pid, SIGKILL), 0);
    cr_assert_eq(waitpid(holder.pid, NULL, 0), holder.pid);
    close(holder.release_fd);
    cr_expect_eq(lock_query("lock", &seen), 0);
    cleanup_close int fd = lock_acquire("lock", &seen);
    cr_expect_geq(fd, 0);
}

Test(lock, is_for_its_owner_alone_and_not_inherited)
{
    struct stat st;
    pid_t seen;
    umask(0);
    cleanup_close int fd = lock_acquire("lock", &seen);
    cr_assert_geq(fd, 0);
    cr_assert_eq(fstat(fd, &st), 0);
    cr_expect_eq(st.st_mode & 07777, 0600u, "%o", st.st_mode & 07777);
    cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

Test(lock, query_makes_no_file)
{
    pid_t seen;
    cr_expect_eq(lock_query("lock", &seen), 0);
    cr_expect_eq(access("lock", F_OK), -1);
}

Test(lock, on_anything_but_a_regular_file_is_refused)
{
    static const struct {
        const char *path;
        int acquired;
        int queried;
    } table[] = {
        { "directory", -EISDIR, -EINVAL }, { "fifo", -EINVAL, -EINVAL },   { "link", -ELOOP, -ELOOP },
        { "dangling", -ELOOP, -ELOOP },    { "missing/lock", -ENOENT, 0 }, { "file/lock", -ENOTDIR, 0 },
        { "/dev/null", -EINVAL, -EINVAL },
    };
    cr_assert_eq(mkdir("directory", 0755), 0);
    cr_assert_eq(mkfifo("fifo", 0600), 0);
    temp_write_text("file", "");
    cr_assert_eq(symlink("file", "link"), 0);
    cr_assert_eq(symlink("nowhere", "dangling"), 0);
    size_t descriptors = open_descriptors();
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        pid_t seen;
        int r = lock_acquire(table[i].path, &seen);
        cr_expect_eq(r, table[i].acquired, "%s: %d", table[i].path, r);
        r = lock_query(table[i].path, &seen);
        cr_expect_eq(r, table[i].queried, "%s: %d", table[i].path, r);
    }
    cr_expect_eq(open_descriptors(), descriptors, "one stayed open");
    cr_expect_eq(access("nowhere", F_OK), -1, "a link was followed");
}

Test(lock, file_of_any_content_is_locked_and_left_alone)
{
    pid_t seen;
    temp_write_text("lock", "4711\n");
    cleanup_close int fd = lock_acquire("lock", &seen);
    cr_expect_geq(fd, 0);
    cr_expect_str_eq(temp_read_fd(fd), "4711\n");
}

Test(lock, not_permitted_is_an_error)
{
    pid_t seen;
    temp_write_text("lock", "");
    cr_assert_eq(chmod("lock", 0), 0);
    if (geteuid() == 0)
        cr_assert_eq(seteuid(65534), 0);
    int acquired = lock_acquire("lock", &seen), queried = lock_query("lock", &seen);
    if (getuid() == 0)
        cr_assert_eq(seteuid(0), 0);
    cr_expect_eq(acquired, -EACCES);
    cr_expect_eq(queried, -EACCES);
}
