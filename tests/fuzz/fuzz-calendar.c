/* SPDX-License-Identifier: MIT */
/* Numbers as times in some zone: each lies in its day, week, month and year, of which one follows upon the
 * other without a hole, and a clock that is asked for is shown when it is said to be. */

#include "fuzz.h"

#include <string.h>

#include "core/timestamp.h"
#include "ctl/calendar.h"

static void check_unit(CalendarUnit unit, bool utc, usec_t usec)
{
    char name[CALENDAR_TEXT_MAX], again[CALENDAR_TEXT_MAX];
    usec_t begin_usec, end_usec, from_usec, to_usec;
    calendar_find(unit, utc, usec, &begin_usec, &end_usec);
    FUZZ_ASSERT(begin_usec <= usec && usec < end_usec);
    calendar_find(unit, utc, begin_usec, &from_usec, &to_usec);
    FUZZ_ASSERT(from_usec == begin_usec && to_usec == end_usec);
    fuzz_assert_printable(calendar_name(unit, utc, begin_usec, name));
    FUZZ_ASSERT(strcmp(calendar_name(unit, utc, usec, again), name) == 0);
    FUZZ_ASSERT(strcmp(calendar_name(unit, utc, end_usec - 1, again), name) == 0);
    calendar_find(unit, utc, end_usec, &from_usec, &to_usec);
    FUZZ_ASSERT(from_usec == end_usec);
    FUZZ_ASSERT(strcmp(calendar_name(unit, utc, end_usec, again), name) != 0);
}

static void check_clock(bool utc, usec_t usec, int days, int seconds)
{
    unsigned shown, day;
    usec_t at_usec = calendar_time(utc, usec, days, seconds);
    calendar_clock(utc, at_usec, &shown, &day);
    FUZZ_ASSERT(shown < CALENDAR_DAY_SECONDS && day >= 1 && day <= 31);
    /* Another time only where the clocks leave it out: then they have just been changed. */
    if (shown != (unsigned)seconds % CALENDAR_DAY_SECONDS)
        FUZZ_ASSERT(!utc && calendar_change(utc, at_usec - 1, at_usec) == at_usec);
    FUZZ_ASSERT(calendar_time(utc, usec, days, seconds + 1) >= at_usec);
}

static void check_change(bool utc, usec_t from_usec, usec_t until_usec)
{
    usec_t at_usec = calendar_change(utc, from_usec, until_usec);
    FUZZ_ASSERT(at_usec <= until_usec && (at_usec > from_usec || from_usec == until_usec));
    FUZZ_ASSERT(!utc || at_usec == until_usec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput input = { data, data + size };
    bool utc = fuzz_bool(&input);
    fuzz_set_zone(fuzz_choice(&input, FUZZ_ZONES));
    /* From a week on, for there is none before it, to some years before there is no text any more. */
    usec_t last_usec = (TIMESTAMP_LAST_SEC - UINT64_C(400) * CALENDAR_DAY_SECONDS) * USEC_PER_SEC;
    usec_t usec = USEC_PER_YEAR + fuzz_number(&input) % (last_usec - USEC_PER_YEAR);
    for (CalendarUnit unit = CALENDAR_DAY; unit <= CALENDAR_YEAR; unit++)
        check_unit(unit, utc, usec);
    check_clock(utc, usec, (int)fuzz_choice(&input, 20) - 5,
                (int)(fuzz_number(&input) % (2 * CALENDAR_DAY_SECONDS - 1)));
    check_change(utc, usec, usec + fuzz_number(&input) % (100 * USEC_PER_DAY));
    FUZZ_ASSERT(calendar_weekday(utc, usec) < 7);
    return 0;
}
