/* SPDX-License-Identifier: MIT */
#pragma once
/* Counts what is allocated, by whomever in this process: also by libc and libsystemd. */

#include <stdbool.h>
#include <stddef.h>

void allocations_count(bool on);

/* How often memory was asked for while counting was on. */
size_t allocations_counted(void);

/* How many of those were not freed while it was on, less those freed that are older. */
ptrdiff_t allocations_kept(void);
