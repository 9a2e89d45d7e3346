/* SPDX-License-Identifier: MIT */
#pragma once
/* A file in the state directory, which may be anybody's trap: opened without following, waiting or acquiring.
 */

#include <stdbool.h>
#include <sys/types.h>

/* Where the state directory is unless somebody says otherwise: the system's, or the own user's by
 * $XDG_STATE_HOME or $HOME. The caller frees. Returns 0, -ENOENT when neither variable has a path, or
 * -ENOMEM. */
int state_directory_default(bool system, char **ret);

/* Makes sure of the names in it: fsync(2) of a file alone does not promise that the file has one after a
 * power cut. Returns 0 or -errno. */
int state_directory_sync(const char *directory);

/* Opens a regular file. Returns a descriptor, or -errno: -ENOENT, -EINVAL when it is none, -ELOOP, and what
 * guard_open() has. */
int state_file_open(const char *path, int flags);

/* Makes one that is not there, with exactly this mode: who may read the files of the state directory must not
 * hang on a umask. Where root makes it, it is the directory's owner's, who could not start again otherwise.
 * Returns a descriptor, or -errno: -EEXIST. */
int state_file_make(const char *path, int flags, mode_t mode);

/* Opens it, and makes it where it is missing. */
int state_file_open_or_make(const char *path, int flags, mode_t mode);
