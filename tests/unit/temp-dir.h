/* SPDX-License-Identifier: MIT */
#pragma once
/* A directory that each test has to itself and works in, and the small files in it. */

#include <stddef.h>

/* For .init and .fini of a suite: makes the directory and enters it; removes it with all that is in it. Both
 * leave the umask at 022. */
void temp_dir_enter(void);
void temp_dir_leave(void);

/* Skips the test, after which Criterion does not run .fini. Does not return. */
void temp_dir_skip(const char *why);

/* The absolute path of name in it: valid until eight more were asked for. */
const char *temp_path(const char *name);

/* Both fail the test when they cannot. temp_read() cuts at 64 KiB and returns a static buffer. */
void temp_write(const char *name, const void *data, size_t length);
void temp_write_text(const char *name, const char *text);
const char *temp_read(const char *name);

/* What fd, a regular file, holds: from its beginning, in a static buffer as above. */
const char *temp_read_fd(int fd);

/* A descriptor of a new file without a name, closed on exec: for capturing what is written to a descriptor.
 */
int temp_file(void);

/* How many descriptors this process has open. */
size_t open_descriptors(void);
