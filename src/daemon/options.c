/* SPDX-License-Identifier: MIT */
/* The command line. */

#include "daemon/options.h"

#include <ctype.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "build-config.h"
#include "daemon/config.h"
#include "daemon/exit.h"
#include "daemon/ready-fd.h"
#include "util/command-line.h"
#include "util/file.h"

/* What getopt_long(3) returns for an option. Settings come last: theirs is OPTION_SETTING + index in their
 * table. */
enum {
    OPTION_COMMAND = 0x100, /* + Command */
    OPTION_FORK = 0x200,
    OPTION_CONFIG,
    OPTION_PID_FILE,
    OPTION_USER,
    OPTION_READY_FD,
    OPTION_SETTING = 0x300,
};

static const struct option plain_options[] = {
    { "running", no_argument, NULL, OPTION_COMMAND + COMMAND_RUNNING },
    { "stop", no_argument, NULL, OPTION_COMMAND + COMMAND_STOP },
    { "check-config", no_argument, NULL, OPTION_COMMAND + COMMAND_CHECK_CONFIG },
    { "print-config", no_argument, NULL, OPTION_COMMAND + COMMAND_PRINT_CONFIG },
    { "record-exit", no_argument, NULL, OPTION_COMMAND + COMMAND_RECORD_EXIT },
    { "help", no_argument, NULL, OPTION_COMMAND + COMMAND_HELP },
    { "version", no_argument, NULL, OPTION_COMMAND + COMMAND_VERSION },
    { "fork", no_argument, NULL, OPTION_FORK },
    { "config", required_argument, NULL, OPTION_CONFIG },
    { "pid-file", required_argument, NULL, OPTION_PID_FILE },
    { "user", required_argument, NULL, OPTION_USER },
    { "ready-fd", required_argument, NULL, OPTION_READY_FD },
};

#define MAX_OPTIONS (ELEMENTSOF(plain_options) + 16)

static void list_options(struct option list[static MAX_OPTIONS])
{
    memcpy(list, plain_options, sizeof(plain_options));
    struct option *next = list + ELEMENTSOF(plain_options);
    for (size_t i = 0; i < settings_count; i++)
        *next++ =
            (struct option){ settings_table[i].option, required_argument, NULL, OPTION_SETTING + (int)i };
    *next = (struct option){ 0 };
}

static int out_of_memory(Error *ret_error)
{
    return error_set(ret_error, EXIT_FAILURE, ENOMEM, "out of memory");
}

static int refuse(Error *ret_error, const char *argument, const char *problem)
{
    return error_set(ret_error, EXIT_ARGUMENTS, EINVAL, "%.200s: %s; see heartbeatd --help", argument,
                     problem);
}

static int set_command(Options *options, Command command, const char *argument, Error *ret_error)
{
    if (options->command != COMMAND_RUN && options->command != command)
        return refuse(ret_error, argument, "cannot be combined with another command");
    options->command = command;
    return 0;
}

static int set_path(char **target, const char *path, Error *ret_error)
{
    char *absolute;
    int r = path_make_absolute(path, &absolute);
    if (r < 0)
        return error_set(ret_error, EXIT_FAILURE, -r, "%s: working directory: %s", path, strerror(-r));
    free(*target);
    *target = absolute;
    return 0;
}

static bool is_path(const Setting *setting, const char *value)
{
    return setting->path == PATH_ALWAYS || (setting->path == PATH_WITH_SLASH && strchr(value, '/'));
}

static int add_override(Options *options, const Setting *setting, const char *value, Error *ret_error)
{
    Override *grown = realloc(options->overrides, (options->n_overrides + 1) * sizeof(*grown));
    if (!grown)
        return out_of_memory(ret_error);
    options->overrides = grown;
    Override *override = &grown[options->n_overrides++];
    *override = (Override){ .setting = setting };
    if (is_path(setting, value))
        return set_path(&override->value, value, ret_error);
    override->value = strdup(value);
    return override->value ? 0 : out_of_memory(ret_error);
}

static int apply_override(const Override *override, Settings *settings, Error *ret_error)
{
    char where[64];
    snprintf(where, sizeof(where), "--%s", override->setting->option);
    return setting_apply(override->setting, settings, override->value, where, EXIT_ARGUMENTS, ret_error);
}

static int set_setting(Options *options, const Setting *setting, const char *value, Error *ret_error)
{
    Settings unused = { 0 };
    int r = add_override(options, setting, value, ret_error);
    if (r == 0)
        r = apply_override(&options->overrides[options->n_overrides - 1], &unused, ret_error);
    settings_done(&unused);
    return r;
}

static int set_ready_fd(Options *options, const char *value, Error *ret_error)
{
    char *end;
    errno = 0;
    long fd = strtol(value, &end, 10);
    if (!isdigit((unsigned char)value[0]) || *end != '\0' || errno != 0 || fd < READY_FD_MIN || fd > INT_MAX)
        return error_set(ret_error, EXIT_ARGUMENTS, EINVAL,
                         "--ready-fd: \"%.200s\": expected the number of an open descriptor, 3 or more",
                         value);
    options->ready_fd = (int)fd;
    return 0;
}

/* argument: the word on the command line that the option came from. */
static int take_option(Options *options, int option, const char *argument, Error *ret_error)
{
    const char *value = optarg ? optarg : ""; /* "": it takes none */
    if (optarg && optarg[0] == '\0')
        return refuse(ret_error, argument, "expected a value that is not empty");
    if (option >= OPTION_SETTING)
        return set_setting(options, &settings_table[option - OPTION_SETTING], value, ret_error);
    if (option == OPTION_CONFIG)
        return set_path(&options->config, value, ret_error);
    if (option == OPTION_PID_FILE)
        return set_path(&options->pid_file, value, ret_error);
    if (option == OPTION_READY_FD)
        return set_ready_fd(options, value, ret_error);
    if (option == OPTION_USER) {
        free(options->user);
        options->user = strdup(value);
        return options->user ? 0 : out_of_memory(ret_error);
    }
    if (option == OPTION_FORK) {
        options->fork = true;
        return 0;
    }
    return set_command(options, (Command)(option - OPTION_COMMAND), argument, ret_error);
}

static int refuse_unparsed(const struct option *list, int result, const char *argument, Error *ret_error)
{
    char name[256];
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(argument, "="), argument);
    for (; list->name; list++)
        if (command_line_is_whole(name, list->name))
            return refuse(ret_error, name, result == ':' ? "expected a value" : "takes no value");
    return refuse(ret_error, name, "unknown option");
}

static int check_combination(const Options *options, Error *ret_error)
{
    bool runs = options->command == COMMAND_RUN;
    if (options->fork && options->ready_fd > 0)
        return refuse(ret_error, "--ready-fd", "not with --fork, whose end says that the daemon is ready");
    if (options->user && runs && !options->fork)
        return refuse(ret_error, "--user", "goes with --fork; systemd has User= for it");
    if (options->pid_file && runs && !options->fork)
        return refuse(ret_error, "--pid-file", "goes with --fork");
    return 0;
}

int options_parse(int argc, char *argv[], Options *ret, Error *ret_error)
{
    struct option list[MAX_OPTIONS];
    list_options(list);
    opterr = 0;
    for (;;) {
        int index = 0;
        const char *argument = argv[optind];
        int option = getopt_long(argc, argv, "+:", list, &index);
        if (option == -1)
            break;
        if (option == '?' || option == ':' || !command_line_is_whole(argument, list[index].name))
            return refuse_unparsed(list, option, argument, ret_error);
        int r = take_option(ret, option, argument, ret_error);
        if (r < 0)
            return r;
        if (ret->command == COMMAND_HELP || ret->command == COMMAND_VERSION)
            return 0;
    }
    if (optind < argc)
        return error_set(ret_error, EXIT_ARGUMENTS, EINVAL,
                         "\"%.200s\": unexpected argument; see heartbeatd --help", argv[optind]);
    return check_combination(ret, ret_error);
}

void options_done(Options *options)
{
    for (size_t i = 0; i < options->n_overrides; i++)
        free(options->overrides[i].value);
    free(options->overrides);
    free(options->config);
    free(options->pid_file);
    free(options->user);
    *options = (Options){ 0 };
}

static int apply_overrides(const Options *options, Settings *settings, Error *ret_error)
{
    bool replaced_outputs = false;
    for (size_t i = 0; i < options->n_overrides; i++) {
        const Override *override = &options->overrides[i];
        if (strcmp(override->setting->option, "output") == 0 && !replaced_outputs) {
            override->setting->set(settings, NULL); /* the first --output replaces all of the file's */
            replaced_outputs = true;
        }
        int r = apply_override(override, settings, ret_error);
        if (r < 0)
            return r;
    }
    return 0;
}

static int complete(const Options *options, const Places *places, Settings *settings, Error *ret_error)
{
    int r = apply_overrides(options, settings, ret_error);
    if (r < 0)
        return r;
    return settings_complete(settings, places, options->fork, ret_error);
}

static bool has_override(const Options *options, const char *option)
{
    for (size_t i = 0; i < options->n_overrides; i++)
        if (strcmp(options->overrides[i].setting->option, option) == 0)
            return true;
    return false;
}

static int check_outputs(const Options *options, const Settings *settings, Error *ret_error)
{
    if (!options->fork || !settings->stdout_where)
        return 0;
    return error_set(ret_error, has_override(options, "output") ? EXIT_ARGUMENTS : EXIT_CONFIG, EINVAL,
                     "%s: \"stdout\": a daemon made by --fork has none; expected journal, syslog or a path",
                     settings->stdout_where);
}

int options_load_settings(const Options *options, const Places *places, Settings *ret, Error *ret_error)
{
    int r = config_read(options->config, ret, ret_error);
    if (r == 0)
        r = complete(options, places, ret, ret_error);
    return r == 0 ? check_outputs(options, ret, ret_error) : r;
}

int options_load_state_dir(const Options *options, const Places *places, Settings *ret, Error *ret_error)
{
    int r = has_override(options, "state-dir") ? 0 : config_read_state_dir(options->config, ret, ret_error);
    return r == 0 ? complete(options, places, ret, ret_error) : r;
}

void options_print_help(void)
{
    fputs("heartbeatd - one message every " DEFAULT_INTERVAL_TEXT ", and a watchdog fed by it\n"
          "\n"
          "heartbeatd [OPTION]...            run in the foreground, as services should\n"
          "heartbeatd --fork [OPTION]...     run as a daemon; returns after the first beat\n"
          "heartbeatd --running | --stop     print the running one's pid; end it and wait\n"
          "heartbeatd --check-config | --print-config | --record-exit | --help | --version\n"
          "\n"
          "  --interval=SPAN    time from beat to beat, 10ms to 1d (" DEFAULT_INTERVAL_TEXT ")\n"
          "  --message=TEXT     with %n number, %t time, %H host, %b boot id, %u uptime, %%\n"
          "  --output=WHERE     journal, stdout, syslog or a file's path; may be repeated\n"
          "  --format=FORMAT    full: time and message; plain: the message alone\n"
          "  --log-every=SPAN   a message only that often, and after a gap; 0: at each beat\n"
          "  --sync=WHEN        pulse to disk at each beat, after a gap, or never\n"
          "  --history-max=SIZE of the history, whose older half is dropped then (4M)\n"
          "  --metrics=PATH     of a file *.prom to write for Prometheus, at each beat\n"
          "  --state-dir=DIR    lock, pulse and history: one daemon per directory\n"
          "  --config=FILE      read FILE and not " CONFIG_DIR "/heartbeatd.conf\n"
          "  --pid-file=PATH    with --fork: for people and init scripts\n"
          "  --user=USER        with --fork, as root: run as USER\n"
          "  --ready-fd=N       without it: a newline to descriptor N when ready\n"
          "\n"
          "Exit status: 0 done, 1 failed, 2 bad arguments, 4 no privilege, 6 bad\n"
          "configuration, 150 already running. --running: 0 yes, 1 a pid file only, 3 no.\n"
          "Manual: heartbeatd(8), heartbeatd.conf(5)\n",
          stdout);
}

void options_print_version(void)
{
    printf("heartbeatd " VERSION " (%s libsystemd)\n", output_journal_supported ? "with" : "without");
}
