/* SPDX-License-Identifier: MIT */
/* Messages by syslog(3), facility daemon, severity info; gaps as warnings. */

#include <sys/syslog.h>

#include "daemon/output.h"
#include "util/probe.h"

typedef struct OutputSyslog {
    Output output;
    Probe probe;
} OutputSyslog;

static int syslog_open(Output *output, Error *ret_error)
{
    (void)output, (void)ret_error;
    return 0; /* a syslogd that is not there yet may still come */
}

static int put(Output *output, int severity, const char *text)
{
    int r = probe_ask(&((OutputSyslog *)output)->probe, SYSLOG_SOCKET); /* syslog(3) itself reports nothing */
    if (r < 0)
        return r;
    syslog(LOG_DAEMON | severity, "%s", text);
    return 0;
}

static int syslog_write(Output *output, const Beat *beat)
{
    return put(output, LOG_INFO, beat->text);
}

static int syslog_warn(Output *output, const Warning *warning)
{
    return put(output, LOG_WARNING, warning->text);
}

static void syslog_close(Output *output)
{
    probe_close(&((OutputSyslog *)output)->probe);
}

const OutputKind output_syslog = {
    .size = sizeof(OutputSyslog),
    .open = syslog_open,
    .write = syslog_write,
    .warn = syslog_warn,
    .close = syslog_close,
};
