/* SPDX-License-Identifier: MIT */
/* Lines as the arguments of heartbeatctl, behind a byte for the zone: taken or refused with words that can be
 * shown, and what is taken is nothing that no command could do. */

#include "fuzz.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/options.h"

#define ARGUMENTS_MAX 16
#define NOW_USEC (UINT64_C(1795352410) * USEC_PER_SEC)

static void check_refused(const Error *error)
{
    fuzz_assert_printable(error->text);
    FUZZ_ASSERT(error->text[0] && error->errnum > 0);
    FUZZ_ASSERT(error->exit_code == CTL_EXIT_ARGUMENTS || error->exit_code == EXIT_FAILURE);
}

static bool has_range(const CtlOptions *options)
{
    return options->command == CTL_GAPS || options->command == CTL_REPORT || options->command == CTL_TIMELINE;
}

static void check_taken(const CtlOptions *options)
{
    bool since = options->since_usec != USEC_INFINITY, until = options->until_usec != USEC_INFINITY;
    FUZZ_ASSERT(options->state_dir && options->state_dir[0]);
    FUZZ_ASSERT(!(options->json && options->svg));
    FUZZ_ASSERT(!options->svg || options->command == CTL_TIMELINE);
    FUZZ_ASSERT(!options->json || options->command != CTL_METRICS);
    FUZZ_ASSERT((!since && !until) || has_range(options));
    FUZZ_ASSERT(!since || options->since_usec <= NOW_USEC);
    FUZZ_ASSERT(!since || !until || options->since_usec <= options->until_usec);
    FUZZ_ASSERT(options->time_usec == USEC_INFINITY ||
                (options->command == CTL_EXPLAIN && options->time_usec <= NOW_USEC));
    FUZZ_ASSERT(
        options->by == CALENDAR_ALL || options->command == CTL_REPORT ||
        (options->command == CTL_TIMELINE && (options->by == CALENDAR_DAY || options->by == CALENDAR_MONTH)));
    FUZZ_ASSERT(options->causes > 0 && options->causes < 1U << (CTL_CLOCK_STEP + 1));
    FUZZ_ASSERT(options->causes_given || options->causes == CTL_ALL_CAUSES);
    FUZZ_ASSERT(!options->causes_given || options->command == CTL_GAPS);
    FUZZ_ASSERT(options->n_exclusions == 0 || options->command == CTL_REPORT);
    FUZZ_ASSERT((options->warning_usec == USEC_INFINITY && options->critical_usec == USEC_INFINITY) ||
                options->command == CTL_CHECK);
    FUZZ_ASSERT(options->warning_usec == USEC_INFINITY || options->warning_usec <= options->critical_usec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput input = { data, data + size };
    char *argv[ARGUMENTS_MAX + 2] = { (char[]){ "heartbeatctl" } };
    int argc = 1;
    fuzz_set_zone(fuzz_byte(&input));
    char *text = fuzz_text(input.at, (size_t)(input.end - input.at));
    for (char *rest = text, *line; argc <= ARGUMENTS_MAX && (line = strsep(&rest, "\n"));)
        argv[argc++] = line;
    CtlOptions options;
    Error error;
    setenv("HOME", "/home/somebody", 1);
    /* Only 0 makes getopt_long(3) forget that it was in the middle of an argument that is gone. */
    optind = 0;
    (void)getopt_long(1, argv, "+", NULL, NULL);
    int r = ctl_options_parse(argc, argv, NOW_USEC, &options, &error);
    FUZZ_ASSERT(options.command <= CTL_VERSION);
    if (r < 0)
        check_refused(&error);
    else if (options.command != CTL_HELP && options.command != CTL_VERSION)
        check_taken(&options);
    ctl_options_done(&options);
    free(text);
    return 0;
}
