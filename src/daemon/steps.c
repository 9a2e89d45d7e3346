/* SPDX-License-Identifier: MIT */
/* The steps of a beat that may take long. */

#include "daemon/steps.h"

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

/* Behind the first length bytes of a step's name, as far as there is room. Returns the new length. */
static size_t add(char name[static STEP_MAX], size_t length, const char *text)
{
    size_t more = strnlen(text, STEP_MAX - 1 - length);
    memcpy(name + length, text, more);
    name[length + more] = '\0';
    return length + more;
}

void steps_begin_unmarked(Steps *steps, const char *verb, const char *name)
{
    size_t length = add(steps->name, 0, verb);
    length = add(steps->name, length, " ");
    add(steps->name, length, name);
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
