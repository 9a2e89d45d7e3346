/* SPDX-License-Identifier: MIT */
#pragma once
/* Points in time as people type them. */

#include <stdbool.h>

#include "util/usec.h"

/* Takes what systemd.time(7) has for timestamps:
 *
 *   2026-11-22 13:00:10.5   2026-11-22 13:00   2026-11-22   13:00 (today)   2026-11-22T13:00:10.123Z
 *   Sun 2026-11-22 13:00    with " UTC" at the end: in UTC whatever the zone; with the local zone's name,
 * such as " CET": in that one now   today   yesterday   tomorrow (their midnight)   @1795352410   2h ago -2h
 * +5min
 *
 * now_usec: CLOCK_REALTIME. Times without a zone are local ones ($TZ, else the host's), in UTC with utc; one
 * that a change of the clocks leaves out is taken as mktime(3) does. Returns 0, or -EINVAL when it is no time
 * from 1970 on or the day of the week is another one. */
int when_parse(const char *text, usec_t now_usec, bool utc, usec_t *ret_realtime_usec);
