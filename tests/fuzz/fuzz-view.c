/* SPDX-License-Identifier: MIT */
/* Any bytes as a whole record, behind a few for what is asked of it: whatever heartbeatctl prints is text
 * without a control character, its JSON and its SVG are well formed, and it exits as its manual says. */

#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "captured.h"
#include "ctl/commands.h"
#include "record.h"

static const usec_t offsets_usec[] = { USEC_INFINITY,    0,
                                       USEC_PER_MINUTE,  12 * USEC_PER_HOUR,
                                       3 * USEC_PER_DAY, 80 * USEC_PER_DAY };

/* A time so long before now, or none. */
static usec_t take_time(FuzzInput *input, const View *view)
{
    usec_t offset_usec = offsets_usec[fuzz_choice(input, ELEMENTSOF(offsets_usec))];
    return offset_usec == USEC_INFINITY ? USEC_INFINITY : usec_less(view->realtime_usec, offset_usec);
}

static CtlOptions take_options(FuzzInput *input, const View *view)
{
    static const char *const widths[] = { "1", "20", "80", "132", "" };
    CtlOptions options = { .utc = fuzz_bool(input), .warning_usec = USEC_INFINITY };
    options.critical_usec = fuzz_bool(input) ? USEC_PER_MINUTE : USEC_INFINITY;
    fuzz_set_zone(fuzz_choice(input, FUZZ_ZONES));
    options.since_usec = take_time(input, view);
    options.until_usec = take_time(input, view);
    options.time_usec = take_time(input, view);
    options.causes_given = fuzz_bool(input);
    options.causes = options.causes_given ? CTL_ALL_CAUSES | 1U << CTL_OUTPUT_FAILED | 1U << CTL_CLOCK_STEP
                                          : CTL_ALL_CAUSES;
    options.by = (CalendarUnit)fuzz_choice(input, CALENDAR_YEAR + 1);
    setenv("COLUMNS", widths[fuzz_choice(input, ELEMENTSOF(widths))], 1);
    setenv("NO_COLOR", "1", 1);
    return options;
}

static void check_status(CtlCommand command, int status)
{
    if (command == CTL_STATUS)
        FUZZ_ASSERT(status == STATUS_EXIT_ALIVE || status == STATUS_EXIT_GONE ||
                    status == STATUS_EXIT_STOPPED || status == STATUS_EXIT_SILENT);
    else if (command == CTL_CHECK)
        FUZZ_ASSERT(status >= SEVERITY_OK && status <= SEVERITY_UNKNOWN);
    else
        FUZZ_ASSERT(status == EXIT_SUCCESS || status == CTL_EXIT_NO_DATA);
}

static void check_complaints(const char *err)
{
    fuzz_assert_lines(err);
    for (; *err; err = strchr(err, '\n') + 1)
        FUZZ_ASSERT(strncmp(err, "heartbeatctl: ", strlen("heartbeatctl: ")) == 0);
}

/* What stands for "not known" must not be shown as a number, nor as a time span; unless the record has it. */
static void check_figures(const char *out)
{
    FUZZ_ASSERT(!strstr(out, "18446744073709551615") && !strstr(out, "584542y"));
}

static void check(CtlOptions options, CtlCommand command, const View *view, bool figures)
{
    const char *out, *err;
    options.command = command;
    capture_begin();
    int status = command_run(&options, view);
    capture_end(&out, &err);
    fuzz_show(err);
    check_status(command, status);
    check_complaints(err);
    fuzz_show(out);
    if (figures)
        check_figures(out);
    if (command == CTL_REPORT && !out[0])
        FUZZ_ASSERT(status == CTL_EXIT_NO_DATA && err[0]); /* more rows than anybody can read */
    else if (options.json)
        fuzz_assert_json(out);
    else if (options.svg)
        out[0] ? fuzz_assert_xml(out) : FUZZ_ASSERT(status == CTL_EXIT_NO_DATA);
    else
        fuzz_assert_lines(out);
    if (command == CTL_CHECK)
        FUZZ_ASSERT(strchr(out, '\n') == out + strlen(out) - 1);
    fuzz_show(NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { OPTION_BYTES = 9 };
    FuzzInput input = { data, data + size };
    size_t behind = size < OPTION_BYTES ? size : OPTION_BYTES;
    bool figures = size == 0 || !memmem(data, size, "1844674407", strlen("1844674407"));
    View view;
    record_look(size > 0 ? (const char *)data + behind : "", size - behind, &view);
    CtlOptions options = take_options(&input, &view);
    for (CtlCommand command = CTL_STATUS; command <= CTL_METRICS; command++)
        check(options, command, &view, figures);
    options.json = true;
    for (CtlCommand command = CTL_STATUS; command <= CTL_TIMELINE; command++)
        check(options, command, &view, figures);
    options.json = false;
    options.svg = true;
    check(options, CTL_TIMELINE, &view, figures);
    return 0;
}
