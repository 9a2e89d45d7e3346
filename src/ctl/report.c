/* SPDX-License-Identifier: MIT */
/* heartbeatctl report: how available the host was, and how much of the time its pulse covers. */

#include <stdio.h>
#include <string.h>

#include "core/tally.h"
#include "ctl/chronicle.h"
#include "ctl/commands.h"
#include "ctl/print.h"

enum {
    PERIOD,
    HOST,
    DOWN,
    SUSPENDED,
    UNKNOWN,
    EXCLUDED,
    OUTAGES,
    LONGEST,
    MTBF,
    MTTR,
    PULSE,
    SILENT,
    GAPS,
    COLUMN_COUNT
};

static const char *const headings[COLUMN_COUNT] = {
    "PERIOD",  "HOST", "DOWN", "SUSPENDED", "UNKNOWN", "EXCLUDED", "OUTAGES",
    "LONGEST", "MTBF", "MTTR", "PULSE",     "SILENT",  "GAPS",
};

#define CELL_MAX 64

typedef struct Row {
    char cells[COLUMN_COUNT][CELL_MAX];
} Row;

/* What is kept for a day, or another unit. */
typedef struct Span {
    Period period;
    Tally tally;
} Span;

typedef struct Report {
    const CtlOptions *options;
    const View *view;
    Style style;
    Tally total;
    Periods periods;
    usec_t first_usec, last_usec; /* that there is data of */
    size_t widths[COLUMN_COUNT];
} Report;

#define SHARE(share) share_format(share, (char[SHARE_TEXT_MAX]){ 0 })

static uint64_t host_share(const Tally *tally)
{
    return share_of(tally->up_usec, tally->down_usec);
}

static uint64_t pulse_share(const Tally *tally)
{
    return share_of(tally->beating_usec, tally->silent_usec);
}

/* A part that lies in one unit of the calendar, and is excluded as a whole or not at all. */
static void take_part(Report *report, const Segment *segment, usec_t from_usec, usec_t to_usec, Span *span,
                      bool excluded)
{
    tally_add(&report->total, segment, from_usec, to_usec, excluded);
    tally_add(&span->tally, segment, from_usec, to_usec, excluded);
    if (from_usec < report->first_usec)
        report->first_usec = from_usec;
    if (to_usec > report->last_usec)
        report->last_usec = to_usec;
}

static void take_segment(void *context, const Segment *segment)
{
    Report *report = context;
    const CtlOptions *options = report->options;
    usec_t at_usec = segment->from_usec;
    do {
        usec_t until_usec;
        bool excluded =
            exclusions_hold(options->exclusions, options->n_exclusions, options->utc, at_usec, &until_usec);
        Span *span = periods_find(&report->periods, at_usec);
        if (!span)
            return;
        if (until_usec > span->period.end_usec)
            until_usec = span->period.end_usec;
        if (until_usec > segment->to_usec)
            until_usec = segment->to_usec;
        take_part(report, segment, at_usec, until_usec, span, excluded);
        at_usec = until_usec;
    } while (at_usec < segment->to_usec);
}

/* "-" stands for nothing, and for what is not known. */
static void put_span(char cell[static CELL_MAX], usec_t usec)
{
    snprintf(cell, CELL_MAX, "%s", usec == 0 || usec == EVENT_NONE ? "-" : SPAN(usec));
}

static void put_count(char cell[static CELL_MAX], uint64_t count)
{
    if (count > 0)
        snprintf(cell, CELL_MAX, "%" PRIu64, count);
}

static void fill_row(const char *name, const Tally *tally, Row *ret)
{
    for (int i = 0; i < COLUMN_COUNT; i++)
        memcpy(ret->cells[i], "-", 2);
    snprintf(ret->cells[PERIOD], CELL_MAX, "%s", name);
    snprintf(ret->cells[HOST], CELL_MAX, "%s", SHARE(host_share(tally)));
    put_span(ret->cells[DOWN], tally->down_usec);
    put_span(ret->cells[SUSPENDED], tally->suspended_usec);
    put_span(ret->cells[UNKNOWN], tally->unknown_usec);
    put_span(ret->cells[EXCLUDED], tally->excluded_usec);
    put_count(ret->cells[OUTAGES], tally->outages.count);
    put_span(ret->cells[LONGEST], tally->outages.longest_usec);
    put_span(ret->cells[MTBF], outages_mean_between(&tally->outages, tally->up_usec));
    put_span(ret->cells[MTTR], outages_mean_repair(&tally->outages));
    snprintf(ret->cells[PULSE], CELL_MAX, "%s", SHARE(pulse_share(tally)));
    put_span(ret->cells[SILENT], tally->silent_usec);
    put_count(ret->cells[GAPS], tally->gaps.count);
}

static void fill_span(const Report *report, const Span *span, Row *ret)
{
    char name[CALENDAR_TEXT_MAX];
    fill_row(calendar_name(report->options->by, report->options->utc, span->period.begin_usec, name),
             &span->tally, ret);
}

static void measure_row(Report *report, const Row *row)
{
    for (int i = 0; i < COLUMN_COUNT; i++)
        if (text_columns(row->cells[i]) > report->widths[i])
            report->widths[i] = text_columns(row->cells[i]);
}

static void print_row(const Report *report, const Row *row, Colour colour)
{
    for (int i = 0; i < COLUMN_COUNT; i++) {
        int blanks = (int)(report->widths[i] - text_columns(row->cells[i]));
        bool last = i == COLUMN_COUNT - 1;
        if (i == PERIOD)
            print_coloured(&report->style, colour, "%s%*s", row->cells[i], blanks, "");
        else
            print_coloured(&report->style, colour, "%*s%s", blanks, "", row->cells[i]);
        print_text(last ? "" : "  ");
    }
    print_line("%s", "");
}

static void print_periods(Report *report)
{
    Row heading, row;
    for (int i = 0; i < COLUMN_COUNT; i++)
        snprintf(heading.cells[i], CELL_MAX, "%s", headings[i]);
    measure_row(report, &heading);
    for (size_t i = 0; i < report->periods.count; i++) {
        fill_span(report, periods_at(&report->periods, i), &row);
        measure_row(report, &row);
    }
    fill_row("total", &report->total, &row);
    measure_row(report, &row);
    print_row(report, &heading, COLOUR_BOLD);
    for (size_t i = 0; i < report->periods.count; i++) {
        fill_span(report, periods_at(&report->periods, i), &row);
        print_row(report, &row, COLOUR_NONE);
    }
    fill_row("total", &report->total, &row);
    print_row(report, &row, COLOUR_BOLD);
    print_line("%s", "");
}

/* "-" for a mean that there is none of. */
static const char *mean(usec_t usec, char buffer[static TIMESPAN_TEXT_MAX])
{
    return usec == EVENT_NONE ? memcpy(buffer, "-", 2) : timespan_format_short(usec, buffer);
}

#define MEAN(usec) mean(usec, (char[TIMESPAN_TEXT_MAX]){ 0 })

static void print_outages(const char *what, const Outages *outages, usec_t good_usec)
{
    if (outages->count == 0)
        return;
    print_line("           %" PRIu64 " %s%s, the longest %s; mean time between them %s, to repair %s",
               outages->count, what, outages->count == 1 ? "" : "s",
               MEAN(outages->measured > 0 ? outages->longest_usec : EVENT_NONE),
               MEAN(outages_mean_between(outages, good_usec)), MEAN(outages_mean_repair(outages)));
}

static void print_causes(const Tally *tally)
{
    const char *title = "Causes:";
    for (Cause cause = 0; cause < CAUSE_COUNT; cause++) {
        const Outages *gaps = &tally->causes[cause];
        if (gaps->count == 0)
            continue;
        print_text("%-10s %-23s %5" PRIu64 "  %s", title, cause_name(cause), gaps->count, SPAN(gaps->usec));
        if (gaps->count > 1)
            print_text(", the longest %s", MEAN(gaps->measured > 0 ? gaps->longest_usec : EVENT_NONE));
        print_line("%s", "");
        title = "";
    }
}

static void print_total(const Report *report)
{
    const Tally *total = &report->total;
    print_line("From:      %s", TIME(&report->style, report->first_usec));
    print_line("To:        %s", TIME(&report->style, report->last_usec));
    print_line("Host:      %s available: up %s, down %s", SHARE(host_share(total)), SPAN(total->up_usec),
               SPAN(total->down_usec));
    print_line("           beside that suspended %s, unknown %s, excluded %s", SPAN(total->suspended_usec),
               SPAN(total->unknown_usec), SPAN(total->excluded_usec));
    print_outages("outage", &total->outages, total->up_usec);
    print_line("Pulse:     %s covered: beating %s, silent %s", SHARE(pulse_share(total)),
               SPAN(total->beating_usec), SPAN(total->silent_usec));
    print_outages("gap", &total->gaps, total->beating_usec);
    print_causes(total);
}

static void write_figures(Json *json, const Outages *outages, usec_t good_usec)
{
    json_number(json, "count", outages->count);
    json_number(json, "longest_usec", outages->measured > 0 ? outages->longest_usec : EVENT_NONE);
    json_number(json, "mean_between_usec", outages_mean_between(outages, good_usec));
    json_number(json, "mean_repair_usec", outages_mean_repair(outages));
}

static void write_outages(Json *json, const char *key, const Outages *outages, usec_t good_usec)
{
    json_begin(json, key, '{');
    write_figures(json, outages, good_usec);
    json_end(json, '}');
}

static void write_causes(Json *json, const Tally *tally)
{
    json_begin(json, "causes", '[');
    for (Cause cause = 0; cause < CAUSE_COUNT; cause++)
        if (tally->causes[cause].count > 0) {
            json_begin(json, NULL, '{');
            json_text(json, "cause", cause_name(cause));
            json_number(json, "lasted_usec", tally->causes[cause].usec);
            write_figures(json, &tally->causes[cause], tally->beating_usec);
            json_end(json, '}');
        }
    json_end(json, ']');
}

static void write_tally(Json *json, const Tally *tally)
{
    json_number(json, "availability_ppm", host_share(tally));
    json_number(json, "up_usec", tally->up_usec);
    json_number(json, "down_usec", tally->down_usec);
    json_number(json, "suspended_usec", tally->suspended_usec);
    json_number(json, "unknown_usec", tally->unknown_usec);
    json_number(json, "excluded_usec", tally->excluded_usec);
    write_outages(json, "outages", &tally->outages, tally->up_usec);
    json_number(json, "coverage_ppm", pulse_share(tally));
    json_number(json, "beating_usec", tally->beating_usec);
    json_number(json, "silent_usec", tally->silent_usec);
    write_outages(json, "silences", &tally->gaps, tally->beating_usec);
    write_causes(json, tally);
}

static void write_span(const Report *report, Json *json, const Span *span)
{
    char name[CALENDAR_TEXT_MAX];
    json_begin(json, NULL, '{');
    json_text(json, "period",
              calendar_name(report->options->by, report->options->utc, span->period.begin_usec, name));
    json_time(json, "from", span->period.begin_usec);
    json_time(json, "to", span->period.end_usec);
    write_tally(json, &span->tally);
    json_end(json, '}');
}

static void write_json(const Report *report)
{
    Json json = { .file = stdout };
    bool any = report->last_usec > 0;
    json_begin(&json, NULL, '{');
    json_time(&json, "from", any ? report->first_usec : EVENT_NONE);
    json_time(&json, "to", any ? report->last_usec : EVENT_NONE);
    json_text(&json, "by",
              report->options->by == CALENDAR_ALL ? NULL : calendar_unit_name(report->options->by));
    json_begin(&json, "total", '{');
    write_tally(&json, &report->total);
    json_end(&json, '}');
    json_begin(&json, "periods", '[');
    for (size_t i = 0; report->options->by != CALENDAR_ALL && i < report->periods.count; i++)
        write_span(report, &json, periods_at(&report->periods, i));
    json_end(&json, ']');
    json_end(&json, '}');
    fputc('\n', stdout);
}

static void print_report(Report *report)
{
    if (report->options->by != CALENDAR_ALL)
        print_periods(report);
    print_total(report);
}

static int refuse_periods(const Report *report)
{
    if (report->periods.error == -E2BIG)
        complain("more than %d rows; choose a longer --by or a later --since", PERIODS_MAX);
    else
        complain("out of memory");
    return CTL_EXIT_NO_DATA;
}

int report_run(const CtlOptions *options, const View *view)
{
    Summary summary;
    ChronicleRange range = { options->since_usec, options->until_usec };
    Report report = {
        .options = options,
        .view = view,
        .periods = { .unit = (int)options->by, .utc = options->utc, .item_size = sizeof(Span) },
        .first_usec = USEC_INFINITY,
    };
    style_find(&report.style, options->utc);
    int r = chronicle_read(view, &range, take_segment, &report, &summary);
    if (report.periods.error < 0)
        r = refuse_periods(&report);
    else if (options->json)
        write_json(&report);
    else if (r == 0)
        print_report(&report);
    chronicle_complain(view, &range, &report.style, &summary, r);
    periods_done(&report.periods);
    return r != 0 ? CTL_EXIT_NO_DATA : EXIT_SUCCESS;
}
