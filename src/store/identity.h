/* SPDX-License-Identifier: MIT */
#pragma once
/* Which machine, boot and process this is, for records that outlive all three. */

#include <sys/types.h>

#include "core/pulse.h"

/* The boot's id as 32 digits, the way the journal writes it: the kernel's has dashes (random(4)). Returns 0
 * or -errno. */
int identity_boot(char ret[static BOOT_ID_LENGTH + 1]);

/* A checksum of machine-id(5), which tells a record that was copied here from another machine from one of our
 * own; the id itself is nobody else's business. Empty when this machine has no id that outlives its boot. */
void identity_machine(char ret[static MACHINE_LENGTH + 1]);

/* When a process started, in clock ticks since the boot: starttime in proc_pid_stat(5). A pid is used again,
 * but not with the same start. Returns 0, -ESRCH when there is no such process or it has ended and was not
 * waited for, -EPERM when there is one that is hidden from the caller (hidepid= in proc(5)), or another
 * -errno. */
int identity_process(pid_t pid, uint64_t *ret_start_ticks);
