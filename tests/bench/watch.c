/* SPDX-License-Identifier: MIT */
/* When something was written to each of some files, as one observer sees it for all of them.
 *
 *     watch SECONDS FILE...
 *
 * Prints "INDEX NSEC" for each write, at the end, the files numbered from 0; CLOCK_BOOTTIME. */

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#define WRITES_MAX 200000
#define FILES_MAX 64

static struct {
    int file;
    int64_t nsec;
} writes[WRITES_MAX];

static int64_t now_nsec(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_BOOTTIME, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static size_t take(const char *buffer, ssize_t length, const int *watches, int n_files, int64_t nsec,
                   size_t n)
{
    for (ssize_t at = 0; at < length && n < WRITES_MAX;) {
        const struct inotify_event *event = (const void *)(buffer + at);
        for (int i = 0; i < n_files; i++)
            if (watches[i] == event->wd) {
                writes[n].file = i;
                writes[n++].nsec = nsec;
            }
        at += (ssize_t)(sizeof(*event) + event->len);
    }
    return n;
}

static size_t watch(int fd, const int *watches, int n_files, int64_t until_nsec)
{
    static char buffer[65536] __attribute__((aligned(__alignof__(struct inotify_event))));
    struct pollfd waited = { .fd = fd, .events = POLLIN };
    size_t n = 0;
    for (int64_t nsec; (nsec = now_nsec()) < until_nsec;) {
        if (poll(&waited, 1, (int)((until_nsec - nsec) / 1000000 + 1)) <= 0)
            continue;
        nsec = now_nsec();
        n = take(buffer, read(fd, buffer, sizeof(buffer)), watches, n_files, nsec, n);
    }
    return n;
}

int main(int argc, char *argv[])
{
    int watches[FILES_MAX], n_files = argc - 2;
    if (n_files < 1 || n_files > FILES_MAX)
        return 2;
    int fd = inotify_init1(IN_CLOEXEC);
    for (int i = 0; i < n_files; i++)
        if ((watches[i] = inotify_add_watch(fd, argv[i + 2], IN_MODIFY)) < 0) {
            perror(argv[i + 2]);
            return 1;
        }
    size_t n = watch(fd, watches, n_files, now_nsec() + (int64_t)(atof(argv[1]) * 1e9));
    for (size_t i = 0; i < n; i++)
        printf("%d %" PRId64 "\n", writes[i].file, writes[i].nsec);
    return 0;
}
