/* SPDX-License-Identifier: MIT */
/* Messages by syslog(3), facility daemon, severity info. */

#include <sys/syslog.h>

#include "daemon/output.h"
#include "util/probe.h"

static int syslog_open(Output *output, Error *ret_error)
{
    (void)output, (void)ret_error;
    return 0; /* a syslogd that is not there yet may still come */
}

static int syslog_write(Output *output, const Beat *beat)
{
    (void)output;
    int r = probe_path(SYSLOG_SOCKET); /* syslog(3) itself reports nothing */
    if (r < 0)
        return r;
    syslog(LOG_DAEMON | LOG_INFO, "%s", beat->text);
    return 0;
}

const OutputKind output_syslog = { .size = sizeof(Output), .open = syslog_open, .write = syslog_write };
