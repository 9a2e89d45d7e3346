/* SPDX-License-Identifier: MIT */
/* Command lines for tests. */

#include "arguments.h"

#include <criterion/criterion.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

int arguments_make(char *argv[static WORDS_MAX + 2], char *program, const char *const words[static WORDS_MAX])
{
    char *none[] = { program, NULL };
    int argc = 1;
    memset(argv, 0, (WORDS_MAX + 2) * sizeof(*argv));
    argv[0] = program;
    for (size_t i = 0; i < WORDS_MAX && words[i]; i++)
        argv[argc++] = strdup(words[i]);
    optind = 0;
    cr_assert_eq(getopt_long(1, none, "+", NULL, NULL), -1);
    return argc;
}

void arguments_free(char *argv[], int argc)
{
    while (argc > 1)
        free(argv[--argc]);
}
