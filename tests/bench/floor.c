/* SPDX-License-Identifier: MIT */
/* The least that a program can do at a beat: wait until it is due, and append a line. What the benchmark
 * takes for the floor of its machine, at the time of its run.
 *
 *     floor FILE INTERVAL_MSEC
 *
 * After the first line, beats are due at the whole multiples of the interval on CLOCK_MONOTONIC, so that
 * whoever watches the file knows how late one is. */

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define GRID_NSEC INT64_C(10000000)
#define NSEC_PER_MSEC INT64_C(1000000)
#define NSEC_PER_SEC INT64_C(1000000000)

int main(int argc, char *argv[])
{
    static const char line[] = "I am Dameon\n";
    int64_t interval_nsec = argc == 3 ? atol(argv[2]) * NSEC_PER_MSEC : 0;
    if (interval_nsec <= 0)
        return 2;
    int fd = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) {
        perror(argv[1]);
        return 1;
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t due_nsec = (now.tv_sec * NSEC_PER_SEC + now.tv_nsec) / GRID_NSEC * GRID_NSEC;
    for (;;) {
        if (write(fd, line, sizeof(line) - 1) < 0)
            return 1;
        due_nsec += interval_nsec;
        struct timespec due = { .tv_sec = due_nsec / NSEC_PER_SEC, .tv_nsec = due_nsec % NSEC_PER_SEC };
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
    }
}
