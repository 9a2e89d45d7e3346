/* SPDX-License-Identifier: MIT */
/* What happened, on disk. */

#include "store/history.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "core/census.h"
#include "core/course.h"
#include "store/history-read.h"
#include "store/state-file.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/file.h"

static int write_whole(int fd, const char *data, size_t length)
{
    int n = fd_write_now(fd, data, length);
    return n < 0 ? n : (size_t)n == length ? 0 : -ENOSPC;
}

/* Ends a last line that has no newline. */
static int mend(int fd)
{
    char last;
    off_t size = lseek(fd, 0, SEEK_END);
    if (size <= 0)
        return size < 0 ? -errno : 0;
    ssize_t n = pread(fd, &last, 1, size - 1);
    if (n < 0)
        return -errno;
    return n == 1 && last == '\n' ? 0 : write_whole(fd, EVENT_TORN_MARK, strlen(EVENT_TORN_MARK));
}

int history_open(const char *state_dir)
{
    cleanup_free char *path = path_join(state_dir, "history");
    if (!path)
        return -ENOMEM;
    cleanup_close int fd = state_file_open_or_make(path, O_RDWR | O_APPEND, 0644);
    if (fd < 0)
        return fd;
    int r = mend(fd);
    /* A full disk is no reason not to look at what is there; the next append mends it. */
    return r < 0 && r != -ENOSPC && r != -EDQUOT ? r : steal_fd(&fd);
}

static bool take_any(void *context, const Event *event)
{
    if (event->kind != EVENT_TRIM)
        course_take(context, event);
    return event->kind != EVENT_TRIM;
}

/* What the line of an event has to say of the course of those before it. */
static int mark(int fd, Event *event)
{
    Course course = { 0 };
    off_t size = lseek(fd, 0, SEEK_END);
    off_t last = size < 0 ? -errno : history_find_back(fd, size, take_any, &course);
    if (last < 0 && last != -ENOENT)
        return (int)last;
    event->latest_usec = course_mark(&course, event, last == -ENOENT);
    return 0;
}

int history_append(int fd, const Event *event)
{
    static char line[EVENT_LINE_MAX]; /* much of it is never touched, but would be on the stack */
    Event marked = *event;
    int r = mark(fd, &marked);
    if (r < 0)
        return r;
    int length = event_format(&marked, line);
    if (length < 0)
        return length;
    r = mend(fd);
    return r < 0 ? r : write_whole(fd, line, (size_t)length);
}

/* What stands before the cut. */
typedef struct Older {
    Census census;
    bool any, kept; /* kept: a history whose lines are marked */
} Older;

static int take_older(void *context, const Event *event)
{
    Older *older = context;
    if (!older->any)
        older->kept = course_is_kept(event);
    older->any = true;
    census_take(&older->census, event);
    return 0;
}

static int take_first_time(void *context, const Event *event)
{
    Event *trim = context;
    trim->from_usec = event->realtime_usec;
    return 1;
}

/* Sums up what stands before the cut, and takes the time of the first event behind it. */
static int describe(int fd, off_t cut, Event *trim)
{
    Older older = { 0 };
    HistoryDamage damage;
    trim->from_usec = trim->realtime_usec;
    int r = history_read_range(fd, 0, cut, take_older, &older, &damage);
    memcpy(trim->gaps, older.census.gaps, sizeof(trim->gaps));
    trim->latest_usec = older.kept ? 0 : EVENT_NONE;
    if (r == 0)
        r = history_read_range(fd, cut, INT64_MAX, take_first_time, trim, &damage);
    return r < 0 ? r : 0;
}

static int copy_from(int fd, off_t at, int to)
{
    for (;;) {
        char data[HISTORY_BLOCK_MAX];
        ssize_t n = pread(fd, data, sizeof(data), at);
        if (n <= 0)
            return n < 0 ? -errno : 0;
        int r = write_whole(to, data, (size_t)n);
        if (r < 0)
            return r;
        at += n;
    }
}

/* Writes the new file whole and makes sure of it. Returns its descriptor or -errno. */
static int write_new(const char *path, int fd, off_t cut, const Event *trim)
{
    char line[EVENT_LINE_MAX];
    int length = event_format(trim, line);
    if (length < 0)
        return length;
    if (unlink(path) < 0 && errno != ENOENT) /* from a trim that was cut short */
        return -errno;
    cleanup_close int new_fd = state_file_make(path, O_RDWR | O_APPEND, 0644);
    int r = new_fd < 0 ? new_fd : write_whole(new_fd, line, (size_t)length);
    if (r == 0)
        r = copy_from(fd, cut, new_fd);
    if (r == 0 && fsync(new_fd) < 0)
        r = -errno;
    return r < 0 ? r : steal_fd(&new_fd);
}

int history_trim(const char *state_dir, int *fd, uint64_t max_bytes, const Event *stamp)
{
    off_t size = lseek(*fd, 0, SEEK_END);
    if (size < 0)
        return -errno;
    if ((uint64_t)size <= max_bytes)
        return 0;
    Event trim = *stamp;
    trim.kind = EVENT_TRIM;
    off_t cut = history_find_line(*fd, size - (off_t)(max_bytes / 2));
    int r = cut < 0 ? (int)cut : describe(*fd, cut, &trim);
    if (r < 0)
        return r;
    cleanup_free char *path = path_join(state_dir, "history");
    cleanup_free char *new_path = path_join(state_dir, "history.new");
    if (!path || !new_path)
        return -ENOMEM;
    cleanup_close int new_fd = write_new(new_path, *fd, cut, &trim);
    if (new_fd < 0 || rename(new_path, path) < 0) {
        r = new_fd < 0 ? new_fd : -errno;
        unlink(new_path);
        return r;
    }
    close_fd(*fd);
    *fd = steal_fd(&new_fd);
    r = state_directory_sync(state_dir);
    return r < 0 ? r : 1;
}
