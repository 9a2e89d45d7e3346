/* SPDX-License-Identifier: MIT */
#pragma once
/* The configuration files, read into settings. */

#include "daemon/settings.h"

/* Reads path alone, or when it is NULL the installed file and its drop-ins (the *.conf files of
 * heartbeatd.conf.d, in the order of the C locale), each of which may be missing. Returns 0 or -errno,
 * settings then being incomplete. */
int config_read(const char *path, Settings *settings, Error *ret_error);

/* The same for those who only have to find the running daemon: takes StateDir= and passes over whatever else
 * is wrong, for a daemon must be stoppable when its file has become bad. */
int config_read_state_dir(const char *path, Settings *settings, Error *ret_error);
