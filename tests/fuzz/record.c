/* SPDX-License-Identifier: MIT */
/* A record made of any bytes, and who looks at it. */

#include "record.h"

#include <stdio.h>
#include <string.h>

#include "captured.h"
#include "core/crc32.h"
#include "fuzz.h"

#define STEP_SIZE 512

void record_sum(const char *text, size_t length, char ret[static PULSE_SIZE])
{
    char sum[32];
    length = length < PULSE_SIZE - sizeof(sum) ? length : PULSE_SIZE - sizeof(sum);
    memset(ret, ' ', PULSE_SIZE - 1);
    ret[PULSE_SIZE - 1] = '\n';
    memcpy(ret, text, length);
    int n = snprintf(sum, sizeof(sum), " sum=%08x", crc32(ret, length));
    memcpy(ret + length, sum, (size_t)n);
}

static void write_pulse(const char *text, size_t length, const char *step)
{
    char data[PULSE_SIZE + STEP_SIZE];
    record_sum(text, length, data);
    memset(data + PULSE_SIZE, ' ', STEP_SIZE);
    memcpy(data + PULSE_SIZE, step, strlen(step));
    data[PULSE_SIZE + STEP_SIZE - 1] = '\n';
    scratch_write("pulse", data, length > 0 ? sizeof(data) : 0);
}

static void take_now(const char *line, size_t length, Event *ret)
{
    static const char usual[] = "v=1 t=2026-11-22T13:00:10.123Z boottime=86400000000 "
                                "boot=0123456789abcdef0123456789abcdef "
                                "run=fedcba9876543210fedcba9876543210 ev=gap";
    if (event_parse(line, length, ret) < 0)
        FUZZ_ASSERT(event_parse(usual, strlen(usual), ret) == 0);
    if (ret->boottime_usec == EVENT_NONE)
        ret->boottime_usec = 0;
}

void record_look(const char *text, size_t length, View *ret)
{
    const char *end = text + length;
    const char *first_end = memchr(text, '\n', length);
    const char *pulse = first_end ? first_end + 1 : end;
    const char *pulse_end = memchr(pulse, '\n', (size_t)(end - pulse));
    const char *history = pulse_end ? pulse_end + 1 : end;
    Event now;
    take_now(text, (size_t)((first_end ? first_end : end) - text), &now);
    write_pulse(pulse, (size_t)((pulse_end ? pulse_end : end) - pulse), now.step);
    scratch_write("history", history, (size_t)(end - history));
    *ret = (View){ .state_dir = scratch_directory(), .realtime_usec = now.realtime_usec };
    ret->boottime_usec = now.boottime_usec;
    ret->process = (ProcessState)(now.missed % 3);
    memcpy(ret->boot, now.boot, sizeof(ret->boot));
    recall_past(ret->state_dir, "", &ret->past, &ret->trouble);
    view_judge(ret);
}
