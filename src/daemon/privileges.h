/* SPDX-License-Identifier: MIT */
#pragma once
/* From root to an ordinary user, with no way back. */

#include <sys/types.h>

typedef struct User {
    char *name;
    uid_t uid;
    gid_t gid;
} User;

/* Looks a user up by name. Returns 0, -ENOENT when there is none, or another -errno. user_done() frees. */
int user_find(const char *name, User *ret);
void user_done(User *user);

/* Takes on all of user's groups, its group and its uid, each real, effective and saved; capabilities go with
 * them. Returns 0 or -errno, -EPERM also when root could still be had back. */
int privileges_drop(const User *user);
