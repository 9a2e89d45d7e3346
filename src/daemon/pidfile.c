/* SPDX-License-Identifier: MIT */
/* The pid file. */

#include "daemon/pidfile.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "daemon/exit.h"
#include "util/file.h"

#define PID_TEXT_MAX 32

static int open_existing(const char *path, struct stat *ret_st)
{
    cleanup_close int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, ret_st) < 0)
        return -errno;
    return S_ISREG(ret_st->st_mode) ? steal_fd(&fd) : -ENOTSUP;
}

static int open_new(const char *path)
{
    cleanup_close int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0 || fchmod(fd, 0644) < 0) /* whatever the umask */
        return -errno;
    return steal_fd(&fd);
}

static int open_or_make(const char *path)
{
    for (;;) {
        struct stat st = { 0 };
        int fd = open_existing(path, &st);
        if (fd >= 0 && st.st_uid == geteuid() && st.st_nlink == 1)
            return fd;
        if (fd < 0 && fd != -ENOENT)
            return fd;
        /* Left by, or open to, somebody whom nobody should have to believe: start-stop-daemon(8) refuses such
         * a one. */
        int r = fd >= 0 && unlink(path) < 0 && errno != ENOENT ? -errno : 0;
        close_fd(fd);
        if (r == 0)
            r = open_new(path);
        if (r != -EEXIST) /* else another start was faster */
            return r;
    }
}

/* Whether the file that was opened is still what lies at its path. */
static bool is_current(const PidFile *file)
{
    struct stat st, at_path;
    return fstat(file->fd, &st) == 0 && lstat(file->path, &at_path) == 0 && at_path.st_dev == st.st_dev &&
           at_path.st_ino == st.st_ino;
}

/* Each start that has the file open shares a lock on it (flock(2)), so that only who is alone with it removes
 * it. It decides nothing else: anybody who can read the file can take it, too, and at worst an empty file
 * stays. */
static int open_shared(PidFile *file)
{
    for (;;) {
        file->fd = open_or_make(file->path);
        if (file->fd < 0)
            return file->fd;
        if (flock(file->fd, LOCK_SH | LOCK_NB) < 0 || is_current(file))
            return 0;
        file->fd = close_fd(file->fd); /* it was removed between the two calls */
    }
}

static bool remove_if_alone(const PidFile *file)
{
    return is_current(file) && flock(file->fd, LOCK_EX | LOCK_NB) == 0 && unlink(file->path) == 0;
}

int pidfile_open(PidFile *ret, const char *path, Error *ret_error)
{
    ret->path = strdup(path);
    int r = ret->path ? open_shared(ret) : -ENOMEM;
    if (r < 0)
        return error_set(ret_error, exit_code_for(-r), -r, "pid file %s: %s", path,
                         r == -ENOTSUP ? "expected a regular file"
                         : r == -ELOOP ? "is a symbolic link; expected a regular file"
                                       : strerror(-r));
    return 0;
}

int pidfile_write(const PidFile *file, pid_t pid)
{
    char text[PID_TEXT_MAX];
    int length = snprintf(text, sizeof(text), "%lld\n", (long long)pid);
    if (file->fd < 0)
        return 0;
    if (ftruncate(file->fd, 0) < 0)
        return -errno;
    ssize_t n = pwrite(file->fd, text, (size_t)length, 0);
    return n < 0 ? -errno : n == length ? 0 : -ENOSPC;
}

void pidfile_remove(const PidFile *file)
{
    if (file->fd >= 0 && !remove_if_alone(file))
        (void)!ftruncate(file->fd, 0); /* all that is left to do, and nobody to tell */
}

void pidfile_abandon(const PidFile *file)
{
    struct stat st;
    if (file->fd >= 0 && fstat(file->fd, &st) == 0 && st.st_size == 0)
        (void)remove_if_alone(file);
}

void pidfile_close(PidFile *file)
{
    file->fd = close_fd(file->fd);
    free(file->path);
    file->path = NULL;
}

pid_t pidfile_read(const char *path)
{
    cleanup_free char *text = NULL;
    size_t length;
    int r = file_read(path, PID_TEXT_MAX, &text, &length);
    if (r < 0)
        return r == -ENOENT || r == -ENOTDIR ? 0 : r;
    if (length == 0)
        return 0;
    char *end;
    long pid = strtol(text, &end, 10);
    return pid > 0 && pid <= INT_MAX && (*end == '\n' || *end == '\0') ? (pid_t)pid : -EBADMSG;
}
