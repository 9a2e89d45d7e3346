/* SPDX-License-Identifier: MIT */
/* Messages by syslog(3), facility daemon, severity info. */

#include <stdlib.h>
#include <sys/syslog.h>

#include "daemon/output.h"
#include "util/probe.h"

static Output *syslog_new(const char *name, Format format)
{
    (void)name, (void)format;
    return calloc(1, sizeof(Output));
}

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

static void syslog_free(Output *output)
{
    free(output);
}

const OutputKind output_syslog = { syslog_new, syslog_open, syslog_write, syslog_free };
