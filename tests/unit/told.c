/* SPDX-License-Identifier: MIT */
/* A history in words. */

#include "told.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "store/history-read.h"

static int tell(void *context, const Event *event)
{
    Told *told = context;
    size_t length = strlen(told->words);
    bool is_gap = event->kind == EVENT_GAP, cause = is_gap && told->causes;
    if (length < sizeof(told->words))
        snprintf(told->words + length, sizeof(told->words) - length, "%s%s%s%s", length > 0 ? " " : "",
                 event_kind_name(event->kind), cause ? ":" : "",
                 cause ? cause_name(event->verdict.cause) : "");
    told->gaps += is_gap;
    told->missed += is_gap ? event->missed : 0;
    told->last = *event;
    return 0;
}

Told told_read(bool causes)
{
    Told told = { .causes = causes };
    HistoryDamage damage;
    cr_assert_eq(history_read(".", tell, &told, &damage), 0);
    cr_assert(damage.bad == 0 && damage.newer == 0 && !damage.torn);
    return told;
}
