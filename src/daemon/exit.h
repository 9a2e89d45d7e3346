/* SPDX-License-Identifier: MIT */
#pragma once
/* The exit statuses, all of them, as heartbeatd(8) has them. Numbers follow the LSB and systemd.exec(5) where
 * those have one for the case. */

#include <errno.h>
#include <stdlib.h>

enum {
    EXIT_ARGUMENTS = 2,   /* LSB: EXIT_INVALIDARGUMENT */
    EXIT_PRIVILEGE = 4,   /* LSB: EXIT_NOPERMISSION */
    EXIT_CONFIG = 6,      /* LSB: EXIT_NOTCONFIGURED; also a path in it that cannot be used */
    EXIT_RUNNING = 150,   /* the first of those that the LSB leaves to applications */
    EXIT_STALE_PID = 1,   /* --running, LSB status: dead, and a pid file exists */
    EXIT_NOT_RUNNING = 3, /* --running, LSB status: not running */
};

/* The status for a start that failed with this errno. What an administrator has to mend is told apart from
 * what may be over at the next try, for the unit restarts the latter only. */
static inline int exit_code_for(int errnum)
{
    switch (errnum) {
    case EACCES:
    case EPERM:
        return EXIT_PRIVILEGE;
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case EROFS:
    case EINVAL:
    case ENOTSUP:
    case ENAMETOOLONG:
    case EMLINK: /* these three: guard_check(), guard_open() */
    case ENOLINK:
    case EDEADLK:
        return EXIT_CONFIG;
    default:
        return EXIT_FAILURE;
    }
}
