/* SPDX-License-Identifier: MIT */
#pragma once
/* <state>/history: one line per event, only ever appended to; 0644. Who reads it: history-read.h. */

#include "core/event.h"

/* Opens it for the lock's holder, and makes it if it is missing. A last line that was torn off, by a power
 * cut or a full disk, is marked and ended, so that nothing is taken for its continuation. Returns a
 * descriptor or -errno, -EINVAL when it is no regular file. */
int history_open(const char *state_dir);

/* Appends an event with one write, marked as its course has it (course.h): 0 or -errno. After a failure the
 * line may stand there in part, which the next call marks as torn. It is on the disk after an fdatasync(2).
 */
int history_append(int fd, const Event *event);

/* Throws the older half away when the file is longer than max_bytes: what is kept is written to a new file
 * behind one trim event, which says from when on the history is whole and how many gaps of each cause there
 * were before, and takes the old one's place at once or not at all. stamp: time, boot and run of that event.
 * *fd is replaced with it. Returns 1 when it was done, 0 when there was no need, or -errno: with the old file
 * still there, or with the new one when only its name could not be made sure of. */
int history_trim(const char *state_dir, int *fd, uint64_t max_bytes, const Event *stamp);
