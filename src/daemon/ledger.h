/* SPDX-License-Identifier: MIT */
#pragma once
/* Pulse and history as the running daemon keeps them: under the lock, in one state directory.
 *
 * A disk that takes nothing for now stops neither the beats nor the daemon. An event that could not be
 * written waits, and is tried again with each beat; the pulse is written anew by every beat anyway. */

#include "core/census.h"
#include "core/past.h"
#include "daemon/beat.h"
#include "daemon/steps.h"
#include "store/recall.h"
#include "util/error.h"

/* When the disk is made to take what was written, fdatasync(2). */
typedef enum Sync {
    SYNC_UNSET,
    SYNC_BEAT,  /* every event, and the pulse at each beat, once a second at most */
    SYNC_GAP,   /* every event, and the pulse at the start, after a gap, and at the end */
    SYNC_NEVER, /* the kernel does it when it likes, which is seconds later */
} Sync;

typedef struct Ledger {
    Steps steps;
    char *state_dir; /* NULL: there is none, and nothing is kept */
    int pulse_fd, history_fd;
    Sync sync;
    uint64_t history_max_bytes;

    Pulse pulse; /* the latest beat, and the identities of the run */
    Past past;
    Census census;      /* as a reader of the history would have it, */
    bool counted;       /* once it was asked for */
    usec_t synced_usec; /* due instant of the beat whose pulse was synced last */

    Event *waiting; /* events that could not be written, oldest first */
    size_t n_waiting;
    uint64_t dropped; /* those that there was no room for */
} Ledger;

#define LEDGER_NONE ((Ledger){ .steps = { .pulse_fd = -1 }, .pulse_fd = -1, .history_fd = -1 })

/* Reads what the last run has left, and opens both files for a new one. What cannot be used is moved aside
 * (recall_move_aside()) and named in *ret_trouble. Returns 0 or -errno with *ret_error filled: what an
 * administrator must mend. A disk that is full, or fails, is no reason not to start. */
int ledger_open(Ledger *ledger, const char *state_dir, Clocks *clocks, RecallTrouble *ret_trouble,
                Error *ret_error);
void ledger_close(Ledger *ledger);

/* Gaps by cause, over all runs: counted in the whole history at the first call, which a start does not have
 * to wait for. */
const Census *ledger_census(Ledger *ledger);

/* Whether a path leads to one of the files of a state directory that are the daemon's own: nothing else may
 * write to them, and the lock would be lost by closing another descriptor of it: fcntl_locking(2). */
bool ledger_owns(const char *state_dir, const char *path);

/* Returns 0, or -EINVAL with *ret_error filled when one of the outputs leads to such a file. */
int ledger_check_outputs(const char *state_dir, char *const *outputs, size_t n_outputs, Error *ret_error);

/* The first beat, before it is stored: whether the past ends in a gap, which is recorded by ledger_begin().
 * Returns 1 with the gap, or 0. */
int ledger_close_past(Ledger *ledger, const Instant *at, Event *ret_gap);

/* The functions below return 0, or -errno when something could not be written, which is not lost by that. */

/* Records that the run begins. gap: what ledger_close_past() found, or NULL. */
int ledger_begin(Ledger *ledger, const Instant *at, usec_t interval_usec, const Event *gap);

/* Records an event of this run, whose kind and particulars are filled in. */
int ledger_add(Ledger *ledger, const Instant *at, Event *event);

/* Stores a beat. failing, lost: of the outputs. */
int ledger_beat(Ledger *ledger, const Beat *beat, uint64_t failing, uint64_t lost);

/* Tries once more to write the events that wait. */
int ledger_retry(Ledger *ledger);

/* Records that the run ends because it was told to. */
int ledger_end(Ledger *ledger, const Instant *at);
