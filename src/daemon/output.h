/* SPDX-License-Identifier: MIT */
#pragma once
/* Where messages go: journal, stdout, syslog, files; and what is known of one that fails.
 *
 * A failing output stops neither the others nor the daemon. It is tried again with every beat, and counts
 * what it lost until then. Nothing here prints: the caller learns of each turn for the worse or the better
 * once. */

#include <stdbool.h>

#include "core/event.h"
#include "daemon/beat.h"
#include "util/error.h"

typedef enum Format {
    FORMAT_UNSET,
    FORMAT_FULL,  /* in files and on stdout: the time before the message */
    FORMAT_PLAIN, /* the message and nothing else */
} Format;

typedef struct Output Output;

/* A gap, to be told of where the messages go. */
typedef struct Warning {
    usec_t realtime_usec;
    const char *text; /* at most MESSAGE_MAX bytes, no control character in them */
    size_t length;
    const Event *gap;
} Warning;

/* What tells one sort of output from another. open, write and warn return 0 or -errno, and the latter two may
 * be called again after a failure of any. close may be NULL. */
typedef struct OutputKind {
    size_t size; /* of its own struct, which begins with an Output and is all zero at first */
    int (*check)(const char *name, Error *ret_error); /* see output_check(); may be NULL */
    int (*open)(Output *output, Error *ret_error);
    int (*write)(Output *output, const Beat *beat);
    int (*warn)(Output *output, const Warning *warning);
    void (*close)(Output *output);
} OutputKind;

struct Output {
    const OutputKind *kind;
    char *name; /* journal, stdout, syslog, or the file's absolute path */
    Format format;
    int failure; /* errno of the last message lost, 0 while it works */
    uint64_t lost;
    usec_t lost_from_usec, lost_to_usec; /* CLOCK_REALTIME of the first and last message lost */
};

extern const OutputKind output_file, output_journal, output_stdout, output_syslog;

/* Whether this build has the journal in it. */
extern const bool output_journal_supported;

/* Whether name can be an output: one of the three words or an absolute path. */
bool output_name_is_valid(const char *name);

/* The caller frees with output_free(), which takes NULL. Returns NULL when there is no memory, or the name is
 * not valid. */
Output *output_new(const char *name, Format format);
Output *output_free(Output *output);

/* Frees an array of outputs, and them. */
void outputs_free(Output **outputs, size_t n);

/* Whether opening it would be refused by what can be seen without opening or making anything. Returns 0, or
 * -errno with *ret_error filled. */
int output_check(const char *name, Error *ret_error);

/* Opens it for the first time. Trouble that passes by itself (no space, I/O error, nobody reads) is left to
 * the beats and returns 0. What an administrator must mend returns -errno with *ret_error filled. */
int output_open(Output *output, Error *ret_error);

typedef enum OutputChange { OUTPUT_SAME, OUTPUT_FAILED, OUTPUT_RECOVERED } OutputChange;

/* Writes one message. After OUTPUT_RECOVERED *ret_before holds the failure that ended: lost, lost_from_usec,
 * lost_to_usec. output->failure says whether this message was taken. */
OutputChange output_write(Output *output, const Beat *beat, Output *ret_before);

/* Tells of a gap, unless the format is plain: such an output has messages in it and nothing else. One that
 * takes nothing now misses it; the history has it. */
void output_warn(Output *output, const Warning *warning);

/* Why the output fails, in words: what strerror(3) has, or better where that would mislead. */
const char *output_failure_text(const Output *output);

/* Makes output go on with the failure record of the one that it replaces. */
void output_inherit(Output *output, const Output *predecessor);
