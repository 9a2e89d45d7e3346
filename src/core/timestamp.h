/* SPDX-License-Identifier: MIT */
#pragma once
/* Points in time as text. */

#include "util/usec.h"

/* "2026-11-22T13:00:10.123Z" and a NUL, for every year to 9999. */
#define TIMESTAMP_TEXT_MAX 25

/* The last second of the year 9999, since 1970: what lies behind it has no text, and is nothing that a host
 * can have lived. */
#define TIMESTAMP_LAST_SEC UINT64_C(253402300799)

/* RFC 3339 in UTC, milliseconds cut and not rounded, so that no text names a moment that had not come yet.
 * realtime_usec is CLOCK_REALTIME; past the year 9999 the last moment of it is written. Returns buffer. */
char *timestamp_format(usec_t realtime_usec, char buffer[static TIMESTAMP_TEXT_MAX]);

/* Reads exactly what timestamp_format() writes, from 1970 on. Returns 0 or -EINVAL. */
int timestamp_parse(const char *text, usec_t *ret_realtime_usec);
