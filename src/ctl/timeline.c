/* SPDX-License-Identifier: MIT */
/* heartbeatctl timeline: the record at a glance, a row for each day or month. */

#include <stdio.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/print.h"
#include "ctl/shade.h"
#include "ctl/svg.h"

/* A cell of a day is at least five minutes. */
#define CELLS_MAX 288

/* Where nobody says how wide it may be. */
#define WIDTH_DEFAULT 80

/* Without --by: as many days as can be looked at. */
#define DAYS_MAX 62

typedef struct Row {
    Period period;
    unsigned char cells[CELLS_MAX]; /* a Shade each */
} Row;

typedef struct Timeline {
    const CtlOptions *options;
    const View *view;
    Style style;
    ChronicleRange range;
    Periods rows;
    unsigned cells; /* of a row */
    Json json;
} Timeline;

static CalendarUnit unit_of(const Timeline *timeline)
{
    return (CalendarUnit)timeline->rows.unit;
}

static CalendarUnit choose_unit(const CtlOptions *options, const View *view, const Summary *summary)
{
    usec_t since_usec = options->since_usec != USEC_INFINITY ? options->since_usec : summary->since_usec;
    usec_t until_usec = options->until_usec < view->realtime_usec ? options->until_usec : view->realtime_usec;
    if (options->by != CALENDAR_ALL)
        return options->by;
    return since_usec < until_usec && until_usec - since_usec > DAYS_MAX * USEC_PER_DAY ? CALENDAR_MONTH
                                                                                        : CALENDAR_DAY;
}

/* As many cells as there is room for, in parts of the day that have a name. */
static unsigned choose_cells(CalendarUnit unit, unsigned room)
{
    static const unsigned of_day[] = { 288, 144, 96, 72, 48, 24, 12, 8, 6, 4, 3, 2 };
    if (unit == CALENDAR_MONTH && room >= 31)
        return room / 31 < 9 ? room / 31 * 31 : 9 * 31;
    for (size_t i = 0; unit == CALENDAR_DAY && i < ELEMENTSOF(of_day); i++)
        if (of_day[i] <= room)
            return of_day[i];
    return unit == CALENDAR_DAY || room == 0 ? 1 : room;
}

static unsigned name_width(CalendarUnit unit)
{
    return unit == CALENDAR_DAY ? 12 : 9; /* with two blanks */
}

/* The cell that holds a time, and until when time goes on in it: to the next one, or where the clocks are
 * changed to another. */
static unsigned find_cell(const Timeline *timeline, usec_t at_usec, usec_t *ret_until_usec)
{
    uint64_t whole = shade_row_seconds(unit_of(timeline));
    uint64_t place = shade_place(unit_of(timeline), timeline->options->utc, at_usec);
    uint64_t cell = place * timeline->cells / whole;
    uint64_t next = ((cell + 1) * whole + timeline->cells - 1) / timeline->cells;
    usec_t next_usec = at_usec - at_usec % USEC_PER_SEC + (next - place) * USEC_PER_SEC;
    *ret_until_usec = calendar_change(timeline->options->utc, at_usec, next_usec);
    return (unsigned)cell;
}

/* The worst in a cell is what is seen of it: a short outage does not vanish between beats. */
static void take_segment(void *context, const Segment *segment)
{
    Timeline *timeline = context;
    usec_t at_usec = segment->from_usec;
    do {
        usec_t until_usec;
        Row *row = periods_find(&timeline->rows, at_usec);
        if (!row)
            return;
        unsigned char *cell = &row->cells[find_cell(timeline, at_usec, &until_usec)];
        if (*cell < shade_of(segment))
            *cell = (unsigned char)shade_of(segment);
        at_usec = until_usec < row->period.end_usec ? until_usec : row->period.end_usec;
    } while (at_usec < segment->to_usec);
}

static const char *glyph(const Timeline *timeline, Shade shade)
{
    static const char *const blocks[SHADE_COUNT] = { "·", "█", "░", "▒", "▄", "▁" };
    static const char *const letters[SHADE_COUNT] = { ".", "#", "z", "?", "-", "_" };
    return timeline->style.utf8 ? blocks[shade] : letters[shade];
}

static Colour colour(Shade shade)
{
    static const Colour colours[SHADE_COUNT] = { COLOUR_NONE,    COLOUR_GREEN,  COLOUR_BLUE,
                                                 COLOUR_MAGENTA, COLOUR_YELLOW, COLOUR_RED };
    return colours[shade];
}

/* Cells of one shade in one go. */
static size_t print_run(const Timeline *timeline, const Row *row, size_t from)
{
    char text[4 * CELLS_MAX + 1] = "";
    Shade shade = (Shade)row->cells[from];
    size_t length = 0;
    while (from < timeline->cells && row->cells[from] == shade) {
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s", glyph(timeline, shade));
        from++;
    }
    print_coloured(&timeline->style, colour(shade), "%s", text);
    return from;
}

static void print_row(const Timeline *timeline, const Row *row)
{
    char name[CALENDAR_TEXT_MAX];
    calendar_name(unit_of(timeline), timeline->options->utc, row->period.begin_usec, name);
    print_text("%-*s", (int)name_width(unit_of(timeline)), name);
    for (size_t i = 0; i < timeline->cells;)
        i = print_run(timeline, row, i);
    print_line("%s", "");
}

/* Hours or days above the cells in which they begin, as many as there is room for. */
static void print_axis(const Timeline *timeline)
{
    char line[CELLS_MAX + 8];
    bool day = unit_of(timeline) == CALENDAR_DAY;
    unsigned whole = day ? 24 : 31, step = day ? 1 : 2;
    while (step < whole && step * timeline->cells / whole < 3)
        step++;
    memset(line, ' ', sizeof(line));
    size_t end = 0;
    for (unsigned i = 0; i < whole; i += step) {
        size_t at = (size_t)i * timeline->cells / whole;
        if (at + 2 > timeline->cells)
            break;
        line[at] = (char)('0' + (day ? i : i + 1) / 10);
        line[at + 1] = (char)('0' + (day ? i : i + 1) % 10);
        end = at + 2;
    }
    line[end] = '\0';
    print_line("%*s%s", (int)name_width(unit_of(timeline)), "", line);
}

static void print_legend(const Timeline *timeline)
{
    size_t used = 0, width = timeline->style.width;
    for (size_t i = 0; i < SHADE_COUNT; i++) {
        Shade shade = shade_legend[i];
        size_t columns = 2 + strlen(shade_words(shade));
        if (used > 0 && used + 3 + columns > width) {
            print_line("%s", "");
            used = 0;
        } else if (used > 0) {
            print_text("   ");
            used += 3;
        }
        print_coloured(&timeline->style, colour(shade), "%s", glyph(timeline, shade));
        print_text(" %s", shade_words(shade));
        used += columns;
    }
    print_line("%s", "");
}

/* Where time that was asked for is in no row. */
static void print_hole(usec_t from_usec, usec_t to_usec)
{
    if (from_usec != USEC_INFINITY && to_usec != USEC_INFINITY && from_usec < to_usec)
        print_line("...");
}

static void print_rows(const Timeline *timeline)
{
    print_axis(timeline);
    usec_t at_usec = timeline->range.since_usec;
    for (size_t i = 0; i < timeline->rows.count; i++) {
        const Row *row = periods_at(&timeline->rows, i);
        print_hole(at_usec, row->period.begin_usec);
        print_row(timeline, row);
        at_usec = row->period.end_usec;
    }
    print_hole(at_usec, timeline->range.until_usec);
    print_legend(timeline);
}

static void write_segment(void *context, const Segment *segment)
{
    Timeline *timeline = context;
    Json *json = &timeline->json;
    char text[REASON_TEXT_MAX];
    Shade shade = shade_of(segment);
    json_begin(json, NULL, '{');
    json_time(json, "from", segment->from_usec);
    json_time(json, "to", segment->to_usec);
    json_text(json, "state", shade_name(shade));
    json_text(json, "host", host_state_name(segment->host));
    json_text(json, "pulse", pulse_state_name(segment->pulse));
    json_text(json, "cause", segment->gap > 0 ? cause_name(segment->event->verdict.cause) : NULL);
    json_bool(json, "ongoing", segment->ongoing);
    json_text(json, "text", shade == SHADE_BEATING ? NULL : shade_reason(timeline->view, segment, text));
    json_end(json, '}');
}

static int write_json(Timeline *timeline, Summary *summary)
{
    json_begin(&timeline->json, NULL, '[');
    int r = chronicle_read(timeline->view, &timeline->range, write_segment, timeline, summary);
    json_end(&timeline->json, ']');
    fputc('\n', stdout);
    return r;
}

static int draw(Timeline *timeline, Summary *summary)
{
    Picture picture = {
        .view = timeline->view,
        .style = &timeline->style,
        .range = &timeline->range,
        .rows = &timeline->rows,
        .file = stdout,
    };
    int r = chronicle_read(timeline->view, &timeline->range, take_segment, timeline, summary);
    if (timeline->rows.error < 0)
        return timeline->rows.error;
    if (timeline->options->svg)
        svg_draw(&picture, summary);
    else if (r == 0)
        print_rows(timeline);
    return r;
}

static void complain_of(const Timeline *timeline, const Summary *summary, int r)
{
    if (r == -E2BIG)
        complain("more than %d rows; choose --by=month or a later --since", PERIODS_MAX);
    else if (r == -ENOMEM)
        complain("out of memory");
    chronicle_complain(timeline->view, &timeline->range, &timeline->style, summary, r);
}

int timeline_run(const CtlOptions *options, const View *view)
{
    Timeline timeline = {
        .options = options,
        .view = view,
        .range = { options->since_usec, options->until_usec },
        .rows = { .utc = options->utc, .item_size = sizeof(Row) },
        .json = { .file = stdout },
    };
    Summary summary;
    style_find(&timeline.style, options->utc);
    if (timeline.style.width == 0)
        timeline.style.width = WIDTH_DEFAULT;
    view_read_beginning(view, &summary);
    CalendarUnit unit = choose_unit(options, view, &summary);
    unsigned names = name_width(unit);
    timeline.rows.unit = (int)unit;
    timeline.cells = choose_cells(unit, timeline.style.width > names ? timeline.style.width - names : 0);
    int first = summary.error;
    int r = options->json ? write_json(&timeline, &summary) : draw(&timeline, &summary);
    view_note_error(&summary, first);
    complain_of(&timeline, &summary, r);
    periods_done(&timeline.rows);
    return r < 0 ? CTL_EXIT_NO_DATA : EXIT_SUCCESS;
}
