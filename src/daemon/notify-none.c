/* SPDX-License-Identifier: MIT */
/* Stands in for notify.c in a build without libsystemd. */

#include <errno.h>
#include <stdlib.h>

#include "daemon/notify.h"
#include "util/env.h"

const bool notify_supported = false;

int notify_open(Notify *ret, bool will_fork)
{
    (void)will_fork;
    int r = getenv("NOTIFY_SOCKET") ? -EOPNOTSUPP : 0;
    *ret = (Notify){ 0 };
    env_forget("NOTIFY_SOCKET");
    env_forget("WATCHDOG_USEC");
    env_forget("WATCHDOG_PID");
    return r;
}

int notify_send(Notify *notify, const char *state)
{
    (void)notify, (void)state;
    return 0;
}

void notify_close(Notify *notify)
{
    (void)notify;
}
