/* SPDX-License-Identifier: MIT */
/* CRC-32. */

#include "core/crc32.h"

/* What four bits leave behind, with the polynomial 0x04c11db7 reflected. By halves of a byte: a table of 16
 * is fast enough for a few hundred bytes in each beat. */
static const uint32_t remainders[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};

uint32_t crc32(const void *data, size_t length)
{
    const unsigned char *bytes = data;
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < length; i++) {
        crc = crc >> 4 ^ remainders[(crc ^ bytes[i]) & 15];
        crc = crc >> 4 ^ remainders[(crc ^ (unsigned)bytes[i] >> 4) & 15];
    }
    return ~crc;
}
