/* SPDX-License-Identifier: MIT */
/* Another process that holds a lock. */

#include "lock-holder.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/lock.h"

LockHolder lock_hold(const char *path)
{
    int ready[2], release[2];
    char byte = 0;
    cr_assert_eq(pipe2(ready, O_CLOEXEC), 0);
    cr_assert_eq(pipe2(release, O_CLOEXEC), 0);
    LockHolder holder = { .pid = fork(), .release_fd = release[1] };
    cr_assert_geq(holder.pid, 0);
    if (holder.pid == 0) {
        pid_t unused;
        close(release[1]); /* or it would wait for itself */
        if (lock_acquire(path, &unused) < 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        _exit(read(release[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(ready[1]);
    close(release[0]);
    cr_assert_eq(read(ready[0], &byte, 1), 1, "the child does not get the lock");
    close(ready[0]);
    return holder;
}

void lock_let_go(const LockHolder *holder)
{
    int status;
    close(holder->release_fd);
    cr_assert_eq(waitpid(holder->pid, &status, 0), holder->pid);
    cr_expect_eq(status, 0);
}
