/* SPDX-License-Identifier: MIT */
#pragma once
/* The machine's clocks. */

#include <time.h>

#include "util/usec.h"

/* What a clock shows, clock_gettime(2). The clock must be one that there is. */
usec_t clock_usec(clockid_t id);
