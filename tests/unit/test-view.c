/* SPDX-License-Identifier: MIT */
/* What all commands look at: written through the library, and read back. */

#include "ctl/view.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "store/history.h"
#include "store/identity.h"
#include "store/pulse-file.h"
#include "temp-dir.h"
#include "util/cleanup.h"

TestSuite(view, .init = temp_dir_enter, .fini = temp_dir_leave, .timeout = 120);

#define SEC USEC_PER_SEC
#define RUN "0123456789abcdef0123456789abcdef"
#define OTHER_RUN "00000000000000000000000000000001"
#define OTHER_BOOT "fedcba9876543210fedcba9876543210"

static usec_t clock_now(clockid_t clock)
{
    struct timespec now;
    cr_assert_eq(clock_gettime(clock, &now), 0);
    return (usec_t)now.tv_sec * SEC + (usec_t)now.tv_nsec / 1000;
}

/* A beat of this process, made so long ago in this boot. */
static Pulse some_pulse(usec_t age_usec)
{
    Pulse pulse = { .run = RUN, .pid = (uint64_t)getpid(), .seq = 42, .interval_usec = 10 * SEC };
    cr_assert_eq(identity_boot(pulse.boot), 0);
    cr_assert_eq(identity_process(getpid(), &pulse.start_ticks), 0);
    pulse.boottime_usec = pulse.due_usec = clock_now(CLOCK_BOOTTIME) - age_usec;
    pulse.realtime_usec = clock_now(CLOCK_REALTIME) - age_usec;
    return pulse;
}

static void write_pulse(const Pulse *pulse, const char *step)
{
    cleanup_close int fd = pulse_file_open(".");
    cr_assert_eq(pulse_file_write(fd, pulse, step), 0);
}

static Event some_event(EventKind kind, const char *run)
{
    Event event;
    event_init(&event, kind);
    event.realtime_usec = clock_now(CLOCK_REALTIME);
    event.boottime_usec = clock_now(CLOCK_BOOTTIME);
    cr_assert_eq(identity_boot(event.boot), 0);
    strcpy(event.run, run);
    return event;
}

static void append(const Event *event)
{
    cleanup_close int fd = history_open(".");
    cr_assert_eq(history_append(fd, event), 0);
}

static View read_view(Liveness liveness)
{
    View view;
    cr_assert_eq(view_read(".", &view), 0);
    cr_expect_eq(view.liveness, liveness, "%s, not %s", liveness_name(view.liveness),
                 liveness_name(liveness));
    return view;
}

/* The pid of a process that is gone. */
static uint64_t gone_pid(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
    return (uint64_t)pid;
}

Test(view, of_nothing_is_a_daemon_that_never_ran)
{
    Event gap;
    View view = read_view(LIVENESS_NEVER_RAN);
    cr_expect_eq(view.age_usec, EVENT_NONE);
    cr_expect_eq(view_ongoing_gap(&view, &gap), 0);
    cr_assert_eq(view_read("/nowhere", &view), 0);
    cr_expect_eq(view.liveness, LIVENESS_NEVER_RAN);
    temp_write_text("pulse", ""); /* made, and never written to */
    read_view(LIVENESS_NEVER_RAN);
}

Test(view, has_the_age_of_a_beat_of_a_process_that_is_there)
{
    Event gap;
    Pulse pulse = some_pulse(3 * SEC);
    write_pulse(&pulse, NULL);
    View view = read_view(LIVENESS_ALIVE);
    cr_expect(view.same_boot && view.process == PROCESS_THERE);
    cr_expect(view.age_usec >= 3 * SEC && view.age_usec < 10 * SEC);
    cr_expect_eq(view_ongoing_gap(&view, &gap), 0);
}

Test(view, silence_is_a_gap_whose_cause_nobody_knows_yet)
{
    Event gap;
    char words[REASON_TEXT_MAX];
    Pulse pulse = some_pulse(45 * SEC);
    write_pulse(&pulse, "output /x\xc2\x9b");
    Event stop = some_event(EVENT_STOP, RUN); /* while it is there, nothing but a request */
    append(&stop);
    View view = read_view(LIVENESS_SILENT);
    cr_assert_eq(view_ongoing_gap(&view, &gap), 1);
    cr_expect(gap.verdict.cause == CAUSE_UNKNOWN && !gap.verdict.sure && gap.verdict.host == HOST_UP);
    cr_expect_eq(gap.missed, 3u);
    cr_expect(gap.lasted_usec >= 45 * SEC && gap.lasted_usec < 60 * SEC);
    cr_expect_eq(gap.stopped_usec, EVENT_NONE);
    cr_expect_str_eq(view_evidence(&view, &gap, true, words),
                     "the process is there, and does not beat; it is in: output /x\\xc2\\x9b", "%s", words);
}

Test(view, process_is_judged_by_its_start_too)
{
    Event gap;
    Pulse pulse = some_pulse(45 * SEC);
    pulse.start_ticks++;
    write_pulse(&pulse, NULL);
    Event start = some_event(EVENT_START, RUN);
    append(&start);
    View view = read_view(LIVENESS_GONE);
    cr_expect_eq(view.process, PROCESS_GONE);
    cr_assert_eq(view_ongoing_gap(&view, &gap), 1);
    cr_expect_eq(gap.verdict.cause, CAUSE_SERVICE_KILLED);
    pulse = some_pulse(SEC);
    for (size_t i = 0; i < 3; i++) {
        pulse.pid = (const uint64_t[]){ gone_pid(), 0, UINT64_MAX - 1 }[i];
        write_pulse(&pulse, NULL);
        read_view(LIVENESS_GONE);
    }
}

Test(view, stop_that_misses_nothing_yet_is_no_gap)
{
    Event gap;
    Pulse pulse = some_pulse(SEC);
    pulse.pid = gone_pid();
    write_pulse(&pulse, NULL);
    Event stop = some_event(EVENT_STOP, RUN);
    append(&stop);
    View view = read_view(LIVENESS_STOPPED);
    cr_expect_eq(view_ongoing_gap(&view, &gap), 0);
    pulse = some_pulse(45 * SEC);
    pulse.pid = gone_pid();
    write_pulse(&pulse, NULL);
    view = read_view(LIVENESS_STOPPED);
    cr_assert_eq(view_ongoing_gap(&view, &gap), 1);
    cr_expect_eq(gap.verdict.cause, CAUSE_SERVICE_STOPPED);
}

Test(view, record_of_an_earlier_boot_has_no_age)
{
    Event gap;
    Pulse pulse = some_pulse(0);
    strcpy(pulse.boot, OTHER_BOOT);
    pulse.boottime_usec = pulse.due_usec = UINT64_MAX - 1;
    write_pulse(&pulse, NULL);
    Event start = some_event(EVENT_START, RUN);
    append(&start);
    View view = read_view(LIVENESS_GONE);
    cr_expect(!view.same_boot && view.age_usec == EVENT_NONE);
    cr_assert_eq(view_ongoing_gap(&view, &gap), 1);
    cr_expect_eq(gap.verdict.cause, CAUSE_HOST_DOWN);
}

/* The first beat comes after the lines that announce it, and may hang. */
Test(view, run_that_has_not_beaten_yet_is_known_by_its_first_line)
{
    Pulse pulse = some_pulse(100 * SEC);
    pulse.pid = gone_pid();
    write_pulse(&pulse, NULL);
    Event stop = some_event(EVENT_STOP, RUN), start = some_event(EVENT_START, OTHER_RUN);
    append(&stop);
    start.pid = (uint64_t)getpid();
    start.interval_usec = 20 * SEC;
    append(&start);
    View view = read_view(LIVENESS_ALIVE);
    cr_expect(view.process == PROCESS_THERE && view.past.pulse.interval_usec == 20 * SEC);
    start.pid = gone_pid();
    append(&start);
    read_view(LIVENESS_GONE);
}

Test(view, what_cannot_be_read_is_named)
{
    static const struct {
        const char *pulse, *words;
    } table[] = {
        { "\n", "the last beat's record is damaged" },
        { "v=9 x", "the last beat's record is damaged" },
    };
    char words[VIEW_WORDS_MAX];
    Event gap;
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        temp_write_text("pulse", table[i].pulse);
        View view = read_view(LIVENESS_UNREADABLE);
        cr_expect_str_eq(view_why_unreadable(&view, words), table[i].words, "%s", words);
        cr_expect_eq(view_ongoing_gap(&view, &gap), 0);
    }
    Pulse pulse = some_pulse(0);
    pulse.boottime_usec += 100 * SEC;
    write_pulse(&pulse, NULL);
    View view = read_view(LIVENESS_UNREADABLE);
    cr_expect_eq(view.age_usec, EVENT_NONE);
    cr_expect_str_eq(view_why_unreadable(&view, words), "its last beat lies ahead of this boot's clock");
    cr_assert_eq(unlink("pulse"), 0);
    cr_assert_eq(mkfifo("pulse", 0600), 0);
    view = read_view(LIVENESS_UNREADABLE);
    cr_expect_str_eq(view_why_unreadable(&view, words), "the last beat's record is no regular file");
    cr_assert_eq(unlink("pulse"), 0);
    temp_write_text("history", "nonsense\n");
    read_view(LIVENESS_UNREADABLE);
    Event stop = some_event(EVENT_STOP, RUN);
    append(&stop);
    view = read_view(LIVENESS_UNREADABLE);
    cr_expect_str_eq(view_why_unreadable(&view, words), "there is a history, and no last beat");
    cr_assert_eq(unlink("history"), 0);
    cr_assert_eq(mkdir("history", 0700), 0);
    view = read_view(LIVENESS_UNREADABLE);
    cr_expect_not_null(strstr(view_why_unreadable(&view, words), "the history cannot be read"));
}

Test(view, history_is_summed_up)
{
    Summary summary;
    View view = read_view(LIVENESS_NEVER_RAN);
    view_read_last_gap(&view, &summary);
    cr_expect(summary.error == -ENOENT && !summary.any && !summary.has_gap);
    Event trim = some_event(EVENT_TRIM, RUN), gap = some_event(EVENT_GAP, RUN);
    trim.from_usec = 5 * SEC;
    trim.gaps[CAUSE_SUSPEND] = 2;
    trim.gaps[CAUSE_BUSY] = 1;
    append(&trim);
    append(&gap);
    gap.verdict.cause = CAUSE_FROZEN;
    append(&gap);
    view_read_beginning(&view, &summary);
    cr_expect(summary.error == 0 && summary.any && summary.trimmed && summary.trimmed_gaps == 3);
    cr_expect_eq(summary.since_usec, 5 * SEC);
    view_read_last_gap(&view, &summary);
    cr_expect(summary.error == 0 && summary.any && summary.has_gap &&
              summary.last_gap.verdict.cause == CAUSE_FROZEN);
}

Test(view, words_of_other_events_are_fit_to_be_shown)
{
    char words[REASON_TEXT_MAX];
    Event event;
    event_init(&event, EVENT_OUTPUT);
    memset(event.output, '\x1b', sizeof(event.output) - 1);
    event.errnum = event.lost = UINT64_MAX - 1;
    view_output_words(&event, words);
    for (const char *at = words; *at; at++)
        cr_assert_geq(*at, ' ');
    strcpy(event.output, "/x");
    event.errnum = ENOSPC;
    event.lost = 1;
    cr_expect_str_eq(view_output_words(&event, words), "/x: No space left on device; 1 message lost");
    event_init(&event, EVENT_CLOCK);
    event.moved_usec = INT64_MIN;
    cr_expect_eq(event_clock_moved(&event), UINT64_C(1) << 63);
    event.moved_usec = -90 * (int64_t)SEC;
    cr_expect_str_eq(reason_clock(&event, words), "the wall clock was set back by 1min 30s");
}
