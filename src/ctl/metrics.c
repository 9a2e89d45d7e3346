/* SPDX-License-Identifier: MIT */
/* heartbeatctl metrics: what the daemon writes for a collector, made of the same files, also where it was not
 * told to, or does not run. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/exposition.h"
#include "ctl/commands.h"
#include "ctl/print.h"
#include "store/pulse-file.h"

static int fail(const View *view)
{
    char why[VIEW_WORDS_MAX];
    if (view->liveness == LIVENESS_NEVER_RAN)
        complain("no record in %s", view->state_dir);
    else
        complain("the record in %s cannot be read: %s", view->state_dir, view_why_unreadable(view, why));
    return CTL_EXIT_NO_DATA;
}

typedef struct Figures {
    Census census;
    Summary summary;
} Figures;

static int take_event(void *context, const Event *event)
{
    Figures *figures = context;
    census_take(&figures->census, event);
    view_take_event(&figures->summary, event);
    return 0;
}

/* The pulse as it lies there: view->past goes on from it to what was not stored any more. Where the history
 * cannot be read, counters that begin at 0 would tell of gaps that never were when they are back. */
int metrics_run(const View *view)
{
    char step[STEP_MAX], text[EXPOSITION_MAX];
    Pulse pulse;
    Figures figures = { .summary = SUMMARY_NONE };
    Summary *summary = &figures.summary;
    if (!view->past.readable)
        return fail(view);
    int r = pulse_file_read(view->state_dir, &pulse, step);
    if (r < 0) {
        complain("the last beat's record in %s: %s", view->state_dir, strerror(-r));
        return CTL_EXIT_NO_DATA;
    }
    view_read_since(view, USEC_INFINITY, take_event, &figures, summary);
    view_complain(summary);
    if (summary->error < 0 && summary->error != -ENOENT)
        return CTL_EXIT_NO_DATA;
    exposition_format(&pulse, &figures.census, text);
    fputs(text, stdout);
    return EXIT_SUCCESS;
}
