/* SPDX-License-Identifier: MIT */
/* Where things lie unless somebody says otherwise. */

#include "daemon/places.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "build-config.h"
#include "daemon/exit.h"
#include "util/file.h"

#define LOG_NAME "heartbeat.log"
#define SYSTEM_LOG_DIR LOCALSTATE_DIR "/log/heartbeatd"
#define SYSTEM_STATE_DIR LOCALSTATE_DIR "/lib/heartbeatd"
#define SYSTEM_PID_FILE "/run/heartbeatd.pid"

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

/* The value of an environment variable that is to hold an absolute path; anything else counts as unset, as
 * the XDG base directory specification wants. */
static const char *path_variable(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] == '/' ? value : NULL;
}

static int find_state_dir(Places *places, Error *ret_error)
{
    const char *given = path_variable("STATE_DIRECTORY"), *home;
    int r;
    if (given) { /* systemd.exec(5): several are separated by colons */
        places->state_dir_given = true;
        r = (places->state_dir = strndup(given, strcspn(given, ":"))) ? 0 : -1;
    } else if (places->system)
        r = (places->state_dir = strdup(SYSTEM_STATE_DIR)) ? 0 : -1;
    else if ((home = path_variable("XDG_STATE_HOME")))
        r = asprintf(&places->state_dir, "%s/heartbeatd", home);
    else if ((home = path_variable("HOME")))
        r = asprintf(&places->state_dir, "%s/.local/state/heartbeatd", home);
    else
        return error_set(
            ret_error, EXIT_CONFIG, ENOENT,
            "no state directory: neither $XDG_STATE_HOME nor $HOME is set; expected --state-dir=DIR");
    return r < 0 ? error_set(ret_error, EXIT_FAILURE, ENOMEM, "out of memory") : 0;
}

static int find_files(Places *places)
{
    const char *runtime = path_variable("XDG_RUNTIME_DIR");
    if (asprintf(&places->log_file, "%s/" LOG_NAME, places->system ? SYSTEM_LOG_DIR : places->state_dir) < 0)
        return -ENOMEM;
    if (places->system)
        places->pid_file = strdup(SYSTEM_PID_FILE);
    else if (runtime && asprintf(&places->pid_file, "%s/heartbeatd.pid", runtime) < 0)
        places->pid_file = NULL;
    return (places->system || runtime) && !places->pid_file ? -ENOMEM : 0;
}

int places_find(Places *ret, Error *ret_error)
{
    ret->system = geteuid() == 0;
    ret->stderr_on_journal = is_journal_stream(STDERR_FILENO);
    ret->on_journal = ret->stderr_on_journal || is_journal_stream(STDOUT_FILENO);
    int r = find_state_dir(ret, ret_error);
    if (r < 0)
        return r;
    return find_files(ret) < 0 ? error_set(ret_error, EXIT_FAILURE, ENOMEM, "out of memory") : 0;
}

void places_done(Places *places)
{
    free(places->state_dir);
    free(places->log_file);
    free(places->pid_file);
    *places = (Places){ 0 };
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

int places_make(const Places *places, const char *state_dir, char *const *outputs, size_t n_outputs,
                uid_t uid, gid_t gid, Error *ret_error)
{
    int r = 0;
    bool logs_in_state_dir = !places->system;
    bool wanted = strcmp(state_dir, places->state_dir) == 0 && !places->state_dir_given;
    bool logs = false;
    for (size_t i = 0; i < n_outputs; i++)
        logs = logs || strcmp(outputs[i], places->log_file) == 0;
    if (wanted || (logs && logs_in_state_dir))
        r = make(places->state_dir, 0755, !places->system, uid, gid, ret_error);
    if (r == 0 && logs && !logs_in_state_dir)
        r = make(SYSTEM_LOG_DIR, 0750, false, uid, gid, ret_error);
    return r;
}
