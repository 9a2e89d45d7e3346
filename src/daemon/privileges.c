/* SPDX-License-Identifier: MIT */
/* From root to an ordinary user, with no way back. */

#include "daemon/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/exit.h"

/* getpwnam(3): that there is no such user is reported in any of these ways. */
static bool is_absence(int errnum)
{
    return errnum == 0 || errnum == ENOENT || errnum == ESRCH || errnum == EBADF || errnum == EPERM;
}

int user_find(const char *name, User *ret, Error *ret_error)
{
    if (geteuid() != 0)
        return error_set(ret_error, EXIT_PRIVILEGE, EPERM,
                         "--user: \"%.200s\": only root can become another user", name);
    errno = 0;
    const struct passwd *entry = getpwnam(name);
    int errnum = errno;
    if (!entry)
        return is_absence(errnum)
                   ? error_set(ret_error, EXIT_ARGUMENTS, ENOENT, "--user: \"%.200s\": no such user", name)
                   : error_set(ret_error, exit_code_for(errnum), errnum,
                               "--user: \"%.200s\": cannot be looked up: %s", name, strerror(errnum));
    *ret = (User){ .name = strdup(entry->pw_name), .uid = entry->pw_uid, .gid = entry->pw_gid };
    return ret->name ? 0 : error_set(ret_error, EXIT_FAILURE, ENOMEM, "out of memory");
}

void user_done(User *user)
{
    free(user->name);
    *user = (User){ 0 };
}

static int drop(const User *user)
{
    /* In this order: each call needs what the next one gives away. */
    if (initgroups(user->name, user->gid) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
        setresuid(user->uid, user->uid, user->uid) < 0)
        return -errno;
    if (user->uid != 0 && setresuid((uid_t)-1, 0, (uid_t)-1) == 0)
        return -EPERM;
    return 0;
}

int privileges_drop(const User *user, Error *ret_error)
{
    int r = drop(user);
    return r < 0 ? error_set(ret_error, EXIT_PRIVILEGE, -r, "cannot become user %s: %s", user->name,
                             strerror(-r))
                 : 0;
}
