/* SPDX-License-Identifier: MIT */
/* A gap in words. */

#include "core/reason.h"

#include <criterion/criterion.h>
#include <string.h>

#include "util/cleanup.h"

#define SEC USEC_PER_SEC

static Event some_gap(Cause cause, bool sure)
{
    Event gap;
    event_init(&gap, EVENT_GAP);
    gap.verdict = (Verdict){ .cause = cause, .sure = sure };
    gap.missed = 3;
    gap.lasted_usec = 41400 * USEC_PER_MSEC;
    gap.from_usec = SEC;
    return gap;
}

static void expect(const Event *gap, const char *evidence)
{
    char text[REASON_TEXT_MAX];
    reason_evidence(gap, text);
    cr_expect_str_eq(text, evidence, "%s: \"%s\"", cause_name(gap->verdict.cause), text);
}

Test(reason, each_cause_has_its_evidence)
{
    Event gap = some_gap(CAUSE_SUSPEND, true);
    gap.suspended_usec = 31400 * USEC_PER_MSEC;
    expect(&gap, "suspended for 31.4s");
    gap = some_gap(CAUSE_CPU_THROTTLED, true);
    gap.throttled_usec = 12 * SEC;
    expect(&gap, "held back by a CPU quota for 12s");
    gap = some_gap(CAUSE_CPU_STARVED, true);
    gap.starved_usec = 90 * SEC;
    expect(&gap, "waited for a CPU for 1min 30s");
    gap = some_gap(CAUSE_BUSY, true);
    gap.cpu_usec = 15 * SEC;
    expect(&gap, "used the CPU for 15s");
    gap.faults = 1;
    expect(&gap, "used the CPU for 15s, with 1 major page fault");
    gap = some_gap(CAUSE_PROCESS_STOPPED, true);
    expect(&gap, "a SIGCONT ended a stop");
    gap = some_gap(CAUSE_PROCESS_STOPPED, false);
    expect(&gap, "taken off the CPU by a freezer or a debugger");
    gap = some_gap(CAUSE_FROZEN, true);
    gap.frozen_usec = 20 * SEC;
    expect(&gap, "frozen for 20s");
    gap = some_gap(CAUSE_OUTPUT_BLOCKED, true);
    expect(&gap, "a step blocked");
    strcpy(gap.step, "sync pulse");
    gap.longest_usec = 25 * SEC;
    expect(&gap, "sync pulse took 25s");
    gap.steps_usec = 26 * SEC;
    expect(&gap, "sync pulse took 25s");
    gap.steps_usec = 75 * SEC;
    expect(&gap, "sync pulse took 25s, with the other steps 1min 15s");
    gap = some_gap(CAUSE_HOST_PAUSED, true);
    expect(&gap, "only the clocks went on");
    gap = some_gap(CAUSE_UNKNOWN, false);
    expect(&gap, "nothing that was measured accounts for it");
    strcpy(gap.past, "0123456789abcdef0123456789abcdef");
    expect(&gap, "the lines that tell how it ended are lost");
    gap.past[0] = '\0';
    gap.lasted_usec = gap.from_usec = EVENT_NONE;
    expect(&gap, "the record of what was before could not be read");
}

Test(reason, end_of_a_service_is_told_as_the_manager_saw_it)
{
    static const struct {
        Cause cause;
        ExitRecord exit;
        const char *step, *evidence;
    } table[] = {
        { CAUSE_SERVICE_KILLED, { "signal", "killed", "KILL" }, "", "ended by SIGKILL" },
        { CAUSE_SERVICE_KILLED, { "", "", "" }, "", "ended without a word, and nobody recorded how" },
        { CAUSE_SERVICE_CRASHED,
          { "core-dump", "dumped", "SEGV" },
          "",
          "ended by SIGSEGV, with a core dump" },
        { CAUSE_SERVICE_FAILED, { "exit-code", "exited", "1" }, "", "ended with exit status 1" },
        { CAUSE_SERVICE_OOM_KILLED, { "oom-kill", "killed", "KILL" }, "", "killed because memory was short" },
        { CAUSE_SERVICE_WATCHDOG_KILLED,
          { "watchdog", "dumped", "ABRT" },
          "output /x",
          "hung in: output /x" },
        { CAUSE_SERVICE_WATCHDOG_KILLED,
          { "watchdog", "dumped", "ABRT" },
          "",
          "hung, but in no step of a beat" },
        { CAUSE_SERVICE_STOPPED, { "", "", "" }, "", "told to stop" },
        { CAUSE_HOST_SHUTDOWN, { "", "", "" }, "", "told to stop, then the host went down" },
        { CAUSE_HOST_DOWN, { "", "", "" }, "", "the host went down without a word" },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Event gap = some_gap(table[i].cause, true);
        gap.exit = table[i].exit;
        strcpy(gap.step, table[i].step);
        expect(&gap, table[i].evidence);
    }
}

Test(reason, summary_says_how_many_how_long_and_why)
{
    char text[REASON_TEXT_MAX];
    Event gap = some_gap(CAUSE_SUSPEND, true);
    cr_expect_str_eq(reason_summary(&gap, text),
                     "3 beats missed, 41.4s without one: suspend (suspended for a while)", "%s", text);
    gap = some_gap(CAUSE_SERVICE_KILLED, false);
    gap.missed = 0;
    cr_expect_str_eq(
        reason_summary(&gap, text),
        "no beat missed, 41.4s without one: perhaps service-killed (ended without a word, and nobody "
        "recorded how)",
        "%s", text);
    gap = some_gap(CAUSE_HOST_DOWN, true);
    gap.missed = gap.lasted_usec = EVENT_NONE;
    cr_expect_str_eq(reason_summary(&gap, text),
                     "nobody knows how many beats missed: host-down (the host went down without a word)",
                     "%s", text);
}

/* Whatever a file held: one line, and not too long. */
Test(reason, is_fit_to_be_shown_with_any_text_and_any_number)
{
    char text[REASON_TEXT_MAX];
    for (Cause cause = 0; cause < CAUSE_COUNT; cause++) {
        Event gap = some_gap(cause, cause % 2);
        memset(gap.step, '\x1b', sizeof(gap.step) - 1);
        gap.step[1] = '\n';
        memset(gap.exit.status, '\n', sizeof(gap.exit.status) - 1);
        strcpy(gap.exit.code, "killed");
        gap.missed = gap.lasted_usec = gap.cpu_usec = gap.faults = gap.longest_usec = gap.steps_usec =
            UINT64_MAX - 1;
        reason_summary(&gap, text);
        cr_expect_lt(strlen(text), sizeof(text));
        for (const char *at = text; *at; at++)
            cr_expect_geq(*at, ' ', "%s: %s", cause_name(cause), text);
    }
}

Test(reason, clock_that_was_set_says_which_way_and_how_far)
{
    char text[REASON_TEXT_MAX];
    Event event;
    event_init(&event, EVENT_CLOCK);
    event.moved_usec = -INT64_C(3600000000);
    cr_expect_str_eq(reason_clock(&event, text), "the wall clock was set back by 1h");
    event.moved_usec = INT64_C(90000000);
    cr_expect_str_eq(reason_clock(&event, text), "the wall clock was set forward by 1min 30s");
}
