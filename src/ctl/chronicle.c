/* SPDX-License-Identifier: MIT */
/* The whole record as segments of time. */

#include "ctl/chronicle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/course.h"
#include "ctl/calendar.h"

typedef struct Reading {
    Availability walk;
    Course course;
    ChronicleRange range;
    usec_t older_usec; /* what only tells of times before this one is of no matter */
    SegmentSink *sink;
    void *context;
    Summary *summary;
    bool any, any_in_range;
} Reading;

static void cut(void *context, const Segment *segment)
{
    Reading *reading = context;
    Segment part = *segment;
    bool instant = part.from_usec == part.to_usec;
    reading->any = true;
    if (reading->range.since_usec != USEC_INFINITY && part.from_usec < reading->range.since_usec)
        part.from_usec = reading->range.since_usec;
    if (part.to_usec > reading->range.until_usec)
        part.to_usec = reading->range.until_usec;
    if (part.from_usec < part.to_usec || (instant && part.from_usec == part.to_usec)) {
        reading->any_in_range = true;
        reading->sink(reading->context, &part);
    }
}

/* Whether a walk may as well begin with this event: all so far was before the range. The history may have
 * left out what stands before it. */
static bool is_older(Reading *reading, const Event *event)
{
    course_take(&reading->course, event);
    return reading->course.latest_usec < reading->older_usec && availability_begins_at(event);
}

static int take(void *context, const Event *event)
{
    Reading *reading = context;
    view_take_event(reading->summary, event);
    if (reading->older_usec > 0 && is_older(reading, event)) {
        availability_restart(&reading->walk);
        reading->any = true;
    }
    availability_take(&reading->walk, event);
    return 0;
}

static void end(Reading *reading, const View *view)
{
    Event gap;
    AvailabilityEnd now = { .known = view->past.readable && view->liveness != LIVENESS_UNREADABLE };
    now.now.realtime_usec = view->realtime_usec;
    now.now.boottime_usec = view->boottime_usec;
    memcpy(now.now.boot, view->boot, sizeof(now.now.boot));
    memcpy(now.now.run, view->past.pulse.run, sizeof(now.now.run));
    if (view_ongoing_gap(view, &gap) > 0)
        now.ongoing = &gap;
    availability_end(&reading->walk, &now);
}

int chronicle_read(const View *view, const ChronicleRange *range, SegmentSink *sink, void *context,
                   Summary *ret)
{
    Reading reading = { .range = *range, .sink = sink, .context = context, .summary = ret };
    if (range->since_usec != USEC_INFINITY)
        reading.older_usec = usec_less(range->since_usec, COURSE_MARGIN_USEC);
    *ret = SUMMARY_NONE;
    availability_begin(&reading.walk, cut, &reading);
    view_read_since(view, range->since_usec, take, &reading, ret);
    end(&reading, view);
    if (!reading.any)
        return -ENODATA;
    return reading.any_in_range ? 0 : -ERANGE;
}

void chronicle_complain(const View *view, const ChronicleRange *range, const Style *style,
                        const Summary *summary, int result)
{
    if (range->since_usec == USEC_INFINITY && summary->trimmed)
        complain("no data before %s, where older lines were thrown away; gaps among them: %" PRIu64,
                 TIME(style, summary->since_usec), summary->trimmed_gaps);
    else if (!view_complain_of_time(summary, style, range->since_usec, range->until_usec) &&
             result == -ERANGE)
        complain("no data of that time");
    view_complain(summary);
    if (result == -ENODATA)
        view_complain_of_nothing(view, summary);
}

void *periods_at(const Periods *periods, size_t index)
{
    return periods->items + index * periods->item_size;
}

size_t periods_index(const Periods *periods, const void *item)
{
    return (size_t)((const char *)item - periods->items) / periods->item_size;
}

/* The first that ends after a time. */
static size_t locate(const Periods *periods, usec_t realtime_usec)
{
    size_t low = 0, high = periods->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const Period *period = periods_at(periods, middle);
        if (period->end_usec > realtime_usec)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static bool contains(const Periods *periods, size_t index, usec_t realtime_usec)
{
    if (index >= periods->count)
        return false;
    const Period *period = periods_at(periods, index);
    return period->begin_usec <= realtime_usec && realtime_usec < period->end_usec;
}

void *periods_get(const Periods *periods, usec_t realtime_usec)
{
    size_t index = locate(periods, realtime_usec);
    return contains(periods, index, realtime_usec) ? periods_at(periods, index) : NULL;
}

static int make_room(Periods *periods)
{
    if (periods->count >= PERIODS_MAX)
        return -E2BIG;
    if (periods->count < periods->room)
        return 0;
    size_t room = periods->room > 0 ? 2 * periods->room : 16;
    char *items = reallocarray(periods->items, room, periods->item_size);
    if (!items)
        return -ENOMEM;
    periods->items = items;
    periods->room = room;
    return 0;
}

static void *insert(Periods *periods, size_t index, usec_t realtime_usec)
{
    periods->error = make_room(periods);
    if (periods->error < 0)
        return NULL;
    char *item = periods_at(periods, index);
    memmove(item + periods->item_size, item, (periods->count - index) * periods->item_size);
    memset(item, 0, periods->item_size);
    periods->count++;
    Period *period = (void *)item;
    calendar_find((CalendarUnit)periods->unit, periods->utc, realtime_usec, &period->begin_usec,
                  &period->end_usec);
    return item;
}

void *periods_find(Periods *periods, usec_t realtime_usec)
{
    if (periods->error < 0)
        return NULL;
    if (!contains(periods, periods->last, realtime_usec))
        periods->last = locate(periods, realtime_usec);
    return contains(periods, periods->last, realtime_usec) ? periods_at(periods, periods->last)
                                                           : insert(periods, periods->last, realtime_usec);
}

void periods_done(Periods *periods)
{
    free(periods->items);
    *periods = (Periods){ 0 };
}
