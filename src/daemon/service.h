/* SPDX-License-Identifier: MIT */
#pragma once
/* The life of the daemon, from options to exit status: what is made in which order, and undone. */

#include "daemon/options.h"

/* Runs it, in the foreground or forked. Returns the exit status: of the daemon, and with --fork also of the
 * first process, in which this returns too. error: room for one that has been reported on return. */
int service_run(const Options *options, const Places *places, Error *error);

/* Ends a start that came to nothing because of its arguments: says so here and to the service manager.
 * Returns the exit status. */
int service_refuse(const Options *options, const Error *error);
