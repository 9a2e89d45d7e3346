/* SPDX-License-Identifier: MIT */
/* The configuration files, read into settings. */

#include "daemon/config.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "build-config.h"
#include "core/ini.h"
#include "daemon/exit.h"
#include "store/guard.h"
#include "util/cleanup.h"
#include "util/file.h"

#define CONFIG_FILE CONFIG_DIR "/heartbeatd.conf"
#define CONFIG_DROPINS CONFIG_DIR "/heartbeatd.conf.d"
#define CONFIG_FILE_MAX ((size_t)1024 * 1024) /* bytes */
#define SECTION "Heartbeat"

typedef enum Scope { EVERYTHING, STATE_DIR_ONLY } Scope;

static const Setting *find_key(const char *key)
{
    for (size_t i = 0; i < settings_count; i++)
        if (strcmp(settings_table[i].key, key) == 0)
            return &settings_table[i];
    return NULL;
}

static int apply(const char *path, const IniReader *at, Settings *settings, Error *ret_error)
{
    if (strcmp(at->section, SECTION) != 0)
        return error_set(ret_error, EXIT_CONFIG, EINVAL,
                         "%s:%zu: [%.200s]: unknown section; expected [" SECTION "]", path, at->line,
                         at->section);
    if (!at->key)
        return 0;
    const Setting *setting = find_key(at->key);
    if (!setting)
        return error_set(ret_error, EXIT_CONFIG, EINVAL,
                         "%s:%zu: %.200s: unknown key; heartbeatd.conf(5) lists them", path, at->line,
                         at->key);

    cleanup_free char *where = NULL;
    if (asprintf(&where, "%s:%zu: %s", path, at->line, at->key) < 0)
        return error_set(ret_error, EXIT_FAILURE, ENOMEM, "out of memory");
    return setting_apply(setting, settings, at->value[0] ? at->value : NULL, where, EXIT_CONFIG, ret_error);
}

static bool is_state_dir(const IniReader *at)
{
    return strcmp(at->section, SECTION) == 0 && at->key && strcmp(at->key, "StateDir") == 0;
}

static int refuse_line(const char *path, const IniReader *at, const char *problem, Error *ret_error)
{
    if (at->text)
        return error_set(ret_error, EXIT_CONFIG, EBADMSG, "%s:%zu: \"%.200s\": %s", path, at->line, at->text,
                         problem);
    return error_set(ret_error, EXIT_CONFIG, EBADMSG, "%s:%zu: %s", path, at->line, problem);
}

/* What does not concern a reader of StateDir= only: but for a bad line that would be the key, or its section.
 */
static bool may_pass_over(const IniReader *at, bool is_bad)
{
    if (!is_bad)
        return !is_state_dir(at);
    return !at->text || (at->text[0] != '[' && strncmp(at->text, "StateDir", strlen("StateDir")) != 0);
}

static int read_settings(const char *path, char *text, size_t length, Scope scope, Settings *settings,
                         Error *ret_error)
{
    IniReader reader;
    const char *problem;
    ini_start(&reader, text, length);
    for (int r; (r = ini_next(&reader, &problem)) != 0;) {
        if (scope == STATE_DIR_ONLY && may_pass_over(&reader, r < 0))
            continue;
        r = r < 0 ? refuse_line(path, &reader, problem, ret_error)
                  : apply(path, &reader, settings, ret_error);
        if (r < 0)
            return r;
    }
    return 0;
}

static const char *problem_with(int error)
{
    return error == EFBIG    ? "longer than 1 MiB"
           : error == EINVAL ? "expected a regular file"
                             : strerror(error);
}

static int refuse_file(const char *path, int error, Error *ret_error)
{
    return error_set(ret_error, EXIT_CONFIG, error, "%s: cannot be read: %s", path, problem_with(error));
}

/* Whoever can change what root runs by is root. sticky: whether a directory's
 * sticky bit will do, by which others can make files in it but not replace those that are there. */
static int check_trust(const char *path, const struct stat *st, bool sticky, Error *ret_error)
{
    bool others = (st->st_mode & (S_IWGRP | S_IWOTH)) && !(sticky && (st->st_mode & S_ISVTX));
    if (geteuid() != 0 || (st->st_uid == 0 && !others))
        return 0;
    return error_set(ret_error, EXIT_CONFIG, EPERM,
                     "%s: %s, and root takes no orders from there; chown root and chmod go-w would mend it",
                     path, others ? "can be written to by others than its owner" : "does not belong to root");
}

static int check_directory(const char *path, Error *ret_error)
{
    struct stat st;
    const char *slash = strrchr(path, '/');
    cleanup_free char *directory =
        slash ? strndup(path, slash > path ? (size_t)(slash - path) : 1) : strdup(".");
    if (!directory)
        return error_set(ret_error, EXIT_FAILURE, ENOMEM, "out of memory");
    return stat(directory, &st) < 0 ? refuse_file(path, errno, ret_error)
                                    : check_trust(directory, &st, true, ret_error);
}

/* The file, the directory that it lies in, and where it is a link also the one of what that leads to. Those
 * above are trusted. */
static int check_file(const char *path, int fd, Error *ret_error)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return refuse_file(path, errno, ret_error);
    if (!S_ISREG(st.st_mode)) /* the null device, which says nothing, or not to be read at all */
        return 0;
    int r = check_trust(path, &st, false, ret_error);
    if (r < 0)
        return r;
    cleanup_free char *real_path = realpath(path, NULL);
    if (!real_path)
        return refuse_file(path, errno, ret_error);
    r = check_directory(path, ret_error);
    return r == 0 && strcmp(real_path, path) != 0 ? check_directory(real_path, ret_error) : r;
}

/* A reload must not let go of the lock by closing its file. */
static bool is_lock(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && guard_is_lock(&st);
}

static int read_file(const char *path, Scope scope, bool may_be_missing, Settings *settings, Error *ret_error)
{
    cleanup_free char *text = NULL;
    size_t length;
    cleanup_close int fd = is_lock(path) ? -EINVAL : file_open_to_read(path);
    if (fd == -ENOENT && may_be_missing)
        return 0;
    if (fd < 0)
        return refuse_file(path, -fd, ret_error);
    int r = check_file(path, fd, ret_error);
    if (r < 0)
        return r;
    r = file_read_open(fd, CONFIG_FILE_MAX, &text, &length);
    return r < 0 ? refuse_file(path, -r, ret_error)
                 : read_settings(path, text, length, scope, settings, ret_error);
}

static int is_dropin(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length > 5 && strcmp(entry->d_name + length - 5, ".conf") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_dropins(Scope scope, Settings *settings, Error *ret_error)
{
    struct dirent **entries;
    struct stat st;
    int trust = stat(CONFIG_DROPINS, &st) == 0 ? check_trust(CONFIG_DROPINS, &st, false, ret_error) : 0;
    if (trust < 0)
        return trust;
    int n = scandir(CONFIG_DROPINS, &entries, is_dropin, by_bytes);
    if (n < 0)
        return errno == ENOENT ? 0
                               : error_set(ret_error, EXIT_CONFIG, errno, "%s: cannot be read: %s",
                                           CONFIG_DROPINS, strerror(errno));
    int r = 0;
    for (int i = 0; i < n; i++) {
        char path[sizeof(CONFIG_DROPINS) + 1 + sizeof(entries[i]->d_name)];
        snprintf(path, sizeof(path), "%s/%s", CONFIG_DROPINS, entries[i]->d_name);
        if (r == 0)
            r = read_file(path, scope, false, settings, ret_error);
        free(entries[i]);
    }
    free(entries);
    return r;
}

static int read_all(const char *path, Scope scope, Settings *settings, Error *ret_error)
{
    if (path)
        return read_file(path, scope, false, settings, ret_error);
    int r = read_file(CONFIG_FILE, scope, true, settings, ret_error);
    return r < 0 ? r : read_dropins(scope, settings, ret_error);
}

int config_read(const char *path, Settings *settings, Error *ret_error)
{
    return read_all(path, EVERYTHING, settings, ret_error);
}

int config_read_state_dir(const char *path, Settings *settings, Error *ret_error)
{
    return read_all(path, STATE_DIR_ONLY, settings, ret_error);
}
