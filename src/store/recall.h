/* SPDX-License-Identifier: MIT */
#pragma once
/* What the files of the state directory say of the run before this one. */

#include "core/past.h"

/* Files that cannot be gone on with: damaged, of a newer version, or of another machine. */
typedef struct RecallTrouble {
    int pulse;          /* 0, what pulse_file_read() returned (-EBADMSG, -ENOTSUP ...), or -EREMOTE when
                           another machine's files were copied here */
    int history;        /* 0, -errno of reading it, -ENOTSUP when a newer version wrote in it, -EREMOTE */
    uint64_t bad_lines; /* of those that were read of the history: passed over */
} RecallTrouble;

/* Reads the pulse, and what the history has since then; all of it where there is no pulse that can be read.
 * Nothing that stands in them makes it fail: what cannot be read leaves ret->any true and ret->readable
 * false, and is named in *ret_trouble. machine: as identity_machine() has it. */
void recall_past(const char *state_dir, const char *machine, Past *ret, RecallTrouble *ret_trouble);

/* Renames a file of the state directory that cannot be gone on with to NAME.unreadable, in place of an
 * earlier one. Returns 0 or -errno. */
int recall_move_aside(const char *state_dir, const char *name);
