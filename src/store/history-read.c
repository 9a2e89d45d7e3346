/* SPDX-License-Identifier: MIT */
/* The history, read. In blocks, and none of it is kept: it may be of any length. */

#include "store/history-read.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "core/availability.h"
#include "core/course.h"
#include "store/state-file.h"
#include "util/cleanup.h"
#include "util/file.h"

/* Bytes. */
enum {
    BLOCK_FIRST = 2 * EVENT_LINE_MAX, /* what is read first of the end, which is often enough */
    NEAR_BYTES = 16 * EVENT_LINE_MAX, /* bisection ends where reading on is cheaper */
};

typedef struct Reader {
    HistoryVisitor *visit;
    void *context;
    HistoryDamage *damage;
} Reader;

static ssize_t read_at(int fd, char *data, size_t length, off_t at)
{
    ssize_t n;
    do
        n = pread(fd, data, length, at);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static int take_line(const Reader *reader, const char *line, size_t length)
{
    Event event;
    int r = event_parse(line, length, &event);
    if (r == 0)
        return reader->visit(reader->context, &event);
    if (r == -ENOTSUP)
        reader->damage->newer++;
    else
        reader->damage->bad++;
    return 0;
}

/* Takes the whole lines of what was read, and moves the rest to the beginning. A line longer than any that is
 * written is bad, and so is each of its parts. Returns 0 or what a visitor returned. */
static int take_lines(const Reader *reader, char *data, size_t *length, size_t size)
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
        reader->damage->bad++;
        *length = 0;
    }
    return 0;
}

int history_read_range(int fd, off_t from, off_t to, HistoryVisitor *visit, void *context,
                       HistoryDamage *ret_damage)
{
    Reader reader = { .visit = visit, .context = context, .damage = ret_damage };
    char data[HISTORY_BLOCK_MAX]; /* more of a line in one piece is bad */
    size_t length = 0;
    *ret_damage = (HistoryDamage){ 0 };
    while (from < to) {
        size_t room = sizeof(data) - length;
        ssize_t n = read_at(fd, data + length, (off_t)room < to - from ? room : (size_t)(to - from), from);
        if (n <= 0) {
            ret_damage->torn = n == 0 && length > 0;
            return (int)n;
        }
        from += n;
        length += (size_t)n;
        int r = take_lines(&reader, data, &length, sizeof(data));
        if (r != 0)
            return r;
    }
    ret_damage->torn = length > 0;
    return 0;
}

off_t history_find_line(int fd, off_t at)
{
    for (;;) {
        char data[EVENT_LINE_MAX];
        ssize_t n = read_at(fd, data, sizeof(data), at);
        if (n < 0)
            return n;
        const char *newline = memchr(data, '\n', (size_t)n);
        if (newline || n == 0)
            return at + (newline ? newline + 1 - data : 0);
        at += n;
    }
}

static bool is_event(const char *line, size_t length, HistoryTest *is_it, void *context)
{
    Event event;
    return event_parse(line, length, &event) == 0 && is_it(context, &event);
}

/* Looks at the lines of what was read, from the last one on, but not at the first, whose beginning may lie
 * before it: *length is what is left of that. Returns its offset in the data, or -ENOENT. */
static off_t find_line_back(const char *data, size_t *length, bool last, HistoryTest *is_it, void *context)
{
    for (const char *newline; (newline = memrchr(data, '\n', *length)); last = false) {
        const char *line = newline + 1, *end = data + *length;
        *length = (size_t)(newline - data);
        /* Behind the last newline there is nothing, or a line that was torn off. */
        if (!last && is_event(line, (size_t)(end - line), is_it, context))
            return line - data;
    }
    return -ENOENT;
}

off_t history_find_back(int fd, off_t end, HistoryTest *is_it, void *context)
{
    char data[HISTORY_BLOCK_MAX]; /* more of a line in one piece is bad */
    size_t kept = 0, block = BLOCK_FIRST;
    for (off_t at = end; at > 0;) {
        size_t room = sizeof(data) - kept < block ? sizeof(data) - kept : block;
        size_t wanted = (off_t)room < at ? room : (size_t)at;
        memmove(data + wanted, data, kept);
        ssize_t n = read_at(fd, data, wanted, at - (off_t)wanted);
        if (n != (ssize_t)wanted)
            return n < 0 ? n : -EIO; /* who has cut it short? */
        bool last = at == end;
        at -= n;
        kept += wanted;
        off_t found = find_line_back(data, &kept, last, is_it, context);
        if (found >= 0)
            return at + found;
        if (at == 0 && is_event(data, kept, is_it, context))
            return 0;
        if (kept == sizeof(data)) /* part of a line that is none */
            kept = 0;
        block = 2 * block < sizeof(data) ? 2 * block : sizeof(data);
    }
    return -ENOENT;
}

static int open_history(const char *state_dir)
{
    cleanup_free char *path = path_join(state_dir, "history");
    return path ? state_file_open(path, O_RDONLY) : -ENOMEM;
}

int history_read(const char *state_dir, HistoryVisitor *visit, void *context, HistoryDamage *ret_damage)
{
    *ret_damage = (HistoryDamage){ 0 };
    cleanup_close int fd = open_history(state_dir);
    return fd < 0 ? fd : history_read_range(fd, 0, INT64_MAX, visit, context, ret_damage);
}

int history_read_last(const char *state_dir, HistoryTest *begins, HistoryVisitor *visit, void *context,
                      HistoryDamage *ret_damage)
{
    *ret_damage = (HistoryDamage){ 0 };
    cleanup_close int fd = open_history(state_dir);
    if (fd < 0)
        return fd;
    off_t end = lseek(fd, 0, SEEK_END);
    off_t from = end < 0 ? -errno : history_find_back(fd, end, begins, context);
    if (from < 0 && from != -ENOENT)
        return (int)from;
    return history_read_range(fd, from < 0 ? 0 : from, INT64_MAX, visit, context, ret_damage);
}

/* The first event of a range of lines. */
typedef struct First {
    Event event;
    bool found;
} First;

static int take_first(void *context, const Event *event)
{
    First *first = context;
    first->event = *event;
    first->found = true;
    return 1;
}

/* Nearly always a few lines are enough. */
static int find_first(int fd, off_t from, off_t to, First *ret)
{
    HistoryDamage damage;
    off_t near = to - from > BLOCK_FIRST ? from + BLOCK_FIRST : to;
    ret->found = false;
    int r = history_read_range(fd, from, near, take_first, ret, &damage);
    if (r == 0 && near < to)
        r = history_read_range(fd, from, to, take_first, ret, &damage);
    return r < 0 ? r : 0;
}

static bool is_sign(void *context, const Event *event)
{
    (void)context;
    return availability_begins_at(event);
}

/* A place that has nothing but events of before since_usec before it, near the first one that is not. By its
 * course a line tells of all before it: that is what makes bisection right, whatever the wall clock did. */
static off_t bisect(int fd, usec_t since_usec)
{
    off_t low = 0, high = lseek(fd, 0, SEEK_END);
    if (high < 0)
        return -errno;
    while (high - low > NEAR_BYTES) {
        First first;
        off_t middle = low + (high - low) / 2, line = history_find_line(fd, middle);
        int r = line < 0 ? (int)line : find_first(fd, line, high, &first);
        if (r < 0)
            return r;
        Course course = { 0 };
        if (first.found)
            course_take(&course, &first.event);
        if (first.found && course.latest_usec < since_usec)
            low = line;
        else
            high = middle;
    }
    return low;
}

/* Where reading from since_usec on has to begin; 0 where there is no telling. */
static off_t find_since(int fd, usec_t since_usec, const Event *first)
{
    if (!course_is_kept(first))
        return 0;
    off_t near = bisect(fd, usec_less(since_usec, COURSE_MARGIN_USEC));
    off_t from = near > 0 ? history_find_back(fd, near, is_sign, NULL) : near;
    return from == -ENOENT ? 0 : from;
}

int history_read_since(const char *state_dir, usec_t since_usec, HistoryVisitor *visit, void *context,
                       HistoryDamage *ret_damage)
{
    First first;
    *ret_damage = (HistoryDamage){ 0 };
    cleanup_close int fd = open_history(state_dir);
    int r = fd < 0 ? fd : find_first(fd, 0, INT64_MAX, &first);
    if (r < 0)
        return r;
    off_t from = first.found ? find_since(fd, since_usec, &first.event) : 0;
    if (from < 0)
        return (int)from;
    if (from > 0 && (r = visit(context, &first.event)) != 0)
        return r;
    return history_read_range(fd, from, INT64_MAX, visit, context, ret_damage);
}

static int count_event(void *context, const Event *event)
{
    census_take(context, event);
    return 0;
}

int history_count(const char *state_dir, Census *ret)
{
    HistoryDamage damage;
    *ret = (Census){ 0 };
    return history_read(state_dir, count_event, ret, &damage);
}
