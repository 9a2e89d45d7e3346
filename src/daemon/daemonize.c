/* SPDX-License-Identifier: MIT */
/* The steps of daemon(7), and the first process's wait for what becomes of the last.
 *
 * What goes through the pipe: any number of lines for standard error, then a NUL and one byte, the exit code.
 * The first process is a subreaper meanwhile, so that the daemon becomes its child, and all it signals or
 * waits for is a child of its own or in a process group led by one that was not reaped: no number can be
 * recycled under it. */

#include "daemon/daemonize.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "daemon/exit.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/log.h"

#define ANSWER_TIMEOUT_SEC 30

int daemonize_prepare(void)
{
    int r = fd_close_inherited();
    if (r < 0)
        return r;
    for (int signal = 1; signal <= SIGRTMAX; signal++) {
        struct sigaction action = { .sa_handler = SIG_DFL };
        /* Fails for KILL, STOP and libc's own, which cannot be changed. */
        (void)sigaction(signal, &action, NULL);
    }
    sigset_t none;
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

static int become_daemon(int answer_fd)
{
    log_to_fd(answer_fd);
    int r = fd_nullify_standard();
    if (r < 0)
        return r;
    umask(027);
    return chdir("/") < 0 ? -errno : 0;
}

/* Between the two forks: makes the session, which it leads, and leaves it to a child that cannot lead one and
 * so can never acquire a terminal. Returns in that child only. */
static void fork_again(int answer_fd)
{
    pid_t pid = setsid() < 0 ? -1 : fork();
    if (pid == 0)
        return;
    if (pid < 0) {
        log_to_fd(answer_fd);
        log_error("cannot fork: %s", strerror(errno));
        (void)daemonize_answer(&answer_fd, EXIT_FAILURE);
    }
    _exit(EXIT_SUCCESS);
}

typedef struct Answer {
    bool announced; /* the NUL before it came */
    bool given;
    bool interrupted; /* the first process was told to end */
    bool ended;       /* the daemon closed its end */
    int error;        /* errno, when there was no waiting any more */
    int exit_code;
} Answer;

/* Takes a part of what came: lines are passed on, the two bytes at the end are the answer, which a read(2)
 * may part. */
static void take(Answer *answer, const char *data, size_t length)
{
    size_t at = answer->announced ? 0 : strnlen(data, length);
    if (at > 0)
        (void)fd_write_now(STDERR_FILENO, data, at);
    if (at < length && !answer->announced) {
        answer->announced = true;
        at++;
    }
    if (at < length) {
        answer->exit_code = (unsigned char)data[at];
        answer->given = true;
    }
}

/* Until the daemon is ready, or is gone, or its time is up, or the wait is interrupted: one that answers with
 * a failure is waited for to end. */
static Answer await(int fd, int signal_fd)
{
    Answer answer = { 0 };
    usec_t deadline = clock_usec(CLOCK_MONOTONIC) + ANSWER_TIMEOUT_SEC * USEC_PER_SEC;
    while (!answer.ended && !(answer.given && answer.exit_code == EXIT_SUCCESS)) {
        usec_t at = clock_usec(CLOCK_MONOTONIC);
        struct pollfd wanted[] = { { .fd = fd, .events = POLLIN }, { .fd = signal_fd, .events = POLLIN } };
        if (at >= deadline || answer.interrupted || answer.error != 0)
            break;
        int r = poll(wanted, ELEMENTSOF(wanted), (int)((deadline - at) / USEC_PER_MSEC) + 1);
        if (r < 0 && errno != EINTR)
            answer.error = errno;
        if (r <= 0)
            continue;
        answer.interrupted = wanted[1].revents != 0;
        if (!wanted[0].revents)
            continue;
        char data[512];
        ssize_t n = read(fd, data, sizeof(data));
        if (n > 0)
            take(&answer, data, (size_t)n);
        else if (n == 0)
            answer.ended = true;
        else if (errno != EINTR)
            answer.error = errno;
    }
    return answer;
}

/* Kills what is left of the session that child made, reaps it all, and returns how the daemon ended: a status
 * of wait(2). */
static int end_session(pid_t child)
{
    int status = 0, last = 0;
    kill(-child, SIGKILL);
    kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    for (;;) {
        if (waitpid(-child, &status, 0) > 0)
            last = status;
        else if (errno != EINTR)
            return last;
    }
}

static void report_death(const Answer *answer, int status)
{
    if (answer->interrupted)
        log_error("interrupted before the first beat; the daemon was ended");
    else if (answer->error != 0)
        log_error("cannot wait for the first beat: %s; the daemon was ended", strerror(answer->error));
    else if (!answer->ended)
        log_error("no first beat after %d s; the daemon was ended", ANSWER_TIMEOUT_SEC);
    else if (WIFSIGNALED(status))
        log_error("the daemon died before its first beat: signal %d, %s", WTERMSIG(status),
                  strsignal(WTERMSIG(status)));
    else
        log_error("the daemon ended before its first beat with exit status %d and without a word",
                  WEXITSTATUS(status));
}

static int wait_for_daemon(pid_t child, int fd, int signal_fd)
{
    Answer answer = await(fd, signal_fd);
    if (answer.given && answer.exit_code == EXIT_SUCCESS) {
        waitpid(child, NULL, 0);
        return EXIT_SUCCESS;
    }
    int status = end_session(child);
    if (answer.given)
        return answer.exit_code;
    report_death(&answer, status);
    return EXIT_FAILURE;
}

/* The signals that would end the first process alone and leave a daemon that nobody knows to have started. */
static sigset_t ending_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGQUIT);
    return set;
}

void daemonize_release(void)
{
    sigset_t set = ending_signals();
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int hold_signals(void)
{
    sigset_t set = ending_signals();
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int daemonize(int *ret_answer_fd, int *ret_exit_code)
{
    int ends[2];
    cleanup_close int signal_fd = hold_signals();
    if (signal_fd < 0)
        return signal_fd;
    if (pipe2(ends, O_CLOEXEC) < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        return -errno;
    pid_t child = fork();
    if (child < 0)
        return -errno;
    if (child > 0) {
        close_fd(ends[1]);
        *ret_exit_code = wait_for_daemon(child, ends[0], signal_fd);
        close_fd(ends[0]);
        return 1;
    }
    close_fd(ends[0]);
    daemonize_release();
    fork_again(ends[1]);
    *ret_answer_fd = ends[1];
    return become_daemon(ends[1]);
}

int daemonize_answer(int *answer_fd, int exit_code)
{
    char bytes[] = { '\0', (char)exit_code };
    cleanup_close int fd = steal_fd(answer_fd);
    ssize_t n = write(fd, bytes, sizeof(bytes));
    return n < 0 ? -errno : n == (ssize_t)sizeof(bytes) ? 0 : -EIO;
}
