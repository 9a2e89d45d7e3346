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
    if (!self)
        return NULL;
    self->sink.fd = -1;
    return &self->output;
}

/* A terminal that is stopped (^S) or whose window hangs still has poll(2) say that it can be written to while
 * there is room for less than a line. So it is opened once more, for a description of our own that may be
 * non-blocking without being so for the shell that shares the one we got. */
static int stdout_open(Output *output, Error *ret_error)
{
    OutputStdout *self = (OutputStdout *)output;
    if ((fcntl(STDOUT_FILENO, F_GETFL) & O_ACCMODE) == O_RDONLY)
        return error_set(ret_error, EXIT_FAILURE, EBADF, "output stdout: closed, or open for reading only");
    if (isatty(STDOUT_FILENO))
        self->sink.fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (self->sink.fd < 0)
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
    OutputStdout *self = (OutputStdout *)output;
    if (self->sink.fd != STDOUT_FILENO)
        close_fd(self->sink.fd);
    free(self);
}

const OutputKind output_stdout = { stdout_new, stdout_open, stdout_write, stdout_free };
