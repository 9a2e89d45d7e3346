/* SPDX-License-Identifier: MIT */
#pragma once
/* Time spans as people write them, in the syntax of systemd.time(7): "10s", "1min 30s", "1.5h", a bare number
 * is seconds. */

#include "util/usec.h"

/* Longest text that timespan_format() makes, its NUL included. */
#define TIMESPAN_TEXT_MAX 64

/* Returns 0, -EINVAL when text is no time span, -ERANGE when it is one of 2^64 microseconds or more. Digits
 * below a microsecond are cut off. "infinity" is not taken: nothing here lasts for ever. */
int timespan_parse(const char *text, usec_t *ret_usec);

/* Writes the shortest form that timespan_parse() reads back as exactly usec, units from "d" down to "us".
 * Returns buffer. */
char *timespan_format(usec_t usec, char buffer[static TIMESPAN_TEXT_MAX]);

/* For people: "34.2s", "3h 12min", "2d 3h", cut and not rounded to what matters in a span of that length.
 * Returns buffer. */
char *timespan_format_short(usec_t usec, char buffer[static TIMESPAN_TEXT_MAX]);

/* The short form for use within one expression. */
#define SPAN(usec) timespan_format_short(usec, (char[TIMESPAN_TEXT_MAX]){ 0 })

/* Seconds as a plain decimal number without a unit, exact to the microsecond: "0.25", "10". For programs.
 * Returns buffer. */
char *timespan_format_seconds(usec_t usec, char buffer[static TIMESPAN_TEXT_MAX]);
