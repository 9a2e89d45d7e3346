/* SPDX-License-Identifier: MIT */
#pragma once
/* The history, read by those who look at it: all of it, its end, or what matters from some time on. */

#include <stdbool.h>
#include <sys/types.h>

#include "core/census.h"

/* Bytes that are read or copied at once. On the stack, of which the daemon keeps what it has used. */
#define HISTORY_BLOCK_MAX (4 * EVENT_LINE_MAX)

/* What a reader had to pass over, of the lines that it has read. */
typedef struct HistoryDamage {
    uint64_t bad;   /* lines that are no events */
    uint64_t newer; /* of a newer version, or of kinds that are not known */
    bool torn; /* a last line without its newline: still being written, or cut off by what ended the writer */
} HistoryDamage;

/* Is given each event in turn, and goes on as long as it returns 0. */
typedef int HistoryVisitor(void *context, const Event *event);

/* Reads from the oldest event to the latest. Returns 0, what the visitor returned if that was not 0, -ENOENT
 * when there is no history, or another -errno. */
int history_read(const char *state_dir, HistoryVisitor *visit, void *context, HistoryDamage *ret_damage);

/* The same from the last event on of which `begins` is true, or from the oldest if there is none: what lies
 * before it is not read, however much that is. */
typedef bool HistoryTest(void *context, const Event *event);
int history_read_last(const char *state_dir, HistoryTest *begins, HistoryVisitor *visit, void *context,
                      HistoryDamage *ret_damage);

/* The same from the oldest event to the latest, but only the first, and then those from one on that says what
 * there was (availability_begins_at()), if all before it tell of times before since_usec, by more than
 * COURSE_MARGIN_USEC: as far as the history lets that be known without a look at all of it, by its course. */
int history_read_since(const char *state_dir, usec_t since_usec, HistoryVisitor *visit, void *context,
                       HistoryDamage *ret_damage);

/* Counts the gaps in all of it. Returns 0 or -errno. */
int history_count(const char *state_dir, Census *ret);

/* For those who have a descriptor of it: reads the events whose lines lie between two offsets. */
int history_read_range(int fd, off_t from, off_t to, HistoryVisitor *visit, void *context,
                       HistoryDamage *ret_damage);

/* The beginning of the first line at or behind an offset. Returns it or -errno. */
off_t history_find_line(int fd, off_t at);

/* The last event that ends before an offset and of which `is_it` is true. Returns its offset, or -ENOENT when
 * there is none, or another -errno. */
off_t history_find_back(int fd, off_t end, HistoryTest *is_it, void *context);
