/* SPDX-License-Identifier: MIT */
/* The daemon as tutorials have it: a fork whose parent exits, a session, the root directory, no umask, each
 * descriptor that there could be closed one by one, and then for ever a line and a sleep. A peer in the
 * benchmark, and with all its faults: it drifts, and nobody learns what fails in it.
 *
 *     tutorial FILE INTERVAL_MSEC
 */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void become_daemon(void)
{
    pid_t pid = fork();
    if (pid < 0)
        exit(1);
    if (pid > 0)
        exit(0);
    setsid();
    if (chdir("/") < 0)
        exit(1);
    umask(0);
    for (long fd = 0; fd < sysconf(_SC_OPEN_MAX); fd++)
        close((int)fd);
}

int main(int argc, char *argv[])
{
    static const char text[] = "I am Dameon\n";
    long msec = argc == 3 ? atol(argv[2]) : 0;
    if (msec <= 0)
        return 2;
    become_daemon();
    for (;;) {
        int fd = open(argv[1], O_CREAT | O_WRONLY | O_APPEND, 0600);
        if (fd < 0)
            exit(1);
        if (write(fd, text, strlen(text)) < 0)
            exit(1);
        close(fd);
        struct timespec interval = { .tv_sec = msec / 1000, .tv_nsec = msec % 1000 * 1000000 };
        nanosleep(&interval, NULL); /* sleep(3), of less than a second too */
    }
}
