/* SPDX-License-Identifier: MIT */
/* Preloaded into a program: counts what it allocates from main() on, and lets allocations fail.
 *
 *     ALLOCATIONS_COUNTS  a file to keep the counts in, as Counts has them; it must be as long
 *     ALLOCATIONS_FAIL    number of the allocation that fails, from 1; 0: none
 *     ALLOCATIONS_ON      set: and so does each one after it
 *
 * It stands in for malloc(3) and its kin, as the manual of glibc allows ("Replacing malloc"): what strdup(3)
 * or fopen(3) allocate is asked for here, too. Who asked is told by the object that the call came from. */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *pointer, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

typedef int MainFunction(int argc, char *argv[], char *environment[]);

typedef struct Counts {
    uint64_t all, failed;
    uint64_t by_libsystemd; /* of all */
} Counts;

static Counts unshared, *counts = &unshared;
static bool counting, fails_on;
static uint64_t fails;
static uintptr_t libsystemd_begin, libsystemd_end;

static int find_libsystemd(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size, (void)context;
    if (!strstr(info->dlpi_name, "/libsystemd."))
        return 0;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type != PT_LOAD || !(header->p_flags & PF_X))
            continue;
        libsystemd_begin = info->dlpi_addr + header->p_vaddr;
        libsystemd_end = libsystemd_begin + header->p_memsz;
    }
    return 1;
}

static void share_counts(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *shared =
        fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared == MAP_FAILED)
        abort();
    close(fd);
    counts = shared;
}

static MainFunction *program_main;

static int begin(int argc, char *argv[], char *environment[])
{
    const char *path = getenv("ALLOCATIONS_COUNTS"), *number = getenv("ALLOCATIONS_FAIL");
    if (path)
        share_counts(path);
    fails = number ? strtoull(number, NULL, 10) : 0;
    fails_on = getenv("ALLOCATIONS_ON") != NULL;
    dl_iterate_phdr(find_libsystemd, NULL);
    counting = true;
    return program_main(argc, argv, environment);
}

int __libc_start_main(MainFunction *main, int argc, char *argv[], void (*init)(void), void (*fini)(void),
                      void (*ld_fini)(void), void *stack_end);
int __libc_start_main(MainFunction *main, int argc, char *argv[], void (*init)(void), void (*fini)(void),
                      void (*ld_fini)(void), void *stack_end)
{
    __typeof__(&__libc_start_main) next;
    *(void **)&next = dlsym(RTLD_NEXT, "__libc_start_main");
    program_main = main;
    return next(begin, argc, argv, init, fini, ld_fini, stack_end);
}

/* Counts an allocation. Returns whether it is to fail. */
static bool is_to_fail(const void *caller)
{
    if (!counting)
        return false;
    uint64_t number = ++counts->all;
    counts->by_libsystemd += (uintptr_t)caller >= libsystemd_begin && (uintptr_t)caller < libsystemd_end;
    bool is_one = fails > 0 && (fails_on ? number >= fails : number == fails);
    counts->failed += is_one;
    if (is_one)
        errno = ENOMEM;
    return is_one;
}

void *malloc(size_t size)
{
    return is_to_fail(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    return is_to_fail(__builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *pointer, size_t size)
{
    return is_to_fail(__builtin_return_address(0)) ? NULL : __libc_realloc(pointer, size);
}

void *reallocarray(void *pointer, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return is_to_fail(__builtin_return_address(0)) ? NULL : __libc_realloc(pointer, bytes);
}

void *memalign(size_t alignment, size_t size)
{
    return is_to_fail(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return is_to_fail(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size)
{
    if (is_to_fail(__builtin_return_address(0)))
        return ENOMEM;
    *ret = __libc_memalign(alignment, size);
    return *ret ? 0 : ENOMEM;
}
