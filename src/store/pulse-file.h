/* SPDX-License-Identifier: MIT */
#pragma once
/* <state>/pulse: the latest beat, rewritten in place, and behind it the step that the daemon is in.
 *
 * 1024 bytes, 0644, never locked: anybody may read it at any time, also while the daemon hangs. A reader that
 * meets a write half done sees it by the checksum and reads again. */

#include "core/pulse.h"

/* Opens it for the lock's holder, and makes it if it is missing. Returns a descriptor or -errno, -EINVAL when
 * it is no regular file. */
int pulse_file_open(const char *state_dir);

/* Stores a beat, and what the daemon is about to do (NULL: nothing that can hang), with one write. Returns 0
 * or -errno. */
int pulse_file_write(int fd, const Pulse *pulse, const char *step);

/* Stores the name of what the daemon is about to do and may hang in; none for NULL. Returns 0 or -errno. */
int pulse_file_mark(int fd, const char *step);

/* Reads what is there. ret_step: the marked step, empty when there is none. Returns 0, -ENOENT when there is
 * no file or nothing in it yet, -EBADMSG when
 * it is damaged, -ENOTSUP when a newer version wrote it, or another -errno. */
int pulse_file_read(const char *state_dir, Pulse *ret, char ret_step[static STEP_MAX]);
