/* SPDX-License-Identifier: MIT */
/* Evidence of any size and in any contradiction: a cause is never named without what is asked for it, none is
 * passed over that comes first, and nothing that explains a gap is longer than the gap. */

#include "fuzz.h"

#include <string.h>

#include "core/reason.h"
#include "daemon/witness.h"
#include "util/cleanup.h"

/* Half of what was lost, without a product that would not fit. */
static bool is_half(usec_t usec, usec_t lost_usec)
{
    return usec >= lost_usec / 2 + lost_usec % 2;
}

static bool accounts(Measure measure, usec_t lost_usec)
{
    return measure.known && is_half(measure.usec, lost_usec);
}

/* What DESIGN asks of each cause within a run, in its order; the last one asks nothing. */
typedef struct Rule {
    Cause cause;
    bool sure, holds;
} Rule;

/* Whether all that was measured together is next to nothing. Sums of any numbers: of more bits than they
 * have. */
static bool is_idle(const RunEvidence *evidence, usec_t lost_usec)
{
    unsigned __int128 sum_usec = evidence->suspended_usec;
    sum_usec += evidence->steps_usec;
    sum_usec += evidence->starved.known ? evidence->starved.usec : 0;
    sum_usec += evidence->cpu.known ? evidence->cpu.usec : 0;
    sum_usec += evidence->frozen.known ? evidence->frozen.usec : 0;
    return sum_usec <= lost_usec / 10;
}

static void check_within_run(const RunEvidence *evidence)
{
    Verdict verdict = verdict_within_run(evidence);
    usec_t lost_usec = usec_less(evidence->gap_usec, evidence->interval_usec);
    bool polled = evidence->switches_known && evidence->polls > 0;
    bool starved = accounts(evidence->starved, lost_usec), step = is_half(evidence->steps_usec, lost_usec);
    const Rule rules[] = {
        { CAUSE_UNKNOWN, false, lost_usec == 0 },
        { CAUSE_SUSPEND, true, is_half(evidence->suspended_usec, lost_usec) },
        { CAUSE_CPU_THROTTLED, true,
          accounts(evidence->throttled, lost_usec) && (starved || !evidence->starved.known) },
        { CAUSE_CPU_STARVED, true, starved },
        { CAUSE_BUSY, true, accounts(evidence->cpu, lost_usec) },
        { CAUSE_PROCESS_STOPPED, true, evidence->continued && !(evidence->stopping && step) },
        { CAUSE_FROZEN, true, accounts(evidence->frozen, lost_usec) },
        { CAUSE_OUTPUT_BLOCKED, true, step },
        { CAUSE_PROCESS_STOPPED, false, polled && evidence->switches > evidence->polls },
        { CAUSE_HOST_PAUSED, true,
          polled && evidence->switches == evidence->polls && is_idle(evidence, lost_usec) },
        { CAUSE_UNKNOWN, false, true },
    };
    size_t i = 0;
    while (!rules[i].holds)
        i++;
    FUZZ_ASSERT(verdict.cause == rules[i].cause && verdict.sure == rules[i].sure);
    FUZZ_ASSERT(verdict.host == (verdict.cause == CAUSE_SUSPEND ? HOST_SUSPENDED : HOST_UP));
}

static Measure take_measure(FuzzInput *input)
{
    Measure measure = { .known = fuzz_bool(input) };
    measure.usec = measure.known ? fuzz_number(input) : 0;
    return measure;
}

static RunEvidence take_run_evidence(FuzzInput *input)
{
    RunEvidence evidence = { .gap_usec = fuzz_number(input), .interval_usec = fuzz_number(input) };
    evidence.suspended_usec = fuzz_number(input);
    evidence.throttled = take_measure(input);
    evidence.starved = take_measure(input);
    evidence.cpu = take_measure(input);
    evidence.frozen = take_measure(input);
    evidence.steps_usec = fuzz_number(input);
    evidence.continued = fuzz_bool(input);
    evidence.stopping = fuzz_bool(input);
    evidence.switches_known = fuzz_bool(input);
    evidence.switches = fuzz_number(input);
    evidence.polls = fuzz_number(input);
    return evidence;
}

static void check_between_runs(FuzzInput *input)
{
    ExitRecord record;
    PastEvidence evidence = { .readable = fuzz_bool(input), .same_boot = fuzz_bool(input) };
    evidence.exited = fuzz_bool(input) ? &record : NULL;
    evidence.stopped = fuzz_bool(input);
    evidence.stopped_usec = fuzz_number(input);
    evidence.boot_usec = fuzz_number(input);
    fuzz_string(input, record.result, sizeof(record.result));
    fuzz_string(input, record.code, sizeof(record.code));
    fuzz_string(input, record.status, sizeof(record.status));
    Verdict verdict = verdict_between_runs(&evidence);
    bool ended = evidence.exited || evidence.stopped;
    bool down = verdict.cause == CAUSE_HOST_DOWN || verdict.cause == CAUSE_HOST_SHUTDOWN;
    if (!evidence.readable) {
        FUZZ_ASSERT(verdict.cause == CAUSE_UNKNOWN && !verdict.sure && verdict.host == HOST_UNKNOWN);
        return;
    }
    FUZZ_ASSERT(verdict.cause >= CAUSE_SERVICE_CRASHED && verdict.cause <= CAUSE_HOST_DOWN);
    FUZZ_ASSERT(verdict.host == (evidence.same_boot ? HOST_UP : down ? HOST_DOWN : HOST_UNKNOWN));
    FUZZ_ASSERT(!evidence.same_boot || !down);
    FUZZ_ASSERT((verdict.cause == CAUSE_HOST_DOWN) == (!evidence.same_boot && !ended));
    FUZZ_ASSERT(verdict.cause != CAUSE_HOST_SHUTDOWN || evidence.stopped);
    FUZZ_ASSERT(ended || verdict.cause == CAUSE_SERVICE_KILLED || verdict.cause == CAUSE_HOST_DOWN);
    FUZZ_ASSERT(verdict.cause != CAUSE_SERVICE_STOPPED || ended);
}

static void take_counters(FuzzInput *input, Counters *ret)
{
    *ret = (Counters){ .throttled = take_measure(input), .starved = take_measure(input) };
    ret->frozen = take_measure(input);
    ret->cpu = take_measure(input);
    ret->faults = fuzz_number(input);
    ret->waits_known = fuzz_bool(input);
    ret->switches = fuzz_number(input);
    ret->waits = fuzz_number(input);
    ret->continued = fuzz_number(input);
}

static Instant take_instant(FuzzInput *input)
{
    Instant at = { .realtime_usec = fuzz_number(input) };
    at.boottime_usec = fuzz_number(input);
    at.monotonic_usec = fuzz_number(input);
    return at;
}

static bool is_part(usec_t usec, usec_t whole_usec)
{
    return usec == EVENT_NONE || usec <= whole_usec;
}

static void check_gap(const Event *gap, usec_t lasted_usec)
{
    char line[EVENT_LINE_MAX], text[REASON_TEXT_MAX];
    FUZZ_ASSERT(gap->kind == EVENT_GAP && gap->lasted_usec == lasted_usec);
    FUZZ_ASSERT(gap->suspended_usec <= lasted_usec && is_part(gap->throttled_usec, lasted_usec) &&
                is_part(gap->starved_usec, lasted_usec) && is_part(gap->cpu_usec, lasted_usec) &&
                is_part(gap->frozen_usec, lasted_usec) && is_part(gap->longest_usec, lasted_usec));
    FUZZ_ASSERT(gap->verdict.cause <= CAUSE_HOST_PAUSED);
    FUZZ_ASSERT(event_format(gap, line) > 0);
    fuzz_assert_printable(reason_summary(gap, text));
}

/* Two instants and what was counted at each, in any contradiction. */
static void check_witness(FuzzInput *input)
{
    Witness witness;
    Counters before, after;
    LongestStep longest = { .usec = fuzz_number(input) };
    fuzz_string(input, longest.name, sizeof(longest.name));
    Instant from = take_instant(input), to = take_instant(input);
    take_counters(input, &before);
    take_counters(input, &after);
    Due due = { .missed = fuzz_number(input) };
    Sight sight = { .at = &to, .counters = &after, .due = &due, .longest = &longest };
    sight.allowed_usec = fuzz_number(input);
    sight.stopping = fuzz_bool(input);
    Event gap, clock;
    witness_begin(&witness, &from, &before);
    int seen = witness_look(&witness, &sight, &gap, &clock);
    FUZZ_ASSERT(!(seen & SEEN_GAP) == (due.missed == 0));
    if (seen & SEEN_GAP)
        check_gap(&gap, usec_less(to.boottime_usec, from.boottime_usec));
    if (seen & SEEN_CLOCK)
        FUZZ_ASSERT(event_clock_moved(&clock) > CLOCK_STEP_USEC);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput input = { data, data + size };
    RunEvidence evidence = take_run_evidence(&input);
    check_within_run(&evidence);
    check_between_runs(&input);
    check_witness(&input);
    return 0;
}
