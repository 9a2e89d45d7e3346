/* SPDX-License-Identifier: MIT */
#pragma once
/* Counts what is allocated, by whomever in this process: also by libc and libsystemd. */

#include <stdbool.h>
#include <stddef.h>

void allocations_count(bool on);

/* How often memory was asked for while counting was on. */
size_t allocations_counted(void);
