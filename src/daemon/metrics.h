/* SPDX-License-Identifier: MIT */
#pragma once
/* The file of metrics, for the textfile collector of node_exporter or whoever else reads it: written anew
 * under another name, and renamed, so that a reader has the old one or the new one, and never a part.
 *
 * It stays when the daemon ends. What it says is true then, too: when the last beat was; and an alarm that is
 * to name a host which has gone silent needs it to be there. */

#include "core/exposition.h"
#include "util/error.h"

#define METRICS_SUFFIX ".prom"

typedef struct Metrics {
    char *path;          /* NULL: nobody has asked for them */
    char *new_path;      /* where they are written first: not a name that a collector reads */
    usec_t written_usec; /* due instant of the beat with which they were written, or tried to be, last; 0:
                            none */
    int failure;         /* errno of the last try, 0 while it works */
} Metrics;

/* Whether a path, which must end in METRICS_SUFFIX and be absolute, can be used, as far as can be seen
 * without making anything. path NULL will do. Returns 0, or -errno with *ret_error filled. */
int metrics_check(const char *path, char *const *outputs, size_t n_outputs, Error *ret_error);

/* The same, and takes it. *ret is for metrics_replace() or metrics_close(). */
int metrics_open(const char *path, char *const *outputs, size_t n_outputs, Metrics *ret, Error *ret_error);
void metrics_close(Metrics *metrics);

/* Goes on with *next, which is empty after it. A file that is not written any more is removed: it would say
 * that the host has gone silent. */
void metrics_replace(Metrics *metrics, Metrics *next);

/* Whether they are to be written with the beat of a due instant: once a second at most. */
bool metrics_is_due(const Metrics *metrics, usec_t due_usec);

/* Writes them. Returns 0 or -errno, with the last ones still there. Allocates nothing. */
int metrics_write(const Metrics *metrics, const Pulse *pulse, const Census *census);
