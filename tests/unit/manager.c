/* SPDX-License-Identifier: MIT */
/* The service manager's side of sd_notify(3). */

#include "manager.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/probe.h"

void manager_listen(Manager *manager, const char *address, usec_t watchdog_usec)
{
    Address bound;
    char number[32];
    *manager = (Manager){ .fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) };
    cr_assert_geq(manager->fd, 0);
    cr_assert_eq(address_set(&bound, address), 0);
    cr_assert_eq(bind(manager->fd, (const struct sockaddr *)&bound.socket, bound.length), 0, "%s", address);

    setenv("NOTIFY_SOCKET", address, 1);
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    if (watchdog_usec > 0) {
        snprintf(number, sizeof(number), "%" PRI_USEC, watchdog_usec);
        setenv("WATCHDOG_USEC", number, 1);
        snprintf(number, sizeof(number), "%d", getpid());
        setenv("WATCHDOG_PID", number, 1);
    }
}

void manager_close(Manager *manager)
{
    close(manager->fd);
    manager->fd = -1;
}

bool manager_hear_one(Manager *manager)
{
    ssize_t n = recv(manager->fd, manager->last, sizeof(manager->last) - 1, MSG_DONTWAIT);
    if (n < 0)
        return false;
    manager->last[n] = '\0';
    manager->datagrams++;
    return true;
}

static void note_feeding(Manager *manager, usec_t now_usec)
{
    if (manager->watchdog++ == 0)
        manager->first_usec = now_usec;
    else if (now_usec - manager->last_usec > manager->longest_usec)
        manager->longest_usec = now_usec - manager->last_usec;
    manager->last_usec = now_usec;
}

void manager_hear(Manager *manager, usec_t now_usec)
{
    while (manager_hear_one(manager)) {
        if (manager->second_usec == 0 || now_usec >= manager->second_usec + USEC_PER_SEC) {
            manager->second_usec = now_usec;
            manager->in_second = 0;
        }
        if (++manager->in_second > manager->most_in_second)
            manager->most_in_second = manager->in_second;
        manager->ready += strstr(manager->last, "READY=1") != NULL;
        manager->status += strstr(manager->last, "STATUS=") != NULL;
        if (strstr(manager->last, "WATCHDOG=1"))
            note_feeding(manager, now_usec);
    }
}

void manager_fill(const Manager *manager)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    cr_assert_eq(getsockname(manager->fd, (struct sockaddr *)&address, &length), 0);
    cr_assert_eq(connect(fd, (const struct sockaddr *)&address, length), 0);
    while (send(fd, "X=1", 3, MSG_DONTWAIT) == 3)
        ;
    close(fd);
}
