/* SPDX-License-Identifier: MIT */
#pragma once
/* The way to the service manager: sd_notify(3). What is said on it is supervisor's business. */

#include <stdbool.h>

#include "util/probe.h"
#include "util/usec.h"

typedef struct Notify {
    bool open;
    Address address;
    int fd;               /* -1 until there is something to say */
    usec_t watchdog_usec; /* how often the manager wants to hear WATCHDOG=1; 0: it does not */
} Notify;

extern const bool notify_supported;

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and removes them from the environment. To be called in
 * the process that was executed, before any fork: WATCHDOG_PID names that one. will_fork: the process is
 * going to fork away, so that the socket counts only if $WATCHDOG_PID or $SYSTEMD_EXEC_PID says that it is
 * meant for this process and was not inherited from a service that started it.
 *
 * Returns 0 with ret->open telling whether there is a manager, or -errno when there is one that cannot be
 * told anything (-EINVAL, -ENAMETOOLONG: no address; -EOPNOTSUPP: no libsystemd): worth a warning, no reason
 * not to run. */
int notify_open(Notify *ret, bool will_fork);

/* Sends assignments, separated by newlines. Never waits. Returns 0, also without a manager; -EAGAIN when the
 * manager does not read at present, or another -errno. */
int notify_send(Notify *notify, const char *state);

/* For a Notify that notify_open() was called for. */
void notify_close(Notify *notify);
