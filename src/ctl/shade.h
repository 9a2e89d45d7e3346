/* SPDX-License-Identifier: MIT */
#pragma once
/* One word for what host and pulse were, for pictures, and where in a row of a picture a time lies. */

#include "core/availability.h"
#include "ctl/calendar.h"
#include "ctl/view.h"

/* The worse ones behind. */
typedef enum Shade {
    SHADE_NO_DATA,
    SHADE_BEATING,
    SHADE_SUSPENDED,
    SHADE_UNKNOWN,
    SHADE_SILENT, /* the host was up, or may have been */
    SHADE_DOWN,
} Shade;

#define SHADE_COUNT (SHADE_DOWN + 1)

/* In the order in which they are explained. */
extern const Shade shade_legend[SHADE_COUNT];

Shade shade_of(const Segment *segment);

/* "no-data", "down", for files; and "no data", "host down", for people. */
const char *shade_name(Shade shade);
const char *shade_words(Shade shade);

/* What a segment in which the pulse does not beat is about, in one line fit to be shown. Returns buffer. */
char *shade_reason(const View *view, const Segment *segment, char buffer[static REASON_TEXT_MAX]);

/* How far a time lies in the row of its day, or of its month, by the clock on the wall: in seconds of
 * shade_row_seconds(), which are those of a whole day, or of 31. */
unsigned shade_place(CalendarUnit unit, bool utc, usec_t realtime_usec);
unsigned shade_row_seconds(CalendarUnit unit);
