/* SPDX-License-Identifier: MIT */
#pragma once
/* The pid file, which people, start-stop-daemon(8) and PIDFile= read. This program reads it to say "a pid
 * file only"
 * (--running) and for nothing else: who runs is known from the lock. So whatever one holds, stale or garbage
 * or somebody else's pid, never keeps a daemon from starting. */

#include <sys/types.h>

#include "util/error.h"

typedef struct PidFile {
    char *path;
    int fd;
} PidFile;

#define PIDFILE_NONE ((PidFile){ .fd = -1 })

/* Opens it while there is still the privilege to, and leaves its content alone: the daemon that it names may
 * be alive. A file of another user, or with a second name, is replaced; what is no regular file is refused.
 * Returns 0, or -errno with *ret_error filled. */
int pidfile_open(PidFile *ret, const char *path, Error *ret_error);

/* Makes it hold pid and a newline, by the holder of the lock. Returns 0 or -errno. */
int pidfile_write(const PidFile *file, pid_t pid);

/* At the end, by the holder of the lock: removes it, or empties it where another start has it open by now, or
 * where the directory does not allow it to us any more. An empty one counts as none. */
void pidfile_remove(const PidFile *file);

/* After a start that never had the lock: removes the file if it is empty and no other start has it open. */
void pidfile_abandon(const PidFile *file);

void pidfile_close(PidFile *file);

/* Returns the pid that the file at path holds, 0 when there is no file or nothing in it, -errno when it
 * cannot be read, -EBADMSG when it holds something else. */
pid_t pidfile_read(const char *path);
