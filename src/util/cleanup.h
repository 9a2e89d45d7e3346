/* SPDX-License-Identifier: MIT */
#pragma once
/* The project's macros, all of them: what is released at the end of a scope, and how to keep it. */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define ELEMENTSOF(array) (sizeof(array) / sizeof((array)[0]))
#define PRINTF_LIKE(at, first) __attribute__((format(printf, at, first)))

#define cleanup(function) __attribute__((cleanup(function)))
#define cleanup_free cleanup(freep)
#define cleanup_close cleanup(closep)

static inline void freep(void *pointer)
{
    free(*(void **)pointer);
}

/* Leaves errno alone, so that it can run between a failure and its report. */
static inline int close_fd(int fd)
{
    int saved = errno;
    if (fd >= 0)
        close(fd);
    errno = saved;
    return -1;
}

static inline void closep(int *fd)
{
    *fd = close_fd(*fd);
}

/* Hands a descriptor or pointer over to the caller: the scope that held it no longer releases it. */
static inline int steal_fd(int *fd)
{
    int stolen = *fd;
    *fd = -1;
    return stolen;
}

#define steal_ptr(pointer)                    \
    ({                                        \
        __typeof__(pointer) *_p = &(pointer); \
        __typeof__(pointer) _stolen = *_p;    \
        *_p = NULL;                           \
        _stolen;                              \
    })
