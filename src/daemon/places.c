/* SPDX-License-Identifier: MIT */
/* Where things lie unless somebody says otherwise. */

#include "daemon/places.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "build-config.h"
#include "daemon/exit.h"
#include "store/state-file.h"
#include "util/env.h"
#include "util/file.h"

#define SYSTEM_LOG_DIR LOCALSTATE_DIR "/log/heartbeatd"

/* systemd.exec(5): $JOURNAL_STREAM holds device and inode of the socket that a stream was connected to; the
 * inode of our own tells whether it still is that one. */
static bool is_journal_stream(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    char own[64];
    if (!stream || fstat(fd, &st) < 0)
        return false;
    snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(stream, own) == 0;
}

static bool is_null(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && file_is_null(&st);
}

static int join(const char *directory, const char *name, char **ret)
{
    *ret = path_join(directory, name);
    return *ret ? 0 : -ENOMEM;
}

/* The directory that whoever started us has made for a purpose: the first one of the variable's list, as in
 * systemd.exec(5). Returns 1, 0 when there is none, or -ENOMEM. */
static int find_given(const char *variable, char **ret)
{
    const char *list = env_path(variable);
    if (!list)
        return 0;
    *ret = strndup(list, strcspn(list, ":"));
    return *ret ? 1 : -ENOMEM;
}

static int find_state_dir(Places *places)
{
    int r = find_given("STATE_DIRECTORY", &places->state_dir);
    places->state_dir_given = r > 0;
    if (r == 0)
        r = state_directory_default(places->system, &places->state_dir);
    return r == -ENOENT ? 0 : r;
}

static int find_log_file(Places *places)
{
    cleanup_free char *given = NULL;
    int r = find_given("LOGS_DIRECTORY", &given);
    const char *directory = r > 0 ? given : places->system ? SYSTEM_LOG_DIR : places->state_dir;
    places->log_dir_given = r > 0;
    return r >= 0 && directory ? join(directory, "heartbeat.log", &places->log_file) : r;
}

static int find_pid_file(Places *places)
{
    const char *directory = places->system ? "/run" : env_path("XDG_RUNTIME_DIR");
    return directory ? join(directory, "heartbeatd.pid", &places->pid_file) : 0;
}

int places_find(Places *ret)
{
    ret->system = geteuid() == 0;
    ret->stderr_on_journal = is_journal_stream(STDERR_FILENO);
    ret->stdout_is_null = is_null(STDOUT_FILENO);
    ret->on_journal = ret->stderr_on_journal || is_journal_stream(STDOUT_FILENO);
    int r = find_state_dir(ret);
    if (r >= 0)
        r = find_log_file(ret);
    return r >= 0 ? find_pid_file(ret) : r;
}

void places_done(Places *places)
{
    free(places->state_dir);
    free(places->log_file);
    free(places->pid_file);
    *places = (Places){ 0 };
}

bool places_is_default(const Places *places, const char *state_dir)
{
    return places->state_dir && strcmp(state_dir, places->state_dir) == 0;
}

static int make(const char *path, mode_t mode, bool parents, uid_t uid, gid_t gid, Error *ret_error)
{
    int r = parents ? directory_make_parents(path) : 0;
    if (r >= 0)
        r = directory_make(path, mode, uid, gid);
    return r < 0 ? error_set(ret_error, exit_code_for(-r), -r, "%s: cannot make the directory: %s", path,
                             strerror(-r))
                 : 0;
}

static bool contains(char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; name && i < n; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

int places_make(const Places *places, const char *state_dir, char *const *outputs, size_t n_outputs,
                uid_t uid, gid_t gid, Error *ret_error)
{
    bool is_default = places_is_default(places, state_dir);
    bool need_logs = !places->log_dir_given && contains(outputs, n_outputs, places->log_file);
    int r = 0;
    /* A user's logs lie in the state directory. */
    if ((is_default && !places->state_dir_given) || (need_logs && !places->system))
        r = make(places->state_dir, 0755, !places->system, uid, gid, ret_error);
    if (r == 0 && need_logs && places->system)
        r = make(SYSTEM_LOG_DIR, 0750, false, uid, gid, ret_error);
    return r;
}
