/* SPDX-License-Identifier: MIT */
/* Any bytes as a pulse, with a sum that is right: what is taken is written as a record that means the same.
 */

#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crc32.h"
#include "core/pulse.h"

/* The sum keeps nearly every input out, so it is put behind what the fuzzer makes. */
static void make_record(const uint8_t *data, size_t size, char ret[static PULSE_SIZE])
{
    char sum[32];
    size_t length = size < PULSE_SIZE - sizeof(sum) ? size : PULSE_SIZE - sizeof(sum);
    memset(ret, ' ', PULSE_SIZE - 1);
    ret[PULSE_SIZE - 1] = '\n';
    memcpy(ret, data, length);
    int n = snprintf(sum, sizeof(sum), " sum=%08x", crc32(ret, length));
    memcpy(ret + length, sum, (size_t)n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char record[PULSE_SIZE], written[PULSE_SIZE], again[PULSE_SIZE];
    Pulse pulse, read;
    make_record(data, size, record);
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
