/* SPDX-License-Identifier: MIT */
/* The record as a picture.
 *
 * It is read once for each layer, so that a short gap lies above the beats around it, and the end of a host
 * above everything else. Nothing has to be kept. */

#include "ctl/svg.h"

#include <string.h>

#include "ctl/shade.h"
#include "util/text.h"

#define LEFT 96.0
#define TOP 64.0
#define RIGHT 24.0 /* half of the last hour's name */
#define LEGEND_HEIGHT 44.0
#define GAP_WIDTH_MIN 2.0 /* pixels: a short one is to be seen, too */

/* Sizes of a row, in pixels. */
typedef struct Geometry {
    double width, height, pitch;
} Geometry;

/* From below to above. */
enum { LAYER_BEATS, LAYER_SLEEP, LAYER_SILENCE, LAYER_DOWN, LAYER_COUNT };

typedef struct Drawing {
    const Picture *picture;
    Geometry geometry;
    int layer;
    bool open; /* a gap's shape has begun */
    uint64_t gap;
} Drawing;

/* Colours that those who do not see all of them can tell apart, too. */
static const char style_sheet[] = "<style>\n"
                                  "text{font:12px sans-serif;fill:#1f2328}\n"
                                  ".title{font-size:16px;font-weight:bold}\n"
                                  ".page{fill:#ffffff}\n"
                                  ".no-data{fill:#eaeef2}\n"
                                  ".beating{fill:#2da06d}\n"
                                  ".suspended{fill:#5aa9e6}\n"
                                  ".unknown{fill:#a77bca}\n"
                                  ".silent{fill:#f0a500}\n"
                                  ".down{fill:#c81e3a}\n"
                                  "@media(prefers-color-scheme:dark){\n"
                                  "text{fill:#e6edf3}\n"
                                  ".page{fill:#0d1117}\n"
                                  ".no-data{fill:#21262d}\n"
                                  ".beating{fill:#1b6e4a}\n"
                                  ".suspended{fill:#3f7fb5}\n"
                                  ".unknown{fill:#8a5fb0}\n"
                                  ".silent{fill:#ffc234}\n"
                                  ".down{fill:#ff4d62}\n"
                                  "}\n"
                                  "</style>\n";

/* XML 1.0 allows neither control characters nor the last two of the basic plane, not even escaped. */
static void put_character(FILE *file, const char *text, size_t size)
{
    static const char *const escapes[] = {
        ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;", ['\n'] = "\n"
    };
    unsigned char first = (unsigned char)text[0];
    bool none = size == 3 && (memcmp(text, "\xef\xbf\xbe", 3) == 0 || memcmp(text, "\xef\xbf\xbf", 3) == 0);
    if (first < ELEMENTSOF(escapes) && escapes[first])
        fputs(escapes[first], file);
    else if (size == 0 || first < ' ' || first == 0x7f || none)
        fputc('?', file);
    else
        fwrite(text, 1, size, file);
}

static void put_text(FILE *file, const char *text)
{
    for (size_t length = strlen(text); length > 0;) {
        size_t size = text_character(text, length);
        put_character(file, text, size);
        text += size > 0 ? size : 1;
        length -= size > 0 ? size : 1;
    }
}

static CalendarUnit unit_of(const Picture *picture)
{
    return (CalendarUnit)picture->rows->unit;
}

static Geometry find_geometry(const Picture *picture)
{
    if (unit_of(picture) == CALENDAR_DAY)
        return (Geometry){ .width = 960, .height = 12, .pitch = 14 };
    return (Geometry){ .width = 930, .height = 24, .pitch = 28 };
}

static double place(const Drawing *drawing, double seconds)
{
    return LEFT + seconds / shade_row_seconds(unit_of(drawing->picture)) * drawing->geometry.width;
}

/* Where a time lies from left to right; the end of a row, too, which is another one's beginning. */
static double find_x(const Drawing *drawing, usec_t realtime_usec, bool end)
{
    CalendarUnit unit = unit_of(drawing->picture);
    bool utc = drawing->picture->style->utc;
    if (end && realtime_usec >= USEC_PER_SEC)
        return place(drawing, shade_place(unit, utc, realtime_usec - USEC_PER_SEC) + 1.0);
    return place(drawing, shade_place(unit, utc, realtime_usec));
}

static void put_rect(const Drawing *drawing, Shade shade, size_t row, double from_x, double to_x)
{
    double least = shade > SHADE_BEATING ? GAP_WIDTH_MIN : 0;
    double width = to_x - from_x > least ? to_x - from_x : least;
    if (width > 0)
        fprintf(drawing->picture->file,
                "<rect class=\"%s\" x=\"%.2f\" y=\"%.0f\" width=\"%.2f\" height=\"%.0f\"/>\n",
                shade_name(shade), from_x, TOP + (double)row * drawing->geometry.pitch, width,
                drawing->geometry.height);
}

/* The part of a segment in each row that it touches, and apart what was before and behind a change of the
 * clocks: an hour that comes twice goes back to where it began. */
static void draw_rects(const Drawing *drawing, const Segment *segment)
{
    const Periods *rows = drawing->picture->rows;
    usec_t at_usec = segment->from_usec;
    do {
        const Period *row = periods_get(rows, at_usec);
        usec_t until_usec = segment->to_usec;
        if (!row)
            return; /* written since the rows were counted */
        if (until_usec > row->end_usec)
            until_usec = row->end_usec;
        until_usec = calendar_change(drawing->picture->style->utc, at_usec, until_usec);
        double from_x = find_x(drawing, at_usec, false);
        put_rect(drawing, shade_of(segment), periods_index(rows, row), from_x,
                 until_usec > at_usec ? find_x(drawing, until_usec, true) : from_x);
        at_usec = until_usec;
    } while (at_usec < segment->to_usec);
}

/* By what it is and not by the gap that it is a part of: two pixels of a host that is up again would hide the
 * end of one that was down for a minute. */
static int find_layer(const Segment *segment)
{
    static const int layers[SHADE_COUNT] = { LAYER_BEATS,   LAYER_BEATS,   LAYER_SLEEP,
                                             LAYER_SILENCE, LAYER_SILENCE, LAYER_DOWN };
    return layers[shade_of(segment)];
}

static void close_gap(Drawing *drawing)
{
    if (drawing->open)
        fputs("</g>\n", drawing->picture->file);
    drawing->open = false;
}

static void put_title(const Drawing *drawing, const Segment *segment)
{
    const Style *style = drawing->picture->style;
    FILE *file = drawing->picture->file;
    const Event *gap = segment->event;
    char reason[REASON_TEXT_MAX], times[2 * TIME_TEXT_MAX + 32];
    bool known = segment->gap > 0 && gap->from_usec != EVENT_NONE;
    usec_t from_usec = known ? gap->from_usec : segment->from_usec;
    usec_t to_usec = segment->gap > 0 ? gap->realtime_usec : segment->to_usec;
    if (segment->ongoing)
        snprintf(times, sizeof(times), "since %s, and not over", TIME(style, from_usec));
    else
        snprintf(times, sizeof(times), "from %s to %s", TIME(style, from_usec), TIME(style, to_usec));
    fputs("<title>", file);
    put_text(file, shade_reason(drawing->picture->view, segment, reason));
    fputc('\n', file);
    put_text(file, times);
    fputs("</title>\n", file);
}

static void draw_segment(void *context, const Segment *segment)
{
    Drawing *drawing = context;
    if (find_layer(segment) != drawing->layer)
        return;
    if (drawing->layer == LAYER_BEATS) {
        draw_rects(drawing, segment);
        return;
    }
    if (!drawing->open || segment->gap == 0 || segment->gap != drawing->gap) {
        close_gap(drawing);
        fputs("<g class=\"gap\">", drawing->picture->file);
        put_title(drawing, segment);
        drawing->open = true;
        drawing->gap = segment->gap;
    }
    draw_rects(drawing, segment);
}

static void put_label(const Drawing *drawing, double x, double y, const char *anchor, const char *text)
{
    fprintf(drawing->picture->file, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    put_text(drawing->picture->file, text);
    fputs("</text>\n", drawing->picture->file);
}

static void draw_axis(const Drawing *drawing)
{
    char text[16];
    bool day = unit_of(drawing->picture) == CALENDAR_DAY;
    for (unsigned i = day ? 0 : 1; i <= (day ? 24U : 31U); i += day ? 3 : 2) {
        snprintf(text, sizeof(text), day ? "%02u:00" : "%u", i);
        put_label(drawing, day ? place(drawing, i * 3600.0) : place(drawing, (i - 0.5) * 86400.0), TOP - 8,
                  "middle", text);
    }
}

static void draw_rows(const Drawing *drawing)
{
    const Periods *rows = drawing->picture->rows;
    char name[CALENDAR_TEXT_MAX];
    for (size_t i = 0; i < rows->count; i++) {
        const Period *row = periods_at(rows, i);
        double y = TOP + (double)i * drawing->geometry.pitch;
        put_label(
            drawing, LEFT - 8, y + drawing->geometry.height / 2 + 4, "end",
            calendar_name(unit_of(drawing->picture), drawing->picture->style->utc, row->begin_usec, name));
        put_rect(drawing, SHADE_NO_DATA, i, find_x(drawing, row->begin_usec, false),
                 find_x(drawing, row->end_usec, true));
    }
}

static void draw_legend(const Drawing *drawing, double y)
{
    for (unsigned i = 0; i < SHADE_COUNT; i++) {
        double x = LEFT + 120.0 * i;
        fprintf(drawing->picture->file,
                "<rect class=\"%s\" x=\"%.0f\" y=\"%.0f\" width=\"14\" height=\"14\"/>\n",
                shade_name(shade_legend[i]), x, y);
        put_label(drawing, x + 20, y + 12, "start", shade_words(shade_legend[i]));
    }
}

static void put_heading(const Drawing *drawing)
{
    const Picture *picture = drawing->picture;
    const Periods *rows = picture->rows;
    char first[CALENDAR_TEXT_MAX], last[CALENDAR_TEXT_MAX], text[2 * CALENDAR_TEXT_MAX + 32] = "Heartbeat";
    if (rows->count > 0) {
        const Period *begin = periods_at(rows, 0), *end = periods_at(rows, rows->count - 1);
        snprintf(text, sizeof(text), "Heartbeat, %s to %s",
                 calendar_name(unit_of(picture), picture->style->utc, begin->begin_usec, first),
                 calendar_name(unit_of(picture), picture->style->utc, end->begin_usec, last));
    }
    fprintf(picture->file, "<title>%s</title>\n", text);
    fputs(style_sheet, picture->file);
    fputs("<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n", picture->file);
    fprintf(picture->file, "<text class=\"title\" x=\"%.0f\" y=\"28\">%s</text>\n", LEFT, text);
}

void svg_draw(const Picture *picture, Summary *summary)
{
    Drawing drawing = { .picture = picture, .geometry = find_geometry(picture) };
    double width = LEFT + drawing.geometry.width + RIGHT;
    double bottom = TOP + (double)picture->rows->count * drawing.geometry.pitch;
    fprintf(picture->file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"%.0f\" height=\"%.0f\" "
            "viewBox=\"0 0 %.0f %.0f\">\n",
            width, bottom + LEGEND_HEIGHT, width, bottom + LEGEND_HEIGHT);
    put_heading(&drawing);
    draw_axis(&drawing);
    draw_rows(&drawing);
    for (drawing.layer = LAYER_BEATS; drawing.layer < LAYER_COUNT; drawing.layer++) {
        Summary again;
        (void)chronicle_read(picture->view, picture->range, draw_segment, &drawing, &again);
        view_note_error(summary, again.error);
        close_gap(&drawing);
    }
    draw_legend(&drawing, bottom + 16);
    fputs("</svg>\n", picture->file);
}
