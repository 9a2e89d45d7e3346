/* SPDX-License-Identifier: MIT */
/* Where messages go, and what is known of an output that fails. */

#include "daemon/output.h"

#include <limits.h>
#include <string.h>

#include "store/guard.h"

static const struct {
    const char *name;
    const OutputKind *kind;
} words[] = {
    { "journal", &output_journal },
    { "stdout", &output_stdout },
    { "syslog", &output_syslog },
};

static const OutputKind *find_kind(const char *name)
{
    for (size_t i = 0; i < ELEMENTSOF(words); i++)
        if (strcmp(words[i].name, name) == 0)
            return words[i].kind;
    return name[0] == '/' && name[1] != '\0' && strlen(name) < PATH_MAX ? &output_file : NULL;
}

bool output_name_is_valid(const char *name)
{
    return find_kind(name) != NULL;
}

Output *output_new(const char *name, Format format)
{
    const OutputKind *kind = find_kind(name);
    Output *output = kind ? calloc(1, kind->size) : NULL;
    if (!output)
        return NULL;
    output->kind = kind;
    output->format = format;
    output->name = strdup(name);
    if (!output->name) {
        free(output);
        return NULL;
    }
    return output;
}

Output *output_free(Output *output)
{
    if (output) {
        if (output->kind->close)
            output->kind->close(output);
        free(output->name);
        free(output);
    }
    return NULL;
}

void outputs_free(Output **outputs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        output_free(outputs[i]);
    free(outputs);
}

int output_check(const char *name, Error *ret_error)
{
    const OutputKind *kind = find_kind(name);
    return kind && kind->check ? kind->check(name, ret_error) : 0;
}

/* ENXIO: a FIFO without a reader; the rest: somebody is busy, or far away. */
static bool passes_by_itself(int error)
{
    return error_passes(error) || error == ENXIO || error == EAGAIN || error == EINTR || error == ESTALE ||
           error == ETIMEDOUT;
}

int output_open(Output *output, Error *ret_error)
{
    int r = output->kind->open(output, ret_error);
    return r < 0 && passes_by_itself(-r) ? 0 : r;
}

static OutputChange note_loss(Output *output, int error, usec_t realtime_usec)
{
    bool first = output->failure == 0;
    if (first) {
        output->lost = 0;
        output->lost_from_usec = realtime_usec;
    }
    output->failure = error;
    output->lost++;
    output->lost_to_usec = realtime_usec;
    return first ? OUTPUT_FAILED : OUTPUT_SAME;
}

OutputChange output_write(Output *output, const Beat *beat, Output *ret_before)
{
    int r = output->kind->write(output, beat);
    if (r < 0)
        return note_loss(output, -r, beat->at.realtime_usec);
    if (output->failure == 0)
        return OUTPUT_SAME;
    *ret_before = *output;
    output->failure = 0;
    return OUTPUT_RECOVERED;
}

void output_warn(Output *output, const Warning *warning)
{
    if (output->format == FORMAT_FULL)
        (void)output->kind->warn(output, warning);
}

const char *output_failure_text(const Output *output)
{
    bool socket = output->kind == &output_journal || output->kind == &output_syslog;
    if (output->failure == EAGAIN)
        return "nobody reads, and what it holds is full";
    if (output->failure == ENXIO)
        return "nobody reads";
    if (socket && (output->failure == ENOENT || output->failure == ECONNREFUSED))
        return "there is none on this host, or it does not run";
    return guard_words(output->failure);
}

void output_inherit(Output *output, const Output *predecessor)
{
    output->failure = predecessor->failure;
    output->lost = predecessor->lost;
    output->lost_from_usec = predecessor->lost_from_usec;
    output->lost_to_usec = predecessor->lost_to_usec;
}
