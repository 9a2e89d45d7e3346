/* SPDX-License-Identifier: MIT */
/* Readiness by a newline on a descriptor. */

#include "daemon/ready-fd.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>

#include "util/cleanup.h"

TestSuite(ready_fd, .timeout = 120);

static void make_pipe(int *ret_reader, int *ret_writer)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    *ret_reader = ends[0];
    *ret_writer = ends[1];
}

Test(ready_fd, is_told_by_one_newline_and_the_end_of_the_file)
{
    char data[8];
    int writer;
    cleanup_close int reader = -1;
    make_pipe(&reader, &writer);
    cr_expect_eq(ready_fd_claim(writer), 0);
    cr_expect_eq(fcntl(writer, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC,
                 "a program executed later has no part in it");
    cr_expect_eq(ready_fd_tell(writer), 0);
    cr_expect_eq(read(reader, data, sizeof(data)), 1);
    cr_expect_eq(data[0], '\n');
    cr_expect_eq(read(reader, data, sizeof(data)), 0, "closed");
}

Test(ready_fd, has_to_be_open_for_writing)
{
    int writer;
    cleanup_close int reader = -1, both = open("/dev/null", O_RDWR);
    make_pipe(&reader, &writer);
    cr_expect_eq(ready_fd_claim(reader), -EBADF);
    cr_expect_eq(ready_fd_claim(both), 0);
    close(writer);
    cr_expect_eq(ready_fd_claim(writer), -EBADF);
}

Test(ready_fd, that_nobody_reads_is_reported_and_closed)
{
    int reader, writer;
    signal(SIGPIPE, SIG_IGN);
    make_pipe(&reader, &writer);
    close(reader);
    cr_expect_eq(ready_fd_tell(writer), -EPIPE);
    cr_expect_eq(fcntl(writer, F_GETFD), -1);
}

Test(ready_fd, that_is_full_is_not_waited_for)
{
    int writer;
    cleanup_close int reader = -1;
    char block[4096] = { 0 };
    make_pipe(&reader, &writer);
    cr_assert_eq(fcntl(writer, F_SETFL, O_NONBLOCK), 0);
    while (write(writer, block, sizeof(block)) > 0)
        ;
    cr_assert_eq(fcntl(writer, F_SETFL, 0), 0);
    cr_expect_eq(ready_fd_tell(writer), -EAGAIN);
    cr_expect_eq(fcntl(writer, F_GETFD), -1);
}
