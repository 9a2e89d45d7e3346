/* SPDX-License-Identifier: MIT */
/* When beats are due. */

#include "core/schedule.h"

static usec_t due_at(const Schedule *schedule, uint64_t j)
{
    return schedule->first_usec + j * schedule->interval_usec;
}

void schedule_start(Schedule *schedule, usec_t interval_usec, usec_t now_usec, Due *ret)
{
    *schedule = (Schedule){ .first_usec = now_usec, .interval_usec = interval_usec };
    *ret = (Due){ .due_usec = now_usec };
}

usec_t schedule_next(const Schedule *schedule)
{
    return due_at(schedule, schedule->last + 1);
}

void schedule_beat(Schedule *schedule, usec_t now_usec, Due *ret)
{
    uint64_t j = (now_usec - schedule->first_usec) / schedule->interval_usec;
    *ret = (Due){
        .due_usec = due_at(schedule, j),
        .late_usec = now_usec - due_at(schedule, j),
        .missed = j - schedule->last - 1,
    };
    schedule->last = j;
}

void schedule_change(Schedule *schedule, usec_t interval_usec, usec_t now_usec)
{
    if (interval_usec == schedule->interval_usec)
        return;
    usec_t first_usec = due_at(schedule, schedule->last);
    *schedule = (Schedule){
        .first_usec = first_usec,
        .interval_usec = interval_usec,
        .last = (now_usec - first_usec) / interval_usec,
    };
}
