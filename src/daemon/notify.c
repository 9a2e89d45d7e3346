/* SPDX-License-Identifier: MIT */
/* The way to the service manager, by libsystemd. */

#include "daemon/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "util/cleanup.h"
#include "util/env.h"

const bool notify_supported = true;

/* Whether a variable holds the pid of this process. systemd sets SYSTEMD_EXEC_PID (since 248) for every
 * service and WATCHDOG_PID for those with a watchdog, both naming the process that it executed:
 * systemd.exec(5). */
static bool names_us(const char *variable)
{
    char pid[32];
    const char *value = getenv(variable);
    snprintf(pid, sizeof(pid), "%lld", (long long)getpid());
    return value && strcmp(value, pid) == 0;
}

static int open_address(Notify *notify, const char *path)
{
    int r = address_set(&notify->address, path);
    if (r < 0)
        return r;
    snprintf(notify->assignment, sizeof(notify->assignment), "NOTIFY_SOCKET=%s", path);
    notify->open = true;
    return 0;
}

int notify_open(Notify *ret, bool will_fork)
{
    *ret = (Notify){ 0 };
    const char *path = getenv("NOTIFY_SOCKET");
    bool ours = !will_fork || names_us("WATCHDOG_PID") || names_us("SYSTEMD_EXEC_PID");
    int r = path && ours ? open_address(ret, path) : 0;
    if (!ret->open || sd_watchdog_enabled(0, &ret->watchdog_usec) <= 0)
        ret->watchdog_usec = 0;

    env_forget("NOTIFY_SOCKET");
    env_forget("WATCHDOG_USEC");
    env_forget("WATCHDOG_PID");
    return r;
}

int notify_send(const Notify *notify, const char *state)
{
    if (!notify->open)
        return 0;
    /* sd_notify(3) blocks when the manager's queue is full. */
    int r = probe_address(&notify->address);
    if (r < 0)
        return r;

    /* It knows its address from the environment only, from which the variable is gone: for the length of the
     * call the environment is one that holds nothing else. Nothing is allocated, and there is one thread. */
    char *only[] = { (char *)(uintptr_t)notify->assignment, NULL };
    char **whole = environ;
    environ = only;
    r = sd_notify(0, state);
    environ = whole;
    return r < 0 ? r : 0;
}
