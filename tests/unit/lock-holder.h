/* SPDX-License-Identifier: MIT */
#pragma once
/* Another process that holds a lock: a lock does not keep out the process that has it. */

#include <sys/types.h>

typedef struct LockHolder {
    pid_t pid;
    int release_fd; /* closed: it ends */
} LockHolder;

/* Returns when the lock is held. */
LockHolder lock_hold(const char *path);
void lock_let_go(const LockHolder *holder);
