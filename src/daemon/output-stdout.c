/* SPDX-License-Identifier: MIT */
/* Messages as lines on standard output, whatever it is connected to. */

#include <fcntl.h>
#include <stdlib.h>

#include "daemon/output.h"
#include "daemon/sink.h"
#include "util/cleanup.h"

typedef struct OutputStdout {
    Output output;
    Sink sink;
} OutputStdout;

static Output *stdout_new(const char *name, Format format)
{
    (void)name, (void)format;
    OutputStdout *self = calloc(1, sizeof(*self));
    return self ? &self->output : NULL;
}

static int stdout_open(Output *output, Error *ret_error)
{
    OutputStdout *self = (OutputStdout *)output;
    if ((fcntl(STDOUT_FILENO, F_GETFL) & O_ACCMODE) == O_RDONLY)
        return error_set(ret_error, EXIT_FAILURE, EBADF, "output stdout: closed, or open for reading only");
    self->sink.fd = STDOUT_FILENO;
    return 0;
}

static int stdout_write(Output *output, const Beat *beat)
{
    OutputStdout *self = (OutputStdout *)output;
    return sink_write(&self->sink, output->format, beat);
}

static void stdout_free(Output *output)
{
    free(output);
}

const OutputKind output_stdout = { stdout_new, stdout_open, stdout_write, stdout_free };
