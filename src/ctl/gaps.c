/* SPDX-License-Identifier: MIT */
/* heartbeatctl gaps: when there was no beat, and why, as a table.
 *
 * The history is read twice, once for the width of the columns and once for the rows: a year of it is a table
 * of thousands, and none of it has to be kept. */

#include <stdio.h>
#include <string.h>

#include "core/reason.h"
#include "ctl/commands.h"
#include "ctl/print.h"

enum { FROM, TO, LASTED, MISSED, CAUSE, HOST, EVIDENCE, COLUMN_COUNT };

static const char *const headings[COLUMN_COUNT] = { "FROM",  "TO",   "LASTED",  "MISSED",
                                                    "CAUSE", "HOST", "EVIDENCE" };

#define CELL_MAX REASON_TEXT_MAX

typedef struct Row {
    char cells[COLUMN_COUNT][CELL_MAX];
} Row;

typedef struct Table {
    const CtlOptions *options;
    const View *view;
    Style style;
    size_t widths[COLUMN_COUNT];
    uint64_t rows;            /* so far, in this reading */
    uint64_t failures, steps; /* that are no gaps, within the time asked for */
    Json json;
    Summary *summary;
} Table;

/* When something was, in order, whatever the wall clock did in between. */
static void find_bounds(const Event *event, usec_t *ret_from_usec, usec_t *ret_to_usec)
{
    usec_t to_usec = event->to_usec != EVENT_NONE ? event->to_usec : event->realtime_usec;
    usec_t from_usec = event->from_usec != EVENT_NONE ? event->from_usec : to_usec;
    *ret_from_usec = from_usec < to_usec ? from_usec : to_usec;
    *ret_to_usec = from_usec < to_usec ? to_usec : from_usec;
}

static bool is_within(const CtlOptions *options, const Event *event)
{
    usec_t from_usec, to_usec;
    find_bounds(event, &from_usec, &to_usec);
    return (options->since_usec == USEC_INFINITY || to_usec >= options->since_usec) &&
           (options->until_usec == USEC_INFINITY || from_usec <= options->until_usec);
}

/* The bit of what an event is listed as, or -1 for one that never is. */
static int find_bit(const Event *event)
{
    switch (event->kind) {
    case EVENT_GAP:
        return (int)event->verdict.cause;
    case EVENT_OUTPUT:
        return CTL_OUTPUT_FAILED;
    case EVENT_CLOCK:
        return CTL_CLOCK_STEP;
    default:
        return -1;
    }
}

static bool is_listed(const CtlOptions *options, const Event *event)
{
    int bit = find_bit(event);
    return bit >= 0 && options->causes & (1U << bit) && is_within(options, event);
}

static void fill_gap(const Table *table, const Event *gap, bool ongoing, Row *ret)
{
    const Verdict *verdict = &gap->verdict;
    snprintf(ret->cells[LASTED], CELL_MAX, "%s",
             gap->lasted_usec == EVENT_NONE ? "-" : SPAN(gap->lasted_usec));
    if (gap->missed == EVENT_NONE)
        snprintf(ret->cells[MISSED], CELL_MAX, "-");
    else
        snprintf(ret->cells[MISSED], CELL_MAX, "%" PRIu64, gap->missed);
    snprintf(ret->cells[CAUSE], CELL_MAX, "%s%s", verdict_hedge(verdict), cause_name(verdict->cause));
    snprintf(ret->cells[HOST], CELL_MAX, "%s", host_state_name(verdict->host));
    view_evidence(table->view, gap, ongoing, ret->cells[EVIDENCE]);
}

static void fill_output(const Event *event, Row *ret)
{
    usec_t from_usec, to_usec;
    find_bounds(event, &from_usec, &to_usec);
    snprintf(ret->cells[LASTED], CELL_MAX, "%s", SPAN(to_usec - from_usec));
    snprintf(ret->cells[CAUSE], CELL_MAX, "output-failed");
    snprintf(ret->cells[HOST], CELL_MAX, "up");
    view_output_words(event, ret->cells[EVIDENCE]);
}

static void fill_clock(const Event *event, Row *ret)
{
    snprintf(ret->cells[CAUSE], CELL_MAX, "clock-step");
    snprintf(ret->cells[HOST], CELL_MAX, "up");
    reason_clock(event, ret->cells[EVIDENCE]);
}

static void fill_row(const Table *table, const Event *event, bool ongoing, Row *ret)
{
    usec_t to_usec = event->to_usec != EVENT_NONE ? event->to_usec : event->realtime_usec;
    for (int i = 0; i < COLUMN_COUNT; i++)
        memcpy(ret->cells[i], "-", 2);
    format_time_short(&table->style, event->from_usec, ret->cells[FROM]);
    if (!ongoing)
        format_time_short(&table->style, to_usec, ret->cells[TO]);
    if (event->kind == EVENT_GAP)
        fill_gap(table, event, ongoing, ret);
    else if (event->kind == EVENT_OUTPUT)
        fill_output(event, ret);
    else
        fill_clock(event, ret);
}

static void measure_row(Table *table, const Event *event, bool ongoing)
{
    Row row;
    if (table->rows++ == 0)
        for (int i = 0; i < COLUMN_COUNT; i++)
            table->widths[i] = strlen(headings[i]);
    fill_row(table, event, ongoing, &row);
    for (int i = 0; i < EVIDENCE; i++) {
        size_t width = text_columns(row.cells[i]);
        if (width > table->widths[i])
            table->widths[i] = width;
    }
}

/* Cuts the last column to the room that the others leave it. */
static void print_cells(const Table *table, Row *row, Colour colour)
{
    size_t used = 0;
    for (int i = 0; i < EVIDENCE; i++)
        used += table->widths[i] + 2;
    if (table->style.width > 0)
        text_cut(row->cells[EVIDENCE], table->style.width > used ? table->style.width - used : 0);
    for (int i = 0; i < EVIDENCE; i++) {
        const char *cell = row->cells[i];
        int blanks = (int)(table->widths[i] - text_columns(cell));
        bool right = i == LASTED || i == MISSED;
        print_coloured(&table->style, colour, "%*s%s%*s", right ? blanks : 0, "", cell, right ? 0 : blanks,
                       "");
        print_text("  ");
    }
    print_coloured(&table->style, colour, "%s", row->cells[EVIDENCE]);
    print_line("%s", "");
}

static void print_headings(const Table *table)
{
    Row row;
    for (int i = 0; i < COLUMN_COUNT; i++)
        snprintf(row.cells[i], CELL_MAX, "%s", headings[i]);
    print_cells(table, &row, COLOUR_BOLD);
}

static void print_row(Table *table, const Event *event, bool ongoing)
{
    Row row;
    fill_row(table, event, ongoing, &row);
    print_cells(table, &row, ongoing ? COLOUR_RED : COLOUR_NONE);
}

/* Numbers of the evidence, of which each gap has those that were measured. */
static void write_evidence(Json *json, const Event *gap)
{
    const struct {
        const char *key;
        uint64_t value;
    } numbers[] = {
        { "interval_usec", gap->interval_usec },
        { "longest_usec", gap->longest_usec },
        { "steps_usec", gap->steps_usec },
        { "suspended_usec", gap->suspended_usec },
        { "throttled_usec", gap->throttled_usec },
        { "starved_usec", gap->starved_usec },
        { "cpu_usec", gap->cpu_usec },
        { "frozen_usec", gap->frozen_usec },
        { "switches", gap->switches },
        { "polls", gap->polls },
        { "faults", gap->faults },
        { "continued", gap->continued },
    };
    const struct {
        const char *key, *value;
    } texts[] = {
        { "step", gap->step },
        { "past_run", gap->past },
        { "service_result", gap->exit.result },
        { "exit_code", gap->exit.code },
        { "exit_status", gap->exit.status },
    };
    for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
        if (numbers[i].value != EVENT_NONE)
            json_number(json, numbers[i].key, numbers[i].value);
    for (size_t i = 0; i < ELEMENTSOF(texts); i++)
        if (texts[i].value[0])
            json_text(json, texts[i].key, texts[i].value);
    if (gap->boot_usec != EVENT_NONE)
        json_time(json, "boot_began", gap->boot_usec);
    if (gap->stopped_usec != EVENT_NONE)
        json_time(json, "stopped", gap->stopped_usec);
}

void gaps_write_json(Json *json, const char *key, const View *view, const Event *gap, bool ongoing)
{
    char evidence[REASON_TEXT_MAX];
    json_begin(json, key, '{');
    json_text(json, "cause", cause_name(gap->verdict.cause));
    json_text(json, "confidence", gap->verdict.sure ? "high" : "low");
    json_text(json, "host", host_state_name(gap->verdict.host));
    json_bool(json, "ongoing", ongoing);
    json_time(json, "from", gap->from_usec);
    json_time(json, "to", ongoing ? EVENT_NONE : gap->to_usec);
    json_time(json, "recorded", ongoing ? EVENT_NONE : gap->realtime_usec);
    json_number(json, "lasted_usec", gap->lasted_usec);
    json_number(json, "missed", gap->missed);
    json_text(json, "evidence", view_evidence(view, gap, ongoing, evidence));
    json_text(json, "run", gap->run);
    json_text(json, "boot", gap->boot);
    write_evidence(json, gap);
    json_end(json, '}');
}

static void write_other(Json *json, const Event *event)
{
    bool output = event->kind == EVENT_OUTPUT;
    json_begin(json, NULL, '{');
    json_text(json, "cause", output ? "output-failed" : "clock-step");
    json_text(json, "run", event->run);
    json_text(json, "boot", event->boot);
    json_time(json, "recorded", event->realtime_usec);
    if (output) {
        json_time(json, "from", event->from_usec);
        json_time(json, "to", event->to_usec);
        json_text(json, "output", event->output);
        json_number(json, "errno", event->errnum);
        json_number(json, "lost", event->lost);
    } else {
        json_text(json, "moved", event->moved_usec < 0 ? "back" : "forward");
        json_number(json, "moved_usec", event_clock_moved(event));
    }
    json_end(json, '}');
}

static void put_row(Table *table, const Event *event, bool ongoing)
{
    if (!table->options->json)
        print_row(table, event, ongoing);
    else if (event->kind == EVENT_GAP)
        gaps_write_json(&table->json, NULL, table->view, event, ongoing);
    else
        write_other(&table->json, event);
}

static int measure_event(void *context, const Event *event)
{
    Table *table = context;
    view_take_event(table->summary, event);
    if (is_listed(table->options, event))
        measure_row(table, event, false);
    else if (is_within(table->options, event)) {
        table->failures += event->kind == EVENT_OUTPUT;
        table->steps += event->kind == EVENT_CLOCK;
    }
    return 0;
}

static int put_event(void *context, const Event *event)
{
    Table *table = context;
    if (is_listed(table->options, event))
        put_row(table, event, false);
    return 0;
}

/* Where nothing is listed, what that means. */
static void print_none(const Table *table, const Summary *summary)
{
    const CtlOptions *options = table->options;
    usec_t since_usec = options->since_usec;
    if (since_usec == USEC_INFINITY || since_usec < summary->since_usec)
        since_usec = summary->since_usec;
    print_text(options->causes_given ? "None of these" : "No gaps");
    if (since_usec != USEC_INFINITY)
        print_text(" since %s", TIME(&table->style, since_usec));
    if (options->until_usec != USEC_INFINITY)
        print_text(" until %s", TIME(&table->style, options->until_usec));
    print_line(".");
}

/* What is in the record and not in the table. */
static void print_rest(const Table *table, const Summary *summary)
{
    if (!table->options->causes_given && table->failures + table->steps > 0)
        print_line("Not listed: failures of outputs (%" PRIu64 ") and steps of the wall clock (%" PRIu64
                   "); --cause=output-failed,clock-step lists them.",
                   table->failures, table->steps);
    if (summary->trimmed && table->options->since_usec == USEC_INFINITY)
        print_line("Older lines were thrown away; gaps among them, before %s: %" PRIu64 ".",
                   TIME(&table->style, summary->since_usec), summary->trimmed_gaps);
}

static void put_table(Table *table, Summary *summary, const Event *ongoing)
{
    Summary again;
    if (table->options->json)
        json_begin(&table->json, NULL, '[');
    else if (table->rows > 0)
        print_headings(table);
    view_read_since(table->view, table->options->since_usec, put_event, table, &again);
    view_note_error(summary, again.error);
    if (ongoing)
        put_row(table, ongoing, true);
    if (table->options->json) {
        json_end(&table->json, ']');
        fputc('\n', stdout);
    }
}

/* Without one event nothing can be said, nor of a time before the first; a gap that is going on is known
 * without a history, too. */
static bool is_empty(const Table *table, const Summary *summary, const Event *ongoing)
{
    usec_t until_usec = table->options->until_usec;
    bool before = until_usec != USEC_INFINITY && until_usec < summary->since_usec;
    return (!summary->any || before) && table->rows == 0 && !ongoing;
}

int gaps_run(const CtlOptions *options, const View *view)
{
    Summary summary = SUMMARY_NONE;
    Table table = { .options = options, .view = view, .json = { .file = stdout }, .summary = &summary };
    Event event, *ongoing = view_ongoing_gap(view, &event) && is_listed(options, &event) ? &event : NULL;
    style_find(&table.style, options->utc);
    view_read_since(view, options->since_usec, measure_event, &table, &summary);
    if (ongoing)
        measure_row(&table, ongoing, true);
    bool empty = is_empty(&table, &summary, ongoing);
    if (!empty || options->json)
        put_table(&table, &summary, ongoing);
    if (!empty && !options->json) {
        if (table.rows == 0)
            print_none(&table, &summary);
        print_rest(&table, &summary);
    }
    view_complain_of_time(&summary, &table.style, options->since_usec, options->until_usec);
    view_complain(&summary);
    if (empty && !summary.any)
        view_complain_of_nothing(view, &summary);
    return empty ? CTL_EXIT_NO_DATA : EXIT_SUCCESS;
}
