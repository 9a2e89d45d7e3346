/* SPDX-License-Identifier: MIT */
/* Is it alive? */

#include "core/liveness.h"

#include <string.h>

/* A beat is stored before anybody can read it, so within one boot none is ahead of the clock: unless the
 * record was made in another time namespace (time_namespaces(7)), or is nobody's. */
#define AHEAD_USEC USEC_PER_SEC

static usec_t add(usec_t a, usec_t b)
{
    usec_t sum;
    return __builtin_add_overflow(a, b, &sum) ? USEC_INFINITY : sum;
}

static usec_t intervals_and_a_second(usec_t interval_usec, uint64_t count)
{
    usec_t product;
    return __builtin_mul_overflow(interval_usec, count, &product) ? USEC_INFINITY
                                                                  : add(product, USEC_PER_SEC);
}

usec_t liveness_late_after(usec_t interval_usec)
{
    return intervals_and_a_second(interval_usec, 2);
}

usec_t liveness_silent_after(usec_t interval_usec)
{
    return intervals_and_a_second(interval_usec, 3);
}

usec_t liveness_age(const Pulse *pulse, usec_t now_usec)
{
    return usec_less(now_usec, pulse->boottime_usec);
}

bool liveness_is_ahead(const Pulse *pulse, usec_t now_usec)
{
    usec_t latest_usec = add(now_usec, AHEAD_USEC);
    return pulse->boottime_usec > latest_usec || pulse->due_usec > latest_usec;
}

static Liveness judge_age(const Pulse *pulse, usec_t now_usec)
{
    usec_t age_usec = liveness_age(pulse, now_usec);
    if (age_usec <= liveness_late_after(pulse->interval_usec))
        return LIVENESS_ALIVE;
    return age_usec <= liveness_silent_after(pulse->interval_usec) ? LIVENESS_LATE : LIVENESS_SILENT;
}

Liveness liveness_judge(const Past *past, const LivenessNow *now)
{
    if (!past->any)
        return LIVENESS_NEVER_RAN;
    if (!past->readable)
        return LIVENESS_UNREADABLE;
    bool same_boot = strcmp(past->pulse.boot, now->boot) == 0;
    if (same_boot && liveness_is_ahead(&past->pulse, now->boottime_usec))
        return LIVENESS_UNREADABLE;
    if (same_boot && now->process)
        return judge_age(&past->pulse, now->boottime_usec);
    return past->stopped ? LIVENESS_STOPPED : LIVENESS_GONE;
}

Thresholds liveness_thresholds(usec_t interval_usec, usec_t asked_warning_usec, usec_t asked_critical_usec)
{
    bool warning = asked_warning_usec != USEC_INFINITY, critical = asked_critical_usec != USEC_INFINITY;
    Thresholds thresholds = {
        .warning_usec = warning ? asked_warning_usec : liveness_late_after(interval_usec),
        .critical_usec = critical ? asked_critical_usec : liveness_silent_after(interval_usec),
    };
    if (thresholds.warning_usec > thresholds.critical_usec && warning)
        thresholds.critical_usec = thresholds.warning_usec;
    else if (thresholds.warning_usec > thresholds.critical_usec)
        thresholds.warning_usec = thresholds.critical_usec;
    return thresholds;
}

Severity liveness_severity(Liveness liveness, usec_t age_usec, uint64_t failing, const Thresholds *thresholds)
{
    switch (liveness) {
    case LIVENESS_ALIVE:
    case LIVENESS_LATE:
    case LIVENESS_SILENT:
        if (age_usec > thresholds->critical_usec)
            return SEVERITY_CRITICAL;
        return age_usec > thresholds->warning_usec || failing > 0 ? SEVERITY_WARNING : SEVERITY_OK;
    case LIVENESS_GONE:
    case LIVENESS_STOPPED:
        return SEVERITY_CRITICAL;
    default:
        return SEVERITY_UNKNOWN;
    }
}

static const char *const liveness_names[LIVENESS_COUNT] = {
    [LIVENESS_ALIVE] = "alive",           [LIVENESS_LATE] = "late",
    [LIVENESS_SILENT] = "silent",         [LIVENESS_GONE] = "gone",
    [LIVENESS_STOPPED] = "stopped",       [LIVENESS_NEVER_RAN] = "never-ran",
    [LIVENESS_UNREADABLE] = "unreadable",
};

const char *liveness_name(Liveness liveness)
{
    return liveness_names[liveness];
}

static const char *const severity_names[] = {
    [SEVERITY_OK] = "OK",
    [SEVERITY_WARNING] = "WARNING",
    [SEVERITY_CRITICAL] = "CRITICAL",
    [SEVERITY_UNKNOWN] = "UNKNOWN",
};

const char *severity_name(Severity severity)
{
    return severity_names[severity];
}
