/* SPDX-License-Identifier: MIT */
#pragma once
/* The exit statuses, all of them, as heartbeatd(8) has them. Numbers follow the LSB and systemd.exec(5) where
 * those have one for the case. */

#include <errno.h>
#include <stdlib.h>

enum {
    EXIT_ARGUMENTS = 2,   /* LSB: EXIT_INVALIDARGUMENT */
    EXIT_PRIVILEGE = 4,   /* LSB: EXIT_NOPERMISSION */
    EXIT_CONFIG = 6,      /* LSB: EXIT_NOTCONFIGURED */
    EXIT_RUNNING = 150,   /* the first of those that the LSB leaves to applications */
    EXIT_STALE_PID = 1,   /* --running, LSB status: dead, and a pid file exists */
    EXIT_NOT_RUNNING = 3, /* --running, LSB status: not running */
};

/* The status for a start that failed with this errno. */
static inline int exit_code_for(int errnum)
{
    return errnum == EACCES || errnum == EPERM ? EXIT_PRIVILEGE : EXIT_FAILURE;
}
