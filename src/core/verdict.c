/* SPDX-License-Identifier: MIT */
/* Why a beat was missing. */

#include "core/verdict.h"

#include <errno.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/text.h"

/* What explains a gap explains nearly all of what was lost in it, and what does not, next to nothing: half
 * parts the two. */
static bool explains(usec_t usec, usec_t lost_usec)
{
    return usec >= lost_usec - lost_usec / 2;
}

static bool measure_explains(Measure measure, usec_t lost_usec)
{
    return measure.known && explains(measure.usec, lost_usec);
}

/* A stop this shortly before the boot that followed belonged to the host's shutdown. Firmware and file system
 * checks take minutes, and an administrator who stops a service seldom reboots by chance right after. */
#define SHUTDOWN_USEC (10 * USEC_PER_MINUTE)

/* A cgroup is throttled on each CPU by itself, and for others in it, too: that held up this process only if
 * it has waited for a CPU as well. */
static bool is_throttled(const RunEvidence *evidence, usec_t lost_usec)
{
    return measure_explains(evidence->throttled, lost_usec) &&
           (!evidence->starved.known || measure_explains(evidence->starved, lost_usec));
}

/* The order matters. Throttling is part of the time that a process waits for a CPU, so it is asked for first;
 * starvation stretches every step, so the steps come after it. A process that is stopped or frozen
 * waits for no CPU: that time stands still, and cannot be taken for starvation. */
static Cause judge(const RunEvidence *evidence, usec_t lost_usec)
{
    if (explains(evidence->suspended_usec, lost_usec))
        return CAUSE_SUSPEND;
    if (is_throttled(evidence, lost_usec))
        return CAUSE_CPU_THROTTLED;
    if (measure_explains(evidence->starved, lost_usec))
        return CAUSE_CPU_STARVED;
    if (measure_explains(evidence->cpu, lost_usec))
        return CAUSE_BUSY;
    /* Whoever tells a process to stop sends SIGCONT as well: to one that hangs in a step it proves nothing.
     */
    if (evidence->continued && !(evidence->stopping && explains(evidence->steps_usec, lost_usec)))
        return CAUSE_PROCESS_STOPPED;
    if (measure_explains(evidence->frozen, lost_usec))
        return CAUSE_FROZEN;
    if (explains(evidence->steps_usec, lost_usec))
        return CAUSE_OUTPUT_BLOCKED;
    return CAUSE_UNKNOWN;
}

static usec_t known_usec(Measure measure)
{
    return measure.known ? measure.usec : 0;
}

/* Whether all that was measured took next to nothing of what was lost: shares each of which explains too
 * little may explain it together. Some are counted twice, as in a step that waited for a CPU. */
static bool nothing_took_time(const RunEvidence *evidence, usec_t lost_usec)
{
    usec_t sum_usec = usec_add(evidence->suspended_usec, evidence->steps_usec);
    sum_usec = usec_add(sum_usec, known_usec(evidence->starved));
    sum_usec = usec_add(sum_usec, known_usec(evidence->cpu));
    sum_usec = usec_add(sum_usec, known_usec(evidence->frozen));
    return sum_usec <= lost_usec / 10;
}

/* What the number of times says by which the process gave up the CPU: one each time it waits in poll(2), one
 * more when something that leaves no other trace, a freezer or a debugger, takes it off. When the clocks
 * alone have moved, nothing in this kernel ran. */
static Verdict judge_switches(const RunEvidence *evidence, usec_t lost_usec)
{
    if (!evidence->switches_known || evidence->polls == 0 || evidence->switches < evidence->polls)
        return (Verdict){ .cause = CAUSE_UNKNOWN, .host = HOST_UP };
    if (evidence->switches > evidence->polls)
        return (Verdict){ .cause = CAUSE_PROCESS_STOPPED, .host = HOST_UP };
    if (!nothing_took_time(evidence, lost_usec))
        return (Verdict){ .cause = CAUSE_UNKNOWN, .host = HOST_UP };
    return (Verdict){ .cause = CAUSE_HOST_PAUSED, .sure = true, .host = HOST_UP };
}

Verdict verdict_within_run(const RunEvidence *evidence)
{
    usec_t lost_usec =
        evidence->gap_usec > evidence->interval_usec ? evidence->gap_usec - evidence->interval_usec : 0;
    if (lost_usec == 0)
        return (Verdict){ .cause = CAUSE_UNKNOWN, .host = HOST_UP };
    Cause cause = judge(evidence, lost_usec);
    if (cause == CAUSE_UNKNOWN)
        return judge_switches(evidence, lost_usec);
    return (
        Verdict){ .cause = cause, .sure = true, .host = cause == CAUSE_SUSPEND ? HOST_SUSPENDED : HOST_UP };
}

/* Signals by which a process ends itself: signal(7), those whose default is a core. */
static bool is_crash(const char *status)
{
    static const char *const signals[] = { "ABRT", "BUS", "FPE",  "ILL",  "QUIT",
                                           "SEGV", "SYS", "TRAP", "XCPU", "XFSZ" };
    return text_find(signals, ELEMENTSOF(signals), status) >= 0;
}

/* By the results that systemd.exec(5) lists for $SERVICE_RESULT. Without $EXIT_CODE somebody came too late to
 * see more than that it was gone. */
static Cause judge_exit(const ExitRecord *record)
{
    if (!record->code[0])
        return CAUSE_SERVICE_KILLED;
    if (strcmp(record->result, "oom-kill") == 0)
        return CAUSE_SERVICE_OOM_KILLED;
    if (strcmp(record->result, "watchdog") == 0)
        return CAUSE_SERVICE_WATCHDOG_KILLED;
    if (strcmp(record->result, "success") == 0)
        return CAUSE_SERVICE_STOPPED;
    if (strcmp(record->code, "dumped") == 0)
        return CAUSE_SERVICE_CRASHED;
    if (strcmp(record->code, "killed") == 0)
        return is_crash(record->status) ? CAUSE_SERVICE_CRASHED : CAUSE_SERVICE_KILLED;
    if (strcmp(record->code, "exited") == 0 && strcmp(record->status, "0") == 0)
        return CAUSE_SERVICE_STOPPED;
    return CAUSE_SERVICE_FAILED;
}

/* What ended the run within its own boot, as far as a line says so. */
static bool find_end(const PastEvidence *evidence, Verdict *ret)
{
    *ret = (Verdict){ .cause = CAUSE_SERVICE_STOPPED, .sure = true };
    if (evidence->exited) {
        ret->cause = judge_exit(evidence->exited);
        ret->sure = evidence->exited->code[0] != '\0';
    }
    return evidence->exited || evidence->stopped;
}

static Verdict judge_other_boot(const PastEvidence *evidence)
{
    Verdict end;
    if (!find_end(evidence, &end))
        return (Verdict){ .cause = CAUSE_HOST_DOWN, .sure = true, .host = HOST_DOWN };
    end.host = HOST_UNKNOWN;
    if (end.cause != CAUSE_SERVICE_STOPPED || !evidence->stopped)
        return end;
    /* A stop after the boot began: a wall clock that went back, and no telling how long it was between. */
    bool backwards = evidence->stopped_usec > evidence->boot_usec;
    if (backwards || evidence->boot_usec - evidence->stopped_usec <= SHUTDOWN_USEC)
        return (Verdict){ .cause = CAUSE_HOST_SHUTDOWN, .sure = !backwards, .host = HOST_DOWN };
    return end;
}

Verdict verdict_between_runs(const PastEvidence *evidence)
{
    Verdict end;
    if (!evidence->readable)
        return (Verdict){ .cause = CAUSE_UNKNOWN, .host = HOST_UNKNOWN };
    if (!evidence->same_boot)
        return judge_other_boot(evidence);
    if (!find_end(evidence, &end))
        return (Verdict){ .cause = CAUSE_SERVICE_KILLED, .host = HOST_UP };
    end.host = HOST_UP;
    return end;
}

/* As long as the longest of them, for a history has one in each of its gaps: who looks for a name can ask for
 * its length and its last character first. */
static const char cause_names[CAUSE_COUNT][24] = {
    [CAUSE_UNKNOWN] = "unknown",
    [CAUSE_SUSPEND] = "suspend",
    [CAUSE_CPU_THROTTLED] = "cpu-throttled",
    [CAUSE_CPU_STARVED] = "cpu-starved",
    [CAUSE_BUSY] = "busy",
    [CAUSE_PROCESS_STOPPED] = "process-stopped",
    [CAUSE_FROZEN] = "frozen",
    [CAUSE_OUTPUT_BLOCKED] = "output-blocked",
    [CAUSE_HOST_PAUSED] = "host-paused",
    [CAUSE_SERVICE_CRASHED] = "service-crashed",
    [CAUSE_SERVICE_OOM_KILLED] = "service-oom-killed",
    [CAUSE_SERVICE_WATCHDOG_KILLED] = "service-watchdog-killed",
    [CAUSE_SERVICE_KILLED] = "service-killed",
    [CAUSE_SERVICE_FAILED] = "service-failed",
    [CAUSE_SERVICE_STOPPED] = "service-stopped",
    [CAUSE_HOST_SHUTDOWN] = "host-shutdown",
    [CAUSE_HOST_DOWN] = "host-down",
};

static const char *const host_state_names[] = {
    [HOST_UNKNOWN] = "unknown",
    [HOST_UP] = "up",
    [HOST_SUSPENDED] = "suspended",
    [HOST_DOWN] = "down",
};

const char *verdict_hedge(const Verdict *verdict)
{
    return verdict->sure || verdict->cause == CAUSE_UNKNOWN ? "" : "perhaps ";
}

const char *cause_name(Cause cause)
{
    return cause_names[cause];
}

static bool is_cause(Cause cause, const char *name, size_t length)
{
    const char *known = cause_names[cause];
    return known[length] == '\0' && known[length - 1] == name[length - 1] && memcmp(known, name, length) == 0;
}

int cause_from_name(const char *name, Cause *ret)
{
    size_t length = strlen(name);
    if (length == 0 || length >= sizeof(cause_names[0]))
        return -EINVAL;
    for (Cause cause = 0; cause < CAUSE_COUNT; cause++)
        if (is_cause(cause, name, length)) {
            *ret = cause;
            return 0;
        }
    return -EINVAL;
}

const char *host_state_name(HostState state)
{
    return host_state_names[state];
}

int host_state_from_name(const char *name, HostState *ret)
{
    int r = text_find(host_state_names, ELEMENTSOF(host_state_names), name);
    if (r < 0)
        return r;
    *ret = (HostState)r;
    return 0;
}
