/* SPDX-License-Identifier: MIT */
/* Messages as entries of the systemd journal, with fields that programs can select by. */

/* No CODE_FILE= and the like: they would say the same in every entry, and cost disk space in each. */
#define SD_JOURNAL_SUPPRESS_LOCATION

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-journal.h>

#include "core/message.h"
#include "core/reason.h"
#include "daemon/output.h"
#include "util/number.h"
#include "util/probe.h"

const bool output_journal_supported = true;

/* Name these sorts of entries (sd-messages(3)); units/heartbeatd.catalog explains them. */
#define MESSAGE_ID_BEAT "d1ff8d0b2c834e1ab9a8a7bd0e9e4c11"
#define MESSAGE_ID_GAP "c3378d648c7b4d1f952a085735da6e5b"

#define NUMBER_FIELD_MAX 64
#define TEXT_FIELD_MAX (sizeof("HEARTBEAT_GAP_EVIDENCE=") + MESSAGE_MAX)

typedef struct OutputJournal {
    Output output;
    Probe probe;
} OutputJournal;

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
    char *at = stpcpy(buffer, name);
    *at++ = '=';
    return (struct iovec){ .iov_base = buffer, .iov_len = (size_t)(number_put(at, number) - buffer) };
}

static struct iovec text_field(char buffer[static TEXT_FIELD_MAX], const char *name, const char *text)
{
    char *at = stpcpy(buffer, name);
    *at++ = '=';
    return (struct iovec){ .iov_base = buffer, .iov_len = (size_t)(stpcpy(at, text) - buffer) };
}

/* sd_journal_sendv(3) returns 0 when there is no journal, and waits for one that does not read. */
static int send_entry(Output *output, const struct iovec *fields, size_t n)
{
    int r = probe_ask(&((OutputJournal *)output)->probe, JOURNAL_SOCKET);
    return r < 0 ? r : sd_journal_sendv(fields, (int)n);
}

static int journal_write(Output *output, const Beat *beat)
{
    char text[TEXT_FIELD_MAX], seq[NUMBER_FIELD_MAX], due[NUMBER_FIELD_MAX], late[NUMBER_FIELD_MAX],
        missed[NUMBER_FIELD_MAX], interval[NUMBER_FIELD_MAX];
    struct iovec fields[] = {
        text_field(text, "MESSAGE", beat->text),
        constant_field("PRIORITY=6"),
        constant_field("MESSAGE_ID=" MESSAGE_ID_BEAT),
        constant_field("SYSLOG_IDENTIFIER=heartbeatd"),
        number_field(seq, "HEARTBEAT_SEQ", beat->seq),
        number_field(due, "HEARTBEAT_DUE_USEC", beat->due.due_usec),
        number_field(late, "HEARTBEAT_LATE_USEC", beat->due.late_usec),
        number_field(missed, "HEARTBEAT_MISSED", beat->due.missed),
        number_field(interval, "HEARTBEAT_INTERVAL_USEC", beat->interval_usec),
    };
    return send_entry(output, fields, ELEMENTSOF(fields));
}

/* "unknown" for a number that is not known: the catalog's text has a place for each. */
static struct iovec event_field(char buffer[static NUMBER_FIELD_MAX], const char *name, uint64_t number)
{
    if (number != EVENT_NONE)
        return number_field(buffer, name, number);
    int length = snprintf(buffer, NUMBER_FIELD_MAX, "%s=unknown", name);
    return (struct iovec){ .iov_base = buffer, .iov_len = (size_t)length };
}

static int journal_warn(Output *output, const Warning *warning)
{
    const Event *gap = warning->gap;
    char reason[REASON_TEXT_MAX], text[TEXT_FIELD_MAX], evidence[TEXT_FIELD_MAX], cause[TEXT_FIELD_MAX],
        host[TEXT_FIELD_MAX], missed[NUMBER_FIELD_MAX], lasted[NUMBER_FIELD_MAX], from[NUMBER_FIELD_MAX],
        to[NUMBER_FIELD_MAX];
    struct iovec fields[] = {
        text_field(text, "MESSAGE", warning->text),
        constant_field("PRIORITY=4"),
        constant_field("MESSAGE_ID=" MESSAGE_ID_GAP),
        constant_field("SYSLOG_IDENTIFIER=heartbeatd"),
        text_field(cause, "HEARTBEAT_GAP_CAUSE", cause_name(gap->verdict.cause)),
        constant_field(gap->verdict.sure ? "HEARTBEAT_GAP_CONFIDENCE=high" : "HEARTBEAT_GAP_CONFIDENCE=low"),
        text_field(host, "HEARTBEAT_GAP_HOST", host_state_name(gap->verdict.host)),
        text_field(evidence, "HEARTBEAT_GAP_EVIDENCE", reason_evidence(gap, reason)),
        event_field(missed, "HEARTBEAT_GAP_MISSED", gap->missed),
        event_field(lasted, "HEARTBEAT_GAP_LASTED_USEC", gap->lasted_usec),
        event_field(from, "HEARTBEAT_GAP_FROM_USEC", gap->from_usec),
        event_field(to, "HEARTBEAT_GAP_TO_USEC", gap->to_usec),
    };
    return send_entry(output, fields, ELEMENTSOF(fields));
}

static void journal_close(Output *output)
{
    probe_close(&((OutputJournal *)output)->probe);
}

const OutputKind output_journal = {
    .size = sizeof(OutputJournal),
    .open = journal_open,
    .write = journal_write,
    .warn = journal_warn,
    .close = journal_close,
};
