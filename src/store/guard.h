/* SPDX-License-Identifier: MIT */
#pragma once
/* What others may have put where this process is going to open a file.
 *
 * A path is looked at before it is opened and once more after it: what must not be opened, such as a device,
 * is not, and what was put there between the two looks is seen. None of this allocates. */

#include <stdbool.h>
#include <sys/stat.h>

typedef enum OwnFile { OWN_LOCK, OWN_PULSE, OWN_HISTORY, OWN_FILES } OwnFile;

/* Remembers the file that a descriptor is open on as one that nothing else may write to. The lock's file is
 * never opened again either: closing any descriptor of it would let go of the lock, fcntl_locking(2). fd -1:
 * there is none any more. */
void guard_keep(OwnFile which, int fd);
bool guard_keeps(const struct stat *st);

/* Whether this is the file of the lock that this process holds. A descriptor of it must not be closed. */
bool guard_is_lock(const struct stat *st);

/* Whether a file that is there may be written to where it lies. st: of the file. Returns 0, or
 * -EMLINK: it has a second name, and somebody else can make names in its directory: it may be anybody's;
 * -ENOLINK: it is another user's, in a directory with the sticky bit where everybody can make files, as the
 * kernel's fs.protected_regular has it;
 * or another -errno. */
int guard_check(const char *path, const struct stat *st);

/* Opens a file that is there, without following, waiting or acquiring a terminal. usable: which types will
 * do. Returns a descriptor and *ret_st, -EDEADLK when it is the lock's file, -EISDIR, -ELOOP or -EINVAL when
 * it is of no usable type, for writing also what guard_check() has, or another -errno. */
int guard_open(const char *path, int flags, bool (*usable)(mode_t mode), struct stat *ret_st);

/* strerror(3), and for the three above what they mean here. */
const char *guard_words(int errnum);
