/* SPDX-License-Identifier: MIT */
#pragma once
/* Whole small files, and directories on the way to them. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Reads a regular file (or /dev/null, the customary mask) of at most max_bytes into a new NUL-terminated
 * buffer, which the caller frees. A FIFO or device is refused instead of waited for. Returns 0 or -errno:
 * -EISDIR, -EINVAL for another wrong type, -EFBIG when it is longer. */
int file_read(const char *path, size_t max_bytes, char **ret, size_t *ret_length);

/* The same in two steps, for who wants to look at the open file in between. The first returns a descriptor or
 * -errno. */
int file_open_to_read(const char *path);
int file_read_open(int fd, size_t max_bytes, char **ret, size_t *ret_length);

/* Whether it is the null device, in which everything vanishes. */
bool file_is_null(const struct stat *st);

/* "directory/name"; the caller frees. NULL when there is no memory. */
char *path_join(const char *directory, const char *name);

/* Whether two paths name one and the same file that is there; links are not followed. */
bool file_is_same(const char *left, const char *right);

/* path itself when it is absolute, else below the working directory. The caller frees. Returns 0 or -errno.
 */
int path_make_absolute(const char *path, char **ret);

/* Makes one directory with exactly this mode and owner, and leaves an existing one untouched.
 * Returns 0, 1 when it existed, or -errno. */
int directory_make(const char *path, mode_t mode, uid_t uid, gid_t gid);

/* Makes the missing directories above path, for the caller alone (0700, as the XDG base directory
 * specification wants). Returns 0 or -errno. */
int directory_make_parents(const char *path);
