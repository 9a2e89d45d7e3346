/* SPDX-License-Identifier: MIT */
#pragma once
/* The checksum by which a reader sees that a record was written only in part. */

#include <stddef.h>
#include <stdint.h>

/* CRC-32 of IEEE 802.3, as zlib and cksum -a crc32b have it: 0xcbf43926 for "123456789", 0 for nothing. */
uint32_t crc32(const void *data, size_t length);
