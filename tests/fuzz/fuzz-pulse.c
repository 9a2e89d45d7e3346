/* SPDX-License-Identifier: MIT */
/* Any bytes as a pulse, with a sum that is right: what is taken is written as a record that means the same.
 */

#include "fuzz.h"

#include <string.h>

#include "core/pulse.h"
#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char record[PULSE_SIZE], written[PULSE_SIZE], again[PULSE_SIZE];
    Pulse pulse, read;
    record_sum(size > 0 ? (const char *)data : "", size, record);
    int r = pulse_parse(record, &pulse);
    FUZZ_ASSERT(r == 0 || r == -EBADMSG || r == -ENOTSUP);
    if (r < 0)
        return 0;
    /* Numbers that cannot come up may not fit; then the record is refused, and never read as another. */
    pulse_format(&pulse, written);
    r = pulse_parse(written, &read);
    FUZZ_ASSERT((r == 0 && read.seq == pulse.seq && read.gaps == pulse.gaps) || r == -EBADMSG);
    if (r == 0) {
        pulse_format(&read, again);
        FUZZ_ASSERT(memcmp(written, again, PULSE_SIZE) == 0);
    }
    return 0;
}
