/* SPDX-License-Identifier: MIT */
/* Sizes as people write them. */

#include "core/bytes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/number.h"

static const char units[] = "KMGTPE"; /* each 1024 times the one before */

int bytes_parse(const char *text, uint64_t *ret_bytes)
{
    uint64_t bytes;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0)
        return -EINVAL;
    const char *unit = text + digits;
    const char *found = *unit ? strchr(units, *unit) : NULL;
    if (*unit && (!found || unit[1] != '\0'))
        return -EINVAL;
    if (!number_take(text, unit, &bytes))
        return -ERANGE;
    for (const char *step = units; found && step <= found; step++)
        if (__builtin_mul_overflow(bytes, 1024, &bytes))
            return -ERANGE;
    *ret_bytes = bytes;
    return 0;
}

char *bytes_format(uint64_t bytes, char buffer[static BYTES_TEXT_MAX])
{
    size_t i = 0;
    while (bytes > 0 && bytes % 1024 == 0 && units[i]) {
        bytes /= 1024;
        i++;
    }
    int length = snprintf(buffer, BYTES_TEXT_MAX, "%" PRIu64, bytes);
    if (i > 0)
        snprintf(buffer + length, BYTES_TEXT_MAX - (size_t)length, "%c", units[i - 1]);
    return buffer;
}
