/* SPDX-License-Identifier: MIT */
#pragma once
/* Calls of the C library that fail when a test wants it: linked into a test, these stand in for the
 * library's. */

typedef enum FaultCall {
    FAULT_PREAD,
    FAULT_LSEEK,
    FAULT_FSYNC,
    FAULT_FSTAT,
    FAULT_FCHMOD,
    FAULT_CALLS
} FaultCall;

/* The nth call from now on, counted from 1, fails with this errno, and none after it. */
void fault_plan(FaultCall call, unsigned nth, int error);
