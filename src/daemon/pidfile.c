/* SPDX-License-Identifier: MIT */
/* The pid file. */

#include "daemon/pidfile.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
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

static int open_or_make(PidFile *file)
{
    struct stat st;
    int fd = open_existing(file->path, &st);
    if (fd >= 0 && st.st_uid == geteuid() && st.st_nlink == 1) {
        file->fd = fd;
        return 0;
    }
    /* Left by, or open to, somebody whom nobody should have to believe: start-stop-daemon(8) refuses such a
     * one. */
    if (fd >= 0) {
        close_fd(fd);
        if (unlink(file->path) < 0)
            return -errno;
    } else if (fd != -ENOENT)
        return fd;
    file->fd = open_new(file->path);
    file->made = file->fd >= 0;
    return file->made ? 0 : file->fd;
}

int pidfile_open(PidFile *ret, const char *path, Error *ret_error)
{
    ret->path = strdup(path);
    int r = ret->path ? open_or_make(ret) : -ENOMEM;
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

/* Whether the file that was opened is still what lies at its path. */
static bool is_current(const PidFile *file, struct stat *ret_st)
{
    struct stat at_path;
    return file->fd >= 0 && fstat(file->fd, ret_st) == 0 && lstat(file->path, &at_path) == 0 &&
           at_path.st_dev == ret_st->st_dev && at_path.st_ino == ret_st->st_ino;
}

void pidfile_remove(const PidFile *file)
{
    struct stat st;
    if (file->fd >= 0 && !(is_current(file, &st) && unlink(file->path) == 0))
        (void)!ftruncate(file->fd, 0); /* all that is left to do, and nobody to tell */
}

void pidfile_abandon(const PidFile *file)
{
    struct stat st;
    if (file->made && is_current(file, &st) && st.st_size == 0)
        unlink(file->path);
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
