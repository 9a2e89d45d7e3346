/* SPDX-License-Identifier: MIT */
#pragma once
/* --record-exit: how a run ended, as whoever waited for its process saw it, for the run that comes after it.
 */

#include "core/verdict.h"
#include "daemon/options.h"

/* Adds one exit line for the run that the state directory is of, unless nothing is to be said of it: a daemon
 * holds the lock, the run has a stop or exit line already, it is of another boot, or there was none. Returns
 * 1 when the line was written, 0 when there was no need, or -errno. */
int record_exit(const char *state_dir, const ExitRecord *record);

/* The same for $SERVICE_RESULT, $EXIT_CODE and $EXIT_STATUS, which systemd.exec(5) has for ExecStopPost=.
 * Trouble is reported, and the exit status is 0 all the same: that a service cannot be explained must not
 * make it fail. */
int record_exit_from_environment(const Options *options, const Places *places);
