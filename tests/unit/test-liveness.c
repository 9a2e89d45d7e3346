/* SPDX-License-Identifier: MIT */
/* Is it alive, and is that to be reported? */

#include "core/liveness.h"

#include <criterion/criterion.h>
#include <string.h>

#include "util/cleanup.h"

#define SEC USEC_PER_SEC
#define BOOT "0123456789abcdef0123456789abcdef"
#define OTHER_BOOT "fedcba9876543210fedcba9876543210"
#define NOW (10000 * SEC)

/* A beat made so long ago, in the boot that is now. */
static Past some_past(usec_t age_usec, usec_t interval_usec)
{
    Past past = { .any = true, .readable = true };
    memcpy(past.pulse.boot, BOOT, sizeof(past.pulse.boot));
    past.pulse.boottime_usec = past.pulse.due_usec = NOW - age_usec;
    past.pulse.interval_usec = interval_usec;
    return past;
}

static void expect(const Past *past, const char *boot, bool process, Liveness liveness)
{
    LivenessNow now = { .boottime_usec = NOW, .boot = boot, .process = process };
    Liveness judged = liveness_judge(past, &now);
    cr_expect_eq(judged, liveness, "%s, not %s", liveness_name(judged), liveness_name(liveness));
}

Test(liveness, process_that_is_there_is_judged_by_the_age_of_its_beat)
{
    static const struct {
        usec_t age_usec, interval_usec;
        Liveness liveness;
    } table[] = {
        { 0, 10 * SEC, LIVENESS_ALIVE },
        { 21 * SEC, 10 * SEC, LIVENESS_ALIVE },
        { 21 * SEC + 1, 10 * SEC, LIVENESS_LATE },
        { 31 * SEC, 10 * SEC, LIVENESS_LATE },
        { 31 * SEC + 1, 10 * SEC, LIVENESS_SILENT },
        { NOW, 10 * SEC, LIVENESS_SILENT },
        { 1 * SEC, 10000, LIVENESS_ALIVE },
        { NOW, UINT64_MAX, LIVENESS_ALIVE },
        { NOW, UINT64_MAX / 2, LIVENESS_ALIVE },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Past past = some_past(table[i].age_usec, table[i].interval_usec);
        expect(&past, BOOT, true, table[i].liveness);
        past.stopped = true; /* a process that is about to end */
        expect(&past, BOOT, true, table[i].liveness);
    }
}

Test(liveness, run_without_a_process_is_stopped_or_gone)
{
    Past past = some_past(SEC, 10 * SEC);
    expect(&past, BOOT, false, LIVENESS_GONE);
    expect(&past, OTHER_BOOT, false, LIVENESS_GONE);
    expect(&past, OTHER_BOOT, true, LIVENESS_GONE); /* somebody else's pid */
    past.exited = true;
    expect(&past, BOOT, false, LIVENESS_GONE);
    past.stopped = true;
    expect(&past, BOOT, false, LIVENESS_STOPPED);
    expect(&past, OTHER_BOOT, true, LIVENESS_STOPPED);
}

Test(liveness, without_a_record_there_is_nothing_to_judge)
{
    Past past = { 0 };
    expect(&past, BOOT, true, LIVENESS_NEVER_RAN);
    past.any = true;
    expect(&past, BOOT, true, LIVENESS_UNREADABLE);
}

Test(liveness, beat_that_is_ahead_of_the_clock_is_no_beat_of_it)
{
    Past past = some_past(0, 10 * SEC);
    past.pulse.boottime_usec = past.pulse.due_usec = NOW + SEC;
    cr_expect_eq(liveness_age(&past.pulse, NOW), 0u);
    expect(&past, BOOT, true, LIVENESS_ALIVE);
    past.pulse.boottime_usec++;
    expect(&past, BOOT, true, LIVENESS_UNREADABLE);
    expect(&past, BOOT, false, LIVENESS_UNREADABLE);
    expect(&past, OTHER_BOOT, false, LIVENESS_GONE);
    past = some_past(0, 10 * SEC);
    past.pulse.due_usec = UINT64_MAX;
    expect(&past, BOOT, true, LIVENESS_UNREADABLE);
}

Test(liveness, names_are_those_of_the_manual)
{
    static const char *const names[] = { "alive",   "late",      "silent",    "gone",
                                         "stopped", "never-ran", "unreadable" };
    for (Liveness liveness = 0; liveness < LIVENESS_COUNT; liveness++)
        cr_expect_str_eq(liveness_name(liveness), names[liveness]);
}

Test(liveness, thresholds_are_the_intervals_unless_asked_for)
{
    static const struct {
        usec_t warning_usec, critical_usec; /* asked for */
        Thresholds thresholds;
    } table[] = {
        { USEC_INFINITY, USEC_INFINITY, { 21 * SEC, 31 * SEC } },
        { 5 * SEC, USEC_INFINITY, { 5 * SEC, 31 * SEC } },
        { 60 * SEC, USEC_INFINITY, { 60 * SEC, 60 * SEC } },
        { USEC_INFINITY, 60 * SEC, { 21 * SEC, 60 * SEC } },
        { USEC_INFINITY, 5 * SEC, { 5 * SEC, 5 * SEC } },
        { 60 * SEC, 90 * SEC, { 60 * SEC, 90 * SEC } },
        { 0, 0, { 0, 0 } },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Thresholds t = liveness_thresholds(10 * SEC, table[i].warning_usec, table[i].critical_usec);
        cr_expect_eq(t.warning_usec, table[i].thresholds.warning_usec, "row %zu", i);
        cr_expect_eq(t.critical_usec, table[i].thresholds.critical_usec, "row %zu", i);
    }
    Thresholds t = liveness_thresholds(UINT64_MAX, USEC_INFINITY, USEC_INFINITY);
    cr_expect(t.warning_usec == USEC_INFINITY && t.critical_usec == USEC_INFINITY);
}

Test(liveness, severity_is_never_ok_without_a_beat)
{
    static const struct {
        Liveness liveness;
        usec_t age_usec;
        uint64_t failing;
        Severity severity;
    } table[] = {
        { LIVENESS_ALIVE, 0, 0, SEVERITY_OK },
        { LIVENESS_ALIVE, 21 * SEC, 0, SEVERITY_OK },
        { LIVENESS_ALIVE, 0, 1, SEVERITY_WARNING },
        { LIVENESS_LATE, 21 * SEC + 1, 0, SEVERITY_WARNING },
        { LIVENESS_LATE, 31 * SEC, 0, SEVERITY_WARNING },
        { LIVENESS_SILENT, 31 * SEC + 1, 0, SEVERITY_CRITICAL },
        { LIVENESS_SILENT, 31 * SEC + 1, 9, SEVERITY_CRITICAL },
        { LIVENESS_SILENT, 20 * SEC, 0, SEVERITY_OK }, /* by thresholds that were asked for */
        { LIVENESS_GONE, 0, 0, SEVERITY_CRITICAL },
        { LIVENESS_STOPPED, 0, 0, SEVERITY_CRITICAL },
        { LIVENESS_GONE, USEC_INFINITY, 0, SEVERITY_CRITICAL },
        { LIVENESS_NEVER_RAN, 0, 0, SEVERITY_UNKNOWN },
        { LIVENESS_UNREADABLE, 0, 0, SEVERITY_UNKNOWN },
    };
    Thresholds thresholds = { 21 * SEC, 31 * SEC };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Severity severity =
            liveness_severity(table[i].liveness, table[i].age_usec, table[i].failing, &thresholds);
        cr_expect_eq(severity, table[i].severity, "row %zu: %s", i, severity_name(severity));
    }
}
