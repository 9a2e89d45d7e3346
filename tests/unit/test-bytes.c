/* SPDX-License-Identifier: MIT */
/* Sizes as people write them. */

#include "core/bytes.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>

#include "util/cleanup.h"

#define UNTOUCHED 4711u

Test(bytes, are_read_with_and_without_a_unit)
{
    static const struct {
        const char *text;
        int result;
        uint64_t bytes;
    } table[] = {
        { "0", 0, 0 },
        { "1", 0, 1 },
        { "1024", 0, 1024 },
        { "512K", 0, 524288 },
        { "4M", 0, 4194304 },
        { "1G", 0, UINT64_C(1) << 30 },
        { "15E", 0, UINT64_C(15) << 60 },
        { "18446744073709551615", 0, UINT64_MAX },
        { "18446744073709551616", -ERANGE, UNTOUCHED },
        { "16E", -ERANGE, UNTOUCHED },
        { "99999999999999999999K", -ERANGE, UNTOUCHED },
        { "", -EINVAL, UNTOUCHED },
        { "K", -EINVAL, UNTOUCHED },
        { "4m", -EINVAL, UNTOUCHED },
        { "4MB", -EINVAL, UNTOUCHED },
        { "4 M", -EINVAL, UNTOUCHED },
        { " 4", -EINVAL, UNTOUCHED },
        { "4.5M", -EINVAL, UNTOUCHED },
        { "-1", -EINVAL, UNTOUCHED },
        { "+1", -EINVAL, UNTOUCHED },
        { "0x10", -EINVAL, UNTOUCHED },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        uint64_t bytes = UNTOUCHED;
        int r = bytes_parse(table[i].text, &bytes);
        cr_expect_eq(r, table[i].result, "\"%s\": %d", table[i].text, r);
        cr_expect_eq(bytes, table[i].bytes, "\"%s\": %" PRIu64, table[i].text, bytes);
    }
}

Test(bytes, written_are_short_and_read_back_exactly)
{
    char buffer[BYTES_TEXT_MAX];
    cr_expect_str_eq(bytes_format(0, buffer), "0");
    cr_expect_str_eq(bytes_format(1023, buffer), "1023");
    cr_expect_str_eq(bytes_format(1024, buffer), "1K");
    cr_expect_str_eq(bytes_format(4194304, buffer), "4M");
    cr_expect_str_eq(bytes_format(4194304 + 1024, buffer), "4097K");
    cr_expect_str_eq(bytes_format(UINT64_C(1) << 63, buffer), "8E");
    for (uint64_t power = 1; power < UINT64_MAX / 3; power *= 3)
        for (uint64_t bytes = power - 1; bytes <= power + 1; bytes++) {
            uint64_t back = UNTOUCHED;
            cr_expect_eq(bytes_parse(bytes_format(bytes, buffer), &back), 0, "\"%s\"", buffer);
            cr_expect_eq(back, bytes, "\"%s\"", buffer);
        }
}
