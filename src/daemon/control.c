/* SPDX-License-Identifier: MIT */
/* --running and --stop. */

#include "daemon/control.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "daemon/exit.h"
#include "daemon/pidfile.h"
#include "daemon/record-exit.h"
#include "store/lock.h"
#include "util/log.h"

#define STOP_TIMEOUT_MSEC 10000
#define KILL_TIMEOUT_MSEC 5000

/* Finds the state directory in effect, and its lock. Returns 0, or the exit status of a failure that was
 * reported. */
static int find_lock(const Options *options, const Places *places, char **ret_state_dir, char **ret_path)
{
    Settings settings = { 0 };
    Error error;
    int r = options_load_state_dir(options, places, &settings, &error);
    if (r == 0 && !(*ret_path = lock_path(settings.state_dir)))
        r = error_set(&error, EXIT_FAILURE, ENOMEM, "out of memory");
    if (r < 0)
        log_error("%s", error.text);
    *ret_state_dir = steal_ptr(settings.state_dir);
    settings_done(&settings);
    return r < 0 ? error.exit_code : 0;
}

static const char *pid_file(const Options *options, const Places *places)
{
    return options->pid_file ? options->pid_file : places->pid_file;
}

/* Returns 1 with the holder's pid, 0 when the lock is free, or -errno, reported, when that cannot be told,
 * -EXDEV when the holder has no pid here. */
static int query(const char *path, pid_t *ret_holder)
{
    int r = lock_query(path, ret_holder);
    if (r > 0 && *ret_holder == 0) {
        log_error("%s: held by a process in another pid namespace", path);
        return -EXDEV;
    }
    if (r < 0)
        log_error("%s: %s", path, r == -EINVAL ? "expected a regular file" : strerror(-r));
    return r;
}

int control_running(const Options *options, const Places *places)
{
    cleanup_free char *state_dir = NULL, *path = NULL;
    pid_t holder;
    int r = find_lock(options, places, &state_dir, &path);
    if (r != 0)
        return r;
    r = query(path, &holder);
    if (r < 0)
        return exit_code_for(-r);
    if (r > 0) {
        printf("%lld\n", (long long)holder);
        return EXIT_SUCCESS;
    }
    const char *file = pid_file(options, places);
    return file && pidfile_read(file) != 0 ? EXIT_STALE_PID : EXIT_NOT_RUNNING;
}

/* pidfd_open(2) and pidfd_send_signal(2), which neither glibc before 2.36 nor musl has. */
static int open_process(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0U);
    return fd < 0 ? -errno : fd;
}

static int signal_process(int fd, int signal)
{
    return syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0U) < 0 && errno != ESRCH ? -errno : 0;
}

/* Returns 1 once the process has ended, 0 when it has not in time. A process descriptor becomes readable at
 * the end, after the kernel has released the locks. */
static int wait_for_end(int fd, int timeout_msec)
{
    struct pollfd wanted = { .fd = fd, .events = POLLIN };
    int r;
    do
        r = poll(&wanted, 1, timeout_msec);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : r;
}

/* Opens the holder so that the number cannot come to mean another process: it is asked for again when it is
 * open. Returns the descriptor, -ESRCH when nobody holds the lock any more, or another -errno, reported. */
static int open_holder(const char *path, pid_t *ret_holder)
{
    for (;;) {
        pid_t again = 0;
        int r = query(path, ret_holder);
        if (r <= 0)
            return r < 0 ? r : -ESRCH;
        cleanup_close int fd = open_process(*ret_holder);
        if (fd < 0 && fd != -ESRCH) {
            log_error("pid %lld: %s", (long long)*ret_holder, strerror(-fd));
            return fd;
        }
        if (fd >= 0 && lock_query(path, &again) > 0 && again == *ret_holder)
            return steal_fd(&fd);
    }
}

/* SIGCONT after the signal, or a stopped process would never get to see SIGTERM. Returns as wait_for_end().
 */
static int end_process(int fd, int signal, int timeout_msec)
{
    int r = signal_process(fd, signal);
    if (r == 0)
        r = signal_process(fd, SIGCONT);
    return r < 0 ? r : wait_for_end(fd, timeout_msec);
}

static void record(const char *state_dir, const ExitRecord *end)
{
    int r = record_exit(state_dir, end);
    if (r < 0)
        log_warning("%s: %s; the end of the daemon is not recorded", state_dir, strerror(-r));
}

/* What a process that was killed can neither remove nor write any more. */
static void clean_up_after(pid_t holder, const char *pid_path, const char *state_dir)
{
    if (pid_path && pidfile_read(pid_path) == holder)
        unlink(pid_path);
    record(state_dir, &(ExitRecord){ "timeout", "killed", "KILL" });
}

static int stop_holder(int fd, pid_t holder, const char *pid_path, const char *state_dir)
{
    int r = end_process(fd, SIGTERM, STOP_TIMEOUT_MSEC);
    if (r == 0) {
        log_warning("pid %lld did not end within %d s of SIGTERM; killing it", (long long)holder,
                    STOP_TIMEOUT_MSEC / 1000);
        r = end_process(fd, SIGKILL, KILL_TIMEOUT_MSEC);
        if (r > 0)
            clean_up_after(holder, pid_path, state_dir);
    }
    if (r > 0)
        return EXIT_SUCCESS;
    log_error("pid %lld: %s", (long long)holder, r < 0 ? strerror(-r) : "still there after SIGKILL");
    return exit_code_for(-r);
}

int control_stop(const Options *options, const Places *places)
{
    cleanup_free char *state_dir = NULL, *path = NULL;
    pid_t holder;
    int r = find_lock(options, places, &state_dir, &path);
    if (r != 0)
        return r;
    cleanup_close int fd = open_holder(path, &holder);
    if (fd == -ESRCH) {
        /* One that has ended before, without a word, is not to be taken for a victim of the next reboot. */
        record(state_dir, &(ExitRecord){ .result = "gone" });
        return EXIT_SUCCESS;
    }
    return fd < 0 ? exit_code_for(-fd) : stop_holder(fd, holder, pid_file(options, places), state_dir);
}
