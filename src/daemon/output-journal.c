/* SPDX-License-Identifier: MIT */
/* Messages as entries of the systemd journal, with fields that programs can select by. */

/* No CODE_FILE= and the like: they would say the same in every entry, and cost disk space in each. */
#define SD_JOURNAL_SUPPRESS_LOCATION

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-journal.h>

#include "core/message.h"
#include "daemon/output.h"
#include "util/probe.h"

const bool output_journal_supported = true;

/* Names this sort of entry (sd-messages(3)); units/heartbeatd.catalog explains it. */
#define MESSAGE_ID_BEAT "d1ff8d0b2c834e1ab9a8a7bd0e9e4c11"

#define NUMBER_FIELD_MAX 64

static int journal_open(Output *output, Error *ret_error)
{
    (void)output, (void)ret_error;
    return 0; /* a journald that is not there yet may still come */
}

static struct iovec constant_field(const char *assignment)
{
    return (struct iovec){ .iov_base = (void *)(uintptr_t)assignment, .iov_len = strlen(assignment) };
}

static struct iovec number_field(char buffer[static NUMBER_FIELD_MAX], const char *name, uint64_t number)
{
    int length = snprintf(buffer, NUMBER_FIELD_MAX, "%s=%" PRIu64, name, number);
    return (struct iovec){ .iov_base = buffer, .iov_len = (size_t)length };
}

static int journal_write(Output *output, const Beat *beat)
{
    (void)output;
    /* sd_journal_sendv(3) returns 0 when there is no journal, and waits for one that does not read. */
    int r = probe_path(JOURNAL_SOCKET);
    if (r < 0)
        return r;

    char text[sizeof("MESSAGE=") + MESSAGE_MAX], seq[NUMBER_FIELD_MAX], due[NUMBER_FIELD_MAX],
        late[NUMBER_FIELD_MAX], missed[NUMBER_FIELD_MAX], interval[NUMBER_FIELD_MAX];
    snprintf(text, sizeof(text), "MESSAGE=%s", beat->text);
    struct iovec fields[] = {
        constant_field(text),
        constant_field("PRIORITY=6"),
        constant_field("MESSAGE_ID=" MESSAGE_ID_BEAT),
        constant_field("SYSLOG_IDENTIFIER=heartbeatd"),
        number_field(seq, "HEARTBEAT_SEQ", beat->seq),
        number_field(due, "HEARTBEAT_DUE_USEC", beat->due.due_usec),
        number_field(late, "HEARTBEAT_LATE_USEC", beat->due.late_usec),
        number_field(missed, "HEARTBEAT_MISSED", beat->due.missed),
        number_field(interval, "HEARTBEAT_INTERVAL_USEC", beat->interval_usec),
    };
    return sd_journal_sendv(fields, ELEMENTSOF(fields));
}

const OutputKind output_journal = { .size = sizeof(Output), .open = journal_open, .write = journal_write };
