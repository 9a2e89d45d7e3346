/* SPDX-License-Identifier: MIT */
/* Lines as the arguments of heartbeatd: taken or refused with words that can be shown, and of what is taken
 * --print-config makes a file that means the same. */

#include "fuzz.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "captured.h"
#include "configured.h"
#include "daemon/exit.h"
#include "daemon/options.h"

#define ARGUMENTS_MAX 16

static void check_refused(const Error *error)
{
    fuzz_assert_printable(error->text);
    FUZZ_ASSERT(error->text[0] && error->errnum > 0);
    FUZZ_ASSERT(error->exit_code == EXIT_ARGUMENTS || error->exit_code == EXIT_FAILURE);
}

static void check_options(const Options *options)
{
    bool runs = options->command == COMMAND_RUN;
    FUZZ_ASSERT(options->command <= COMMAND_VERSION && options->ready_fd >= 0);
    FUZZ_ASSERT(options->ready_fd == 0 || options->ready_fd > 2);
    FUZZ_ASSERT(!options->config || options->config[0] == '/');
    FUZZ_ASSERT(!options->pid_file || options->pid_file[0] == '/');
    if (options->command == COMMAND_HELP || options->command == COMMAND_VERSION)
        return;
    FUZZ_ASSERT(!options->fork || options->ready_fd == 0);
    FUZZ_ASSERT(options->fork || !runs || (!options->user && !options->pid_file));
}

/* The settings with these options over a file of the target's own. */
static void check_settings(Options *options)
{
    static const char file[] = "[Heartbeat]\nOutput=/var/log/x\nMessage=hello\nStateDir=/var/lib/x\n";
    Settings settings = { 0 };
    Error error;
    free(options->config);
    options->config = configured_file(file, strlen(file));
    int r = options_load_settings(options, configured_places(), &settings, &error);
    if (r < 0)
        check_refused(&error); /* stdout with --fork */
    else
        configured_check(&settings);
    settings_done(&settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *argv[ARGUMENTS_MAX + 2] = { (char[]){ "heartbeatd" } };
    int argc = 1;
    char *text = fuzz_text(data, size);
    for (char *rest = text, *line; argc <= ARGUMENTS_MAX && (line = strsep(&rest, "\n"));)
        argv[argc++] = line;
    Options options = { 0 };
    Error error;
    /* Only 0 makes getopt_long(3) forget what it was at, and the parser begins where it is. */
    optind = 0;
    (void)getopt_long(1, argv, "+", NULL, NULL);
    if (options_parse(argc, argv, &options, &error) < 0)
        check_refused(&error);
    else {
        check_options(&options);
        check_settings(&options);
    }
    options_done(&options);
    free(text);
    return 0;
}
