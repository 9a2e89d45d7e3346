/* SPDX-License-Identifier: MIT */
/* Descriptors: the standard three, the inherited rest, and writing without waiting. */

#include "util/fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "util/cleanup.h"

int fd_fill_standard(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        if (errno != EBADF)
            return -errno;
        /* The lowest free number is fd itself, for those below it are open by now. */
        if (open("/dev/null", (fd == 0 ? O_WRONLY : O_RDONLY) | O_NOCTTY) != fd)
            return errno > 0 ? -errno : -EBADF;
    }
    return 0;
}

int fd_nullify_standard(void)
{
    int null = open("/dev/null", O_RDWR | O_NOCTTY);
    if (null < 0)
        return -errno;
    int r = 0;
    for (int fd = 0; fd <= 2; fd++)
        if (dup2(null, fd) < 0)
            r = -errno;
    if (null > 2) /* else it is one of the three */
        close_fd(null);
    return r;
}

static int close_listed(void)
{
    DIR *directory = opendir("/proc/self/fd");
    if (!directory)
        return -errno;
    for (struct dirent *entry; (entry = readdir(directory));) {
        char *end;
        long fd = strtol(entry->d_name, &end, 10);
        if (*end == '\0' && fd > 2 && fd <= INT_MAX && fd != dirfd(directory))
            close((int)fd);
    }
    closedir(directory);
    return 0;
}

int fd_close_inherited(void)
{
    /* The kernel header's name for it: that of glibc is missing before 2.32. */
    if (syscall(__NR_close_range, 3U, UINT_MAX, 0U) == 0)
        return 0;
    return close_listed();
}

static int write_retrying(int fd, const char *data, size_t length)
{
    ssize_t n;
    do
        n = write(fd, data, length);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : (int)n;
}

static int write_polled(int fd, const char *data, size_t length)
{
    struct pollfd wanted = { .fd = fd, .events = POLLOUT };
    int r = poll(&wanted, 1, 0);
    if (r < 0)
        return errno == EINTR ? -EAGAIN : -errno;
    if (r == 0)
        return -EAGAIN;
    return write_retrying(fd, data, length); /* POLLERR and POLLHUP too: write(2) names the reason */
}

/* A terminal that nobody reads (^S, a window that hangs) can be written to by poll(2) as long as it has room
 * for anything, and write(2) then waits for the rest. The kernel gives a pseudo-terminal room by 256 bytes,
 * and looks anew for each newline, which becomes two characters: so pieces of half that, and newlines by
 * themselves. */
static int write_terminal(int fd, const char *data, size_t length)
{
    size_t written = 0;
    while (written < length) {
        const char *at = data + written, *newline = memchr(at, '\n', length - written);
        size_t piece = newline == at ? 1 : newline ? (size_t)(newline - at) : length - written;
        int n = write_polled(fd, at, piece > 128 ? 128 : piece);
        if (n < 0)
            return written > 0 ? (int)written : n;
        written += (size_t)n;
    }
    return (int)written;
}

static FdKind find_kind(const struct stat *st, int fd)
{
    if (S_ISREG(st->st_mode))
        return FD_REGULAR;
    if (S_ISSOCK(st->st_mode))
        return FD_SOCKET;
    return S_ISCHR(st->st_mode) && isatty(fd) ? FD_TERMINAL : FD_OTHER;
}

int fd_write_known(int fd, FdKind *kind, const char *data, size_t length)
{
    struct stat st;
    if (*kind == FD_UNKNOWN) {
        if (fstat(fd, &st) < 0)
            return -errno;
        *kind = find_kind(&st, fd);
    }
    if (*kind == FD_REGULAR)
        return write_retrying(fd, data, length);
    if (*kind == FD_SOCKET) {
        ssize_t n = send(fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        return n < 0 ? -errno : (int)n;
    }
    return *kind == FD_TERMINAL ? write_terminal(fd, data, length) : write_polled(fd, data, length);
}

int fd_write_now(int fd, const char *data, size_t length)
{
    FdKind kind = FD_UNKNOWN;
    return fd_write_known(fd, &kind, data, length);
}
