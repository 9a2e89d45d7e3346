/* SPDX-License-Identifier: MIT */
/* What was seen from one beat to the next. */

#include "daemon/witness.h"

#include <string.h>

void witness_begin(Witness *witness, const Instant *at, const Counters *counters)
{
    *witness = (Witness){ .at = *at, .counters = *counters };
}

/* None where the counter is one that can be reset: a process that is moved gets another cgroup's. */
static uint64_t grown(uint64_t after, uint64_t before)
{
    return after > before ? after - before : 0;
}

static Measure growth(Measure after, Measure before)
{
    return (Measure){ .known = after.known && before.known, .usec = grown(after.usec, before.usec) };
}

/* What is summed up over CPUs, or was going on when the gap began, is no part of it: at most all of it is. */
static Measure at_most(Measure measure, usec_t limit_usec)
{
    measure.usec = usec_min(measure.usec, limit_usec);
    return measure;
}

/* Clocks that are read one after the other may differ by so much without a suspend, which takes longer. */
static usec_t suspended(const Instant *from, const Instant *to)
{
    usec_t boottime_usec = grown(to->boottime_usec, from->boottime_usec);
    usec_t usec = grown(boottime_usec, grown(to->monotonic_usec, from->monotonic_usec));
    return usec > 2 * SAMPLE_SPREAD_USEC ? usec : 0;
}

static RunEvidence gather(const Witness *witness, const Sight *sight)
{
    const Counters *before = &witness->counters, *after = sight->counters;
    usec_t boottime_usec = grown(sight->at->boottime_usec, witness->at.boottime_usec);
    return (RunEvidence){
        .gap_usec = boottime_usec,
        .interval_usec = sight->allowed_usec,
        .suspended_usec = suspended(&witness->at, sight->at),
        .throttled = at_most(growth(after->throttled, before->throttled), boottime_usec),
        .starved = at_most(growth(after->starved, before->starved), boottime_usec),
        .cpu = at_most(growth(after->cpu, before->cpu), boottime_usec),
        .frozen = at_most(growth(after->frozen, before->frozen), boottime_usec),
        .steps_usec = usec_min(sight->longest->all_usec, boottime_usec),
        .stopping = sight->stopping,
        .continued = after->continued > before->continued,
        .switches_known = after->waits_known && before->waits_known,
        .switches = grown(after->switches, before->switches),
        .polls = grown(after->waits, before->waits),
    };
}

static uint64_t known(Measure measure)
{
    return measure.known ? measure.usec : EVENT_NONE;
}

static void describe_gap(const Witness *witness, const Sight *sight, Event *ret)
{
    RunEvidence evidence = gather(witness, sight);
    event_init(ret, EVENT_GAP);
    ret->verdict = verdict_within_run(&evidence);
    ret->from_usec = witness->at.realtime_usec;
    ret->to_usec = sight->at->realtime_usec;
    ret->lasted_usec = evidence.gap_usec;
    ret->missed = sight->due->missed;
    ret->suspended_usec = evidence.suspended_usec;
    ret->throttled_usec = known(evidence.throttled);
    ret->starved_usec = known(evidence.starved);
    ret->cpu_usec = known(evidence.cpu);
    ret->frozen_usec = known(evidence.frozen);
    ret->continued = grown(sight->counters->continued, witness->counters.continued);
    ret->faults = grown(sight->counters->faults, witness->counters.faults);
    if (evidence.switches_known) {
        ret->switches = evidence.switches;
        ret->polls = evidence.polls;
    }
    if (sight->longest->name[0]) {
        memcpy(ret->step, sight->longest->name, sizeof(ret->step));
        ret->longest_usec = usec_min(sight->longest->usec, evidence.gap_usec);
        ret->steps_usec = evidence.steps_usec;
    }
}

/* Both clocks go at the same rate, whatever disciplines them, and on through suspend: they part only when
 * somebody sets one. In unsigned numbers a difference of any two moments is right, also one backwards. */
static int64_t clock_moved(const Instant *from, const Instant *to)
{
    return (int64_t)(to->realtime_usec - from->realtime_usec - (to->boottime_usec - from->boottime_usec));
}

int witness_look(Witness *witness, const Sight *sight, Event *ret_gap, Event *ret_clock)
{
    int seen = 0;
    int64_t moved_usec = clock_moved(&witness->at, sight->at);
    if (moved_usec > (int64_t)CLOCK_STEP_USEC || moved_usec < -(int64_t)CLOCK_STEP_USEC) {
        event_init(ret_clock, EVENT_CLOCK);
        ret_clock->moved_usec = moved_usec;
        seen |= SEEN_CLOCK;
    }
    if (sight->due->missed > 0) {
        describe_gap(witness, sight, ret_gap);
        seen |= SEEN_GAP;
    }
    witness_begin(witness, sight->at, sight->counters);
    return seen;
}
