/* SPDX-License-Identifier: MIT */
/* The steps of daemon(7), in children of the test. The 30 seconds without an answer, terminals and what init
 * sees are the integration tests' business. */

#include "daemon/daemonize.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "temp-dir.h"
#include "util/cleanup.h"
#include "util/log.h"

TestSuite(daemonize, .init = temp_dir_enter, .fini = temp_dir_leave, .timeout = 240);

static void answer(int *fd, int exit_code)
{
    if (daemonize_answer(fd, exit_code) < 0)
        _exit(99);
}

static void succeed(int *fd)
{
    answer(fd, 0);
}

static void say_and_succeed(int *fd)
{
    log_warning("output /x: Is full");
    answer(fd, 0);
}

static void refuse(int *fd)
{
    log_error("already running with pid 1");
    answer(fd, 150);
}

static void say_much_and_refuse(int *fd)
{
    for (int i = 0; i < 3; i++)
        log_error("%0600d", i);
    answer(fd, 2);
}

static void answer_and_linger(int *fd)
{
    answer(fd, 4);
    (void)poll(NULL, 0, -1); /* ended by its first process, or by nobody */
}

static void die(int *fd)
{
    (void)fd;
    raise(SIGKILL);
}

static void end_without_a_word(int *fd)
{
    (void)fd;
    _exit(3);
}

static void end_after_words(int *fd)
{
    (void)fd;
    log_error("last words");
    _exit(0);
}

/* What a daemon is to be: a word on stderr for each thing that it is not. */
static void look_at_itself(int *fd)
{
    char directory[64];
    struct stat st, null;
    sigset_t mask;
    if (getsid(0) == getpid())
        log_error("leads its session");
    if (getpgrp() == getpid())
        log_error("leads its group");
    if (getsid(0) != getpgrp())
        log_error("is not in the group of the session's first");
    if (!getcwd(directory, sizeof(directory)) || strcmp(directory, "/") != 0)
        log_error("is in a directory");
    if (umask(0) != 027)
        log_error("has another umask");
    if (stat("/dev/null", &null) < 0)
        log_error("no null");
    for (int i = 0; i <= 2; i++)
        if (fstat(i, &st) < 0 || st.st_rdev != null.st_rdev)
            log_error("descriptor %d", i);
    if (open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC) >= 0)
        log_error("has a terminal");
    if (sigprocmask(SIG_BLOCK, NULL, &mask) < 0 || sigismember(&mask, SIGTERM) || sigismember(&mask, SIGHUP))
        log_error("blocks signals");
    struct sigaction action;
    if (sigaction(SIGHUP, NULL, &action) < 0 || action.sa_handler != SIG_DFL)
        log_error("ignores signals");
    if (open_descriptors() != 4) /* the three and the way to its first process */
        log_error("has %zu descriptors", open_descriptors());
    answer(fd, 0);
}

/* What the first process does, as main() does it; the exit code is daemonize()'s, 98 and 97 are ours. */
static void be_first(void (*be_daemon)(int *), int stderr_fd)
{
    int fd = -1, exit_code = 98;
    sigset_t all;
    if (dup2(stderr_fd, STDERR_FILENO) < 0)
        _exit(97);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    signal(SIGHUP, SIG_IGN);
    log_to_fd(STDERR_FILENO);
    int r = daemonize_prepare();
    if (r == 0)
        r = daemonize(&fd, &exit_code);
    if (r == 0) {
        be_daemon(&fd);
        _exit(0);
    }
    _exit(r > 0 ? exit_code : 97);
}

Test(daemonize, first_process_tells_what_became_of_the_daemon)
{
    static const struct {
        const char *what;
        void (*be_daemon)(int *);
        int exit_code;
        const char *words; /* on standard error; NULL: 3 long lines */
    } table[] = {
        { "success", succeed, 0, "" },
        { "success with a warning", say_and_succeed, 0, "heartbeatd: output /x: Is full\n" },
        { "failure", refuse, 150, "heartbeatd: already running with pid 1\n" },
        { "failure with many words", say_much_and_refuse, 2, NULL },
        { "failure, and it stays", answer_and_linger, 4, "" },
        { "death", die, 1, "heartbeatd: the daemon died before its first beat: signal 9, Killed\n" },
        { "silence", end_without_a_word, 1,
          "heartbeatd: the daemon ended before its first beat with exit status 3 and without a word\n" },
        { "words but no answer", end_after_words, 1,
          "heartbeatd: last words\n"
          "heartbeatd: the daemon ended before its first beat with exit status 0 and without a word\n" },
        { "a daemon by daemon(7)", look_at_itself, 0, "" },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        int status;
        /* In append mode, as what several processes write to. */
        cleanup_close int words = open("words", O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
        pid_t pid = fork();
        cr_assert_geq(pid, 0);
        if (pid == 0)
            be_first(table[i].be_daemon, words);
        cr_assert_eq(waitpid(pid, &status, 0), pid);
        cr_expect(WIFEXITED(status));
        cr_expect_eq(WEXITSTATUS(status), table[i].exit_code, "%s: %d", table[i].what, WEXITSTATUS(status));
        if (table[i].words)
            cr_expect_str_eq(temp_read_fd(words), table[i].words, "%s: %s", table[i].what,
                             temp_read_fd(words));
        else
            cr_expect_eq(strlen(temp_read_fd(words)), 3 * (strlen("heartbeatd: ") + 600 + 1));
    }
}

Test(daemonize, answer_that_nobody_takes_is_an_error)
{
    int ends[2];
    signal(SIGPIPE, SIG_IGN);
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    cr_expect_eq(daemonize_answer(&ends[1], 0), -EPIPE);
    cr_expect_eq(ends[1], -1, "the descriptor is closed");
}
