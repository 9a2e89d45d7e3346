/* SPDX-License-Identifier: MIT */
#pragma once
/* What the kernel counts about this process, from which a late beat is explained: only what grew since the
 * beat before can explain a gap. Everything may be missing, and is then not known.
 *
 * One call of getrusage(2) before each wait is what it costs while there is nothing to explain. */

#include "core/verdict.h"

/* Running totals since the process began; for throttled and frozen since its cgroup did. */
typedef struct Counters {
    Measure throttled;  /* cpu.stat.local of the own cgroup, which counts what its parents suffered, too */
    Measure starved;    /* the time on the run queue: schedstats in the kernel's documentation */
    Measure frozen;     /* cgroup.stat.local, of kernels since 6.18 */
    Measure cpu;        /* getrusage(2), user and system */
    uint64_t faults;    /* major page faults */
    bool waits_known;   /* the two below: */
    uint64_t switches;  /* voluntary context switches within a wait; one for each that nobody has looked at */
    uint64_t waits;     /* calls of poll(2) */
    uint64_t continued; /* SIGCONTs that were read */
} Counters;

/* Descriptors of the files, -1 for those that are not there, and what is counted here. */
typedef struct Evidence {
    int throttled_fd, starved_fd, frozen_fd;
    const char *throttled_key;
    uint64_t throttled_per_usec; /* the unit of that key's value: 1, or 1000 for nanoseconds */
    bool in_wait;                /* the last wait has not been looked at */
    uint64_t switches_before;    /* it began; all voluntary switches of the process */
    Counters counted;            /* as of the last wait's begin, or of evidence_sample() */
} Evidence;

#define EVIDENCE_NONE ((Evidence){ .throttled_fd = -1, .starved_fd = -1, .frozen_fd = -1 })

/* Finds the files. proc_self: "/proc/self"; cgroup_root: "/sys/fs/cgroup". Cannot fail: what is not found is
 * not known. evidence_close() is for an Evidence that was never opened, too. */
void evidence_open(Evidence *ret, const char *proc_self, const char *cgroup_root);
void evidence_close(Evidence *evidence);

/* Right before each wait. */
void evidence_wait_begins(Evidence *evidence);

/* Asks for all that there is, as the first thing after a wait that ended late. */
void evidence_sample(Evidence *evidence, Counters *ret);

/* What is known already: throttled and starved are as of evidence_sample(), the rest as of the last wait's
 * begin. The freezer is asked, where the kernel tells of it: it can take a process that sleeps, and let go of
 * it before anything is late. */
void evidence_glance(Evidence *evidence, Counters *ret);
