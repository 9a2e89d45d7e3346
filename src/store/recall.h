/* SPDX-License-Identifier: MIT */
#pragma once
/* What the files of the state directory say of the run before this one. */

#include "core/past.h"

/* Files that cannot be gone on with: damaged, or of a newer version. */
typedef struct RecallTrouble {
    int pulse;          /* 0, or what pulse_file_read() returned: -EBADMSG, -ENOTSUP or another -errno */
    int history;        /* 0, or -errno of reading it; -ENOTSUP when a newer version wrote in it */
    uint64_t bad_lines; /* of the history, passed over */
} RecallTrouble;

/* Reads pulse and history. Nothing that stands in them makes it fail: what cannot be read leaves ret->any
 * true and ret->readable false, and is named in *ret_trouble. */
void recall_past(const char *state_dir, Past *ret, RecallTrouble *ret_trouble);

/* Renames a file of the state directory that cannot be gone on with to NAME.unreadable, in place of an
 * earlier one. Returns 0 or -errno. */
int recall_move_aside(const char *state_dir, const char *name);
