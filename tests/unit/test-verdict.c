/* SPDX-License-Identifier: MIT */
/* Why a beat was missing: each rule, their order, and that no evidence whatever is judged to be what it
 * cannot be. */

#include "core/verdict.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "util/cleanup.h"

#define SEC USEC_PER_SEC
#define LOST (60 * SEC)

/* A gap of 70 s where 10 s should have been, in which nothing is known to have happened. */
static RunEvidence some_gap(void)
{
    return (RunEvidence){ .gap_usec = LOST + 10 * SEC, .interval_usec = 10 * SEC };
}

static Measure known(usec_t usec)
{
    return (Measure){ .known = true, .usec = usec };
}

static void expect_run(const RunEvidence *evidence, Cause cause, bool sure, HostState host)
{
    Verdict verdict = verdict_within_run(evidence);
    cr_expect_str_eq(cause_name(verdict.cause), cause_name(cause));
    cr_expect_eq(verdict.sure, sure, "%s", cause_name(cause));
    cr_expect_eq(verdict.host, host, "%s: %s", cause_name(cause), host_state_name(verdict.host));
}

Test(verdict, within_a_run_is_what_accounts_for_half_of_what_was_lost)
{
    for (unsigned enough = 0; enough < 2; enough++) {
        usec_t usec = LOST / 2 - !enough;
        RunEvidence suspended = some_gap(), throttled = some_gap(), starved = some_gap(), busy = some_gap(),
                    frozen = some_gap(), blocked = some_gap();
        suspended.suspended_usec = usec;
        throttled.throttled = known(usec);
        starved.starved = known(usec);
        busy.cpu = known(usec);
        frozen.frozen = known(usec);
        blocked.steps_usec = usec;
        const struct {
            const RunEvidence *evidence;
            Cause cause;
        } table[] = {
            { &suspended, CAUSE_SUSPEND },   { &throttled, CAUSE_CPU_THROTTLED },
            { &starved, CAUSE_CPU_STARVED }, { &busy, CAUSE_BUSY },
            { &frozen, CAUSE_FROZEN },       { &blocked, CAUSE_OUTPUT_BLOCKED },
        };
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
            Cause cause = enough ? table[i].cause : CAUSE_UNKNOWN;
            expect_run(table[i].evidence, cause, enough > 0,
                       cause == CAUSE_SUSPEND ? HOST_SUSPENDED : HOST_UP);
        }
    }
}

Test(verdict, within_a_run_goes_by_its_order)
{
    RunEvidence evidence = some_gap();
    evidence.switches_known = true;
    evidence.polls = 1;
    expect_run(&evidence, CAUSE_UNKNOWN, false, HOST_UP); /* fewer switches than waits: not understood */
    evidence.switches = 1;
    expect_run(&evidence, CAUSE_HOST_PAUSED, true, HOST_UP);
    evidence.switches = 2;
    expect_run(&evidence, CAUSE_PROCESS_STOPPED, false, HOST_UP);
    evidence.steps_usec = LOST;
    expect_run(&evidence, CAUSE_OUTPUT_BLOCKED, true, HOST_UP);
    evidence.frozen = known(LOST);
    expect_run(&evidence, CAUSE_FROZEN, true, HOST_UP);
    evidence.continued = true;
    expect_run(&evidence, CAUSE_PROCESS_STOPPED, true, HOST_UP);
    evidence.cpu = known(LOST);
    expect_run(&evidence, CAUSE_BUSY, true, HOST_UP);
    evidence.starved = known(LOST);
    expect_run(&evidence, CAUSE_CPU_STARVED, true, HOST_UP);
    evidence.throttled = known(LOST);
    expect_run(&evidence, CAUSE_CPU_THROTTLED, true, HOST_UP);
    evidence.suspended_usec = LOST;
    expect_run(&evidence, CAUSE_SUSPEND, true, HOST_SUSPENDED);
}

/* Shares none of which is half of what was lost, and which are more than next to nothing together. */
Test(verdict, within_a_run_the_host_is_paused_only_when_nothing_else_took_time)
{
    static const struct {
        usec_t starved, cpu, step;
        Cause cause;
    } table[] = {
        { LOST / 10, 0, 0, CAUSE_HOST_PAUSED },
        { LOST / 30, LOST / 30, LOST / 30, CAUSE_HOST_PAUSED },
        { LOST / 10 + 1, 0, 0, CAUSE_UNKNOWN },
        { 0, LOST / 10 + 1, 0, CAUSE_UNKNOWN },
        { 0, 0, LOST / 10 + 1, CAUSE_UNKNOWN },
        { LOST * 2 / 5, 0, LOST * 2 / 5, CAUSE_UNKNOWN },
        { LOST / 25, LOST / 25, LOST / 25, CAUSE_UNKNOWN },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        RunEvidence evidence = some_gap();
        evidence.switches_known = true;
        evidence.switches = evidence.polls = 1;
        evidence.starved = known(table[i].starved);
        evidence.cpu = known(table[i].cpu);
        evidence.steps_usec = table[i].step;
        expect_run(&evidence, table[i].cause, table[i].cause == CAUSE_HOST_PAUSED, HOST_UP);
    }
}

Test(verdict, within_a_run_does_not_count_what_is_not_known)
{
    RunEvidence evidence = some_gap();
    evidence.throttled.usec = evidence.starved.usec = evidence.cpu.usec = evidence.frozen.usec = LOST;
    evidence.switches = 2;
    expect_run(&evidence, CAUSE_UNKNOWN, false, HOST_UP);
}

Test(verdict, of_what_is_no_gap_is_unknown)
{
    RunEvidence evidence = some_gap();
    evidence.suspended_usec = LOST;
    evidence.gap_usec = evidence.interval_usec;
    expect_run(&evidence, CAUSE_UNKNOWN, false, HOST_UP);
    evidence.gap_usec = 0;
    expect_run(&evidence, CAUSE_UNKNOWN, false, HOST_UP);
}

#define BOOT (UINT64_C(1795352400) * SEC)

Test(verdict, between_runs_has_each_row_of_the_table)
{
    static const ExitRecord oom = { "oom-kill", "killed", "KILL" },
                            watchdog = { "watchdog", "dumped", "ABRT" },
                            segv = { "core-dump", "dumped", "SEGV" },
                            no_core = { "signal", "killed", "SEGV" }, kill = { "signal", "killed", "KILL" },
                            term = { "signal", "killed", "TERM" }, failed = { "exit-code", "exited", "1" },
                            done = { "success", "exited", "0" }, gone = { "gone", "", "" },
                            by_hand = { "", "exited", "0" };
    static const struct {
        PastEvidence evidence;
        Cause cause;
        bool sure;
        HostState host;
    } table[] = {
        { { .readable = false, .same_boot = true, .stopped = true }, CAUSE_UNKNOWN, false, HOST_UNKNOWN },
        /* the same boot */
        { { true, true, NULL, false, 0, BOOT }, CAUSE_SERVICE_KILLED, false, HOST_UP },
        { { true, true, NULL, true, BOOT + SEC, BOOT }, CAUSE_SERVICE_STOPPED, true, HOST_UP },
        { { true, true, &oom, false, 0, BOOT }, CAUSE_SERVICE_OOM_KILLED, true, HOST_UP },
        { { true, true, &watchdog, false, 0, BOOT }, CAUSE_SERVICE_WATCHDOG_KILLED, true, HOST_UP },
        { { true, true, &segv, false, 0, BOOT }, CAUSE_SERVICE_CRASHED, true, HOST_UP },
        { { true, true, &no_core, false, 0, BOOT }, CAUSE_SERVICE_CRASHED, true, HOST_UP },
        { { true, true, &kill, false, 0, BOOT }, CAUSE_SERVICE_KILLED, true, HOST_UP },
        { { true, true, &term, false, 0, BOOT }, CAUSE_SERVICE_KILLED, true, HOST_UP },
        { { true, true, &failed, false, 0, BOOT }, CAUSE_SERVICE_FAILED, true, HOST_UP },
        { { true, true, &done, false, 0, BOOT }, CAUSE_SERVICE_STOPPED, true, HOST_UP },
        { { true, true, &gone, false, 0, BOOT }, CAUSE_SERVICE_KILLED, false, HOST_UP },
        { { true, true, &by_hand, false, 0, BOOT }, CAUSE_SERVICE_STOPPED, true, HOST_UP },
        { { true, true, &kill, true, BOOT + SEC, BOOT }, CAUSE_SERVICE_KILLED, true, HOST_UP },
        /* another boot */
        { { true, false, NULL, false, 0, BOOT }, CAUSE_HOST_DOWN, true, HOST_DOWN },
        { { true, false, &segv, false, 0, BOOT }, CAUSE_SERVICE_CRASHED, true, HOST_UNKNOWN },
        { { true, false, &gone, false, 0, BOOT }, CAUSE_SERVICE_KILLED, false, HOST_UNKNOWN },
        { { true, false, NULL, true, BOOT - SEC, BOOT }, CAUSE_HOST_SHUTDOWN, true, HOST_DOWN },
        { { true, false, NULL, true, BOOT, BOOT }, CAUSE_HOST_SHUTDOWN, true, HOST_DOWN },
        { { true, false, NULL, true, BOOT - 600 * SEC, BOOT }, CAUSE_HOST_SHUTDOWN, true, HOST_DOWN },
        { { true, false, NULL, true, BOOT - 600 * SEC - 1, BOOT },
          CAUSE_SERVICE_STOPPED,
          true,
          HOST_UNKNOWN },
        { { true, false, NULL, true, 0, BOOT }, CAUSE_SERVICE_STOPPED, true, HOST_UNKNOWN },
        { { true, false, NULL, true, BOOT + SEC, BOOT }, CAUSE_HOST_SHUTDOWN, false, HOST_DOWN },
        { { true, false, &done, false, 0, BOOT }, CAUSE_SERVICE_STOPPED, true, HOST_UNKNOWN },
        { { true, false, &done, true, BOOT - SEC, BOOT }, CAUSE_HOST_SHUTDOWN, true, HOST_DOWN },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Verdict verdict = verdict_between_runs(&table[i].evidence);
        cr_expect_eq(verdict.cause, table[i].cause, "row %zu: %s", i, cause_name(verdict.cause));
        cr_expect_eq(verdict.sure, table[i].sure, "row %zu", i);
        cr_expect_eq(verdict.host, table[i].host, "row %zu: %s", i, host_state_name(verdict.host));
    }
}

/* Numbers as they come, with the edges more often than chance would have them. */
static uint64_t draw(unsigned *seed)
{
    static const uint64_t edges[] = { 0,          1,         LOST / 2,       LOST,      10 * SEC,
                                      UINT32_MAX, INT64_MAX, UINT64_MAX - 1, UINT64_MAX };
    if (rand_r(seed) % 2)
        return edges[(size_t)rand_r(seed) % ELEMENTSOF(edges)];
    uint64_t high = (uint64_t)rand_r(seed) << 33;
    return high ^ (uint64_t)rand_r(seed) << 11 ^ (uint64_t)rand_r(seed);
}

Test(verdict, within_a_run_is_one_of_its_causes_and_never_without_its_evidence)
{
    unsigned seed = 1;
    for (unsigned round = 0; round < 200000; round++) {
        RunEvidence evidence = {
            .gap_usec = draw(&seed),
            .interval_usec = draw(&seed),
            .suspended_usec = draw(&seed),
            .throttled = { rand_r(&seed) % 2, draw(&seed) },
            .starved = { rand_r(&seed) % 2, draw(&seed) },
            .cpu = { rand_r(&seed) % 2, draw(&seed) },
            .frozen = { rand_r(&seed) % 2, draw(&seed) },
            .steps_usec = draw(&seed),
            .continued = rand_r(&seed) % 2,
            .switches_known = rand_r(&seed) % 2,
            .switches = draw(&seed),
            .polls = draw(&seed),
        };
        Verdict verdict = verdict_within_run(&evidence);
        cr_assert_lt(verdict.cause, CAUSE_SERVICE_CRASHED, "round %u: the process lived", round);
        cr_assert_eq(verdict.host == HOST_SUSPENDED, verdict.cause == CAUSE_SUSPEND);
        cr_assert(verdict.host == HOST_UP || verdict.host == HOST_SUSPENDED);
        cr_assert(verdict.cause != CAUSE_UNKNOWN || !verdict.sure, "a guess is not an answer");
        cr_assert(verdict.cause != CAUSE_CPU_THROTTLED || evidence.throttled.known);
        cr_assert(verdict.cause != CAUSE_CPU_STARVED || evidence.starved.known);
        cr_assert(verdict.cause != CAUSE_BUSY || evidence.cpu.known);
        cr_assert(verdict.cause != CAUSE_FROZEN || evidence.frozen.known);
        cr_assert(verdict.cause != CAUSE_HOST_PAUSED || evidence.switches == evidence.polls);
        cr_assert(verdict.cause == CAUSE_UNKNOWN || evidence.gap_usec > evidence.interval_usec);
    }
}

Test(verdict, names_of_causes_and_states_are_their_own)
{
    for (Cause cause = 0; cause < CAUSE_COUNT; cause++) {
        Cause again = CAUSE_COUNT;
        cr_expect_eq(cause_from_name(cause_name(cause), &again), 0);
        cr_expect_eq(again, cause);
    }
    for (HostState state = HOST_UNKNOWN; state <= HOST_DOWN; state++) {
        HostState again = HOST_UNKNOWN;
        cr_expect_eq(host_state_from_name(host_state_name(state), &again), 0);
        cr_expect_eq(again, state);
    }
    Cause cause;
    HostState state;
    cr_expect_eq(cause_from_name("", &cause), -EINVAL);
    cr_expect_eq(cause_from_name("Suspend", &cause), -EINVAL);
    cr_expect_eq(host_state_from_name("off", &state), -EINVAL);
}
