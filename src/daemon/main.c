/* SPDX-License-Identifier: MIT */
/* heartbeatd: from the command line to whoever does what it asks for. */

#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <syslog.h>

#include "daemon/control.h"
#include "daemon/daemonize.h"
#include "daemon/exit.h"
#include "daemon/metrics.h"
#include "daemon/privileges.h"
#include "daemon/record-exit.h"
#include "daemon/service.h"
#include "util/fd.h"
#include "util/log.h"

static int report(const Error *error)
{
    log_error("%s", error->text);
    return error->exit_code;
}

/* The default log file's directory is made by a start that needs it. */
static int check_outputs(const Settings *settings, const Places *places, Error *ret_error)
{
    int r = ledger_check_outputs(settings->state_dir, settings->outputs, settings->n_outputs, ret_error);
    for (size_t i = 0; r == 0 && i < settings->n_outputs; i++)
        if (places->log_dir_given || !places->log_file || strcmp(settings->outputs[i], places->log_file) != 0)
            r = output_check(settings->outputs[i], ret_error);
    return r == 0 ? metrics_check(settings->metrics, settings->outputs, settings->n_outputs, ret_error) : r;
}

/* What root can read and write to says nothing of the user that the daemon would become. */
static int become_user(const char *name, Error *ret_error)
{
    User user = { 0 };
    int r = user_find(name, &user, ret_error);
    if (r == 0)
        r = privileges_drop(&user, ret_error);
    user_done(&user);
    return r;
}

/* A start reads the configuration twice, too: root has things to make by it before it becomes the user. */
static int check_and_become(const Options *options, const Places *places, Error *ret_error)
{
    Settings settings = { 0 };
    int r = options_load_settings(options, places, &settings, ret_error);
    settings_done(&settings);
    return r == 0 ? become_user(options->user, ret_error) : r;
}

static int check_or_print(const Options *options, const Places *places, Error *error)
{
    Settings settings = { 0 };
    int r = options->user ? check_and_become(options, places, error) : 0;
    if (r == 0)
        r = options_load_settings(options, places, &settings, error);
    if (r == 0 && options->command == COMMAND_CHECK_CONFIG)
        r = check_outputs(&settings, places, error);
    else if (r == 0)
        settings_print(&settings);
    settings_done(&settings);
    return r < 0 ? report(error) : EXIT_SUCCESS;
}

static int dispatch(const Options *options, const Places *places, Error *error)
{
    switch (options->command) {
    case COMMAND_RUNNING:
        return control_running(options, places);
    case COMMAND_STOP:
        return control_stop(options, places);
    case COMMAND_CHECK_CONFIG:
    case COMMAND_PRINT_CONFIG:
        return check_or_print(options, places, error);
    case COMMAND_RECORD_EXIT:
        return record_exit_from_environment(options, places);
    default:
        return service_run(options, places, error);
    }
}

/* error: room for one. A process has no more than one to tell of, and stays on top of this stack. */
static int run(const Options *options, Error *error)
{
    Places places = { 0 };
    if (options->command == COMMAND_HELP || options->command == COMMAND_VERSION) {
        options->command == COMMAND_HELP ? options_print_help() : options_print_version();
        return EXIT_SUCCESS;
    }
    int exit_code = EXIT_FAILURE;
    int r = places_find(&places);
    if (places.stderr_on_journal)
        log_to_journal_stream();
    if (r < 0)
        log_error("default places: %s", strerror(-r));
    else
        exit_code = dispatch(options, &places, error);
    places_done(&places);
    return exit_code;
}

/* What was printed counts only once it is out: standard output may be a full disk. */
static int flush(int exit_code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return exit_code;
    log_error("standard output: %s", strerror(errno));
    return EXIT_FAILURE;
}

/* Timers outlive execve(2), and the signal of one ends whoever does not expect it. */
static void disarm_timers(void)
{
    static const struct itimerval none;
    (void)setitimer(ITIMER_REAL, &none, NULL);
    (void)setitimer(ITIMER_VIRTUAL, &none, NULL);
    (void)setitimer(ITIMER_PROF, &none, NULL);
}

int main(int argc, char *argv[])
{
    Options options = { 0 };
    Error error;
    int exit_code, r;

    disarm_timers();
    r = fd_fill_standard();
    if (r < 0) {
        log_error("standard input, output and error: %s", strerror(-r)); /* perhaps there is one of them */
        return EXIT_FAILURE;
    }
    openlog("heartbeatd", LOG_PID, LOG_DAEMON); /* whatever the program was called as */
    if (options_parse(argc, argv, &options, &error) < 0)
        exit_code = service_refuse(&options, &error);
    else if (options.fork && options.command == COMMAND_RUN && (r = daemonize_prepare()) < 0) {
        log_error("cannot become a daemon: %s", strerror(-r));
        exit_code = EXIT_FAILURE;
    } else
        exit_code = run(&options, &error);
    options_done(&options);
    return flush(exit_code);
}
