/* SPDX-License-Identifier: MIT */
/* heartbeatctl check: one line for those who watch many hosts, in the format of the Monitoring Plugins
 * Development Guidelines. */

#include <stdio.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/print.h"

#define LINE_TEXT_MAX 1024

/* For a unit of their own would be read as something else. */
#define SECONDS(usec) timespan_format_seconds(usec, (char[TIMESPAN_TEXT_MAX]){ 0 })

static int put_beating(const View *view, Severity severity, const Thresholds *thresholds, char *buffer)
{
    const Pulse *pulse = &view->past.pulse;
    const char *age = SPAN(view->age_usec);
    int n = view->age_usec > thresholds->warning_usec
                ? snprintf(buffer, LINE_TEXT_MAX, "no beat for %s%s%s; the process is there", age,
                           pulse->interval_usec > 0 ? ", due every " : "",
                           pulse->interval_usec > 0 ? SPAN(pulse->interval_usec) : "")
                : snprintf(buffer, LINE_TEXT_MAX, "beat %" PRIu64 " was made %s ago", pulse->seq, age);
    if (severity == SEVERITY_CRITICAL && view->past.step[0])
        n += snprintf(buffer + n, LINE_TEXT_MAX - (size_t)n, ", in: %s", view->past.step);
    if (pulse->failing > 0)
        n += snprintf(buffer + n, LINE_TEXT_MAX - (size_t)n, "; %" PRIu64 " output%s", pulse->failing,
                      pulse->failing == 1 ? " fails" : "s fail");
    return n;
}

static int put_ended(const View *view, char *buffer)
{
    if (view->liveness == LIVENESS_NEVER_RAN)
        return snprintf(buffer, LINE_TEXT_MAX, "no record in %.500s", view->state_dir);
    if (!view->same_boot)
        return snprintf(buffer, LINE_TEXT_MAX, "no beat since this boot began%s",
                        view->liveness == LIVENESS_STOPPED ? "; stopped before it" : "");
    return snprintf(buffer, LINE_TEXT_MAX, "%s; the last beat was made %s ago",
                    view->liveness == LIVENESS_STOPPED ? "stopped" : "the process is gone",
                    SPAN(view->age_usec));
}

static void put_text(const View *view, Severity severity, const Thresholds *thresholds, char *buffer)
{
    char why[VIEW_WORDS_MAX];
    int n = 0;
    if (view->liveness <= LIVENESS_SILENT)
        n = put_beating(view, severity, thresholds, buffer);
    else if (view->liveness == LIVENESS_UNREADABLE)
        snprintf(buffer, LINE_TEXT_MAX, "the record in %.500s cannot be judged: %s", view->state_dir,
                 view_why_unreadable(view, why));
    else
        n = put_ended(view, buffer);
    if (n > 0 && view_history_error(view) < 0)
        snprintf(buffer + n, LINE_TEXT_MAX - (size_t)n, "; the history: %s",
                 strerror(-view_history_error(view)));
}

/* A bar begins the figures, and cannot be escaped. */
static void replace_bars(char *text)
{
    for (; *text; text++)
        if (*text == '|')
            *text = '/';
}

static void print_figures(const View *view, const Thresholds *thresholds)
{
    const Pulse *pulse = &view->past.pulse;
    if (view->liveness > LIVENESS_STOPPED) {
        print_line("%s", "");
        return;
    }
    print_text(" |");
    if (view->age_usec != EVENT_NONE)
        print_text(" age=%ss;%s;%s;0;", SECONDS(view->age_usec), SECONDS(thresholds->warning_usec),
                   SECONDS(thresholds->critical_usec));
    print_line(" late_max=%ss;;;0; missed=%" PRIu64 "c gaps=%" PRIu64 "c lost=%" PRIu64 "c failing=%" PRIu64
               ";0;;0;",
               SECONDS(pulse->late_max_usec), pulse->missed, pulse->gaps, pulse->lost, pulse->failing);
}

static void write_json(const View *view, Severity severity, const Thresholds *thresholds, const char *text)
{
    Json json = { .file = stdout };
    const Pulse *pulse = &view->past.pulse;
    bool known = view->liveness <= LIVENESS_STOPPED;
    json_begin(&json, NULL, '{');
    json_text(&json, "severity", severity_name(severity));
    json_text(&json, "state", liveness_name(view->liveness));
    json_text(&json, "text", text);
    json_number(&json, "age_usec", view->age_usec);
    json_number(&json, "warning_usec", known ? thresholds->warning_usec : EVENT_NONE);
    json_number(&json, "critical_usec", known ? thresholds->critical_usec : EVENT_NONE);
    json_number(&json, "beat", known ? pulse->seq : EVENT_NONE);
    json_number(&json, "late_max_usec", known ? pulse->late_max_usec : EVENT_NONE);
    json_number(&json, "missed", known ? pulse->missed : EVENT_NONE);
    json_number(&json, "gaps", known ? pulse->gaps : EVENT_NONE);
    json_number(&json, "lost", known ? pulse->lost : EVENT_NONE);
    json_number(&json, "failing", known ? pulse->failing : EVENT_NONE);
    json_end(&json, '}');
    fputc('\n', stdout);
}

int check_run(const CtlOptions *options, const View *view)
{
    char text[LINE_TEXT_MAX];
    Thresholds thresholds =
        liveness_thresholds(view->past.pulse.interval_usec, options->warning_usec, options->critical_usec);
    Severity severity =
        liveness_severity(view->liveness, view->age_usec, view->past.pulse.failing, &thresholds);
    put_text(view, severity, &thresholds, text);
    replace_bars(text);
    if (options->json)
        write_json(view, severity, &thresholds, text);
    else {
        print_text("HEARTBEAT %s - %s", severity_name(severity), text);
        print_figures(view, &thresholds);
    }
    return (int)severity;
}

int check_unknown(const CtlOptions *options, const char *why)
{
    Json json = { .file = stdout };
    char text[LINE_TEXT_MAX];
    snprintf(text, sizeof(text), "%s", why);
    replace_bars(text);
    if (!options->json) {
        print_line("HEARTBEAT UNKNOWN - %s", text);
        return SEVERITY_UNKNOWN;
    }
    json_begin(&json, NULL, '{');
    json_text(&json, "severity", severity_name(SEVERITY_UNKNOWN));
    json_text(&json, "state", NULL);
    json_text(&json, "text", text);
    json_end(&json, '}');
    fputc('\n', stdout);
    return SEVERITY_UNKNOWN;
}
