/* SPDX-License-Identifier: MIT */
#pragma once
/* Pulse and history as metrics, in the text format of Prometheus, version 0.0.4. Pure.
 *
 * What is counted over a run begins at 0 with each one, which rate() and its kin expect of a counter; gaps
 * are counted over all runs. No sample has a timestamp: the textfile collector of node_exporter refuses a
 * whole file for one. When the last beat was is a value instead, and goes stale in the open. */

#include "core/census.h"
#include "core/pulse.h"

/* More than the longest text, whatever the numbers are. */
#define EXPOSITION_MAX 12288

/* Writes it, ended by NUL, and returns its length. */
size_t exposition_format(const Pulse *pulse, const Census *census, char buffer[static EXPOSITION_MAX]);
