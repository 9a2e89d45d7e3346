/* SPDX-License-Identifier: MIT */
/* The steps of a beat that may take long. */

#include "daemon/steps.h"

#include <stdio.h>
#include <string.h>

#include "store/pulse-file.h"

/* A mark that cannot be written is done without: nothing but the explanation of a later kill hangs on it. */
static void mark(const Steps *steps, const char *name)
{
    if (steps->pulse_fd >= 0)
        (void)pulse_file_mark(steps->pulse_fd, name);
}

static usec_t now_usec(const Steps *steps)
{
    Instant now;
    steps->clocks->sample(steps->clocks, &now);
    return now.monotonic_usec;
}

void steps_begin_unmarked(Steps *steps, const char *verb, const char *name)
{
    snprintf(steps->name, sizeof(steps->name), "%s %s", verb, name);
    steps->began_usec = now_usec(steps);
}

void steps_begin(Steps *steps, const char *verb, const char *name)
{
    steps_begin_unmarked(steps, verb, name);
    mark(steps, steps->name);
    steps->marked = true;
}

void steps_end(Steps *steps)
{
    usec_t usec = now_usec(steps) - steps->began_usec;
    steps->longest.all_usec += usec;
    if (usec < steps->longest.usec)
        return;
    steps->longest.usec = usec;
    memcpy(steps->longest.name, steps->name, sizeof(steps->name));
}

void steps_rest(Steps *steps)
{
    if (steps->marked)
        mark(steps, NULL);
    steps->marked = false;
}

void steps_forget(Steps *steps)
{
    steps->longest = (LongestStep){ 0 };
}
