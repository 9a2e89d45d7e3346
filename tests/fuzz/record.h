/* SPDX-License-Identifier: MIT */
#pragma once
/* A record made of any bytes, and who looks at it. */

#include "core/pulse.h"
#include "ctl/view.h"

/* A pulse of any text, with the sum that is right for it, which keeps out nearly all that a fuzzer makes. */
void record_sum(const char *text, size_t length, char ret[static PULSE_SIZE]);

/* The first line is an event, for when it is now (its time, boot and run); whether its run's process is there
 * its `missed` says, and its `step` is the one that is marked beside the pulse. The second line is the pulse
 * without its sum, the rest the history. What of the first cannot be read is so for a usual one. An empty
 * line stands for no file. */
void record_look(const char *text, size_t length, View *ret);
