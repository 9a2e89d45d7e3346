/* SPDX-License-Identifier: MIT */
#pragma once
/* Descriptors: the standard three, the inherited rest, and writing without waiting. */

#include <stddef.h>

/* Occupies those of descriptors 0 to 2 that are closed, lest the next file opened become somebody's standard
 * output. They stay as unusable as they were: what stands in for 0 cannot be read, for 1 and 2 not written.
 * Returns 0 or -errno. */
int fd_fill_standard(void);

/* Connects 0, 1 and 2 to /dev/null. Returns 0 or -errno. */
int fd_nullify_standard(void);

/* Closes every descriptor from 3 on, in a time that does not depend on RLIMIT_NOFILE: with close_range(2), or
 * by the list in /proc/self/fd where the kernel (before 5.9) or an emulator lacks it. Returns 0 or -errno. */
int fd_close_inherited(void);

/* Writes length bytes with one write(2), if that can be done without waiting for a reader: anything but a
 * regular file is asked by poll(2) first, a socket is sent to with MSG_DONTWAIT. O_NONBLOCK is never set, for
 * it would change the description for everyone who shares it. A terminal is written to in pieces.
 * Returns the number of bytes written, which may be fewer than length, -EAGAIN when nothing can be taken now,
 * or another -errno. */
int fd_write_now(int fd, const char *data, size_t length);

/* What a descriptor is open on, as far as writing goes. It stays that for as long as it is open. */
typedef enum FdKind { FD_UNKNOWN, FD_REGULAR, FD_SOCKET, FD_TERMINAL, FD_OTHER } FdKind;

/* The same for one that is written to again and again: *kind, FD_UNKNOWN at first, keeps what was asked once.
 */
int fd_write_known(int fd, FdKind *kind, const char *data, size_t length);
