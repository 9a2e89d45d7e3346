/* SPDX-License-Identifier: MIT */
/* What the history has around a time. */

#include "ctl/finder.h"

static bool is_between(usec_t time_usec, usec_t from_usec, usec_t to_usec)
{
    return from_usec <= time_usec && time_usec < to_usec;
}

static void take_gap(Finder *finder, const Event *gap)
{
    /* Of a record that could not be read nobody knows the last beat: it was after the last event. */
    usec_t from_usec = gap->from_usec != EVENT_NONE ? gap->from_usec : finder->last_usec;
    usec_t to_usec = gap->to_usec != EVENT_NONE ? gap->to_usec : gap->realtime_usec;
    if (!is_between(finder->time_usec, from_usec, to_usec))
        return;
    finder->has_gap = true;
    finder->gap = *gap;
}

/* Times that a step forward left out, or that one back brought twice. It happened before the beat that saw
 * it.
 */
static void take_clock(Finder *finder, const Event *event)
{
    usec_t slack_usec = finder->interval_usec != EVENT_NONE ? finder->interval_usec : 0;
    usec_t moved_usec = event_clock_moved(event), seen_usec = event->realtime_usec;
    usec_t before_usec = event->moved_usec < 0 ? slack_usec : moved_usec + slack_usec;
    usec_t after_usec = event->moved_usec < 0 ? moved_usec : 0;
    if (is_between(finder->time_usec, seen_usec > before_usec ? seen_usec - before_usec : 0,
                   seen_usec + after_usec + 1)) {
        finder->has_clock = true;
        finder->clock = *event;
    }
}

static void take_run(Finder *finder, const Event *event)
{
    bool before = event->realtime_usec <= finder->time_usec;
    if (event->kind == EVENT_START && before) {
        finder->start = *event;
        finder->has_start = true;
        finder->has_stop = finder->has_next = false;
    } else if (event->kind == EVENT_START && !finder->has_next) {
        finder->next = *event;
        finder->has_next = true;
    } else if (event->kind == EVENT_STOP && before) {
        finder->stop = *event;
        finder->has_stop = true;
    }
    if ((event->kind == EVENT_START || event->kind == EVENT_RELOAD) && before)
        finder->interval_usec = event->interval_usec;
}

static int take_event(void *context, const Event *event)
{
    Finder *finder = context;
    view_take_event(finder->summary, event);
    if (!finder->any)
        finder->last_usec = event->realtime_usec;
    finder->any = true;
    /* How a run ended is recorded when somebody notices: it is no sign that there were beats until then. */
    if (event->kind != EVENT_EXIT && event->kind != EVENT_TRIM && event->realtime_usec > finder->time_usec)
        finder->has_later = true;
    if (event->kind == EVENT_GAP)
        take_gap(finder, event);
    else if (event->kind == EVENT_CLOCK)
        take_clock(finder, event);
    else if (event->kind == EVENT_OUTPUT && is_between(finder->time_usec, event->from_usec, event->to_usec)) {
        finder->output = *event;
        finder->has_output = true;
    }
    take_run(finder, event);
    /* The line of a trim is younger than those that follow it. */
    finder->last_usec = event->kind == EVENT_TRIM ? event->from_usec : event->realtime_usec;
    return 0;
}

void finder_read(const View *view, usec_t time_usec, Finder *ret, Summary *summary)
{
    *ret = (Finder){ .time_usec = time_usec, .interval_usec = EVENT_NONE, .summary = summary };
    *summary = SUMMARY_NONE;
    view_read_since(view, USEC_INFINITY, take_event, ret, summary);
}
