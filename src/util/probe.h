/* SPDX-License-Identifier: MIT */
#pragma once
/* Whether a datagram socket would take a message right now.
 *
 * syslog(3) and sd_journal_sendv(3) block for ever when the queue of a receiver that does not read is full
 * (10 messages by net.unix.max_dgram_qlen(unix(7)), 512 under systemd), and report success when there is no
 * receiver at all. So it is asked here before they are called. */

#include <stdbool.h>

#include <sys/socket.h>
#include <sys/un.h>

#define SYSLOG_SOCKET "/dev/log"
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

typedef struct Address {
    struct sockaddr_un socket;
    socklen_t length;
} Address;

/* path: absolute, or an abstract name after an "@". Returns 0, -EINVAL or -ENAMETOOLONG. */
int address_set(Address *ret, const char *path);

/* Returns 0 when a datagram would be taken without waiting, -EAGAIN when the receiver's queue is full,
 * -ENOENT or -ECONNREFUSED when there is no receiver, -EPROTOTYPE when it wants a stream (on which nobody can
 * tell whether a library's own connection would block), or another -errno of socket(2) or connect(2). */
int probe_path(const char *path);

/* The same for who asks again and again: a socket of its own, which all zero is yet to be opened. Each time
 * it is connected anew, for a receiver may have come in place of another. */
typedef struct Probe {
    bool open;
    int fd;
} Probe;

int probe_ask(Probe *probe, const char *path);
void probe_close(Probe *probe);
