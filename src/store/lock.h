/* SPDX-License-Identifier: MIT */
#pragma once
/* The lock: one daemon per state directory. It is the only truth about who runs: no pid file is believed.
 *
 * A POSIX record lock (fcntl_locking(2), F_SETLK), for F_GETLK then names its holder. Such a lock belongs to
 * a process, is not inherited by fork(2), and is lost when the process closes any descriptor of the file: it
 * is taken in the final process, on a descriptor opened once. The file is 0600, since whoever may open it may
 * lock it and so keep a daemon from starting. */

#include <sys/types.h>

/* <state>/lock; the caller frees. NULL when there is no memory. */
char *lock_path(const char *state_dir);

/* Takes the lock for the life of the process, on a file that is made if it is missing: 0600, and where root
 * makes it, owned by the directory's owner. Returns the descriptor, which stays open; -EBUSY when it is held,
 * with the holder's pid in *ret_holder (0 when the holder is in another pid namespace, and so has no pid
 * here); or another -errno, -EINVAL for a file that is not regular. */
int lock_acquire(const char *path, pid_t *ret_holder);

/* Lets go of it. Takes what lock_acquire() returned, also a failure. Returns -1. */
int lock_release(int fd);

static inline void lock_releasep(int *fd)
{
    *fd = lock_release(*fd);
}

/* Asks who holds it. Returns 1 with *ret_holder as above, 0 when nobody does or there is no such file, or
 * -errno. */
int lock_query(const char *path, pid_t *ret_holder);
