/* SPDX-License-Identifier: MIT */
/* A directory that each test has to itself. */

#include "temp-dir.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64];

void temp_dir_enter(void)
{
    strcpy(directory, "/tmp/heartbeatd-unit-XXXXXX");
    umask(022);
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(chmod(directory, 0755), 0); /* so that tests may look at it as another user */
    cr_assert_eq(chdir(directory), 0);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void temp_dir_leave(void)
{
    umask(022);
    cr_expect_eq(chdir("/"), 0);
    cr_expect_eq(nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0, "%s is left behind", directory);
}

void temp_dir_skip(const char *why)
{
    temp_dir_leave();
    cr_skip_test("%s", why);
}

const char *temp_path(const char *name)
{
    static char paths[8][PATH_MAX];
    static size_t next;
    char *path = paths[next++ % 8];
    snprintf(path, PATH_MAX, "%s/%s", directory, name);
    return path;
}

void temp_write(const char *name, const void *data, size_t length)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    cr_assert_geq(fd, 0, "%s", name);
    cr_assert_eq(write(fd, data, length), (ssize_t)length, "%s", name);
    close(fd);
}

void temp_write_text(const char *name, const char *text)
{
    temp_write(name, text, strlen(text));
}

const char *temp_read_fd(int fd)
{
    static char buffer[64 * 1024 + 1];
    ssize_t n = pread(fd, buffer, sizeof(buffer) - 1, 0);
    cr_assert_geq(n, 0);
    buffer[n] = '\0';
    return buffer;
}

const char *temp_read(const char *name)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    cr_assert_geq(fd, 0, "%s", name);
    const char *text = temp_read_fd(fd);
    close(fd);
    return text;
}

int temp_file(void)
{
    int fd = memfd_create("captured", MFD_CLOEXEC);
    cr_assert_geq(fd, 0);
    return fd;
}

size_t open_descriptors(void)
{
    size_t n = 0;
    DIR *list = opendir("/proc/self/fd");
    cr_assert_not_null(list);
    while (readdir(list))
        n++;
    closedir(list);
    return n - 3; /* ".", ".." and the list's own */
}
