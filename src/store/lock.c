/* SPDX-License-Identifier: MIT */
/* The lock: one daemon per state directory. */

#include "store/lock.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "util/cleanup.h"

char *lock_path(const char *state_dir)
{
    char *path;
    return asprintf(&path, "%s/lock", state_dir) < 0 ? NULL : path;
}

static int open_file(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
    return fd < 0 ? -errno : fd;
}

/* O_NONBLOCK above: a FIFO planted here is to be refused, not waited for. */
static int open_regular(const char *path, int flags)
{
    struct stat st;
    cleanup_close int fd = open_file(path, flags);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return -errno;
    return S_ISREG(st.st_mode) ? steal_fd(&fd) : -EINVAL;
}

/* What root makes in another user's directory is that user's, who could not start again otherwise. */
static int make(const char *path)
{
    cleanup_free char *directory = strndup(path, (size_t)(strrchr(path, '/') - path));
    struct stat st;
    if (!directory)
        return -ENOMEM;
    cleanup_close int fd = open_file(path, O_RDWR | O_CREAT | O_EXCL);
    if (fd < 0)
        return fd;
    if (geteuid() == 0 && (stat(directory, &st) < 0 || fchown(fd, st.st_uid, st.st_gid) < 0))
        return -errno;
    return steal_fd(&fd);
}

static int open_or_make(const char *path)
{
    for (;;) {
        int fd = open_regular(path, O_RDWR);
        if (fd == -ENOENT)
            fd = make(path);
        if (fd != -EEXIST) /* else another start was faster */
            return fd;
    }
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
    cleanup_close int fd = open_or_make(path);
    if (fd < 0)
        return fd;
    for (;;) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        if (fcntl(fd, F_SETLK, &lock) == 0)
            return steal_fd(&fd);
        if (errno != EACCES && errno != EAGAIN)
            return -errno;
        int r = get_holder(fd, ret_holder);
        if (r != 0)
            return r < 0 ? r : -EBUSY;
        /* The holder went between the two calls: the lock is free, try again. */
    }
}

int lock_query(const char *path, pid_t *ret_holder)
{
    cleanup_close int fd = open_regular(path, O_RDONLY);
    if (fd < 0)
        return fd == -ENOENT || fd == -ENOTDIR ? 0 : fd;
    return get_holder(fd, ret_holder);
}
