/* SPDX-License-Identifier: MIT */
/* Messages as lines in a file, FIFO or character device of a given path.
 *
 * The path is looked at before each message, so that a file which was renamed, removed or replaced by log
 * rotation is left for a new one without anybody's help; one that was cut to nothing is simply appended to.
 */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/exit.h"
#include "daemon/output.h"
#include "daemon/sink.h"
#include "store/guard.h"
#include "util/cleanup.h"

typedef struct OutputFile {
    Output output;
    Sink sink;
    bool open;
    bool unused;  /* made by us, and never written to */
    dev_t device; /* of the open file, to tell it from what lies at the path now */
    ino_t inode;
} OutputFile;

static bool is_usable(mode_t mode)
{
    return S_ISREG(mode) || S_ISFIFO(mode) || S_ISCHR(mode);
}

/* Whether the file ends within a line, left by a writer that was cut off. Cannot be told of one that may be
 * written but not read; then it is taken to be whole. */
static bool ends_torn(const OutputFile *self, off_t size)
{
    struct stat st;
    char last;
    cleanup_close int fd = guard_open(self->output.name, O_RDONLY, is_usable, &st);
    return fd >= 0 && st.st_dev == self->device && st.st_ino == self->inode &&
           pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

static int make(const char *path, struct stat *ret_st)
{
    cleanup_close int fd =
        open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0640);
    return fd < 0 || fstat(fd, ret_st) < 0 ? -errno : steal_fd(&fd);
}

/* Without waiting: a FIFO without a reader is an error (ENXIO). The description is ours alone. */
static int open_or_make(const char *path, struct stat *ret_st, bool *ret_made)
{
    for (;;) {
        int fd = guard_open(path, O_WRONLY | O_APPEND, is_usable, ret_st);
        *ret_made = fd == -ENOENT;
        if (*ret_made)
            fd = make(path, ret_st);
        if (!*ret_made || fd != -EEXIST) /* else somebody else was faster */
            return fd;
    }
}

static int open_path(OutputFile *self)
{
    struct stat st;
    bool made;
    cleanup_close int fd = open_or_make(self->output.name, &st, &made);
    if (fd < 0)
        return fd == -EINVAL ? -ENOTSUP : fd;
    if (guard_keeps(&st)) /* pulse or history */
        return -EDEADLK;

    if (self->open)
        close_fd(self->sink.fd);
    self->open = true;
    self->unused = made;
    self->device = st.st_dev;
    self->inode = st.st_ino;
    self->sink = (Sink){ .fd = steal_fd(&fd) };
    self->sink.torn = S_ISREG(st.st_mode) && st.st_size > 0 && ends_torn(self, st.st_size);
    return 0;
}

/* Is what lies at the path still the open file? A file cut to nothing has no torn line any more. */
static bool is_current(OutputFile *self)
{
    struct stat st;
    if (!self->open || lstat(self->output.name, &st) < 0 || st.st_dev != self->device ||
        st.st_ino != self->inode)
        return false;
    if (S_ISREG(st.st_mode) && st.st_size == 0)
        self->sink.torn = false;
    return true;
}

static const char *hint(int error)
{
    switch (error) {
    case ENOENT:
        return "; its directory must exist";
    case ELOOP:
        return "; a symbolic link is not followed here, name the file itself";
    case ENOTSUP:
        return "; expected a regular file, a FIFO or a character device";
    case EROFS:
        return "; in the sandbox of the unit allow it by ReadWritePaths= in a drop-in (systemctl edit heartbeatd)";
    default:
        return "";
    }
}

static int refuse(const char *path, int error, Error *ret_error)
{
    return error_set(ret_error, exit_code_for(error), error, "output %s: %s%s", path,
                     error == ENOTSUP ? "wrong type of file" : guard_words(error), hint(error));
}

/* access(2) goes by the real user, and this program is never set-user-ID. */
static int check_directory(const char *path, Error *ret_error)
{
    cleanup_free char *directory = strndup(path, (size_t)(strrchr(path, '/') - path) + 1);
    if (directory && access(directory, W_OK | X_OK) < 0)
        return refuse(path, errno, ret_error);
    return 0;
}

static int file_check(const char *path, Error *ret_error)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? check_directory(path, ret_error) : refuse(path, errno, ret_error);
    if (S_ISLNK(st.st_mode) || S_ISDIR(st.st_mode))
        return refuse(path, S_ISDIR(st.st_mode) ? EISDIR : ELOOP, ret_error);
    if (!is_usable(st.st_mode))
        return refuse(path, ENOTSUP, ret_error);
    int r = guard_check(path, &st);
    if (r < 0)
        return refuse(path, -r, ret_error);
    return access(path, W_OK) < 0 ? refuse(path, errno, ret_error) : 0;
}

static int file_open(Output *output, Error *ret_error)
{
    int r = open_path((OutputFile *)output);
    return r < 0 ? refuse(output->name, -r, ret_error) : 0;
}

static int put(OutputFile *self, usec_t realtime_usec, const char *text, size_t length)
{
    if (!is_current(self)) {
        int r = open_path(self);
        if (r < 0)
            return r;
    }
    int r = sink_write(&self->sink, self->output.format, realtime_usec, text, length);
    if (r == 0)
        self->unused = false;
    return r;
}

static int file_write(Output *output, const Beat *beat)
{
    return put((OutputFile *)output, beat->at.realtime_usec, beat->text, beat->length);
}

static int file_warn(Output *output, const Warning *warning)
{
    return put((OutputFile *)output, warning->realtime_usec, warning->text, warning->length);
}

/* A start or reload that was refused because of another output leaves no empty file behind. */
static void file_close(Output *output)
{
    OutputFile *self = (OutputFile *)output;
    struct stat st;
    if (!self->open)
        return;
    if (self->unused && is_current(self) && fstat(self->sink.fd, &st) == 0 && st.st_size == 0)
        unlink(output->name);
    close_fd(self->sink.fd);
}

const OutputKind output_file = {
    .size = sizeof(OutputFile),
    .check = file_check,
    .open = file_open,
    .write = file_write,
    .warn = file_warn,
    .close = file_close,
};
