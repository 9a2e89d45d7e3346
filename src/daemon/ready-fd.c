/* SPDX-License-Identifier: MIT */
/* Readiness for supervisors that wait for a newline on a descriptor. */

#include "daemon/ready-fd.h"

#include <fcntl.h>

#include "util/cleanup.h"
#include "util/fd.h"

int ready_fd_claim(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
        return -errno;
    if ((flags & O_ACCMODE) == O_RDONLY)
        return -EBADF;
    return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
}

int ready_fd_tell(int fd)
{
    cleanup_close int ours = fd;
    int r = fd_write_now(ours, "\n", 1);
    return r < 0 ? r : 0;
}
