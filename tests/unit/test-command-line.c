/* SPDX-License-Identifier: MIT */
/* What the programs' command lines have in common. */

#include "util/command-line.h"

#include <criterion/criterion.h>

Test(command_line, only_a_name_in_full_is_one)
{
    cr_expect(command_line_is_whole("--state-dir", "state-dir"));
    cr_expect(command_line_is_whole("--state-dir=/x", "state-dir"));
    cr_expect(command_line_is_whole("--state-dir=", "state-dir"));
    cr_expect_not(command_line_is_whole("--state", "state-dir"));
    cr_expect_not(command_line_is_whole("--state=/x", "state-dir"));
    cr_expect_not(command_line_is_whole("--state-dirs", "state-dir"));
    cr_expect_not(command_line_is_whole("-state-dir", "state-dir"));
    cr_expect_not(command_line_is_whole("state-dir", "state-dir"));
    cr_expect_not(command_line_is_whole("", "state-dir"));
}
