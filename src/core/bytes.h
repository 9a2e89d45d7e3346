/* SPDX-License-Identifier: MIT */
#pragma once
/* Sizes as people write them: "4M", "512K", "1G", to the base of 1024 as systemd.directives have them; a bare
 * number is bytes. */

#include <stdint.h>

/* Longest text that bytes_format() makes, its NUL included. */
#define BYTES_TEXT_MAX 24

/* Returns 0, -EINVAL when text is no size, -ERANGE when it is one of 2^64 bytes or more. */
int bytes_parse(const char *text, uint64_t *ret_bytes);

/* Writes the shortest form that bytes_parse() reads back as exactly bytes. Returns buffer. */
char *bytes_format(uint64_t bytes, char buffer[static BYTES_TEXT_MAX]);
