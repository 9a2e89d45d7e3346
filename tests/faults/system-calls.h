/* SPDX-License-Identifier: MIT */
#pragma once
/* Names of system calls, as syscalls(2) has them. */

/* "#7" for one that is not in the list, which is of those that the programs make. */
const char *system_call_name(long number);
