/* SPDX-License-Identifier: MIT */
/* Any bytes as a time span: what is taken has a form of its own that means the same. */

#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "core/timespan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    usec_t usec = 4711, back = 0;
    char buffer[TIMESPAN_TEXT_MAX];

    int r = timespan_parse(text, &usec);
    FUZZ_ASSERT(r == 0 || ((r == -EINVAL || r == -ERANGE) && usec == 4711));
    FUZZ_ASSERT(timespan_format(usec, buffer) == buffer && strlen(buffer) < sizeof(buffer));
    FUZZ_ASSERT(timespan_parse(buffer, &back) == 0 && back == usec);
    free(text);
    return 0;
}
