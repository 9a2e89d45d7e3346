/* SPDX-License-Identifier: MIT */
/* Stands in for output-journal.c in a build without libsystemd: says so, and stays out of the way. */

#include "daemon/exit.h"
#include "daemon/output.h"

const bool output_journal_supported = false;

static int journal_check(const char *name, Error *ret_error)
{
    (void)name;
    return error_set(
        ret_error, EXIT_CONFIG, EOPNOTSUPP,
        "output journal: this heartbeatd was built without libsystemd; expected stdout, syslog or a path");
}

static int journal_open(Output *output, Error *ret_error)
{
    return journal_check(output->name, ret_error);
}

static int journal_write(Output *output, const Beat *beat)
{
    (void)output, (void)beat;
    return -EOPNOTSUPP;
}

static int journal_warn(Output *output, const Warning *warning)
{
    (void)output, (void)warning;
    return -EOPNOTSUPP;
}

const OutputKind output_journal = {
    .size = sizeof(Output),
    .check = journal_check,
    .open = journal_open,
    .write = journal_write,
    .warn = journal_warn,
};
