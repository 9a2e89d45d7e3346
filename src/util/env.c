/* SPDX-License-Identifier: MIT */
/* The environment, as the kernel shows it too. */

#include "util/env.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void env_forget(const char *name)
{
    size_t length = strlen(name);
    char **kept = environ;
    /* By hand and not by unsetenv(3), which would lose sight of a second assignment to the same name. */
    for (char **entry = environ; entry && *entry; entry++)
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
            explicit_bzero(*entry, strlen(*entry));
        else
            *kept++ = *entry;
    if (kept)
        *kept = NULL;
}

void env_forget_all(void)
{
    for (char **entry = environ; entry && *entry; entry++)
        explicit_bzero(*entry, strlen(*entry));
    clearenv();
}

const char *env_path(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] == '/' ? value : NULL;
}
