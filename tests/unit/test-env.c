/* SPDX-License-Identifier: MIT */
/* The environment, as the kernel shows it too. */

#include "util/env.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"

/* Makes an environment of writable strings. */
static void set_environment(const char *const *entries, size_t n)
{
    char **made = calloc(n + 1, sizeof(*made));
    for (size_t i = 0; i < n; i++)
        made[i] = strdup(entries[i]);
    environ = made;
}

Test(env, forgets_one_variable_however_often_it_is_assigned)
{
    static const struct {
        const char *name;
        const char *before[4];
        const char *after[4];
    } table[] = {
        { "A", { "A=1", "B=2" }, { "B=2" } },
        { "A", { "B=2", "A=1" }, { "B=2" } },
        { "A", { "A=1", "A=2", "B=3", "A=4" }, { "B=3" } },
        { "A", { "A=" }, { 0 } },
        { "A", { "AB=1", "B=A=1" }, { "AB=1", "B=A=1" } },
        { "A", { "A", "B=1" }, { "A", "B=1" } }, /* no assignment */
        { "AB", { "A=1" }, { "A=1" } },
        { "A", { 0 }, { 0 } },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        size_t n = 0, m = 0;
        while (n < 4 && table[i].before[n])
            n++;
        set_environment(table[i].before, n);
        char **all = environ;
        char *strings[4];
        memcpy(strings, all, n * sizeof(*strings));
        env_forget(table[i].name);
        cr_expect_null(getenv(table[i].name), "row %zu", i);
        for (; m < 4 && table[i].after[m]; m++)
            cr_expect_str_eq(environ[m], table[i].after[m], "row %zu", i);
        cr_expect_null(environ[m], "row %zu: there is more", i);
        for (size_t j = 0; j < n; j++)
            free(strings[j]);
        free(all);
    }
    environ = NULL;
    env_forget("A");
    env_forget_all();
}

static size_t read_kernels_view(char *buffer, size_t size)
{
    int fd = open("/proc/self/environ", O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    cr_assert_geq(fd, 0);
    for (ssize_t n; (n = read(fd, buffer + length, size - length)) > 0;)
        length += (size_t)n;
    close(fd);
    return length;
}

/* What unsetenv(3) does not do: a variable that this very process was executed with. */
Test(env, forgotten_is_gone_from_proc_too)
{
    static char view[1024 * 1024];
    char name[256];
    size_t length = read_kernels_view(view, sizeof(view));
    cr_assert_gt(length, 0u, "needs a variable to forget");
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(view, "="), view);
    env_forget(name);
    length = read_kernels_view(view, sizeof(view));
    cr_assert_gt(length, 0u);
    cr_expect_null(memmem(view, length, name, strlen(name) + 1), "%s", name);
    cr_expect_null(getenv(name));
}

Test(env, forgotten_altogether_leaves_nothing_but_nul_bytes)
{
    static char view[1024 * 1024];
    env_forget_all();
    size_t length = read_kernels_view(view, sizeof(view));
    for (size_t i = 0; i < length; i++)
        cr_assert_eq(view[i], '\0', "byte %zu of %zu", i, length);
    cr_expect(!environ || !*environ);
}

Test(env, path_is_absolute_or_none)
{
    static const struct {
        const char *value, *path;
    } table[] = {
        { "/a", "/a" }, { "/", "/" }, { "", NULL }, { "a", NULL }, { "./a", NULL }, { " /a", NULL }
    };
    unsetenv("PLACE");
    cr_expect_null(env_path("PLACE"));
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        setenv("PLACE", table[i].value, 1);
        const char *path = env_path("PLACE");
        cr_expect(table[i].path ? path && strcmp(path, table[i].path) == 0 : !path, "\"%s\"", table[i].value);
    }
}
