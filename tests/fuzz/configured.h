/* SPDX-License-Identifier: MIT */
#pragma once
/* Settings of any origin, held to what is promised of all. */

#include "daemon/settings.h"

/* Writes a configuration file; the caller frees its path. */
char *configured_file(const char *text, size_t length);

/* Places that are always the same. */
const Places *configured_places(void);

/* Complete settings are within their ranges and can be shown, and printed as a file they are read back as
 * they are. */
void configured_check(const Settings *settings);
