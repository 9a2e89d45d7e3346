/* SPDX-License-Identifier: MIT */
/* One word for what host and pulse were. */

#include "ctl/shade.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *words;
} shades[SHADE_COUNT] = {
    [SHADE_NO_DATA] = { "no-data", "no data" },       [SHADE_BEATING] = { "beating", "beating" },
    [SHADE_SUSPENDED] = { "suspended", "suspended" }, [SHADE_UNKNOWN] = { "unknown", "unknown" },
    [SHADE_SILENT] = { "silent", "no beat" },         [SHADE_DOWN] = { "down", "host down" },
};

const Shade shade_legend[SHADE_COUNT] = { SHADE_BEATING,   SHADE_SILENT,  SHADE_DOWN,
                                          SHADE_SUSPENDED, SHADE_UNKNOWN, SHADE_NO_DATA };

Shade shade_of(const Segment *segment)
{
    if (segment->host == HOST_DOWN)
        return SHADE_DOWN;
    if (segment->gap > 0 && segment->event->verdict.cause == CAUSE_SUSPEND)
        return SHADE_SUSPENDED; /* and so is the moment before it that counts as up */
    if (segment->host == HOST_UNKNOWN || segment->pulse == PULSE_UNKNOWN)
        return SHADE_UNKNOWN;
    return segment->pulse == PULSE_SILENT ? SHADE_SILENT : SHADE_BEATING;
}

const char *shade_name(Shade shade)
{
    return shades[shade].name;
}

const char *shade_words(Shade shade)
{
    return shades[shade].words;
}

char *shade_reason(const View *view, const Segment *segment, char buffer[static REASON_TEXT_MAX])
{
    char evidence[REASON_TEXT_MAX];
    bool unfinished = segment->ongoing && view->liveness <= LIVENESS_SILENT;
    if (segment->gap == 0 && segment->host == HOST_DOWN)
        snprintf(buffer, REASON_TEXT_MAX, "the host booted, and no beat was missed");
    else if (segment->gap == 0)
        snprintf(buffer, REASON_TEXT_MAX, "there is no record of it");
    else if (unfinished)
        snprintf(buffer, REASON_TEXT_MAX, "%.400s", view_evidence(view, segment->event, true, evidence));
    else
        reason_summary(segment->event, buffer);
    return buffer;
}

unsigned shade_place(CalendarUnit unit, bool utc, usec_t realtime_usec)
{
    unsigned seconds, day;
    calendar_clock(utc, realtime_usec, &seconds, &day);
    return unit == CALENDAR_DAY ? seconds : (day - 1) * CALENDAR_DAY_SECONDS + seconds;
}

unsigned shade_row_seconds(CalendarUnit unit)
{
    return unit == CALENDAR_DAY ? CALENDAR_DAY_SECONDS : 31 * CALENDAR_DAY_SECONDS;
}
