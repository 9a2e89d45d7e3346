/* SPDX-License-Identifier: MIT */
/* Counts what is allocated. Under AddressSanitizer, which has an allocator of its own, by that one's hooks;
 * otherwise by standing in for malloc(3) and its kin, as malloc(3) of glibc allows ("Replacing malloc"). */

#include "allocations.h"

#include <stdlib.h>

static bool counting;
static size_t counted, freed;

void allocations_count(bool on)
{
    counting = on;
}

size_t allocations_counted(void)
{
    return counted;
}

ptrdiff_t allocations_kept(void)
{
    return (ptrdiff_t)counted - (ptrdiff_t)freed;
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN
#endif

#ifdef HAVE_ASAN

int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void *, size_t),
                                              void (*free_hook)(const volatile void *));

static void on_malloc(const volatile void *pointer, size_t size)
{
    (void)pointer, (void)size;
    counted += counting;
}

static void on_free(const volatile void *pointer)
{
    freed += counting && pointer;
}

__attribute__((constructor)) static void install(void)
{
    (void)__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
}

#else

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *pointer, size_t size);
void __libc_free(void *pointer);

void *malloc(size_t size)
{
    counted += counting;
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    counted += counting;
    return __libc_calloc(n, size);
}

void *realloc(void *pointer, size_t size)
{
    counted += counting;
    freed += counting && pointer;
    return __libc_realloc(pointer, size);
}

void free(void *pointer)
{
    freed += counting && pointer;
    __libc_free(pointer);
}

#endif
