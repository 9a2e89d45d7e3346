/* SPDX-License-Identifier: MIT */
#pragma once
/* The commands of heartbeatctl. Each prints to standard output and returns what to exit with. */

#include "ctl/json.h"
#include "ctl/options.h"
#include "ctl/view.h"

/* status exits with these, check with its Severity, the others with 0 or CTL_EXIT_NO_DATA. */
enum {
    STATUS_EXIT_ALIVE = 0,
    STATUS_EXIT_GONE = 1,
    STATUS_EXIT_STOPPED = 3,
    STATUS_EXIT_SILENT = 4,
};

int status_run(const CtlOptions *options, const View *view);

int check_run(const CtlOptions *options, const View *view);
/* The same where there is nothing to judge, for a reason that is given in words. */
int check_unknown(const CtlOptions *options, const char *why);

int gaps_run(const CtlOptions *options, const View *view);
/* One gap as an object, for status, too. */
void gaps_write_json(Json *json, const char *key, const View *view, const Event *gap, bool ongoing);

int explain_run(const CtlOptions *options, const View *view);

int report_run(const CtlOptions *options, const View *view);

int timeline_run(const CtlOptions *options, const View *view);

int metrics_run(const View *view);

/* The one that the options name; --help and --version are none. */
static inline int command_run(const CtlOptions *options, const View *view)
{
    switch (options->command) {
    case CTL_CHECK:
        return check_run(options, view);
    case CTL_GAPS:
        return gaps_run(options, view);
    case CTL_EXPLAIN:
        return explain_run(options, view);
    case CTL_REPORT:
        return report_run(options, view);
    case CTL_TIMELINE:
        return timeline_run(options, view);
    case CTL_METRICS:
        return metrics_run(view);
    default:
        return status_run(options, view);
    }
}
