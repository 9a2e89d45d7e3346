/* SPDX-License-Identifier: MIT */
/* What others may have put where this process is going to open a file. */

#include "store/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "util/cleanup.h"

/* Of the process, as a lock of fcntl(2) is. */
static struct {
    bool known;
    dev_t device;
    ino_t inode;
} own_files[OWN_FILES];

void guard_keep(OwnFile which, int fd)
{
    struct stat st;
    own_files[which].known = fstat(fd, &st) == 0;
    if (own_files[which].known) {
        own_files[which].device = st.st_dev;
        own_files[which].inode = st.st_ino;
    }
}

static bool is_kept(OwnFile which, const struct stat *st)
{
    return own_files[which].known && own_files[which].device == st->st_dev &&
           own_files[which].inode == st->st_ino;
}

bool guard_keeps(const struct stat *st)
{
    return is_kept(OWN_LOCK, st) || is_kept(OWN_PULSE, st) || is_kept(OWN_HISTORY, st);
}

bool guard_is_lock(const struct stat *st)
{
    return is_kept(OWN_LOCK, st);
}

static int stat_prefix(const char *path, size_t length, char *buffer, struct stat *ret)
{
    memcpy(buffer, path, length);
    buffer[length] = '\0';
    return stat(buffer, ret) < 0 ? -errno : 0;
}

/* Not inlined: the usual path would take a page of stack for it that is not given back. */
__attribute__((noinline)) static int stat_long_prefix(const char *path, size_t length, struct stat *ret)
{
    char buffer[PATH_MAX];
    return length < sizeof(buffer) ? stat_prefix(path, length, buffer, ret) : -ENAMETOOLONG;
}

static int stat_directory(const char *path, struct stat *ret)
{
    char buffer[256];
    const char *slash = strrchr(path, '/');
    if (!slash)
        return stat(".", ret) < 0 ? -errno : 0;
    size_t length = (size_t)(slash - path) + 1;
    return length < sizeof(buffer) ? stat_prefix(path, length, buffer, ret)
                                   : stat_long_prefix(path, length, ret);
}

/* Where fs.protected_hardlinks is 0, whoever can write to a directory can give a second name in it to any
 * file of the same file system. */
static bool is_shared(const struct stat *directory)
{
    return (directory->st_mode & (S_IWGRP | S_IWOTH)) ||
           (directory->st_uid != 0 && directory->st_uid != geteuid());
}

static bool is_trusted_owner(uid_t uid, const struct stat *directory)
{
    return uid == 0 || uid == geteuid() || uid == directory->st_uid;
}

int guard_check(const char *path, const struct stat *st)
{
    struct stat directory;
    int r = stat_directory(path, &directory);
    if (r < 0)
        return r;
    if (st->st_nlink > 1 && is_shared(&directory))
        return -EMLINK;
    if ((directory.st_mode & S_ISVTX) && (directory.st_mode & S_IWOTH) &&
        !is_trusted_owner(st->st_uid, &directory))
        return -ENOLINK;
    return 0;
}

static int judge(const char *path, int flags, bool (*usable)(mode_t mode), const struct stat *st)
{
    if (!usable(st->st_mode))
        return S_ISDIR(st->st_mode) ? -EISDIR : S_ISLNK(st->st_mode) ? -ELOOP : -EINVAL;
    if (guard_is_lock(st))
        return -EDEADLK;
    return (flags & O_ACCMODE) == O_RDONLY ? 0 : guard_check(path, st);
}

int guard_open(const char *path, int flags, bool (*usable)(mode_t mode), struct stat *ret_st)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return -errno;
    int r = judge(path, flags, usable, &st);
    if (r < 0)
        return r;
    cleanup_close int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    r = judge(path, flags, usable, &st);
    if (r == -EDEADLK)
        (void)steal_fd(&fd); /* left open for good: the lock counts for more than a descriptor */
    *ret_st = st;
    return r < 0 ? r : steal_fd(&fd);
}

const char *guard_words(int errnum)
{
    switch (errnum) {
    case EMLINK:
        return "has a second name (hard link), and others can make names in its directory";
    case ENOLINK:
        return "belongs to another user, in a directory where everybody can make files";
    case EDEADLK:
        return "is one of the daemon's own files of state";
    default:
        return strerror(errnum);
    }
}
