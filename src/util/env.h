/* SPDX-License-Identifier: MIT */
#pragma once
/* The environment, as the kernel shows it too. */

/* Removes a variable: for getenv(3), for programs executed later, and from /proc/PID/environ, which goes on
 * showing what unsetenv(3) merely unlinked. Strings returned by getenv(3) for it are gone after this. */
void env_forget(const char *name);

/* The same for every variable. */
void env_forget_all(void);

/* The value of a variable that is to hold an absolute path. NULL for any other value too, which counts as
 * unset by the XDG base directory specification. */
const char *env_path(const char *name);
