/* SPDX-License-Identifier: MIT */
#pragma once
/* What can be set, by a key in the configuration file and by an option of nearly the same name: one table for
 * both. Where the values come from is the business of config and options. */

#include "daemon/ledger.h"
#include "daemon/output.h"
#include "daemon/places.h"

#define INTERVAL_MIN_USEC (10 * USEC_PER_MSEC)
#define INTERVAL_MAX_USEC USEC_PER_DAY
#define LOG_EVERY_MAX_USEC USEC_PER_YEAR
#define HISTORY_MAX_MIN_BYTES \
    (UINT64_C(64) << 10) /* thirty of the longest lines, and hundreds of usual ones */
#define HISTORY_MAX_MAX_BYTES (UINT64_C(1) << 30)

typedef struct Settings {
    usec_t interval_usec; /* 0: not set */
    char *message;        /* template, control characters escaped; NULL: not set */
    char **outputs;       /* names for output_new(), each once; none: not set */
    size_t n_outputs;
    char *stdout_where; /* where the output stdout was set, as setting_apply() was told; NULL: nowhere */
    Format format;
    usec_t log_every_usec; /* 0: each message */
    Sync sync;
    uint64_t history_max_bytes; /* 0: not set */
    char *metrics;              /* absolute; NULL: none */
    char *state_dir;            /* absolute; NULL: not set */
} Settings;

typedef enum SettingPath {
    PATH_NO,
    PATH_ALWAYS,     /* the value is a path */
    PATH_WITH_SLASH, /* it is one if it has a slash in it */
} SettingPath;

typedef struct Setting {
    const char *key;      /* in the file */
    const char *option;   /* on the command line, without the dashes */
    const char *expected; /* what is accepted, to follow "expected " */
    SettingPath path;
    /* value NULL: back to "not set". Returns 0, -EINVAL for a value that is not accepted, -ENOMEM. */
    int (*set)(Settings *settings, const char *value);
} Setting;

extern const Setting settings_table[];
extern const size_t settings_count;

/* Sets one, or on a value that is not accepted says where, what and what would be. where: "--interval" or
 * "FILE:LINE: Interval"; exit_code: what such a mistake ends with there. Returns 0 or -errno. */
int setting_apply(const Setting *setting, Settings *settings, const char *value, const char *where,
                  int exit_code, Error *ret_error);

void settings_done(Settings *settings);

/* Fills in what is not set. as_daemon: for --fork. Returns 0 or -errno, -ENOENT when there is no place for
 * state. */
int settings_complete(Settings *settings, const Places *places, bool as_daemon, Error *ret_error);

/* Writes them to standard output as a configuration file that means the same. */
void settings_print(const Settings *settings);
