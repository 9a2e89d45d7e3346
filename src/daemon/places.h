/* SPDX-License-Identifier: MIT */
#pragma once
/* Where things lie unless somebody says otherwise: decided once at the start, from who runs the program and
 * from its environment, and so before privileges are dropped and the environment is cleaned. */

#include <stdbool.h>
#include <sys/types.h>

#include "util/error.h"

typedef struct Places {
    bool system;     /* started by root */
    bool on_journal; /* stdout or stderr is the journal's */
    bool stderr_on_journal;
    char *state_dir;      /* NULL: a user's, with neither $XDG_STATE_HOME nor $HOME */
    bool state_dir_given; /* by $STATE_DIRECTORY: its maker is the service manager */
    char *log_file;       /* the default output with --fork; NULL: likewise */
    bool log_dir_given;   /* by $LOGS_DIRECTORY */
    bool stdout_is_null;  /* what goes there is lost */
    char *pid_file;       /* NULL: none */
} Places;

/* Returns 0 or -ENOMEM. */
int places_find(Places *ret);
void places_done(Places *places);

/* Whether a state directory is the default one. */
bool places_is_default(const Places *places, const char *state_dir);

/* Makes those default directories that are missing, for the user whom the daemon will run as: the state
 * directory if state_dir is the default one, and the log file's directory if one of the outputs is the
 * default one. Returns 0 or -errno. */
int places_make(const Places *places, const char *state_dir, char *const *outputs, size_t n_outputs,
                uid_t uid, gid_t gid, Error *ret_error);
