/* SPDX-License-Identifier: MIT */
#pragma once
/* --running and --stop: what is asked of, and done to, a daemon that runs. The holder of the lock is the only
 * process that is ever believed to be one, or signalled. */

#include "daemon/options.h"

/* Prints the holder's pid. Returns the exit status. */
int control_running(const Options *options, const Places *places);

/* Ends the holder and waits until it has: SIGTERM, after 10 s SIGKILL. Returns the exit status. */
int control_stop(const Options *options, const Places *places);
