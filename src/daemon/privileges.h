/* SPDX-License-Identifier: MIT */
#pragma once
/* From root to an ordinary user, with no way back. */

#include <sys/types.h>

#include "util/error.h"

typedef struct User {
    char *name;
    uid_t uid;
    gid_t gid;
} User;

/* Looks up the user that --user names, for a process of root. Returns 0, -ENOENT when there is none, -EPERM
 * when the process is not root's, or another -errno. user_done() frees. */
int user_find(const char *name, User *ret, Error *ret_error);
void user_done(User *user);

/* Takes on all of user's groups, its group and its uid, each real, effective and saved; capabilities go with
 * them. Returns 0 or -errno, -EPERM also when root could still be had back. */
int privileges_drop(const User *user, Error *ret_error);
