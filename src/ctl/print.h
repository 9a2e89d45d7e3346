/* SPDX-License-Identifier: MIT */
#pragma once
/* Words for people on the standard streams. Whatever is printed here was made fit to be shown first: no
 * control character of a file or an argument gets through. */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "core/timespan.h"
#include "util/cleanup.h"
#include "util/usec.h"

typedef enum Colour {
    COLOUR_NONE,
    COLOUR_GREEN,
    COLOUR_YELLOW,
    COLOUR_RED,
    COLOUR_BLUE,
    COLOUR_MAGENTA,
    COLOUR_BOLD,
} Colour;

/* What becomes of the streams. */
typedef struct Style {
    bool colour; /* standard output is a terminal that can have colours, and $NO_COLOR does not forbid it */
    bool utf8;   /* the locale's characters are UTF-8 */
    bool utc;    /* times in UTC, else in the local zone */
    unsigned width; /* columns to fit into; 0: any number */
} Style;

/* Looks at standard output and the environment: $NO_COLOR, $TERM, $COLUMNS. */
void style_find(Style *ret, bool utc);

/* Print to standard output; what the arguments made is escaped. print_line() adds a newline. */
void print_text(const char *format, ...) PRINTF_LIKE(1, 2);
void print_line(const char *format, ...) PRINTF_LIKE(1, 2);

/* The same to another stream. */
void print_line_to(FILE *file, const char *format, ...) PRINTF_LIKE(2, 3);

/* Text in a colour, where there are colours. */
void print_coloured(const Style *style, Colour colour, const char *format, ...) PRINTF_LIKE(3, 4);

/* "heartbeatctl: text" and a newline on standard error. */
void complain(const char *format, ...) PRINTF_LIKE(1, 2);

/* Room for a time, its NUL included. */
#define TIME_TEXT_MAX 64

/* "Sun 2026-11-22 13:00:10 CET", which systemd.time(7) reads but for the name of the zone; "-" for
 * USEC_INFINITY. Returns buffer. */
char *format_time(const Style *style, usec_t realtime_usec, char buffer[static TIME_TEXT_MAX]);

/* For a table: "2026-11-22 13:00:10", with " UTC" behind it where times are in UTC. */
char *format_time_short(const Style *style, usec_t realtime_usec, char buffer[static TIME_TEXT_MAX]);

/* The former, for use within one expression. */
#define TIME(style, usec) format_time(style, usec, (char[TIME_TEXT_MAX]){ 0 })

/* How many columns text takes, by its characters: every one counts as one. */
size_t text_columns(const char *text);

/* Cuts text that takes more columns, at a character, with "..." at its end where there is room for it. */
void text_cut(char *text, size_t columns);
