/* SPDX-License-Identifier: MIT */
/* Stands in for output-journal.c in a build without libsystemd: says so, and stays out of the way. */

#include <stdlib.h>

#include "daemon/exit.h"
#include "daemon/output.h"

const bool output_journal_supported = false;

static Output *journal_new(const char *name, Format format)
{
    (void)name, (void)format;
    return calloc(1, sizeof(Output));
}

static int journal_open(Output *output, Error *ret_error)
{
    (void)output;
    return error_set(
        ret_error, EXIT_CONFIG, EOPNOTSUPP,
        "output journal: this heartbeatd was built without libsystemd; expected stdout, syslog or a path");
}

static int journal_write(Output *output, const Beat *beat)
{
    (void)output, (void)beat;
    return -EOPNOTSUPP;
}

static void journal_free(Output *output)
{
    free(output);
}

const OutputKind output_journal = { journal_new, journal_open, journal_write, journal_free };
