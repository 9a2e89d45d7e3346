/* SPDX-License-Identifier: MIT */
/* Everything by which the world outside moves the loop: time passing, and signals. */

#include "daemon/clocks.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>

#include "util/cleanup.h"
#include "util/clock.h"

/* What disturbs the reading so often in a row is a tracer, say: then the last one is as good as any. */
#define SAMPLES_MAX 8

/* As of one moment: the clocks are read one after the other, which takes less than a microsecond, unless the
 * process was stopped in between or waited for a CPU, or the host slept. Apart, they would tell a stop of the
 * process as a suspend of the host, or as a wall clock that was set. */
static void system_sample(Clocks *clocks, Instant *ret)
{
    (void)clocks;
    usec_t before_usec = clock_usec(CLOCK_BOOTTIME);
    for (int i = 0; i < SAMPLES_MAX; i++) {
        ret->realtime_usec = clock_usec(CLOCK_REALTIME);
        ret->monotonic_usec = clock_usec(CLOCK_MONOTONIC);
        ret->boottime_usec = clock_usec(CLOCK_BOOTTIME);
        if (ret->boottime_usec - before_usec < SAMPLE_SPREAD_USEC)
            return;
        before_usec = ret->boottime_usec;
    }
}

/* Setting the timer also forgets that it had expired, so that it need never be read. */
static int arm(int timer_fd, usec_t until_usec)
{
    struct itimerspec spec = { .it_value = { .tv_sec = (time_t)(until_usec / USEC_PER_SEC),
                                             .tv_nsec = (long)(until_usec % USEC_PER_SEC) * 1000 } };
    return timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) < 0 ? -errno : 0;
}

static bool have_terminal(void)
{
    int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    close_fd(fd);
    return fd >= 0;
}

static int wake_for(SystemClocks *clocks, unsigned signal)
{
    if (signal == SIGCONT) {
        clocks->evidence.counted.continued++;
        return 0;
    }
    if (signal != SIGHUP)
        return WAKE_STOP;
    return clocks->stop_on_hangup && !have_terminal() ? WAKE_STOP : WAKE_RELOAD;
}

/* A signal that cannot be read would wake the loop again and again, and none would stop it any more: after
 * some tries in a row that is an error. */
#define READ_TRIES 5

static int drain_signals(SystemClocks *clocks)
{
    struct signalfd_siginfo info;
    int wake = 0;
    ssize_t n;
    while ((n = read(clocks->signal_fd, &info, sizeof(info))) == (ssize_t)sizeof(info))
        wake |= wake_for(clocks, info.ssi_signo);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        clocks->unreadable++;
    else
        clocks->unreadable = 0;
    return wake == 0 && clocks->unreadable >= READ_TRIES ? -errno : wake;
}

/* A process that is stopped just as it wakes finds the SIGCONT only now. Whatever else has come with it is
 * for the next wait. */
static void system_count(Clocks *base, bool asking, Counters *ret)
{
    SystemClocks *clocks = (SystemClocks *)base;
    if (!asking) {
        evidence_glance(&clocks->evidence, ret);
        return;
    }
    int wake = drain_signals(clocks);
    if (wake > 0)
        clocks->wake |= wake;
    evidence_sample(&clocks->evidence, ret);
}

static int system_wait(Clocks *base, usec_t until_usec)
{
    SystemClocks *clocks = (SystemClocks *)base;
    int wake = clocks->wake;
    clocks->wake = 0;
    if (wake != 0)
        return wake;
    int r = arm(clocks->timer_fd, until_usec);
    if (r < 0)
        return r;

    struct pollfd wanted[] = {
        { .fd = clocks->signal_fd, .events = POLLIN },
        { .fd = clocks->timer_fd, .events = POLLIN },
    };
    evidence_wait_begins(&clocks->evidence);
    r = poll(wanted, ELEMENTSOF(wanted), -1) < 0 ? -errno : 0;
    if (r < 0)
        return r == -EINTR ? drain_signals(clocks) : r; /* SIGCONT after a stop may interrupt: signal(7) */
    wake = wanted[0].revents ? drain_signals(clocks) : 0;
    return wake < 0 || !wanted[1].revents ? wake : wake | WAKE_TIME;
}

static int ignore(int signal)
{
    struct sigaction action = { .sa_handler = SIG_IGN };
    return sigaction(signal, &action, NULL) < 0 ? -errno : 0;
}

int system_clocks_hold_hangup(SystemClocks *clocks)
{
    struct sigaction hangup;
    if (sigaction(SIGHUP, NULL, &hangup) < 0)
        return -errno;
    clocks->stop_on_hangup = hangup.sa_handler != SIG_IGN && have_terminal();
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    return sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -errno : 0;
}

static int open_signals(SystemClocks *clocks)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCONT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    clocks->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (clocks->signal_fd < 0)
        return -errno;
    int r = ignore(SIGPIPE);
    return r < 0 ? r : ignore(SIGXFSZ);
}

int system_clocks_open(SystemClocks *clocks)
{
    clocks->clocks = (Clocks){ .sample = system_sample, .count = system_count, .wait = system_wait };
    evidence_open(&clocks->evidence, "/proc/self", "/sys/fs/cgroup");
    int r = open_signals(clocks);
    if (r < 0)
        return r;
    clocks->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    return clocks->timer_fd < 0 ? -errno : 0;
}

void system_clocks_close(SystemClocks *clocks)
{
    clocks->timer_fd = close_fd(clocks->timer_fd);
    clocks->signal_fd = close_fd(clocks->signal_fd);
    evidence_close(&clocks->evidence);
}
