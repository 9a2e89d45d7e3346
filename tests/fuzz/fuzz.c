/* SPDX-License-Identifier: MIT */
/* What the fuzz targets have in common. */

#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "util/text.h"

char *fuzz_text(const uint8_t *data, size_t size)
{
    size_t length = size > 0 ? strnlen((const char *)data, size) : 0;
    char *text = malloc(length + 1);
    FUZZ_ASSERT(text);
    if (length > 0)
        memcpy(text, data, length);
    text[length] = '\0';
    return text;
}

void fuzz_assert_printable(const char *text)
{
    FUZZ_ASSERT(text_is_utf8(text, strlen(text)));
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        FUZZ_ASSERT(*at >= 0x20 && *at != 0x7f && !(*at == 0xc2 && at[1] < 0xa0));
}
