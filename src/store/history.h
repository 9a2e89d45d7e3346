/* SPDX-License-Identifier: MIT */
#pragma once
/* <state>/history: one line per event, only ever appended to; 0644. */

#include "core/event.h"

/* Opens it for the lock's holder, and makes it if it is missing. A last line that was torn off, by a power
 * cut or a full disk, is marked and ended, so that nothing is taken for its continuation. Returns a
 * descriptor or -errno, -EINVAL when it is no regular file. */
int history_open(const char *state_dir);

/* Appends an event with one write: 0 or -errno. After a failure the line may stand there in part, which the
 * next call marks as torn. It is on the disk after an fdatasync(2). */
int history_append(int fd, const Event *event);

/* Throws the older half away when the file is longer than max_bytes: what is kept is written to a new file
 * behind one trim event, which says from when on the history is whole and how many gaps of each cause there
 * were before, and takes the old one's place at once or not at all. stamp: time, boot and run of that event.
 * *fd is replaced with it. Returns 1 when it was done, 0 when there was no need, or -errno: with the old file
 * still there, or with the new one when only its name could not be made sure of. */
int history_trim(const char *state_dir, int *fd, uint64_t max_bytes, const Event *stamp);

/* What a reader had to pass over. */
typedef struct HistoryDamage {
    uint64_t bad;   /* lines that are no events */
    uint64_t newer; /* of a newer version, or of kinds that are not known */
    bool torn; /* a last line without its newline: still being written, or cut off by what ended the writer */
} HistoryDamage;

/* Is given each event in turn, and goes on as long as it returns 0. */
typedef int HistoryVisitor(void *context, const Event *event);

/* Reads from the oldest event to the latest. Returns 0, what the visitor returned if that was not 0, -ENOENT
 * when there is no history, or another -errno. */
int history_read(const char *state_dir, HistoryVisitor *visit, void *context, HistoryDamage *ret_damage);
