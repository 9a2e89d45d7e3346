/* SPDX-License-Identifier: MIT */
/* CRC-32. */

#include "core/crc32.h"

#include <criterion/criterion.h>
#include <string.h>

#include "util/cleanup.h"

Test(crc32, is_that_of_everybody_else)
{
    static const struct {
        const char *text;
        uint32_t sum; /* by zlib */
    } table[] = {
        { "", 0x00000000 },
        { "a", 0xe8b7be43 },
        { "123456789", 0xcbf43926 },
        { "The quick brown fox jumps over the lazy dog", 0x414fa339 },
        { "\xff\xff\xff\xff", 0xffffffff },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        cr_expect_eq(crc32(table[i].text, strlen(table[i].text)), table[i].sum, "row %zu", i);
}

Test(crc32, sees_every_changed_bit_and_every_torn_block_of_a_record)
{
    char record[512], other[512];
    for (size_t i = 0; i < sizeof(record); i++)
        record[i] = (char)(i * 7);
    uint32_t sum = crc32(record, sizeof(record));
    for (size_t bit = 0; bit < sizeof(record) * 8; bit++) {
        memcpy(other, record, sizeof(record));
        other[bit / 8] = (char)(other[bit / 8] ^ 1 << bit % 8);
        cr_assert_neq(crc32(other, sizeof(other)), sum, "bit %zu", bit);
    }
    for (size_t block = 64; block < sizeof(record); block += 64) {
        memset(other, ' ', sizeof(other));
        memcpy(other, record, block);
        cr_assert_neq(crc32(other, sizeof(other)), sum, "torn at %zu", block);
    }
}
