/* SPDX-License-Identifier: MIT */
/* heartbeatctl: from the command line to the command that it names. */

#include <stdio.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/print.h"
#include "util/clock.h"
#include "util/fd.h"

/* What cannot be answered at all. check says so to those who read its standard output, too. */
static int fail(const CtlOptions *options, int exit_status, const char *why)
{
    complain("%s", why);
    return options->command == CTL_CHECK ? check_unknown(options, why) : exit_status;
}

static int run(const CtlOptions *options)
{
    View view;
    char why[128];
    if (options->command == CTL_HELP || options->command == CTL_VERSION) {
        options->command == CTL_HELP ? ctl_options_print_help() : ctl_options_print_version();
        return EXIT_SUCCESS;
    }
    int r = view_read(options->state_dir, &view);
    if (r == 0)
        return command_run(options, &view);
    snprintf(why, sizeof(why), "this host's boot, its processes and the record: %s", strerror(-r));
    return fail(options, options->command == CTL_STATUS ? STATUS_EXIT_SILENT : CTL_EXIT_NO_DATA, why);
}

/* What was printed counts only once it is out: standard output may be a full disk. */
static int flush(int exit_status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return exit_status;
    complain("standard output: %s", strerror(errno));
    return EXIT_FAILURE;
}

int main(int argc, char *argv[])
{
    CtlOptions options;
    Error error;
    int r = fd_fill_standard();
    if (r < 0) {
        complain("standard input, output and error: %s", strerror(-r)); /* perhaps there is one of them */
        return EXIT_FAILURE;
    }
    int exit_status = ctl_options_parse(argc, argv, clock_usec(CLOCK_REALTIME), &options, &error) < 0
                          ? fail(&options, error.exit_code, error.text)
                          : run(&options);
    ctl_options_done(&options);
    return flush(exit_status);
}
