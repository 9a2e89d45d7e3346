/* SPDX-License-Identifier: MIT */
#pragma once
/* A history in words, for tests of what wrote it. */

#include <stdbool.h>

#include "core/event.h"

typedef struct Told {
    char words[1024]; /* "start gap stop" */
    bool causes;      /* "gap:suspend" in place of "gap" */
    Event last;
    size_t gaps;
    uint64_t missed; /* in all of them */
} Told;

/* Reads the history of the working directory, which must be without any damage. */
Told told_read(bool causes);
