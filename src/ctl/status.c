/* SPDX-License-Identifier: MIT */
/* heartbeatctl status: is it alive, in the manner of systemctl(1). */

#include <stdio.h>

#include "core/reason.h"
#include "ctl/commands.h"
#include "ctl/print.h"

/* How each state looks and ends. */
static const struct {
    Colour colour;
    int exit_status;
} states[LIVENESS_COUNT] = {
    [LIVENESS_ALIVE] = { COLOUR_GREEN, STATUS_EXIT_ALIVE },
    [LIVENESS_LATE] = { COLOUR_YELLOW, STATUS_EXIT_ALIVE },
    [LIVENESS_SILENT] = { COLOUR_RED, STATUS_EXIT_SILENT },
    [LIVENESS_GONE] = { COLOUR_RED, STATUS_EXIT_GONE },
    [LIVENESS_STOPPED] = { COLOUR_NONE, STATUS_EXIT_STOPPED },
    [LIVENESS_NEVER_RAN] = { COLOUR_NONE, STATUS_EXIT_STOPPED },
    [LIVENESS_UNREADABLE] = { COLOUR_RED, STATUS_EXIT_SILENT },
};

/* Whether the record of the last beat means anything. */
static bool is_known(const View *view)
{
    return view->liveness <= LIVENESS_STOPPED;
}

static void print_key(const char *key)
{
    print_text("%13s: ", key);
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* ", 3s ago" behind a time of the record; nothing where the wall clock went back over a boot. */
static void print_ago(const View *view, usec_t realtime_usec, usec_t age_usec)
{
    if (age_usec == EVENT_NONE && view->realtime_usec >= realtime_usec)
        age_usec = view->realtime_usec - realtime_usec;
    if (age_usec != EVENT_NONE)
        print_text(", %s ago", SPAN(age_usec));
    print_line("%s", "");
}

/* What the state rests on, behind its name. */
static void print_grounds(const View *view, const Style *style)
{
    const Pulse *pulse = &view->past.pulse;
    char why[VIEW_WORDS_MAX];
    switch (view->liveness) {
    case LIVENESS_ALIVE:
        print_line(" since %s", TIME(style, pulse->started_usec));
        break;
    case LIVENESS_LATE:
    case LIVENESS_SILENT:
        print_line(": no beat for %s; the process is there", SPAN(view->age_usec));
        break;
    case LIVENESS_GONE:
        print_line(view->same_boot ? ": the process has ended, and nobody told it to stop"
                                   : ": no beat since this boot began");
        break;
    case LIVENESS_STOPPED:
        print_text(" since %s", TIME(style, view->past.stopped_usec));
        print_line(view->same_boot ? "" : ", in an earlier boot");
        break;
    case LIVENESS_NEVER_RAN:
        print_line(": there is no record");
        break;
    default:
        print_line(": %s", view_why_unreadable(view, why));
    }
}

static void print_head(const View *view, const Style *style)
{
    Colour colour = states[view->liveness].colour;
    print_coloured(style, colour, "%s", style->utf8 ? "\u25cf" : "*");
    print_line(" heartbeatd, by its record in %s", view->state_dir);
    print_key("State");
    print_coloured(style, colour, "%s",
                   view->liveness == LIVENESS_NEVER_RAN ? "never ran" : liveness_name(view->liveness));
    print_grounds(view, style);
}

static void print_beat(const View *view, const Style *style)
{
    const Pulse *pulse = &view->past.pulse;
    print_key("Last beat");
    print_text("%s", TIME(style, pulse->realtime_usec));
    print_ago(view, pulse->realtime_usec, view->age_usec);
    print_key("Beat");
    print_line("%" PRIu64 " of its run, %s late; at most %s late in this run", pulse->seq,
               SPAN(pulse->late_usec), SPAN(pulse->late_max_usec));
    print_key("Interval");
    print_line("%s", pulse->interval_usec > 0 ? SPAN(pulse->interval_usec) : "not known");
    print_key("Run");
    print_line("%s, pid %" PRIu64, pulse->run, pulse->pid);
    print_key("Started");
    print_line("%s", TIME(style, pulse->started_usec));
    print_key("Missed");
    print_line("%" PRIu64 " beat%s in %" PRIu64 " gap%s of this run", pulse->missed, plural(pulse->missed),
               pulse->gaps, plural(pulse->gaps));
    print_key("Outputs");
    if (pulse->failing > 0)
        print_coloured(style, COLOUR_RED, "%" PRIu64 " fail%s", pulse->failing,
                       pulse->failing == 1 ? "s" : "");
    else
        print_text("none fails");
    print_line("; %" PRIu64 " message%s lost in this run", pulse->lost, plural(pulse->lost));
}

static void print_gap(const View *view, const Style *style, const Event *gap, bool ongoing)
{
    char text[REASON_TEXT_MAX];
    print_key(ongoing ? "Gap" : "Last gap");
    print_text("%s", TIME(style, gap->from_usec));
    if (ongoing)
        print_line(" until now");
    else
        print_line(" to %s", TIME(style, gap->to_usec != EVENT_NONE ? gap->to_usec : gap->realtime_usec));
    print_text("%15s", "");
    if (!ongoing || view->liveness > LIVENESS_SILENT)
        print_line("%s", reason_summary(gap, text));
    else if (gap->missed == EVENT_NONE)
        print_line("nobody knows how many beats missed so far");
    else
        print_line("%" PRIu64 " beat%s missed so far", gap->missed, plural(gap->missed));
}

static void print_status(const View *view, const Summary *summary, const Style *style)
{
    Event ongoing;
    print_head(view, style);
    if (is_known(view))
        print_beat(view, style);
    if (view->liveness == LIVENESS_SILENT && view->past.step[0]) {
        print_key("Step");
        print_line("%s", view->past.step);
    }
    if (view_ongoing_gap(view, &ongoing))
        print_gap(view, style, &ongoing, true);
    if (summary->has_gap)
        print_gap(view, style, &summary->last_gap, false);
}

/* What the record says of the run, null where there is none that could be read. */
static void write_run(Json *json, const View *view)
{
    const Pulse *pulse = is_known(view) ? &view->past.pulse : NULL;
    json_text(json, "run", pulse ? pulse->run : NULL);
    json_text(json, "boot", pulse ? pulse->boot : NULL);
    json_number(json, "pid", pulse ? pulse->pid : EVENT_NONE);
    json_time(json, "started", pulse ? pulse->started_usec : EVENT_NONE);
    json_time(json, "stopped", view->past.stopped ? view->past.stopped_usec : EVENT_NONE);
    json_number(json, "interval_usec", pulse && pulse->interval_usec > 0 ? pulse->interval_usec : EVENT_NONE);
    json_number(json, "beat", pulse ? pulse->seq : EVENT_NONE);
    json_time(json, "last_beat", pulse ? pulse->realtime_usec : EVENT_NONE);
    json_number(json, "age_usec", view->age_usec);
    json_number(json, "late_usec", pulse ? pulse->late_usec : EVENT_NONE);
    json_number(json, "late_max_usec", pulse ? pulse->late_max_usec : EVENT_NONE);
    json_number(json, "missed", pulse ? pulse->missed : EVENT_NONE);
    json_number(json, "gaps", pulse ? pulse->gaps : EVENT_NONE);
    json_number(json, "failing", pulse ? pulse->failing : EVENT_NONE);
    json_number(json, "lost", pulse ? pulse->lost : EVENT_NONE);
    json_text(json, "step", pulse && view->past.step[0] ? view->past.step : NULL);
}

static void write_gap(Json *json, const char *key, const View *view, const Event *gap, bool ongoing)
{
    if (gap)
        gaps_write_json(json, key, view, gap, ongoing);
    else
        json_text(json, key, NULL);
}

static void write_status(const View *view, const Summary *summary)
{
    Json json = { .file = stdout };
    char why[VIEW_WORDS_MAX];
    Event ongoing;
    json_begin(&json, NULL, '{');
    json_text(&json, "state", liveness_name(view->liveness));
    json_text(&json, "why_unreadable",
              view->liveness == LIVENESS_UNREADABLE ? view_why_unreadable(view, why) : NULL);
    json_text(&json, "state_dir", view->state_dir);
    json_time(&json, "now", view->realtime_usec);
    json_bool(&json, "same_boot", view->same_boot);
    json_bool(&json, "process", view->same_boot && view->process != PROCESS_GONE);
    write_run(&json, view);
    write_gap(&json, "ongoing_gap", view, view_ongoing_gap(view, &ongoing) ? &ongoing : NULL, true);
    write_gap(&json, "last_gap", view, summary->has_gap ? &summary->last_gap : NULL, false);
    json_end(&json, '}');
    fputc('\n', stdout);
}

int status_run(const CtlOptions *options, const View *view)
{
    Style style;
    Summary summary;
    view_read_last_gap(view, &summary);
    style_find(&style, options->utc);
    if (options->json)
        write_status(view, &summary);
    else
        print_status(view, &summary, &style);
    view_complain(&summary);
    return states[view->liveness].exit_status;
}
