/* SPDX-License-Identifier: MIT */
#pragma once
/* The command line of heartbeatctl. */

#include <stdbool.h>

#include "core/verdict.h"
#include "ctl/calendar.h"
#include "ctl/exclusion.h"
#include "util/error.h"

typedef enum CtlCommand {
    CTL_STATUS,
    CTL_CHECK,
    CTL_GAPS,
    CTL_EXPLAIN,
    CTL_REPORT,
    CTL_TIMELINE,
    CTL_METRICS,
    CTL_HELP,
    CTL_VERSION,
} CtlCommand;

/* Exit statuses, beside those of status and check, which are in commands.h. */
enum { CTL_EXIT_NO_DATA = 1, CTL_EXIT_ARGUMENTS = 2 };

/* What gaps can list that is no gap: bits behind those of the causes. */
enum { CTL_OUTPUT_FAILED = CAUSE_COUNT, CTL_CLOCK_STEP };
#define CTL_ALL_CAUSES ((1U << CAUSE_COUNT) - 1)

/* Times are CLOCK_REALTIME; USEC_INFINITY stands for what was not given. */
typedef struct CtlOptions {
    CtlCommand command;
    bool json, svg, utc;
    char *state_dir;
    usec_t warning_usec, critical_usec; /* check */
    usec_t since_usec, until_usec;      /* gaps, report, timeline */
    bool causes_given;                  /* gaps: else all gaps, and what else there is is counted */
    unsigned causes;                    /* a bit for each cause, and for the two above */
    usec_t time_usec;                   /* explain */
    CalendarUnit by;                    /* report, timeline; CALENDAR_ALL: not given */
    Exclusion *exclusions;              /* report */
    size_t n_exclusions;
} CtlOptions;

/* now_usec: CLOCK_REALTIME. Returns 0, or -errno with *ret_error filled. What was parsed belongs to *ret even
 * then, and ret->command is the one that was meant, as far as the arguments tell. */
int ctl_options_parse(int argc, char *argv[], usec_t now_usec, CtlOptions *ret, Error *ret_error);
void ctl_options_done(CtlOptions *options);

/* "status", "gaps"; never NULL. */
const char *ctl_command_name(CtlCommand command);

/* Both write to standard output. */
void ctl_options_print_help(void);
void ctl_options_print_version(void);
