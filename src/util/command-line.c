/* SPDX-License-Identifier: MIT */
/* What the programs' command lines have in common. */

#include "util/command-line.h"

#include <string.h>

bool command_line_is_whole(const char *argument, const char *name)
{
    size_t length = strlen(name);
    return strncmp(argument, "--", 2) == 0 && strncmp(argument + 2, name, length) == 0 &&
           (argument[2 + length] == '=' || argument[2 + length] == '\0');
}
