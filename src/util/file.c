/* SPDX-License-Identifier: MIT */
/* Whole small files, and directories on the way to them. */

#include "util/file.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "util/cleanup.h"

bool file_is_null(const struct stat *st)
{
    return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

static int check_type(const struct stat *st)
{
    if (S_ISDIR(st->st_mode))
        return -EISDIR;
    return S_ISREG(st->st_mode) || file_is_null(st) ? 0 : -EINVAL;
}

int file_open_to_read(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int file_read(const char *path, size_t max_bytes, char **ret, size_t *ret_length)
{
    cleanup_close int fd = file_open_to_read(path);
    return fd < 0 ? fd : file_read_open(fd, max_bytes, ret, ret_length);
}

/* Room for a NUL and for one byte too many, so that a longer file is seen as one, however large st_size says
 * it is. Not for all of max_bytes at once: what is freed again stays in the process's memory. */
static int grow(char **buffer, size_t *size, size_t max_bytes)
{
    size_t wanted = *size > 0 ? *size * 2 : 1024;
    if (wanted > max_bytes + 2)
        wanted = max_bytes + 2;
    char *grown = realloc(*buffer, wanted);
    if (!grown)
        return -ENOMEM;
    *buffer = grown;
    *size = wanted;
    return 0;
}

int file_read_open(int fd, size_t max_bytes, char **ret, size_t *ret_length)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    int r = check_type(&st);
    if (r < 0)
        return r;

    cleanup_free char *buffer = NULL;
    size_t size = 0, length = 0;
    for (ssize_t n = 1; n != 0;) {
        if (size - length < 2 && grow(&buffer, &size, max_bytes) < 0)
            return -ENOMEM;
        n = read(fd, buffer + length, size - 1 - length);
        if (n > 0)
            length += (size_t)n;
        else if (n < 0 && errno != EINTR)
            return -errno;
        if (length > max_bytes)
            return -EFBIG;
    }
    buffer[length] = '\0';
    *ret = steal_ptr(buffer);
    *ret_length = length;
    return 0;
}

char *path_join(const char *directory, const char *name)
{
    char *path = malloc(strlen(directory) + 1 + strlen(name) + 1);
    if (path)
        stpcpy(stpcpy(stpcpy(path, directory), "/"), name);
    return path;
}

bool file_is_same(const char *left, const char *right)
{
    struct stat l, r;
    return lstat(left, &l) == 0 && lstat(right, &r) == 0 && l.st_dev == r.st_dev && l.st_ino == r.st_ino;
}

int path_make_absolute(const char *path, char **ret)
{
    if (path[0] == '/') {
        *ret = strdup(path);
        return *ret ? 0 : -ENOMEM;
    }
    cleanup_free char *directory = getcwd(NULL, 0);
    if (!directory)
        return -errno;
    while (strncmp(path, "./", 2) == 0)
        path += 2;
    return asprintf(ret, "%s/%s", strcmp(directory, "/") == 0 ? "" : directory, path) < 0 ? -ENOMEM : 0;
}

int directory_make(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
    if (mkdir(path, 0700) < 0)
        return errno == EEXIST ? 1 : -errno;
    /* By descriptor and without following: whoever can write to the parent cannot swap what is chowned. */
    cleanup_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchown(fd, uid, gid) < 0 || fchmod(fd, mode) < 0)
        return -errno;
    return 0;
}

int directory_make_parents(const char *path)
{
    cleanup_free char *prefix = strdup(path);
    if (!prefix)
        return -ENOMEM;
    for (char *slash = strchr(prefix + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(prefix, 0700) < 0 && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    return 0;
}
