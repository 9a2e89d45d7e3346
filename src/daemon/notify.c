/* SPDX-License-Identifier: MIT */
/* The way to the service manager. What it says is read by libsystemd; what it is told goes through a socket
 * that stays open: sd_notify(3) makes one each time, eight system calls where one will do, and waits for a
 * manager that does not read. */

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
    notify->open = true;
    return 0;
}

int notify_open(Notify *ret, bool will_fork)
{
    *ret = (Notify){ .fd = -1 };
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

/* By address and not connected: a manager that has come in place of another is told as well. */
int notify_send(Notify *notify, const char *state)
{
    if (!notify->open)
        return 0;
    if (notify->fd < 0)
        notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (notify->fd < 0)
        return -errno;
    ssize_t n = sendto(notify->fd, state, strlen(state), MSG_DONTWAIT | MSG_NOSIGNAL,
                       (const struct sockaddr *)&notify->address.socket, notify->address.length);
    return n < 0 ? -errno : 0;
}

void notify_close(Notify *notify)
{
    notify->fd = close_fd(notify->fd);
}
