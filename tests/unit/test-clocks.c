/* SPDX-License-Identifier: MIT */
/* The machine's own clocks and signals. */

#include "daemon/clocks.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "temp-dir.h"
#include "util/cleanup.h"
#include "util/clock.h"

/* In place of the module's own: the machine's clocks, as a process sees them that is stopped, or a host that
 * is suspended, before some of its readings. */
static struct {
    int readings;
    bool disturbed[64];
    usec_t stopped_usec, suspended_usec; /* at each of them */
    usec_t passed_usec, slept_usec;      /* in all */
} disturbance;

usec_t clock_usec(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    usec_t usec = (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
    if (disturbance.readings < (int)ELEMENTSOF(disturbance.disturbed) &&
        disturbance.disturbed[disturbance.readings++]) {
        disturbance.passed_usec += disturbance.stopped_usec;
        disturbance.slept_usec += disturbance.suspended_usec;
    }
    return usec + disturbance.passed_usec + (id == CLOCK_MONOTONIC ? 0 : disturbance.slept_usec);
}

TestSuite(clocks, .timeout = 120);

Test(clocks, go_on_together)
{
    SystemClocks clocks = SYSTEM_CLOCKS_NONE;
    Instant a, b;
    cr_assert_eq(system_clocks_open(&clocks), 0);
    clocks.clocks.sample(&clocks.clocks, &a);
    cr_expect_eq(clocks.clocks.wait(&clocks.clocks, a.boottime_usec + 20 * USEC_PER_MSEC), WAKE_TIME);
    clocks.clocks.sample(&clocks.clocks, &b);
    cr_expect_geq(b.boottime_usec - a.boottime_usec, 20 * USEC_PER_MSEC, "it does not wake too early");
    cr_expect_geq(b.monotonic_usec - a.monotonic_usec, 19 * USEC_PER_MSEC);
    cr_expect_geq(b.boottime_usec + USEC_PER_SEC, b.monotonic_usec);
    cr_expect_gt(b.realtime_usec, UINT64_C(1600000000) * USEC_PER_SEC);
    system_clocks_close(&clocks);
}

static int64_t apart(usec_t a, usec_t b)
{
    return (int64_t)(a - b);
}

static bool is_near(int64_t a, int64_t b)
{
    int64_t apart_usec = a > b ? a - b : b - a;
    return apart_usec < (int64_t)USEC_PER_SEC;
}

/* Wherever between two readings a process is stopped, that is neither a suspend nor a step of the wall clock;
 * and a suspend there is one. */
Test(clocks, are_read_as_of_one_moment)
{
    static const struct {
        usec_t stopped, suspended;
    } table[] = { { USEC_PER_HOUR, 0 }, { 0, USEC_PER_HOUR }, { USEC_PER_HOUR, USEC_PER_DAY } };
    SystemClocks clocks = SYSTEM_CLOCKS_NONE;
    Instant before, after;
    cr_assert_eq(system_clocks_open(&clocks), 0);
    for (size_t row = 0; row < ELEMENTSOF(table); row++) {
        for (int first = 0; first < 12; first++) {
            for (int second = first; second < 12; second++) {
                memset(&disturbance, 0, sizeof(disturbance));
                clocks.clocks.sample(&clocks.clocks, &before);
                memset(&disturbance, 0, sizeof(disturbance));
                disturbance.stopped_usec = table[row].stopped;
                disturbance.suspended_usec = table[row].suspended;
                disturbance.disturbed[first] = disturbance.disturbed[second] = true;
                clocks.clocks.sample(&clocks.clocks, &after);
                cr_assert(is_near(apart(after.boottime_usec, before.boottime_usec) -
                                      apart(after.monotonic_usec, before.monotonic_usec),
                                  (int64_t)disturbance.slept_usec),
                          "a suspend of another length: row %zu, %d, %d", row, first, second);
                cr_assert(is_near(apart(after.realtime_usec, before.realtime_usec),
                                  apart(after.boottime_usec, before.boottime_usec)),
                          "a wall clock that was set: row %zu, %d, %d", row, first, second);
            }
        }
    }
    system_clocks_close(&clocks);
}

/* As under a tracer that stops it at each of them. */
Test(clocks, are_read_a_bounded_number_of_times)
{
    SystemClocks clocks = SYSTEM_CLOCKS_NONE;
    Instant now;
    cr_assert_eq(system_clocks_open(&clocks), 0);
    memset(&disturbance, 0, sizeof(disturbance));
    memset(disturbance.disturbed, true, sizeof(disturbance.disturbed));
    disturbance.stopped_usec = USEC_PER_SEC;
    clocks.clocks.sample(&clocks.clocks, &now);
    cr_expect_lt(disturbance.readings, 32, "%d readings", disturbance.readings);
    system_clocks_close(&clocks);
}

/* Each waits for an hour, which the signals cut short. */
Test(clocks, wait_ends_for_what_is_past_and_for_signals)
{
    static const struct {
        int signals[3];
        bool past;
        int wake;
    } table[] = {
        { { 0 }, true, WAKE_TIME },
        { { SIGTERM }, false, WAKE_STOP },
        { { SIGINT }, false, WAKE_STOP },
        { { SIGHUP }, false, WAKE_RELOAD },
        { { SIGHUP, SIGHUP, SIGHUP }, false, WAKE_RELOAD },
        { { SIGHUP, SIGTERM }, false, WAKE_STOP | WAKE_RELOAD },
        { { SIGHUP }, true, WAKE_RELOAD | WAKE_TIME },
        { { SIGTERM, SIGPIPE, SIGXFSZ }, false, WAKE_STOP },
    };
    SystemClocks clocks = SYSTEM_CLOCKS_NONE;
    cr_assert_eq(system_clocks_open(&clocks), 0);
    clocks.stop_on_hangup = false; /* whatever terminal the tests run on */
    size_t descriptors = open_descriptors();
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Instant now;
        for (size_t j = 0; j < 3 && table[i].signals[j]; j++)
            cr_assert_eq(kill(getpid(), table[i].signals[j]), 0);
        clocks.clocks.sample(&clocks.clocks, &now);
        int wake = clocks.clocks.wait(&clocks.clocks, table[i].past ? now.boottime_usec - USEC_PER_SEC
                                                                    : now.boottime_usec + USEC_PER_HOUR);
        if (table[i].signals[0] && table[i].past)
            wake |= WAKE_TIME; /* the timer goes off at once, but not within timerfd_settime(2) */
        cr_expect_eq(wake, table[i].wake, "row %zu: %d", i, wake);
    }
    cr_expect_eq(open_descriptors(), descriptors);
    system_clocks_close(&clocks);
    system_clocks_close(&clocks);
    cr_expect_eq(clocks.timer_fd, -1);
}

/* As for a start that takes long: nothing is open yet that could take the signal. */
Test(clocks, hold_a_hangup_until_there_is_a_wait)
{
    SystemClocks clocks = SYSTEM_CLOCKS_NONE;
    Instant now;
    cr_assert_eq(system_clocks_hold_hangup(&clocks), 0);
    clocks.stop_on_hangup = false;
    cr_assert_eq(kill(getpid(), SIGHUP), 0);
    cr_assert_eq(system_clocks_open(&clocks), 0);
    clocks.clocks.sample(&clocks.clocks, &now);
    cr_expect_eq(clocks.clocks.wait(&clocks.clocks, now.boottime_usec + USEC_PER_HOUR), WAKE_RELOAD);
    system_clocks_close(&clocks);
}

/* A directory in its place: readable, as poll(2) has it, and any read fails. */
Test(clocks, end_when_no_signal_can_be_read_any_more)
{
    SystemClocks clocks = SYSTEM_CLOCKS_NONE;
    Counters counters;
    Instant now;
    int r = 0;
    unsigned waits = 0;
    cr_assert_eq(system_clocks_open(&clocks), 0);
    clocks.clocks.sample(&clocks.clocks, &now);
    int whole_fd = clocks.signal_fd;
    clocks.signal_fd = open("/", O_RDONLY | O_CLOEXEC);
    cr_assert_eq(clocks.clocks.wait(&clocks.clocks, now.boottime_usec + USEC_PER_HOUR), 0, "once is nothing");
    int directory_fd = clocks.signal_fd;
    clocks.signal_fd = whole_fd;
    cr_assert_eq(clocks.clocks.wait(&clocks.clocks, now.boottime_usec - 1) & ~WAKE_TIME, 0);
    clocks.signal_fd = directory_fd;
    for (; r == 0 && waits < 1000; waits++)
        r = clocks.clocks.wait(&clocks.clocks, now.boottime_usec + USEC_PER_HOUR);
    cr_expect_eq(r, -EISDIR, "%d after %u waits", r, waits);
    clocks.clocks.count(&clocks.clocks, true, &counters);
    cr_expect_eq(clocks.wake, 0);
    close_fd(whole_fd);
    system_clocks_close(&clocks);
}

/* It is counted, and neither a reason to stop nor one to reload. */
Test(clocks, count_a_continuation_and_go_on_waiting)
{
    SystemClocks clocks = SYSTEM_CLOCKS_NONE;
    Counters before, after;
    Instant now;
    cr_assert_eq(system_clocks_open(&clocks), 0);
    clocks.clocks.count(&clocks.clocks, true, &before);
    cr_assert_eq(kill(getpid(), SIGCONT), 0);
    clocks.clocks.sample(&clocks.clocks, &now);
    cr_expect_eq(clocks.clocks.wait(&clocks.clocks, now.boottime_usec + USEC_PER_HOUR), 0);
    clocks.clocks.count(&clocks.clocks, true, &after);
    cr_expect_eq(after.continued, before.continued + 1);
    cr_expect(after.waits_known);
    cr_expect_eq(after.waits, before.waits + 1);
    system_clocks_close(&clocks);
}

/* As when the process was stopped between its waking and the beat. */
Test(clocks, count_what_came_after_the_wait_and_lose_no_signal)
{
    SystemClocks clocks = SYSTEM_CLOCKS_NONE;
    Counters before, after;
    Instant now;
    cr_assert_eq(system_clocks_open(&clocks), 0);
    clocks.stop_on_hangup = false;
    clocks.clocks.count(&clocks.clocks, true, &before);
    cr_expect(before.waits_known && before.cpu.known, "before the first wait, too");
    static const int signals[] = { SIGCONT, SIGTERM, SIGHUP };
    for (size_t i = 0; i < ELEMENTSOF(signals); i++)
        cr_assert_eq(kill(getpid(), signals[i]), 0);
    clocks.clocks.count(&clocks.clocks, true, &after);
    cr_expect_eq(after.continued, before.continued + 1);
    clocks.clocks.sample(&clocks.clocks, &now);
    usec_t later_usec = now.boottime_usec + 20 * USEC_PER_MSEC;
    cr_expect_eq(clocks.clocks.wait(&clocks.clocks, later_usec), WAKE_STOP | WAKE_RELOAD);
    cr_expect_eq(clocks.clocks.wait(&clocks.clocks, later_usec), WAKE_TIME, "each is told once");
    system_clocks_close(&clocks);
}
