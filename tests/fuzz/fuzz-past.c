/* SPDX-License-Identifier: MIT */
/* A pulse, a few lines behind it and the first beat of the next run, with any numbers in them: what is said
 * to have been between them is no longer than it can have been, and nobody is blamed who was not there. */

#include "fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "captured.h"
#include "core/reason.h"
#include "store/history.h"
#include "store/pulse-file.h"
#include "store/recall.h"

static const char *const boots[] = { "0123456789abcdef0123456789abcdef", "00000000000000000000000000000001" };
static const char *const runs[] = { "fedcba9876543210fedcba9876543210", "00000000000000000000000000000002",
                                    "00000000000000000000000000000003" };

static void take_id(FuzzInput *input, const char *const *ids, unsigned count, char ret[static 33])
{
    memcpy(ret, ids[fuzz_choice(input, count)], 33);
}

static Pulse take_pulse(FuzzInput *input)
{
    Pulse pulse = { .pid = 1, .seq = fuzz_number(input), .realtime_usec = fuzz_number(input) };
    take_id(input, runs, 3, pulse.run);
    take_id(input, boots, 2, pulse.boot);
    pulse.boottime_usec = fuzz_number(input);
    pulse.interval_usec = fuzz_number(input);
    pulse.late_usec = fuzz_number(input);
    /* The one that belongs to it, or any. */
    pulse.due_usec = fuzz_bool(input) ? pulse.boottime_usec - pulse.late_usec : fuzz_number(input);
    return pulse;
}

static void take_event(FuzzInput *input, Event *ret)
{
    event_init(ret, (EventKind)fuzz_choice(input, EVENT_KIND_COUNT));
    ret->realtime_usec = fuzz_number(input);
    ret->boottime_usec = fuzz_number(input);
    take_id(input, boots, 2, ret->boot);
    take_id(input, runs, 3, ret->run);
    ret->interval_usec = fuzz_number(input);
    ret->from_usec = fuzz_number(input);
    ret->to_usec = fuzz_number(input);
    ret->lasted_usec = fuzz_number(input);
    if (fuzz_bool(input))
        take_id(input, runs, 3, ret->past);
    fuzz_string(input, ret->exit.result, sizeof(ret->exit.result));
    fuzz_string(input, ret->exit.code, sizeof(ret->exit.code));
    fuzz_string(input, ret->exit.status, sizeof(ret->exit.status));
}

static void write_record(FuzzInput *input)
{
    char step[STEP_MAX];
    Event event;
    Pulse pulse = take_pulse(input);
    fuzz_string(input, step, sizeof(step));
    scratch_write("history", "", 0);
    scratch_write("pulse", "", 0);
    int pulse_fd = pulse_file_open(scratch_directory());
    int history_fd = history_open(scratch_directory());
    FUZZ_ASSERT(pulse_fd >= 0 && history_fd >= 0);
    FUZZ_ASSERT(pulse_file_write(pulse_fd, &pulse, step) == 0);
    for (unsigned i = fuzz_choice(input, 6); i > 0; i--) {
        take_event(input, &event);
        int r = history_append(history_fd, &event);
        FUZZ_ASSERT(r == 0 || r == -E2BIG);
    }
    close(pulse_fd);
    close(history_fd);
}

static void check_figures(const Past *past, const Present *present, bool same_boot, const Event *gap)
{
    usec_t now_usec = same_boot ? present->boottime_usec : present->realtime_usec;
    usec_t then_usec = same_boot ? past->pulse.boottime_usec : past->pulse.realtime_usec;
    FUZZ_ASSERT(gap->lasted_usec == (now_usec >= then_usec ? now_usec - then_usec : EVENT_NONE));
    FUZZ_ASSERT(gap->missed == EVENT_NONE || gap->lasted_usec != EVENT_NONE);
    FUZZ_ASSERT(gap->missed == EVENT_NONE || gap->missed <= gap->lasted_usec / gap->interval_usec);
    FUZZ_ASSERT(same_boot ? gap->boot_usec == EVENT_NONE
                          : gap->boot_usec == EVENT_NONE || gap->boot_usec <= present->realtime_usec);
}

static void check_gap(const Past *past, const Present *present, const Event *gap)
{
    char line[EVENT_LINE_MAX], text[REASON_TEXT_MAX];
    Event read;
    bool same_boot = past->readable && strcmp(past->pulse.boot, present->boot) == 0;
    const Verdict *verdict = &gap->verdict;
    FUZZ_ASSERT(verdict->cause == CAUSE_UNKNOWN || verdict->cause >= CAUSE_SERVICE_CRASHED);
    FUZZ_ASSERT(verdict->host != HOST_SUSPENDED &&
                (verdict->host == HOST_UP) == (same_boot && !past->obscured));
    FUZZ_ASSERT((verdict->cause == CAUSE_UNKNOWN) == (!past->readable || past->obscured));
    if (past->readable)
        check_figures(past, present, same_boot, gap);
    else
        FUZZ_ASSERT(gap->lasted_usec == EVENT_NONE && gap->missed == EVENT_NONE);
    int length = event_format(gap, line);
    FUZZ_ASSERT(length > 0);
    FUZZ_ASSERT(gap->realtime_usec < USEC_PER_MSEC ||
                (event_parse(line, (size_t)length - 1, &read) == 0 && read.missed == gap->missed &&
                 read.lasted_usec == gap->lasted_usec && read.verdict.cause == verdict->cause));
    fuzz_assert_printable(reason_summary(gap, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput input = { data, data + size };
    RecallTrouble trouble;
    Past past;
    Event gap;
    Present present = { .realtime_usec = fuzz_number(&input), .boottime_usec = fuzz_number(&input) };
    take_id(&input, boots, 2, present.boot);
    memcpy(present.run, "00000000000000000000000000000004", sizeof(present.run));
    write_record(&input);
    recall_past(scratch_directory(), "", &past, &trouble);
    FUZZ_ASSERT(!past.readable || past.pulse.seq > 0);
    int r = past_close(&past, &present, &gap);
    FUZZ_ASSERT(r == 0 || r == 1);
    if (r == 1)
        check_gap(&past, &present, &gap);
    else
        FUZZ_ASSERT(!past.any || (past.stopped && !past.exited && !past.obscured));
    return 0;
}
