/* SPDX-License-Identifier: MIT */
#pragma once
/* Command lines for tests of those who read them. */

#include <stddef.h>

#define WORDS_MAX 8

/* Fills argv, which ends in NULL, with the program's name and copies of the words, up to the first NULL. Lets
 * getopt(3) forget where it was, and leaves optind at 1. Returns argc. */
int arguments_make(char *argv[static WORDS_MAX + 2], char *program,
                   const char *const words[static WORDS_MAX]);
void arguments_free(char *argv[], int argc);
