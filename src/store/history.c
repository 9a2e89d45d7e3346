/* SPDX-License-Identifier: MIT */
/* What happened, on disk. */

#include "store/history.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "core/census.h"
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

int history_append(int fd, const Event *event)
{
    static char line[EVENT_LINE_MAX]; /* much of it is never touched, but would be on the stack */
    int length = event_format(event, line);
    if (length < 0)
        return length;
    int r = mend(fd);
    return r < 0 ? r : write_whole(fd, line, (size_t)length);
}

typedef struct Reader {
    HistoryVisitor *visit;
    void *context;
    HistoryDamage damage;
} Reader;

static int take_line(Reader *reader, const char *line, size_t length)
{
    Event event;
    int r = event_parse(line, length, &event);
    if (r == 0)
        return reader->visit(reader->context, &event);
    if (r == -ENOTSUP)
        reader->damage.newer++;
    else
        reader->damage.bad++;
    return 0;
}

/* Takes the whole lines of what was read, and moves the rest to the beginning. A line longer than any that is
 * written is bad, and so is each of its parts. Returns 0 or what a visitor returned. */
static int take_lines(Reader *reader, char *data, size_t *length, size_t size)
{
    const char *at = data, *end = data + *length;
    for (const char *newline; (newline = memchr(at, '\n', (size_t)(end - at))); at = newline + 1) {
        int r = take_line(reader, at, (size_t)(newline - at));
        if (r != 0)
            return r;
    }
    *length = (size_t)(end - at);
    memmove(data, at, *length);
    if (*length == size) {
        reader->damage.bad++;
        *length = 0;
    }
    return 0;
}

/* Reads from one offset to another, or to the end of the file if that comes first. */
static int read_range(int fd, off_t from, off_t to, Reader *reader)
{
    char data[16 * EVENT_LINE_MAX];
    size_t length = 0;
    while (from < to) {
        size_t room = sizeof(data) - length;
        ssize_t n = pread(fd, data + length, (off_t)room < to - from ? room : (size_t)(to - from), from);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        from += n;
        length += (size_t)n;
        int r = take_lines(reader, data, &length, sizeof(data));
        if (r != 0)
            return r;
    }
    reader->damage.torn = length > 0;
    return 0;
}

int history_read(const char *state_dir, HistoryVisitor *visit, void *context, HistoryDamage *ret_damage)
{
    Reader reader = { .visit = visit, .context = context };
    cleanup_free char *path = path_join(state_dir, "history");
    if (!path)
        return -ENOMEM;
    cleanup_close int fd = state_file_open(path, O_RDONLY);
    int r = fd < 0 ? fd : read_range(fd, 0, INT64_MAX, &reader);
    *ret_damage = reader.damage;
    return r;
}

static int count_gap(void *context, const Event *event)
{
    census_take(context, event);
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
    Census census = { 0 };
    Reader before = { .visit = count_gap, .context = &census };
    Reader behind = { .visit = take_first_time, .context = trim };
    trim->from_usec = trim->realtime_usec;
    int r = read_range(fd, 0, cut, &before);
    memcpy(trim->gaps, census.gaps, sizeof(trim->gaps));
    if (r == 0)
        r = read_range(fd, cut, INT64_MAX, &behind);
    return r < 0 ? r : 0;
}

/* The beginning of the first line at or behind an offset. Returns it or -errno. */
static off_t find_line(int fd, off_t at)
{
    for (;;) {
        char data[EVENT_LINE_MAX];
        ssize_t n = pread(fd, data, sizeof(data), at);
        if (n < 0)
            return -errno;
        const char *newline = memchr(data, '\n', (size_t)n);
        if (newline || n == 0)
            return at + (newline ? newline + 1 - data : 0);
        at += n;
    }
}

static int copy_from(int fd, off_t at, int to)
{
    for (;;) {
        char data[16 * EVENT_LINE_MAX];
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
    off_t cut = find_line(*fd, size - (off_t)(max_bytes / 2));
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
