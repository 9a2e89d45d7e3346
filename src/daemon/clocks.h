/* SPDX-License-Identifier: MIT */
#pragma once
/* Everything by which the world outside moves the loop: time passing, and signals. The loop knows this table
 * only, so that a test can run a year on a clock of its own. */

#include <stdbool.h>
#include <time.h>

#include "daemon/evidence.h"
#include "util/usec.h"

#define SAMPLE_SPREAD_USEC USEC_PER_MSEC

/* One moment on three clocks, clock_gettime(2); the machine's are read within SAMPLE_SPREAD_USEC unless it is
 * too slow for that. */
typedef struct Instant {
    usec_t realtime_usec;  /* may be set and may step */
    usec_t boottime_usec;  /* since the boot, suspend included: what beats are due by */
    usec_t monotonic_usec; /* since the boot, suspend left out: what the manager's watchdog counts */
} Instant;

/* Why a wait ended; none of them: no reason, look at the clock and wait again. */
enum {
    WAKE_TIME = 1 << 0,
    WAKE_STOP = 1 << 1,   /* SIGTERM, SIGINT */
    WAKE_RELOAD = 1 << 2, /* SIGHUP */
};

typedef struct Clocks Clocks;
struct Clocks {
    void (*sample)(Clocks *clocks, Instant *ret);
    /* What there is to explain a late beat by, as running totals. asking: all of it, as of now; else what is
     * known without asking, as evidence_glance() has it. */
    void (*count)(Clocks *clocks, bool asking, Counters *ret);
    /* Waits until CLOCK_BOOTTIME reads until_usec or a signal comes. Returns a set of WAKE_*, or -errno. */
    int (*wait)(Clocks *clocks, usec_t until_usec);
};

/* The machine's own: a timerfd and a signalfd, and the kernel's counters. */
typedef struct SystemClocks {
    Clocks clocks;
    int timer_fd;
    int signal_fd;
    bool stop_on_hangup;
    int wake;            /* what came while nothing waited */
    unsigned unreadable; /* how often in a row reading a signal failed */
    Evidence evidence;
} SystemClocks;

#define SYSTEM_CLOCKS_NONE ((SystemClocks){ .timer_fd = -1, .signal_fd = -1, .evidence = EVIDENCE_NONE })

/* Blocks SIGHUP, which waits until there is a wait to end: to be called before the configuration is read, for
 * a reload that is asked for from then on must not be lost, nor end the daemon. A SIGHUP means a reload, but
 * not the one that comes because the terminal the program was started from in the foreground is gone: that
 * one stops it, unless SIGHUP was ignored before (nohup(1)). Returns 0 or -errno. */
int system_clocks_hold_hangup(SystemClocks *clocks);

/* Blocks SIGTERM and SIGINT, which like SIGHUP end a wait from then on, and SIGCONT, which is counted (a
 * process that is stopped goes on all the same), and ignores SIGPIPE and SIGXFSZ, which a write reports as
 * well. On an error clocks is for system_clocks_close(). Returns 0 or -errno. */
int system_clocks_open(SystemClocks *clocks);
void system_clocks_close(SystemClocks *clocks);
