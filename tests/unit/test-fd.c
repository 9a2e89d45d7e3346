/* SPDX-License-Identifier: MIT */
/* Descriptors: the standard three, the inherited rest, and writing without waiting. */

#include "util/fd.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "temp-dir.h"
#include "util/cleanup.h"

TestSuite(fd, .init = temp_dir_enter, .fini = temp_dir_leave, .timeout = 120);

/* Runs check in a process of its own, whose descriptors are nobody else's business: 0 when it is content,
 * otherwise the number that it gave for what is wrong. */
static int in_child(int (*check)(int), int argument)
{
    int status;
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0)
        _exit(check(argument));
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* mask: which of 0, 1, 2 are closed at first. */
static int check_filled(int mask)
{
    struct stat st, null;
    char byte = 'x';
    if (stat("/dev/null", &null) < 0)
        return 1;
    int root = open("/", O_RDONLY | O_CLOEXEC);
    for (int fd = 0; fd <= 2; fd++)
        if (root < 3 || dup2(root, fd) != fd)
            return 2;
    for (int fd = 0; fd <= 2; fd++)
        if (mask & (1 << fd))
            close(fd);
    if (fd_fill_standard() != 0)
        return 3;
    for (int fd = 0; fd <= 2; fd++) {
        if (fstat(fd, &st) < 0)
            return 4;
        if (!(mask & (1 << fd))) {
            if (!S_ISDIR(st.st_mode))
                return 5; /* one that was open is not touched */
            continue;
        }
        if (st.st_rdev != null.st_rdev)
            return 6;
        /* As unusable as before: nothing is written or read by accident. */
        if (fd == 0 ? read(fd, &byte, 1) != -1 : write(fd, &byte, 1) != -1)
            return 7;
        if (fcntl(fd, F_GETFD) & FD_CLOEXEC)
            return 8;
    }
    return 0;
}

Test(fd, fill_standard_occupies_whichever_of_the_three_are_closed)
{
    for (int mask = 0; mask < 8; mask++) {
        int wrong = in_child(check_filled, mask);
        cr_expect_eq(wrong, 0, "mask %d: %d", mask, wrong);
    }
}

static int check_nullified(int mask)
{
    struct stat st, null;
    char byte = 'x';
    if (stat("/dev/null", &null) < 0)
        return 1;
    for (int fd = 0; fd <= 2; fd++)
        if (mask & (1 << fd))
            close(fd);
    if (fd_nullify_standard() != 0)
        return 2;
    for (int fd = 0; fd <= 2; fd++)
        if (fstat(fd, &st) < 0 || st.st_rdev != null.st_rdev || (fcntl(fd, F_GETFD) & FD_CLOEXEC))
            return 3;
    return read(0, &byte, 1) == 0 && write(1, &byte, 1) == 1 && write(2, &byte, 1) == 1 ? 0 : 4;
}

Test(fd, nullify_standard_leaves_three_that_can_be_used)
{
    for (int mask = 0; mask < 8; mask++) {
        int wrong = in_child(check_nullified, mask);
        cr_expect_eq(wrong, 0, "mask %d: %d", mask, wrong);
    }
}

static int check_inherited_closed(int high)
{
    struct rlimit limit;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || null < 0)
        return 1;
    if (high >= (int)limit.rlim_cur)
        high = (int)limit.rlim_cur - 1;
    if (dup2(null, high) != high || dup(null) < 0)
        return 2;
    /* An entry above the limit, as a parent with a larger one leaves it. */
    limit.rlim_cur = 64;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 3;
    int before[3];
    for (int fd = 0; fd <= 2; fd++)
        before[fd] = fcntl(fd, F_GETFD);
    if (fd_close_inherited() != 0)
        return 4;
    if (fcntl(high, F_GETFD) != -1 || open_descriptors() > 3)
        return 5;
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) != before[fd])
            return 6;
    return 0;
}

Test(fd, close_inherited_closes_all_but_the_standard_three)
{
    static const int highest[] = { 3, 100, 1000, 1000000 };
    for (size_t i = 0; i < ELEMENTSOF(highest); i++) {
        int wrong = in_child(check_inherited_closed, highest[i]);
        cr_expect_eq(wrong, 0, "%d: %d", highest[i], wrong);
    }
}

static void fill(int fd)
{
    static const char zeroes[4096];
    int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    while (write(fd, zeroes, sizeof(zeroes)) > 0)
        ;
    while (write(fd, zeroes, 1) > 0)
        ;
    fcntl(fd, F_SETFL, flags);
}

static int open_file(void)
{
    return open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static int open_full_device(void)
{
    return open("/dev/full", O_WRONLY | O_CLOEXEC);
}

static int open_read_only(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int read_end; /* of the pipe or pair opened last */

static int open_pipe(void)
{
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    read_end = ends[0];
    return ends[1];
}

static int open_full_pipe(void)
{
    int fd = open_pipe();
    fill(fd);
    return fd;
}

static int open_widowed_pipe(void)
{
    int fd = open_pipe();
    read_end = close_fd(read_end);
    return fd;
}

static int open_full_widowed_pipe(void)
{
    int fd = open_full_pipe();
    read_end = close_fd(read_end);
    return fd;
}

static int open_pair(int type)
{
    int ends[2];
    cr_assert_eq(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), 0);
    read_end = ends[0];
    return ends[1];
}

static int open_stream(void)
{
    return open_pair(SOCK_STREAM);
}

static int open_full_stream(void)
{
    int fd = open_pair(SOCK_STREAM);
    fill(fd);
    return fd;
}

static int open_datagrams(void)
{
    return open_pair(SOCK_DGRAM);
}

static int open_full_datagrams(void)
{
    int fd = open_pair(SOCK_DGRAM);
    while (send(fd, "x", 1, MSG_DONTWAIT) > 0)
        ;
    return fd;
}

static int open_widowed_stream(void)
{
    int fd = open_pair(SOCK_STREAM);
    read_end = close_fd(read_end);
    return fd;
}

static int open_none(void)
{
    return -1;
}

/* None of these may wait: the suite's timeout would end it. */
Test(fd, write_now_writes_or_says_why_not_and_never_waits)
{
    static const struct {
        const char *what;
        int (*open)(void);
        int result;
    } table[] = {
        { "file", open_file, 5 },
        { "pipe", open_pipe, 5 },
        { "stream socket", open_stream, 5 },
        { "datagram socket", open_datagrams, 5 },
        { "full pipe", open_full_pipe, -EAGAIN },
        { "full stream socket", open_full_stream, -EAGAIN },
        { "full datagram socket", open_full_datagrams, -EAGAIN },
        { "pipe without reader", open_widowed_pipe, -EPIPE },
        { "full pipe without reader", open_full_widowed_pipe, -EPIPE },
        { "socket without peer", open_widowed_stream, -EPIPE },
        { "full device", open_full_device, -ENOSPC },
        { "open for reading only", open_read_only, -EBADF },
        { "no descriptor", open_none, -EBADF },
    };
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        read_end = -1;
        int fd = table[i].open();
        int r = fd_write_now(fd, "beat\n", 5);
        cr_expect_eq(r, table[i].result, "%s: %d", table[i].what, r);
        FdKind kind = FD_UNKNOWN;
        for (int again = 0; again < 2; again++) {
            r = fd_write_known(fd, &kind, "beat\n", 5);
            cr_expect_eq(r, table[i].result, "%s, known: %d", table[i].what, r);
        }
        cr_expect_eq(kind == FD_UNKNOWN, fd < 0, "%s", table[i].what);
        if (fd >= 0)
            cr_expect_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0, "%s: its sharers would see it", table[i].what);
        close_fd(fd);
        close_fd(read_end);
    }
}

Test(fd, write_now_raises_no_signal_on_a_socket)
{
    signal(SIGPIPE, SIG_DFL);
    int fd = open_widowed_stream();
    cr_expect_eq(fd_write_now(fd, "x", 1), -EPIPE);
    close_fd(fd);
}
