/* SPDX-License-Identifier: MIT */
/* The program's own words: one line each, to one place. */

#include "util/log.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "temp-dir.h"

TestSuite(log, .timeout = 120);

Test(log, is_one_line_to_a_descriptor)
{
    static const struct {
        const char *text;
        const char *line;
    } table[] = {
        { "output /x: No space left on device", "heartbeatd: output /x: No space left on device\n" },
        { "", "heartbeatd: \n" },
        { "two\nlines", "heartbeatd: two\\nlines\n" },
        { "\x1b[2J\x07", "heartbeatd: \\x1b[2J\\x07\n" },
        { "\xff", "heartbeatd: \\xff\n" },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        cleanup_close int fd = temp_file();
        log_to_fd(fd);
        log_warning("%s", table[i].text);
        cr_expect_str_eq(temp_read_fd(fd), table[i].line, "row %zu: %s", i, temp_read_fd(fd));
    }
}

Test(log, bears_the_priority_when_the_journal_reads_it)
{
    cleanup_close int fd = temp_file();
    cr_assert_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    log_to_journal_stream();
    log_error("an error");
    log_warning("a warning");
    log_notice("a notice");
    cr_expect_str_eq(temp_read_fd(fd), "<3>an error\n<4>a warning\n<5>a notice\n");
}

Test(log, that_is_too_long_is_cut_and_still_a_line)
{
    char text[8192];
    cleanup_close int fd = temp_file();
    log_to_fd(fd);
    memset(text, '\x1b', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_error("%s", text);
    const char *line = temp_read_fd(fd);
    size_t length = strlen(line);
    cr_expect_gt(length, 1024u);
    cr_expect_leq(length, 2048u + 32);
    cr_expect_eq(strchr(line, '\n'), line + length - 1, "one newline, at the end");
}

/* The test would hang, and be ended by its timeout, if any of these waited. */
Test(log, passes_over_what_takes_nothing)
{
    int pair[2], ends[2];
    char filling[4096] = { 0 };
    signal(SIGPIPE, SIG_IGN);

    cr_assert_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    while (write(ends[1], filling, sizeof(filling)) > 0)
        ;
    cr_assert_eq(fcntl(ends[1], F_SETFL, 0), 0);
    log_to_fd(ends[1]);
    log_error("nobody reads this pipe");

    close(ends[0]);
    log_error("nobody ever will");
    close(ends[1]);
    log_error("the descriptor is closed");

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    while (send(pair[0], filling, sizeof(filling), MSG_DONTWAIT) > 0)
        ;
    log_to_fd(pair[0]);
    log_error("nobody reads this socket");

    log_to_fd(-1);
    log_error("there is no descriptor");
    close(pair[0]);
    close(pair[1]);
}
