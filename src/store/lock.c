/* SPDX-License-Identifier: MIT */
/* The lock: one daemon per state directory. */

#include "store/lock.h"

#include <fcntl.h>

#include "store/guard.h"
#include "store/state-file.h"
#include "util/cleanup.h"
#include "util/file.h"

char *lock_path(const char *state_dir)
{
    return path_join(state_dir, "lock");
}

static int get_holder(int fd, pid_t *ret_holder)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    if (fcntl(fd, F_GETLK, &lock) < 0)
        return -errno;
    if (lock.l_type == F_UNLCK)
        return 0;
    *ret_holder = lock.l_pid > 0 ? lock.l_pid : 0;
    return 1;
}

int lock_acquire(const char *path, pid_t *ret_holder)
{
    cleanup_close int fd = state_file_open_or_make(path, O_RDWR, 0600);
    if (fd < 0)
        return fd;
    for (;;) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        if (fcntl(fd, F_SETLK, &lock) == 0) {
            guard_keep(OWN_LOCK, fd);
            return steal_fd(&fd);
        }
        if (errno != EACCES && errno != EAGAIN)
            return -errno;
        int r = get_holder(fd, ret_holder);
        if (r != 0)
            return r < 0 ? r : -EBUSY;
        /* The holder went between the two calls: the lock is free, try again. */
    }
}

int lock_release(int fd)
{
    if (fd >= 0)
        guard_keep(OWN_LOCK, -1);
    return close_fd(fd);
}

int lock_query(const char *path, pid_t *ret_holder)
{
    cleanup_close int fd = state_file_open(path, O_RDONLY);
    if (fd < 0)
        return fd == -ENOENT || fd == -ENOTDIR ? 0 : fd;
    return get_holder(fd, ret_holder);
}
