/* SPDX-License-Identifier: MIT */
#pragma once
/* A gap in words, and a wall clock that was set: for the warning in the outputs, the status of the service,
 * and tables. */

#include "core/event.h"

/* Longest text of any, its NUL included. */
#define REASON_TEXT_MAX 512

/* The evidence in a few words: "suspended for 31.4s", "ended by SIGKILL", "hung in: output /x". One line,
 * whatever the event holds. Returns buffer. */
char *reason_evidence(const Event *gap, char buffer[static REASON_TEXT_MAX]);

/* What happened, with its cause and its evidence: "3 beats missed, 41.4s without one: suspend (suspended for
 * 31.4s)"; with "perhaps" before a cause of low confidence. Returns buffer. */
char *reason_summary(const Event *gap, char buffer[static REASON_TEXT_MAX]);

/* "the wall clock was set back by 1h". Returns buffer. */
char *reason_clock(const Event *clock, char buffer[static REASON_TEXT_MAX]);
