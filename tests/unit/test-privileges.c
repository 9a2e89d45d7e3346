/* SPDX-License-Identifier: MIT */
/* From root to an ordinary user, with no way back. */

#include "daemon/privileges.h"

#include <criterion/criterion.h>
#include <grp.h>
#include <sys/wait.h>

#include "daemon/exit.h"

TestSuite(privileges, .timeout = 120);

Test(privileges, user_is_found_by_name_only)
{
    if (geteuid() != 0)
        cr_skip_test("needs root");
    static const struct {
        const char *name;
        int result;
    } table[] = {
        { "root", 0 },        { "nobody", 0 },       { "no-such-user", -ENOENT },
        { "", -ENOENT },      { "0", -ENOENT },      { "65534", -ENOENT },
        { "root:", -ENOENT }, { "ro\not", -ENOENT }, { "../root", -ENOENT },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        User user = { 0 };
        Error error = { 0 };
        int r = user_find(table[i].name, &user, &error);
        cr_expect_eq(r, table[i].result, "\"%s\": %d", table[i].name, r);
        if (r == 0)
            cr_expect_str_eq(user.name, table[i].name);
        else
            cr_expect_eq(error.exit_code, EXIT_ARGUMENTS);
        user_done(&user);
    }
}

/* Returns 0, or a number for what is wrong. */
static int drop(void)
{
    User user = { 0 };
    Error error;
    uid_t uids[3];
    gid_t gids[3], groups[64];
    gid_t roots[] = { 0, 1, 2 };
    if (setgroups(ELEMENTSOF(roots), roots) < 0 || user_find("nobody", &user, &error) < 0)
        return 1;
    if (privileges_drop(&user, &error) != 0)
        return 2;
    if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 || getresgid(&gids[0], &gids[1], &gids[2]) < 0)
        return 3;
    for (size_t i = 0; i < 3; i++)
        if (uids[i] != user.uid || gids[i] != user.gid)
            return 4;
    int n = getgroups(ELEMENTSOF(groups), groups);
    for (int i = 0; i < n; i++)
        if (groups[i] != user.gid)
            return 5;
    if (n < 0 || seteuid(0) == 0 || setuid(0) == 0 || setgid(0) == 0 ||
        setgroups(ELEMENTSOF(roots), roots) == 0)
        return 6;
    if (privileges_drop(&user, &error) == 0)
        return 7; /* there is nothing left to do it with */
    user_done(&user);
    return 0;
}

Test(privileges, dropped_are_all_ids_and_groups_with_no_way_back)
{
    int status;
    if (geteuid() != 0)
        cr_skip_test("needs root");
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0)
        _exit(drop());
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect_eq(status, 0, "%d", WEXITSTATUS(status));
}

Test(privileges, cannot_be_dropped_without_having_any)
{
    User user = { 0 };
    Error error = { 0 };
    if (geteuid() != 0)
        cr_skip_test("needs root");
    cr_assert_eq(user_find("nobody", &user, &error), 0);
    cr_assert_eq(setuid(65533), 0);
    cr_expect_eq(user_find("nobody", &user, &error), -EPERM);
    cr_expect_eq(privileges_drop(&user, &error), -EPERM);
    user_done(&user);
}
