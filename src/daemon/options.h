/* SPDX-License-Identifier: MIT */
#pragma once
/* The command line. */

#include "daemon/settings.h"

typedef enum Command {
    COMMAND_RUN,
    COMMAND_RUNNING,
    COMMAND_STOP,
    COMMAND_CHECK_CONFIG,
    COMMAND_PRINT_CONFIG,
    COMMAND_RECORD_EXIT,
    COMMAND_HELP,
    COMMAND_VERSION,
} Command;

/* A setting given by an option; it wins over the file, now and at each reload. */
typedef struct Override {
    const Setting *setting;
    char *value;
} Override;

typedef struct Options {
    Command command;
    bool fork;
    int ready_fd;        /* where to tell readiness; 0: nowhere */
    char *config;        /* absolute; NULL: the installed one */
    char *pid_file;      /* absolute; NULL: the default one */
    char *user;          /* NULL: as whoever started it */
    Override *overrides; /* in the order given */
    size_t n_overrides;
} Options;

/* Returns 0, or -errno with *ret_error filled. What was parsed belongs to *ret even then. */
int options_parse(int argc, char *argv[], Options *ret, Error *ret_error);
void options_done(Options *options);

/* The settings in effect: the configuration file, over it the options, and defaults for the rest. Returns 0
 * or -errno; what was read belongs to *ret even then. */
int options_load_settings(const Options *options, const Places *places, Settings *ret, Error *ret_error);

/* The state directory alone, however bad the rest of the configuration file. */
int options_load_state_dir(const Options *options, const Places *places, Settings *ret, Error *ret_error);

/* Both write to standard output. */
void options_print_help(void);
void options_print_version(void);
