/* SPDX-License-Identifier: MIT */
#pragma once
/* What the programs' command lines have in common beside getopt_long(3). */

#include <stdbool.h>

/* Whether an argument names an option ("--name" or "--name=value") in full. getopt_long(3) takes any
 * unambiguous beginning of a name, which would change its meaning, or cease to have one, as soon as an option
 * is added. */
bool command_line_is_whole(const char *argument, const char *name);
