/* SPDX-License-Identifier: MIT */
/* Messages as lines on standard output, whatever it is connected to. */

#include <fcntl.h>

#include "daemon/output.h"
#include "daemon/sink.h"

/* There is one standard output, and whether its last line is torn outlives a reload. */
static Sink sink = { .fd = STDOUT_FILENO };

static int stdout_open(Output *output, Error *ret_error)
{
    (void)output;
    if ((fcntl(STDOUT_FILENO, F_GETFL) & O_ACCMODE) == O_RDONLY)
        return error_set(ret_error, EXIT_FAILURE, EBADF, "output stdout: closed, or open for reading only");
    return 0;
}

static int stdout_write(Output *output, const Beat *beat)
{
    return sink_write(&sink, output->format, beat->at.realtime_usec, beat->text, beat->length);
}

static int stdout_warn(Output *output, const Warning *warning)
{
    return sink_write(&sink, output->format, warning->realtime_usec, warning->text, warning->length);
}

const OutputKind output_stdout = {
    .size = sizeof(Output), .open = stdout_open, .write = stdout_write, .warn = stdout_warn
};
