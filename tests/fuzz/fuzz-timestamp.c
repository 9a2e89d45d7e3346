/* SPDX-License-Identifier: MIT */
/* Two numbers as times, and any bytes behind them as the text of one: no text names a later moment than the
 * time that it was made of, an earlier time has no later text, and only what was written is read. */

#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "core/timestamp.h"

#define LAST_MSEC (TIMESTAMP_LAST_SEC * 1000 + 999)

static void check_number(usec_t usec, char text[static TIMESTAMP_TEXT_MAX])
{
    usec_t back = 4711, msec = usec_min(usec / USEC_PER_MSEC, LAST_MSEC);
    FUZZ_ASSERT(timestamp_format(usec, text) == text && strlen(text) == TIMESTAMP_TEXT_MAX - 1);
    FUZZ_ASSERT(timestamp_parse(text, &back) == 0 && back == msec * USEC_PER_MSEC);
}

static void check_text(const char *text)
{
    char again[TIMESTAMP_TEXT_MAX];
    usec_t usec = 4711;
    int r = timestamp_parse(text, &usec);
    FUZZ_ASSERT(r == 0 || (r == -EINVAL && usec == 4711));
    if (r == 0)
        FUZZ_ASSERT(strcmp(timestamp_format(usec, again), text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput input = { data, data + size };
    char first[TIMESTAMP_TEXT_MAX], second[TIMESTAMP_TEXT_MAX];
    usec_t a = fuzz_number(&input), b = fuzz_number(&input);
    check_number(usec_min(a, b), first);
    check_number(usec_max(a, b), second);
    FUZZ_ASSERT(strcmp(first, second) <= 0);

    char *text = fuzz_text(input.at, (size_t)(input.end - input.at));
    check_text(text);
    free(text);
    /* One byte of a good one replaced: still good, or refused. */
    first[fuzz_choice(&input, TIMESTAMP_TEXT_MAX - 1)] = (char)fuzz_byte(&input);
    check_text(first);
    return 0;
}
