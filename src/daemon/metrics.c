/* SPDX-License-Identifier: MIT */
/* The file of metrics. */

#include "daemon/metrics.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/exit.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/file.h"

static int refuse(const char *path, int error, const char *problem, Error *ret_error)
{
    return error_set(ret_error, exit_code_for(error), error, "metrics %s: %s", path, problem);
}

static const char *problem_with(int error)
{
    return error == ENOENT  ? "No such file or directory; its directory must exist"
           : error == EROFS ? "Read-only file system; in the sandbox of the unit allow its directory by "
                              "ReadWritePaths= in a drop-in (systemctl edit heartbeatd)"
                            : strerror(error);
}

/* access(2) goes by the real user, and this program is never set-user-ID. */
static int check_directory(const char *path, Error *ret_error)
{
    cleanup_free char *directory = strndup(path, (size_t)(strrchr(path, '/') - path) + 1);
    if (!directory)
        return refuse(path, ENOMEM, "out of memory", ret_error);
    return access(directory, W_OK | X_OK) < 0 ? refuse(path, errno, problem_with(errno), ret_error) : 0;
}

static int check_file(const char *path, Error *ret_error)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : refuse(path, errno, problem_with(errno), ret_error);
    return S_ISREG(st.st_mode)
               ? 0
               : refuse(path, EINVAL, "wrong type of file; expected a regular file", ret_error);
}

static char *make_new_path(const char *path)
{
    char *new_path;
    return asprintf(&new_path, "%s.new", path) < 0 ? NULL : new_path;
}

/* An output of either name would lose its file at each beat. */
static int check_outputs(const char *path, char *const *outputs, size_t n_outputs, Error *ret_error)
{
    cleanup_free char *new_path = make_new_path(path);
    if (!new_path)
        return refuse(path, ENOMEM, "out of memory", ret_error);
    for (size_t i = 0; i < n_outputs; i++)
        if (outputs[i][0] == '/' && (strcmp(outputs[i], path) == 0 || strcmp(outputs[i], new_path) == 0 ||
                                     file_is_same(outputs[i], path) || file_is_same(outputs[i], new_path)))
            return refuse(path, EINVAL, "its file or its .new is an output, too; expected another file",
                          ret_error);
    return 0;
}

int metrics_check(const char *path, char *const *outputs, size_t n_outputs, Error *ret_error)
{
    if (!path)
        return 0;
    int r = check_file(path, ret_error);
    if (r == 0)
        r = check_directory(path, ret_error);
    return r == 0 ? check_outputs(path, outputs, n_outputs, ret_error) : r;
}

int metrics_open(const char *path, char *const *outputs, size_t n_outputs, Metrics *ret, Error *ret_error)
{
    int r = metrics_check(path, outputs, n_outputs, ret_error);
    if (r < 0 || !path)
        return r;
    Metrics metrics = { .path = strdup(path), .new_path = make_new_path(path) };
    if (!metrics.path || !metrics.new_path) {
        metrics_close(&metrics);
        return refuse(path, ENOMEM, "out of memory", ret_error);
    }
    *ret = metrics;
    return 0;
}

void metrics_close(Metrics *metrics)
{
    free(metrics->path);
    free(metrics->new_path);
    *metrics = (Metrics){ 0 };
}

void metrics_replace(Metrics *metrics, Metrics *next)
{
    if (metrics->path && next->path && strcmp(metrics->path, next->path) == 0) {
        metrics_close(next);
        return;
    }
    if (metrics->path)
        (void)unlink(metrics->path);
    metrics_close(metrics);
    *metrics = *next;
    *next = (Metrics){ 0 };
}

/* By due instants, as the pulse is synced: one beat of each second is not taken for one too early. */
bool metrics_is_due(const Metrics *metrics, usec_t due_usec)
{
    return metrics->path && (metrics->written_usec == 0 || due_usec >= metrics->written_usec + USEC_PER_SEC);
}

/* In place of one that was left by a process that was killed, or was put there. Returns a descriptor, or -1
 * with errno set. */
static int make_new(const char *path)
{
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY;
    int fd = open(path, flags, 0644);
    if (fd < 0 && errno == EEXIST && unlink(path) == 0)
        fd = open(path, flags, 0644);
    return fd;
}

/* Readable for everyone, whatever the umask and the ACLs of the directory. */
static int write_new(const char *path, const char *text, size_t length)
{
    cleanup_close int fd = make_new(path);
    if (fd < 0 || fchmod(fd, 0644) < 0)
        return -errno;
    FdKind kind = FD_REGULAR;
    int n = fd_write_known(fd, &kind, text, length);
    if (n < 0)
        return n;
    if ((size_t)n < length)
        return -ENOSPC;
    return close(steal_fd(&fd)) < 0 ? -errno : 0; /* where a network's file system has its say */
}

/* Not synced: after a power cut they are of no interest, and the next beat writes new ones. */
int metrics_write(const Metrics *metrics, const Pulse *pulse, const Census *census)
{
    char text[EXPOSITION_MAX];
    size_t length = exposition_format(pulse, census, text);
    int r = write_new(metrics->new_path, text, length);
    if (r == 0 && rename(metrics->new_path, metrics->path) < 0)
        r = -errno;
    if (r < 0)
        (void)unlink(metrics->new_path);
    return r;
}
