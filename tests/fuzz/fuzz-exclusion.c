/* SPDX-License-Identifier: MIT */
/* Lines as times to leave out of a report, behind a zone and a time to begin at: each answer holds until when
 * it is said to, and is the same for who asks for the first time. */

#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/exclusion.h"

#define EXCLUSIONS_MAX 4
#define STEPS 12
#define NOW_USEC (UINT64_C(1795352410) * USEC_PER_SEC)

static size_t parse(char *lines, bool utc, Exclusion ret[static EXCLUSIONS_MAX])
{
    size_t count = 0;
    for (char *rest = lines, *line; count < EXCLUSIONS_MAX && (line = strsep(&rest, "\n"));) {
        int r = exclusion_parse(line, NOW_USEC, utc, &ret[count]);
        FUZZ_ASSERT(r == 0 || r == -EINVAL);
        if (r < 0)
            continue;
        const Exclusion *found = &ret[count++];
        if (!found->recurring)
            FUZZ_ASSERT(found->from_usec < found->to_usec);
        else
            FUZZ_ASSERT(found->weekdays > 0 && found->weekdays < 128 && found->from_seconds >= 0 &&
                        found->from_seconds < found->to_seconds && found->from_seconds < 86400 &&
                        found->to_seconds - found->from_seconds <= 86400);
    }
    return count;
}

static bool ask_anew(const Exclusion *exclusions, size_t count, bool utc, usec_t at_usec)
{
    Exclusion fresh[EXCLUSIONS_MAX];
    usec_t until_usec;
    memcpy(fresh, exclusions, sizeof(fresh));
    for (size_t i = 0; i < count; i++)
        fresh[i].known_from_usec = fresh[i].known_until_usec = 0;
    bool held = exclusions_hold(fresh, count, utc, at_usec, &until_usec);
    FUZZ_ASSERT(until_usec > at_usec);
    return held;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput input = { data, data + size };
    Exclusion exclusions[EXCLUSIONS_MAX] = { 0 };
    bool utc = fuzz_bool(&input);
    fuzz_set_zone(fuzz_choice(&input, FUZZ_ZONES));
    usec_t at_usec = fuzz_number(&input) % (100 * USEC_PER_YEAR);
    char *lines = fuzz_text(input.at, (size_t)(input.end - input.at));
    size_t count = parse(lines, utc, exclusions);
    for (int i = 0; i < STEPS && at_usec < 200 * USEC_PER_YEAR; i++) {
        usec_t until_usec;
        bool held = exclusions_hold(exclusions, count, utc, at_usec, &until_usec);
        FUZZ_ASSERT(until_usec > at_usec && (count > 0 || !held));
        FUZZ_ASSERT(held == ask_anew(exclusions, count, utc, at_usec));
        usec_t last_usec = usec_min(until_usec, at_usec + 10 * USEC_PER_YEAR) - 1;
        FUZZ_ASSERT(held == ask_anew(exclusions, count, utc, at_usec + (last_usec - at_usec) / 2));
        FUZZ_ASSERT(held == ask_anew(exclusions, count, utc, last_usec));
        at_usec = until_usec;
    }
    free(lines);
    return 0;
}
