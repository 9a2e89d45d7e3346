/* SPDX-License-Identifier: MIT */
#pragma once
/* The service manager's side of sd_notify(3): a datagram socket that is read by nobody but the test. */

#include <stdbool.h>
#include <stddef.h>

#include "util/usec.h"

typedef struct Manager {
    int fd;
    size_t datagrams, ready, watchdog, status;
    usec_t first_usec, last_usec;     /* of a WATCHDOG=1, on the test's clock */
    usec_t longest_usec;              /* from one to the next */
    size_t in_second, most_in_second; /* datagrams of one second after the other, counted from the first */
    usec_t second_usec;
    char last[2048];
} Manager;

/* Listens at address (an absolute path, or an abstract name after an "@") and puts that and the watchdog's
 * period (0: none) into the environment, as for this process. */
void manager_listen(Manager *manager, const char *address, usec_t watchdog_usec);
void manager_close(Manager *manager);

/* Reads all that has come until now. */
void manager_hear(Manager *manager, usec_t now_usec);

/* Reads one datagram into last. Returns false when there is none. */
bool manager_hear_one(Manager *manager);

/* Sends to the manager until it could take no more without reading. */
void manager_fill(const Manager *manager);
