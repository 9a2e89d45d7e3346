/* SPDX-License-Identifier: MIT */
/* Whole small files, and directories on the way to them. */

#include "util/file.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "temp-dir.h"
#include "util/cleanup.h"

TestSuite(file, .init = temp_dir_enter, .fini = temp_dir_leave, .timeout = 120);

Test(file, read_takes_regular_files_up_to_a_bound_and_never_waits)
{
    static const struct {
        const char *path;
        int result;
        size_t length;
    } table[] = {
        { "ten", 0, 10 },
        { "empty", 0, 0 },
        { "link", 0, 10 },
        { "/dev/null", 0, 0 }, /* a customary mask */
        { "nul", 0, 3 },
        { "eleven", -EFBIG, 0 },
        { "sparse", -EFBIG, 0 },
        { "missing", -ENOENT, 0 },
        { "dangling", -ENOENT, 0 },
        { "ten/below", -ENOTDIR, 0 },
        { "directory", -EISDIR, 0 },
        { "fifo", -EINVAL, 0 },
        { "/dev/zero", -EINVAL, 0 },
        { "loop", -ELOOP, 0 },
        { "", -ENOENT, 0 },
    };
    temp_write_text("ten", "0123456789");
    temp_write_text("eleven", "0123456789a");
    temp_write_text("empty", "");
    temp_write("nul", "a\0b", 3);
    temp_write_text("sparse", "");
    cr_assert_eq(truncate("sparse", (off_t)1 << 40), 0);
    cr_assert_eq(symlink("ten", "link"), 0);
    cr_assert_eq(symlink("nowhere", "dangling"), 0);
    cr_assert_eq(symlink("loop", "loop"), 0);
    cr_assert_eq(mkdir("directory", 0755), 0);
    cr_assert_eq(mkfifo("fifo", 0644), 0);

    size_t descriptors = open_descriptors();
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        cleanup_free char *text = NULL;
        size_t length = 0;
        int r = file_read(table[i].path, 10, &text, &length);
        cr_expect_eq(r, table[i].result, "%s: %d", table[i].path, r);
        cr_expect_eq(length, table[i].length, "%s: %zu", table[i].path, length);
        cr_expect_eq(text != NULL, r == 0, "%s", table[i].path);
        if (text)
            cr_expect_eq(text[length], '\0', "%s", table[i].path);
    }
    cr_expect_eq(open_descriptors(), descriptors, "one stayed open");
}

Test(file, read_of_proc_takes_what_has_no_size)
{
    cleanup_free char *text = NULL;
    size_t length;
    cr_assert_eq(file_read("/proc/sys/kernel/random/boot_id", 64, &text, &length), 0);
    cr_expect_eq(length, 37u);
}

Test(file, same_file_is_known_by_any_name_but_not_through_a_link)
{
    temp_write_text("one", "");
    temp_write_text("two", "");
    cr_assert_eq(link("one", "other"), 0);
    cr_assert_eq(symlink("one", "link"), 0);
    cr_expect(file_is_same("one", "one"));
    cr_expect(file_is_same("one", "./other"));
    cr_expect_not(file_is_same("one", "two"));
    cr_expect_not(file_is_same("one", "link"));
    cr_expect_not(file_is_same("none", "none"));
}

Test(file, path_is_made_absolute_below_the_working_directory)
{
    static const struct {
        const char *path;
        const char *below; /* the test's directory; NULL: the path itself */
    } table[] = {
        { "/x", NULL },   { "/", NULL },      { "/x/../y", NULL },  { "x", "x" },   { "./x", "x" },
        { "././x", "x" }, { "../x", "../x" }, { "a/./x", "a/./x" }, { ".x", ".x" }, { "x y\n", "x y\n" },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        cleanup_free char *absolute = NULL;
        const char *expected = table[i].below ? temp_path(table[i].below) : table[i].path;
        cr_assert_eq(path_make_absolute(table[i].path, &absolute), 0);
        cr_expect_str_eq(absolute, expected, "\"%s\": %s", table[i].path, absolute);
    }

    cleanup_free char *below_root = NULL;
    cr_assert_eq(chdir("/"), 0);
    cr_assert_eq(path_make_absolute("x", &below_root), 0);
    cr_expect_str_eq(below_root, "/x");
}

Test(file, path_cannot_be_made_absolute_below_a_removed_directory)
{
    char *absolute = NULL;
    cr_assert_eq(mkdir("gone", 0755), 0);
    cr_assert_eq(chdir("gone"), 0);
    cr_assert_eq(rmdir(temp_path("gone")), 0);
    cr_expect_eq(path_make_absolute("x", &absolute), -ENOENT);
    cr_expect_eq(path_make_absolute("/x", &absolute), 0, "one that is absolute needs none");
    free(absolute);
}

Test(file, directory_is_made_with_exactly_its_mode_and_existing_ones_stay_as_they_are)
{
    static const struct {
        const char *path;
        mode_t umask;
        int result;
        mode_t mode; /* afterwards; 0: not a directory */
    } table[] = {
        { "new", 022, 0, 0755 },
        { "open", 0, 0, 0755 },
        { "closed", 0077, 0, 0755 },
        { "existing", 022, 1, 0700 },
        { "file", 022, 1, 0 },
        { "link", 022, 1, 0 },
        { "missing/new", 022, -ENOENT, 0 },
        { "file/new", 022, -ENOTDIR, 0 },
    };
    cr_assert_eq(mkdir("existing", 0700), 0);
    temp_write_text("file", "");
    cr_assert_eq(symlink("elsewhere", "link"), 0);
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        struct stat st;
        umask(table[i].umask);
        int r = directory_make(table[i].path, 0755, geteuid(), getegid());
        umask(022);
        cr_expect_eq(r, table[i].result, "%s: %d", table[i].path, r);
        if (table[i].mode != 0) {
            cr_assert_eq(lstat(table[i].path, &st), 0);
            cr_expect(S_ISDIR(st.st_mode));
            cr_expect_eq(st.st_mode & 07777, table[i].mode, "%s: %o", table[i].path, st.st_mode & 07777);
        }
    }
    cr_expect_eq(access("elsewhere", F_OK), -1, "a link was followed");
}

Test(file, directory_of_another_user_belongs_to_it)
{
    struct stat st;
    if (geteuid() != 0)
        temp_dir_skip("needs root");
    cr_assert_eq(directory_make("theirs", 0750, 65534, 65533), 0);
    cr_assert_eq(stat("theirs", &st), 0);
    cr_expect_eq(st.st_uid, 65534u);
    cr_expect_eq(st.st_gid, 65533u);
    cr_expect_eq(st.st_mode & 07777, 0750u);
}

Test(file, parents_are_made_for_their_owner_alone)
{
    static const struct {
        const char *path;
        int result;
        const char *made;
        const char *not_made;
    } table[] = {
        { "a/b/c", 0, "a/b", "a/b/c" },  { "a/b/d", 0, "a/b", "a/b/d" },
        { "e//f/g", 0, "e/f", "e/f/g" }, { "plain", 0, NULL, "plain" },
        { "h/i/", 0, "h/i", NULL },      { "file/j/k", -ENOTDIR, NULL, "file/j" },
    };
    temp_write_text("file", "");
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        struct stat st;
        int r = directory_make_parents(table[i].path);
        cr_expect_eq(r, table[i].result, "%s: %d", table[i].path, r);
        if (table[i].made) {
            cr_expect_eq(stat(table[i].made, &st), 0, "%s", table[i].made);
            cr_expect_eq(st.st_mode & 07777, 0700u, "%s", table[i].made);
        }
        if (table[i].not_made)
            cr_expect_eq(access(table[i].not_made, F_OK), -1, "%s", table[i].not_made);
    }
    cr_expect_eq(directory_make_parents(temp_path("x/y/z")), 0);
    cr_expect_eq(access("x/y", F_OK), 0);
}
