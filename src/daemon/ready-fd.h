/* SPDX-License-Identifier: MIT */
#pragma once
/* Readiness for supervisors that wait for a newline on a descriptor: s6, dinit, OpenRC. */

/* Lower numbers are the standard descriptors, which have a use of their own. */
#define READY_FD_MIN 3

/* Takes over a descriptor that the supervisor has left open, before anything else is opened. Returns 0,
 * -EBADF when it is not open for writing, or another -errno. */
int ready_fd_claim(int fd);

/* Writes the newline, without waiting for a reader, and closes the descriptor in any case. SIGPIPE has to be
 * ignored. Returns 0 or -errno. */
int ready_fd_tell(int fd);
