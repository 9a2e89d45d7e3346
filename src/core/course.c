/* SPDX-License-Identifier: MIT */
/* How far the wall clock has come along a history. */

#include "core/course.h"

#include <string.h>

/* The clock is slewed, lines are cut to milliseconds, and a step below a second is no event: so much less
 * than what is expected is not worth a word. */
#define SLACK_USEC USEC_PER_SEC

static void raise_to(usec_t *latest_usec, usec_t usec)
{
    if (usec != EVENT_NONE && usec > *latest_usec)
        *latest_usec = usec;
}

/* The latest time that an event itself tells of. The line of a trim is younger than what follows it. */
static usec_t told_by(const Event *event)
{
    usec_t latest_usec = 0;
    if (event->kind == EVENT_TRIM)
        return 0;
    raise_to(&latest_usec, event->realtime_usec);
    raise_to(&latest_usec, event->from_usec);
    raise_to(&latest_usec, event->to_usec);
    raise_to(&latest_usec, event->stopped_usec);
    if (event->from_usec != EVENT_NONE && event->lasted_usec != EVENT_NONE)
        raise_to(&latest_usec, usec_add(event->from_usec, event->lasted_usec));
    if (event->moved_usec < 0)
        raise_to(&latest_usec, usec_add(event->realtime_usec, event_clock_moved(event)));
    return latest_usec;
}

/* As if nobody had set the clock since: within a boot it goes on from the latest time that it has shown. */
static usec_t carry(const Course *course, const Event *event)
{
    bool same_boot = strcmp(course->boot, event->boot) == 0;
    return same_boot ? usec_add(course->latest_usec, usec_less(event->boottime_usec, course->boottime_usec))
                     : course->latest_usec;
}

void course_take(Course *course, const Event *event)
{
    if (event->kind == EVENT_TRIM)
        return;
    usec_t told_usec = told_by(event), carried_usec = carry(course, event);
    raise_to(&told_usec, event->latest_usec);
    course->latest_usec = carried_usec > usec_add(told_usec, SLACK_USEC) ? carried_usec : told_usec;
    course->boottime_usec = event->boottime_usec;
    memcpy(course->boot, event->boot, sizeof(course->boot));
}

usec_t course_mark(const Course *course, const Event *event, bool first)
{
    usec_t told_usec = told_by(event), carried_usec = carry(course, event);
    if (carried_usec > usec_add(told_usec, SLACK_USEC))
        return carried_usec;
    return first ? told_usec : EVENT_NONE;
}

bool course_is_kept(const Event *first)
{
    return first->latest_usec != EVENT_NONE;
}
