/* SPDX-License-Identifier: MIT */
/* The latest beat on disk. */

#include "store/pulse-file.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>

#include "store/state-file.h"
#include "util/cleanup.h"
#include "util/file.h"

/* A write of 512 bytes is over in microseconds, unless its process waits for a CPU in the middle of it, which
 * is given way to: whoever meets as many of them in a row reads something else. */
#define READ_TRIES 300

#define STEP_OFFSET PULSE_SIZE
#define STEP_SIZE 512

int pulse_file_open(const char *state_dir)
{
    cleanup_free char *path = path_join(state_dir, "pulse");
    return path ? state_file_open_or_make(path, O_RDWR, 0644) : -ENOMEM;
}

/* A short write is as bad as none: the record is read as damaged. */
static int write_at(int fd, const char *data, size_t length, off_t offset)
{
    ssize_t n;
    do
        n = pwrite(fd, data, length, offset);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : (size_t)n == length ? 0 : -ENOSPC;
}

static void format_step(const char *step, char ret[static STEP_SIZE])
{
    memset(ret, ' ', STEP_SIZE);
    if (step)
        memcpy(ret, step, strnlen(step, STEP_MAX - 1));
    ret[STEP_SIZE - 1] = '\n';
}

int pulse_file_write(int fd, const Pulse *pulse, const char *step)
{
    char data[PULSE_SIZE + STEP_SIZE];
    pulse_format(pulse, data);
    format_step(step, data + STEP_OFFSET);
    return write_at(fd, data, sizeof(data), 0);
}

int pulse_file_mark(int fd, const char *step)
{
    char line[STEP_SIZE];
    format_step(step, line);
    return write_at(fd, line, sizeof(line), STEP_OFFSET);
}

/* What stands before the blanks, up to anything that this program does not write; nothing, if the line was
 * cut off: the rest of a name would be another one. */
static void take_step(const char *line, size_t length, char ret[static STEP_MAX])
{
    size_t end = 0;
    bool whole = length == STEP_SIZE && line[STEP_SIZE - 1] == '\n';
    while (whole && end < STEP_MAX - 1 && (unsigned char)line[end] >= ' ' && line[end] != 0x7f)
        end++;
    while (end > 0 && line[end - 1] == ' ')
        end--;
    memcpy(ret, line, end);
    ret[end] = '\0';
}

static int read_once(int fd, Pulse *ret, char ret_step[static STEP_MAX])
{
    char data[PULSE_SIZE + STEP_SIZE];
    ssize_t n;
    do
        n = pread(fd, data, sizeof(data), 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    if (n == 0) /* made, and no beat in it yet */
        return -ENOENT;
    if (n < PULSE_SIZE)
        return -EBADMSG;
    int r = pulse_parse(data, ret);
    if (r == 0)
        take_step(data + STEP_OFFSET, (size_t)n - PULSE_SIZE, ret_step);
    return r;
}

int pulse_file_read(const char *state_dir, Pulse *ret, char ret_step[static STEP_MAX])
{
    cleanup_free char *path = path_join(state_dir, "pulse");
    if (!path)
        return -ENOMEM;
    cleanup_close int fd = state_file_open(path, O_RDONLY);
    int r = fd;
    for (unsigned i = 0; i < READ_TRIES && fd >= 0; i++) {
        if ((r = read_once(fd, ret, ret_step)) != -EBADMSG)
            break;
        (void)sched_yield();
    }
    return r;
}
