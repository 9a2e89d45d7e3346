/* SPDX-License-Identifier: MIT */
/* What went wrong, in words for the user. */

#include "util/error.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

Test(error, is_one_line_with_control_characters_escaped)
{
    static const struct {
        const char *value;
        const char *text;
    } table[] = {
        { "10s", "--interval: \"10s\": no" },          { "two\nlines", "--interval: \"two\\nlines\": no" },
        { "\x1b[2J", "--interval: \"\\x1b[2J\": no" }, { "\xff", "--interval: \"\\xff\": no" },
        { "%s%n", "--interval: \"%s%n\": no" },        { "", "--interval: \"\": no" },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Error error;
        cr_expect_eq(error_set(&error, 2, EINVAL, "--interval: \"%s\": no", table[i].value), -EINVAL);
        cr_expect_str_eq(error.text, table[i].text, "row %zu: %s", i, error.text);
        cr_expect_eq(error.exit_code, 2);
        cr_expect_eq(error.errnum, EINVAL);
    }
}

Test(error, of_any_length_is_cut_to_its_bound)
{
    Error error;
    char value[4 * ERROR_TEXT_MAX];
    static const char bytes[] = { 'x', '\n', '\x1b', '\xff' };
    for (size_t i = 0; i < ELEMENTSOF(bytes); i++) {
        memset(value, bytes[i], sizeof(value) - 1);
        value[sizeof(value) - 1] = '\0';
        cr_expect_eq(error_set(&error, 1, EIO, "%s", value), -EIO);
        cr_expect_lt(strlen(error.text), (size_t)ERROR_TEXT_MAX);
        cr_expect_gt(strlen(error.text), (size_t)ERROR_TEXT_MAX - 8);
        cr_expect_null(strchr(error.text, '\n'));
    }
}

Test(error, of_a_disk_passes_and_one_of_permission_does_not)
{
    static const int passing[] = { ENOSPC, EDQUOT, EIO, ENFILE, EMFILE, ENOMEM };
    static const int lasting[] = { 0, ENOENT, EACCES, EPERM, EROFS, ELOOP, EISDIR, ENOTDIR, EINVAL, ENXIO };
    for (size_t i = 0; i < ELEMENTSOF(passing); i++)
        cr_expect(error_passes(passing[i]), "%d", passing[i]);
    for (size_t i = 0; i < ELEMENTSOF(lasting); i++)
        cr_expect_not(error_passes(lasting[i]), "%d", lasting[i]);
}
