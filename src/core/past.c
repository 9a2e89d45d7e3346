/* SPDX-License-Identifier: MIT */
/* The gap between an earlier run and the one that finds it. */

#include "core/past.h"

#include <string.h>

/* How long ago something was, or EVENT_NONE for what is still to come. */
static usec_t since(usec_t then_usec, usec_t now_usec)
{
    return now_usec >= then_usec ? now_usec - then_usec : EVENT_NONE;
}

/* Due instants between the one that the last beat stood for and this one, which answers the latest itself. A
 * record may have that beat stand for an instant long before it was made; no more can be missed than there
 * was time for. */
static uint64_t count_missed(usec_t since_due_usec, usec_t lasted_usec, usec_t interval_usec)
{
    if (since_due_usec == EVENT_NONE || lasted_usec == EVENT_NONE || interval_usec == 0)
        return EVENT_NONE;
    uint64_t due = since_due_usec / interval_usec, most = lasted_usec / interval_usec;
    uint64_t missed = due > 0 ? due - 1 : 0;
    return missed < most ? missed : most;
}

static void measure(const Pulse *pulse, const Present *present, bool same_boot, Event *gap)
{
    usec_t since_due_usec;
    if (same_boot) {
        gap->lasted_usec = since(pulse->boottime_usec, present->boottime_usec);
        since_due_usec = since(pulse->due_usec, present->boottime_usec);
    } else {
        gap->lasted_usec = since(pulse->realtime_usec, present->realtime_usec);
        if (gap->lasted_usec == EVENT_NONE ||
            __builtin_add_overflow(gap->lasted_usec, pulse->late_usec, &since_due_usec))
            since_due_usec = EVENT_NONE;
        gap->boot_usec = since(present->boottime_usec, present->realtime_usec);
    }
    gap->missed = count_missed(since_due_usec, gap->lasted_usec, pulse->interval_usec);
    gap->from_usec = pulse->realtime_usec;
    gap->to_usec = present->realtime_usec;
    gap->interval_usec = pulse->interval_usec > 0 ? pulse->interval_usec : EVENT_NONE;
}

static Verdict judge(const Past *past, const Present *present, bool same_boot)
{
    PastEvidence evidence = {
        .readable = past->readable && !past->obscured,
        .same_boot = same_boot,
        .exited = past->exited ? &past->exit : NULL,
        .stopped = past->stopped,
        .stopped_usec = past->stopped_usec,
        .boot_usec = present->realtime_usec > present->boottime_usec
                         ? present->realtime_usec - present->boottime_usec
                         : 0, /* a clock that nobody has set since 1970 */
    };
    return verdict_between_runs(&evidence);
}

static void add_evidence(const Past *past, Event *gap)
{
    memcpy(gap->past, past->pulse.run, sizeof(gap->past));
    if (past->stopped)
        gap->stopped_usec = past->stopped_usec;
    if (past->exited)
        gap->exit = past->exit;
    if (gap->verdict.cause == CAUSE_SERVICE_WATCHDOG_KILLED)
        memcpy(gap->step, past->step, sizeof(gap->step));
}

int past_close(const Past *past, const Present *present, Event *ret_gap)
{
    if (!past->any)
        return 0;
    Event gap;
    event_init(&gap, EVENT_GAP);
    gap.realtime_usec = present->realtime_usec;
    gap.boottime_usec = present->boottime_usec;
    memcpy(gap.boot, present->boot, sizeof(gap.boot));
    memcpy(gap.run, present->run, sizeof(gap.run));
    bool same_boot = past->readable && strcmp(past->pulse.boot, present->boot) == 0;
    gap.verdict = judge(past, present, same_boot);
    if (past->readable) {
        measure(&past->pulse, present, same_boot, &gap);
        add_evidence(past, &gap);
    }
    bool clean = past->stopped && !past->exited && !past->obscured;
    if (clean && gap.missed == 0)
        return 0;
    *ret_gap = gap;
    return 1;
}
