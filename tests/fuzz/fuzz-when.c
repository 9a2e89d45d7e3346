/* SPDX-License-Identifier: MIT */
/* Any bytes as a time that somebody typed, behind one for the zone and one for when that was: what is taken
 * is a time that is written in a form which means the same. */

#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "core/timestamp.h"
#include "ctl/print.h"
#include "ctl/when.h"

/* A usual day, a second before summer time ends in Europe, the first second, the last one. */
static const usec_t nows_usec[] = { UINT64_C(1795352410) * USEC_PER_SEC, UINT64_C(1792889999) * USEC_PER_SEC,
                                    0, TIMESTAMP_LAST_SEC *USEC_PER_SEC };

/* Where no clock shows a year below 1970 or above 9999. */
static bool has_text(usec_t usec)
{
    return usec >= USEC_PER_DAY && usec / USEC_PER_SEC < TIMESTAMP_LAST_SEC - 24 * 60 * 60;
}

static void check_written(const Style *style, usec_t usec, usec_t now_usec)
{
    char text[TIME_TEXT_MAX];
    usec_t back;
    fuzz_assert_printable(format_time(style, usec, text));
    FUZZ_ASSERT(when_parse(text, now_usec, style->utc, &back) == 0);
    FUZZ_ASSERT(back == usec - usec % USEC_PER_SEC);
    fuzz_assert_printable(format_time_short(style, usec, text));
    FUZZ_ASSERT(when_parse(text, now_usec, style->utc, &back) == 0);
    /* Without a zone an hour that comes twice is either of them. */
    usec -= usec % USEC_PER_SEC;
    usec_t apart_usec = usec_max(back, usec) - usec_min(back, usec);
    FUZZ_ASSERT(apart_usec == 0 || (!style->utc && apart_usec <= USEC_PER_HOUR));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput input = { data, data + size };
    Style style = { .utc = fuzz_bool(&input) };
    fuzz_set_zone(fuzz_choice(&input, FUZZ_ZONES));
    usec_t now_usec = nows_usec[fuzz_choice(&input, ELEMENTSOF(nows_usec))];
    char *text = fuzz_text(input.at, (size_t)(input.end - input.at));
    usec_t usec = 4711, again = 0;
    int r = when_parse(text, now_usec, style.utc, &usec);
    FUZZ_ASSERT(r == 0 || (r == -EINVAL && usec == 4711));
    if (r == 0) {
        FUZZ_ASSERT(when_parse(text, now_usec, style.utc, &again) == 0 && again == usec);
        if (has_text(usec))
            check_written(&style, usec, now_usec);
    }
    free(text);
    return 0;
}
