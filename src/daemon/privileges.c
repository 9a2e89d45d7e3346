/* SPDX-License-Identifier: MIT */
/* From root to an ordinary user, with no way back. */

#include "daemon/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "util/cleanup.h"

int user_find(const char *name, User *ret)
{
    errno = 0;
    const struct passwd *entry = getpwnam(name);
    if (!entry) /* getpwnam(3): not found is reported in any of these ways */
        return errno == 0 || errno == ENOENT || errno == ESRCH || errno == EBADF || errno == EPERM ? -ENOENT
                                                                                                   : -errno;
    *ret = (User){ .name = strdup(entry->pw_name), .uid = entry->pw_uid, .gid = entry->pw_gid };
    return ret->name ? 0 : -ENOMEM;
}

void user_done(User *user)
{
    free(user->name);
    *user = (User){ 0 };
}

int privileges_drop(const User *user)
{
    /* In this order: each call needs what the next one gives away. */
    if (initgroups(user->name, user->gid) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
        setresuid(user->uid, user->uid, user->uid) < 0)
        return -errno;
    if (user->uid != 0 && setresuid((uid_t)-1, 0, (uid_t)-1) == 0)
        return -EPERM;
    return 0;
}
