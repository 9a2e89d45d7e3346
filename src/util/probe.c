/* SPDX-License-Identifier: MIT */
/* Whether a datagram socket would take a message right now. */

#include "util/probe.h"

#include <poll.h>
#include <stddef.h>
#include <string.h>

#include "util/cleanup.h"

int address_set(Address *ret, const char *path)
{
    size_t length = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || path[1] == '\0')
        return -EINVAL;
    /* The kernel would take an abstract name of one byte more, for it needs no NUL; libsystemd 252 does not.
     */
    if (length >= sizeof(ret->socket.sun_path))
        return -ENAMETOOLONG;

    *ret = (Address){ .socket.sun_family = AF_UNIX };
    memcpy(ret->socket.sun_path, path, length);
    if (path[0] == '@')
        ret->socket.sun_path[0] = '\0';
    /* A path keeps its NUL, and of an abstract name each byte counts: unix(7). */
    ret->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (path[0] == '/' ? 1 : 0));
    return 0;
}

int probe_ask(Probe *probe, const char *path)
{
    Address address;
    int r = address_set(&address, path);
    if (r < 0)
        return r;
    if (!probe->open) {
        probe->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        probe->open = probe->fd >= 0;
    }
    if (!probe->open || connect(probe->fd, (const struct sockaddr *)&address.socket, address.length) < 0)
        return -errno;
    /* poll(2) on a connected datagram socket looks at the receiver's queue. */
    struct pollfd wanted = { .fd = probe->fd, .events = POLLOUT };
    r = poll(&wanted, 1, 0);
    if (r < 0)
        return -errno;
    return r > 0 ? 0 : -EAGAIN;
}

void probe_close(Probe *probe)
{
    if (probe->open)
        close_fd(probe->fd);
    probe->open = false;
}

int probe_path(const char *path)
{
    Probe probe = { 0 };
    int r = probe_ask(&probe, path);
    probe_close(&probe);
    return r;
}
