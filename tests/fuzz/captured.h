/* SPDX-License-Identifier: MIT */
#pragma once
/* What a function prints, and files that it reads: both in memory, made once for all executions. */

#include <stddef.h>

/* From here to the end standard output and standard error go to memory. What a sanitizer or FUZZ_ASSERT() has
 * to say does not: they write to the descriptor. */
void capture_begin(void);
/* Both stay valid until the next begin, and are ended by NUL. */
void capture_end(const char **ret_out, const char **ret_err);

/* The path of a directory that goes with the process, and files in it. */
const char *scratch_directory(void);
void scratch_write(const char *name, const void *data, size_t length);
