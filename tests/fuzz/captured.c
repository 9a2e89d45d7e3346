/* SPDX-License-Identifier: MIT */
/* What a function prints, and files that it reads. */

#include "captured.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

static struct {
    FILE *stream, *replaced;
    char *text;
    size_t length;
} out, err;

/* Streams in memory, and not descriptors: a report of what went wrong meanwhile must get out. That the two
 * can be assigned to is glibc's promise. */
void capture_begin(void)
{
    free(out.text);
    free(err.text);
    out.text = err.text = NULL;
    out.stream = open_memstream(&out.text, &out.length);
    err.stream = open_memstream(&err.text, &err.length);
    FUZZ_ASSERT(out.stream && err.stream);
    out.replaced = stdout;
    err.replaced = stderr;
    stdout = out.stream;
    stderr = err.stream;
}

void capture_end(const char **ret_out, const char **ret_err)
{
    stdout = out.replaced;
    stderr = err.replaced;
    FUZZ_ASSERT(fclose(out.stream) == 0 && fclose(err.stream) == 0);
    FUZZ_ASSERT(strlen(out.text) == out.length && strlen(err.text) == err.length);
    *ret_out = out.text;
    *ret_err = err.text;
}

static char directory[PATH_MAX];

static void remove_directory(void)
{
    DIR *list = opendir(directory);
    for (struct dirent *entry; list && (entry = readdir(list));)
        (void)unlinkat(dirfd(list), entry->d_name, 0);
    if (list)
        closedir(list);
    rmdir(directory);
}

const char *scratch_directory(void)
{
    if (directory[0])
        return directory;
    const char *above = getenv("TMPDIR");
    above = above ? above : access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(directory, sizeof(directory), "%s/heartbeatd-fuzz-XXXXXX", above);
    FUZZ_ASSERT(mkdtemp(directory));
    atexit(remove_directory);
    return directory;
}

void scratch_write(const char *name, const void *data, size_t length)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof(path), "%s/%s", scratch_directory(), name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FUZZ_ASSERT(fd >= 0 && write(fd, data, length) == (ssize_t)length);
    close(fd);
}
