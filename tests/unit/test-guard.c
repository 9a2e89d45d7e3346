/* SPDX-License-Identifier: MIT */
/* What others may have put where this process is going to open a file. */

#include "store/guard.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>

#include "store/lock.h"
#include "temp-dir.h"
#include "util/cleanup.h"

#define OTHER_UID 54321

TestSuite(guard, .init = temp_dir_enter, .fini = temp_dir_leave, .timeout = 120);

static bool any(mode_t mode)
{
    return !S_ISDIR(mode) && !S_ISLNK(mode);
}

static int check(const char *path)
{
    struct stat st;
    cr_assert_eq(lstat(path, &st), 0);
    return guard_check(path, &st);
}

Test(guard, second_name_counts_where_others_can_make_one)
{
    static const struct {
        mode_t mode;
        uid_t owner;
        int result;
    } table[] = {
        { 0755, 0, 0 },        { 0700, 0, 0 },       { 0775, 0, -EMLINK },         { 0757, 0, -EMLINK },
        { 01777, 0, -EMLINK }, { 0777, 0, -EMLINK }, { 0755, OTHER_UID, -EMLINK },
    };
    if (geteuid() != 0)
        temp_dir_skip("needs root");
    cr_assert_eq(mkdir("directory", 0755), 0);
    temp_write_text("directory/file", "x");
    temp_write_text("directory/single", "x");
    cr_assert_eq(link("directory/file", "second"), 0);
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        cr_assert_eq(chown("directory", table[i].owner, 0), 0);
        cr_assert_eq(chmod("directory", table[i].mode), 0);
        cr_expect_eq(check("directory/file"), table[i].result, "row %zu", i);
        cr_expect_eq(check("directory/single"), 0, "row %zu", i);
    }
}

Test(guard, file_of_another_user_counts_in_a_sticky_directory_of_everybody)
{
    static const struct {
        mode_t mode;
        uid_t directory, file;
        int result;
    } table[] = {
        { 01777, 0, 0, 0 },         { 01777, 0, OTHER_UID, -ENOLINK }, { 01777, OTHER_UID, OTHER_UID, 0 },
        { 01777, OTHER_UID, 0, 0 }, { 01777, OTHER_UID, 1, -ENOLINK }, { 0777, 0, OTHER_UID, 0 },
        { 0755, 0, OTHER_UID, 0 },  { 01775, 0, OTHER_UID, 0 },
    };
    if (geteuid() != 0)
        temp_dir_skip("needs root");
    cr_assert_eq(mkdir("directory", 0755), 0);
    temp_write_text("directory/file", "x");
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        cr_assert_eq(chown("directory", table[i].directory, 0), 0);
        cr_assert_eq(chmod("directory", table[i].mode), 0);
        cr_assert_eq(chown("directory/file", table[i].file, 0), 0);
        cr_expect_eq(check("directory/file"), table[i].result, "row %zu", i);
    }
}

Test(guard, file_of_the_lock_is_not_opened_by_any_name)
{
    static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR };
    struct stat st;
    pid_t holder;
    int lock = lock_acquire("lock", &holder);
    cr_assert_geq(lock, 0);
    cr_assert_eq(link("lock", "second"), 0);
    for (size_t i = 0; i < ELEMENTSOF(flags); i++) {
        cr_expect_eq(guard_open("lock", flags[i], any, &st), -EDEADLK);
        cr_expect_eq(guard_open("second", flags[i], any, &st), -EDEADLK);
    }
    cr_assert_eq(stat("second", &st), 0);
    cr_expect(guard_is_lock(&st) && guard_keeps(&st));
    cr_expect_eq(lock_release(lock), -1);
    cleanup_close int fd = guard_open("second", O_RDONLY, any, &st);
    cr_expect_geq(fd, 0, "it is a file like others once the lock is let go of");
    cr_expect_not(guard_is_lock(&st));
}

Test(guard, files_that_are_kept_are_known)
{
    struct stat st;
    temp_write_text("pulse", "x");
    temp_write_text("other", "x");
    cleanup_close int fd = open("pulse", O_RDWR | O_CLOEXEC);
    guard_keep(OWN_PULSE, fd);
    cr_assert_eq(stat("pulse", &st), 0);
    cr_expect(guard_keeps(&st));
    cr_expect_not(guard_is_lock(&st), "it may be opened again");
    cr_assert_eq(stat("other", &st), 0);
    cr_expect_not(guard_keeps(&st));
    guard_keep(OWN_PULSE, -1);
    cr_assert_eq(stat("pulse", &st), 0);
    cr_expect_not(guard_keeps(&st));
}

Test(guard, words_say_what_is_the_matter)
{
    cr_expect_str_eq(guard_words(ENOENT), strerror(ENOENT));
    static const int ours[] = { EMLINK, ENOLINK, EDEADLK };
    for (size_t i = 0; i < ELEMENTSOF(ours); i++)
        cr_expect_str_neq(guard_words(ours[i]), strerror(ours[i]));
}
