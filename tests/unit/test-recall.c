/* SPDX-License-Identifier: MIT */
/* What the files of the state directory say of the run before this one: the truth, or nothing. */

#include "store/recall.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/past.h"
#include "daemon/ledger.h"
#include "simulation.h"
#include "store/history-read.h"
#include "store/history.h"
#include "store/pulse-file.h"
#include "temp-dir.h"
#include "util/cleanup.h"

TestSuite(recall, .init = temp_dir_enter, .fini = temp_dir_leave, .timeout = 120);

#define RUN "0123456789abcdef0123456789abcdef"
#define OTHER_RUN "00000000000000000000000000000001"
#define BOOT "fedcba9876543210fedcba9876543210"

static void write_pulse(void)
{
    Pulse pulse = { .run = RUN, .boot = BOOT, .seq = 42, .interval_usec = 1, .realtime_usec = 1000 };
    cleanup_close int fd = pulse_file_open(".");
    cr_assert_eq(pulse_file_write(fd, &pulse, NULL), 0);
    cr_assert_eq(pulse_file_mark(fd, "output syslog"), 0);
}

static void write_event(EventKind kind, const char *run, const char *result)
{
    Event event;
    event_init(&event, kind);
    event.realtime_usec = UINT64_C(1795352410123000);
    strcpy(event.boot, BOOT);
    strcpy(event.run, run);
    strcpy(event.exit.result, result);
    cleanup_close int fd = history_open(".");
    cr_assert_eq(history_append(fd, &event), 0);
}

static Past recall(RecallTrouble *ret_trouble)
{
    Past past;
    recall_past(".", "0badcafe", &past, ret_trouble);
    return past;
}

Test(recall, of_nothing_is_no_past)
{
    RecallTrouble trouble;
    Past past = recall(&trouble);
    cr_expect_not(past.any);
    cr_expect(trouble.pulse == 0 && trouble.history == 0 && trouble.bad_lines == 0);
    recall_past("/nowhere", "", &past, &trouble);
    cr_expect_not(past.any);
}

Test(recall, has_the_last_beat_and_how_its_run_ended)
{
    RecallTrouble trouble;
    write_pulse();
    write_event(EVENT_STOP, OTHER_RUN, "");
    write_event(EVENT_EXIT, OTHER_RUN, "signal");
    Past past = recall(&trouble);
    cr_expect(past.any && past.readable);
    cr_expect_eq(past.pulse.seq, 42u);
    cr_expect_str_eq(past.step, "output syslog");
    cr_expect(!past.stopped && !past.exited, "lines of another run");
    write_event(EVENT_EXIT, RUN, "oom-kill");
    past = recall(&trouble);
    cr_expect(past.exited && !past.stopped);
    cr_expect_str_eq(past.exit.result, "oom-kill");
    write_event(EVENT_STOP, RUN, "");
    past = recall(&trouble);
    cr_expect(past.stopped);
    cr_expect_eq(past.stopped_usec, UINT64_C(1795352410123000));
    cr_expect(trouble.pulse == 0 && trouble.history == 0);
}

Test(recall, of_a_pulse_that_cannot_be_read_knows_only_that_there_was_one)
{
    RecallTrouble trouble;
    temp_write_text("pulse", "v=1 nonsense");
    Past past = recall(&trouble);
    cr_expect(past.any && !past.readable && !past.stopped);
    cr_expect_eq(trouble.pulse, -EBADMSG);
    cr_assert_eq(unlink("pulse"), 0);
    cr_assert_eq(mkfifo("pulse", 0600), 0);
    past = recall(&trouble);
    cr_expect(past.any && !past.readable);
    cr_expect_eq(trouble.pulse, -EINVAL);
}

Test(recall, of_a_history_without_its_pulse_knows_that_there_was_a_run)
{
    RecallTrouble trouble;
    write_event(EVENT_STOP, RUN, "");
    Past past = recall(&trouble);
    cr_expect(past.any && !past.readable && !past.stopped);
    cr_expect_eq(trouble.pulse, 0);
}

Test(recall, names_a_history_that_is_newer_or_damaged)
{
    RecallTrouble trouble;
    write_pulse();
    temp_write_text("history", "hello\nv=1\n");
    write_event(EVENT_STOP, RUN, "");
    Past past = recall(&trouble);
    cr_expect(past.stopped, "what can be read counts");
    cr_expect_eq(trouble.history, 0);
    cr_expect_eq(trouble.bad_lines, 2u);
    temp_write_text("history", "v=2 of=the future\n");
    past = recall(&trouble);
    cr_expect(past.any && past.readable && !past.stopped);
    cr_expect_eq(trouble.history, -ENOTSUP);
    cr_assert_eq(unlink("history"), 0);
    cr_assert_eq(mkdir("history", 0700), 0);
    past = recall(&trouble);
    cr_expect_eq(trouble.history, -EINVAL);
}

Test(recall, moves_aside_and_keeps_what_was_there)
{
    temp_write_text("pulse", "first");
    cr_expect_eq(recall_move_aside(".", "pulse"), 0);
    temp_write_text("pulse", "second");
    cr_expect_eq(recall_move_aside(".", "pulse"), 0);
    cr_expect_str_eq(temp_read("pulse.unreadable"), "second");
    cr_expect_neq(access("pulse", F_OK), 0);
    cr_expect_eq(recall_move_aside(".", "pulse"), -ENOENT);
}

/* The pulse is written after the lines: a run that was cut off in between is told by the lines alone. */
Test(recall, run_without_a_stored_beat_is_known_by_its_lines)
{
    RecallTrouble trouble;
    Event event;
    write_event(EVENT_START, "00000000000000000000000000000099", "");
    write_pulse();
    Past past = recall(&trouble);
    cr_expect_str_eq(past.pulse.run, RUN, "an older line");
    write_event(EVENT_START, RUN, "");
    write_event(EVENT_EXIT, RUN, "signal");
    event_init(&event, EVENT_GAP);
    event.realtime_usec = UINT64_C(1795352999000000);
    event.boottime_usec = 777;
    strcpy(event.boot, BOOT);
    strcpy(event.run, OTHER_RUN);
    cleanup_close int fd = history_open(".");
    cr_assert_eq(history_append(fd, &event), 0);
    past = recall(&trouble);
    cr_expect(past.readable && !past.exited && !past.stopped);
    cr_expect_str_eq(past.pulse.run, OTHER_RUN);
    cr_expect_eq(past.pulse.realtime_usec, UINT64_C(1795352999000000));
    cr_expect_eq(past.pulse.boottime_usec, 777u);
    cr_expect_eq(past.pulse.due_usec, 777u);
    cr_expect_str_eq(past.step, "", "what the older run did");
    write_event(EVENT_EXIT, OTHER_RUN, "watchdog");
    past = recall(&trouble);
    cr_expect(past.exited);
    cr_expect_str_eq(past.exit.result, "watchdog");
}

Test(recall, records_of_another_machine_are_nobodys_past)
{
    RecallTrouble trouble;
    Past past;
    Pulse pulse = { .run = RUN, .boot = BOOT, .machine = "12345678", .seq = 1, .interval_usec = 1 };
    cleanup_close int fd = pulse_file_open(".");
    cr_assert_eq(pulse_file_write(fd, &pulse, NULL), 0);
    write_event(EVENT_STOP, RUN, "");
    past = recall(&trouble);
    cr_expect(past.any && !past.readable && !past.stopped);
    cr_expect_eq(trouble.pulse, -EREMOTE);
    cr_expect_eq(trouble.history, -EREMOTE);
    recall_past(".", "12345678", &past, &trouble);
    cr_expect(past.readable && past.stopped, "our own");
    cr_expect_eq(trouble.pulse, 0);
    recall_past(".", "", &past, &trouble);
    cr_expect(past.readable, "no telling");
}

/* A life of two runs, with a line of each kind; times are seconds of CLOCK_BOOTTIME, and of CLOCK_REALTIME
 * behind EPOCH. The trim belongs to the second run, and stands before lines of the first one. */
#define EPOCH UINT64_C(1795352400000000)
#define NOW 1200

enum { TRIM, START, RELOAD, CLOCK, GAP, OUTPUT, STOP, NEXT_GAP, NEXT_START, EXIT, LINES };

static const struct {
    EventKind kind;
    const char *run;
    usec_t at, interval;
} life[LINES] = {
    [TRIM] = { EVENT_TRIM, OTHER_RUN, 1101, 0 },
    [START] = { EVENT_START, RUN, 1000, 10 },
    [RELOAD] = { EVENT_RELOAD, RUN, 1010, 1 },
    [CLOCK] = { EVENT_CLOCK, RUN, 1020, 0 },
    [GAP] = { EVENT_GAP, RUN, 1030, 1 },
    [OUTPUT] = { EVENT_OUTPUT, RUN, 1040, 0 },
    [STOP] = { EVENT_STOP, RUN, 1055, 0 },
    [NEXT_GAP] = { EVENT_GAP, OTHER_RUN, 1100, 1 },
    [NEXT_START] = { EVENT_START, OTHER_RUN, 1100, 2 },
    [EXIT] = { EVENT_EXIT, OTHER_RUN, 1109, 0 },
};

static Event line_of_life(size_t i)
{
    Event event;
    event_init(&event, life[i].kind);
    strcpy(event.boot, BOOT);
    strcpy(event.run, life[i].run);
    event.boottime_usec = life[i].at * USEC_PER_SEC;
    event.realtime_usec = event.to_usec = EPOCH + event.boottime_usec;
    if (life[i].interval > 0)
        event.interval_usec = life[i].interval * USEC_PER_SEC;
    if (i == NEXT_GAP)
        strcpy(event.past, RUN);
    if (i == EXIT)
        event.exit = (ExitRecord){ "oom-kill", "killed", "KILL" };
    strcpy(event.output, i == OUTPUT ? "/var/log/a name" : "");
    return event;
}

static Pulse beat_of(const char *run, uint64_t seq, usec_t at, usec_t interval)
{
    Pulse pulse = { .seq = seq,
                    .realtime_usec = EPOCH + at * USEC_PER_SEC,
                    .boottime_usec = at * USEC_PER_SEC,
                    .due_usec = at * USEC_PER_SEC,
                    .interval_usec = interval * USEC_PER_SEC };
    strcpy(pulse.run, run);
    strcpy(pulse.boot, BOOT);
    return pulse;
}

static void store_beat(const Pulse *pulse, const char *step)
{
    cleanup_close int fd = pulse_file_open(".");
    cr_assert_eq(pulse_file_write(fd, pulse, step), 0);
}

/* The gap that a start at NOW would record; without one its lasted_usec is 0. */
static Event close_gap(void)
{
    Past past;
    RecallTrouble trouble;
    Event gap = { 0 };
    Present present = { .realtime_usec = EPOCH + NOW * USEC_PER_SEC,
                        .boottime_usec = NOW * USEC_PER_SEC,
                        .boot = BOOT,
                        .run = "00000000000000000000000000000003" };
    recall_past(".", "", &past, &trouble);
    past_close(&past, &present, &gap);
    return gap;
}

/* from_s: 0 when there are to be no figures. missed: EVENT_NONE when that alone is not known. */
static void expect_gap(const char *past, Cause cause, usec_t from_s, uint64_t missed, const char *what,
                       size_t length)
{
    Event gap = close_gap();
    cr_assert_eq(gap.kind, EVENT_GAP, "%s, %zu", what, length);
    cr_expect_eq(gap.verdict.cause, cause, "%s, %zu: %s", what, length, cause_name(gap.verdict.cause));
    cr_expect_str_eq(gap.past, past, "%s, %zu", what, length);
    cr_expect_eq(gap.from_usec, from_s ? EPOCH + from_s * USEC_PER_SEC : EVENT_NONE, "%s, %zu", what, length);
    cr_expect_eq(gap.lasted_usec, from_s ? (NOW - from_s) * USEC_PER_SEC : EVENT_NONE, "%s, %zu", what,
                 length);
    cr_expect_eq(gap.missed, missed, "%s, %zu: %" PRIu64, what, length, gap.missed);
}

static int count_event(void *context, const Event *event)
{
    (void)event;
    ++*(uint64_t *)context;
    return 0;
}

/* A start finds its way, and leaves every whole line, with a torn one marked. */
static void expect_start(uint64_t lines, bool torn, int pulse_trouble, size_t length)
{
    Ledger ledger = LEDGER_NONE;
    RecallTrouble trouble;
    Error error;
    SimClocks clocks;
    HistoryDamage damage;
    uint64_t read = 0;
    sim_clocks_init(&clocks);
    cr_assert_eq(ledger_open(&ledger, ".", &clocks.clocks, &trouble, &error), 0, "%zu", length);
    cr_expect_eq(trouble.pulse, pulse_trouble, "%zu: %d", length, trouble.pulse);
    cr_expect(trouble.history == 0 && trouble.bad_lines == 0, "%zu", length);
    ledger_close(&ledger);
    cr_expect_eq(access("pulse.unreadable", F_OK) == 0, pulse_trouble != 0, "%zu", length);
    cr_assert_eq(history_read(".", count_event, &read, &damage), 0);
    cr_expect(read == lines && damage.bad == torn && damage.newer == 0 && !damage.torn, "%zu", length);
    unlink("pulse.unreadable");
}

static size_t format_life(char *ret, size_t ends[static LINES])
{
    size_t length = 0;
    for (size_t i = 0; i < LINES; i++) {
        Event event = line_of_life(i);
        int n = event_format(&event, ret + length);
        cr_assert_gt(n, 0);
        ends[i] = length += (size_t)n;
    }
    return length;
}

/* What is known behind so many lines, when the pulse is the first run's. */
static void expect_of_first_run(size_t lines, size_t length)
{
    if (lines > NEXT_GAP)
        expect_gap(OTHER_RUN, lines > EXIT ? CAUSE_SERVICE_OOM_KILLED : CAUSE_SERVICE_KILLED, 1100,
                   lines > NEXT_START ? 49 : EVENT_NONE, "first run", length);
    else
        expect_gap(RUN,
                   lines > STOP    ? CAUSE_SERVICE_STOPPED
                   : lines > START ? CAUSE_SERVICE_KILLED
                                   : CAUSE_UNKNOWN,
                   1050, 149, "first run", length);
}

static void expect_of_second_run(size_t lines, size_t length)
{
    expect_gap(OTHER_RUN,
               lines > EXIT       ? CAUSE_SERVICE_OOM_KILLED
               : lines > NEXT_GAP ? CAUSE_SERVICE_KILLED
                                  : CAUSE_UNKNOWN,
               1108, 45, "second run", length);
}

Test(recall, of_each_prefix_of_a_history_is_what_its_whole_lines_say)
{
    char text[LINES * EVENT_LINE_MAX];
    size_t ends[LINES], lines = 0, length = format_life(text, ends);
    Pulse first = beat_of(RUN, 40, 1050, 1), second = beat_of(OTHER_RUN, 5, 1108, 2);
    for (size_t cut = 0; cut <= length; cut++) {
        while (lines < LINES && ends[lines] <= cut)
            lines++;
        bool torn = cut > 0 && text[cut - 1] != '\n';
        temp_write("history", text, cut);
        store_beat(&first, NULL);
        expect_of_first_run(lines, cut);
        store_beat(&second, NULL);
        expect_of_second_run(lines, cut);
        expect_start(lines, torn, 0, cut);
        expect_of_second_run(lines, cut);
    }
}

Test(recall, of_each_prefix_of_a_pulse_is_the_beat_or_none)
{
    char text[LINES * EVENT_LINE_MAX], record[2 * PULSE_SIZE];
    size_t ends[LINES], length = format_life(text, ends);
    Pulse pulse = beat_of(OTHER_RUN, 5, 1108, 2);
    store_beat(&pulse, "write history");
    memcpy(record, temp_read("pulse"), sizeof(record));
    for (size_t cut = 0; cut <= sizeof(record); cut++) {
        bool damaged = cut > 0 && cut < PULSE_SIZE;
        temp_write("history", text, length);
        temp_write("pulse", record, cut);
        if (cut < PULSE_SIZE)
            expect_gap("", CAUSE_UNKNOWN, 0, EVENT_NONE, "pulse", cut);
        else
            expect_of_second_run(LINES, cut);
        expect_start(LINES, false, damaged ? -EBADMSG : 0, cut);
        temp_write("pulse", record, cut);
        cr_assert_eq(unlink("history"), 0);
        if (cut == 0)
            cr_expect_eq(close_gap().realtime_usec, 0u, "nothing was before");
        else if (damaged)
            expect_gap("", CAUSE_UNKNOWN, 0, EVENT_NONE, "pulse alone", cut);
        else
            expect_gap(OTHER_RUN, CAUSE_UNKNOWN, 1108, 45, "pulse alone", cut);
    }
}

/* Blocks of 64 bytes of one content, and the others of another. */
static void mix_blocks(char *ret, const char *old, const char *new, unsigned mix)
{
    for (size_t block = 0; block < PULSE_SIZE / 64; block++)
        memcpy(ret + 64 * block, (mix >> block & 1 ? new : old) + 64 * block, 64);
}

Test(recall, of_each_mix_of_two_pulses_is_one_of_them_or_none)
{
    char old[2 * PULSE_SIZE], new[2 * PULSE_SIZE], torn[2 * PULSE_SIZE];
    unsigned whole = 0;
    Pulse first = beat_of(RUN, 9, 1098, 1), second = beat_of(RUN, 10, 1099, 1);
    second.late_max_usec = 10; /* the longer one by two digits: what follows is moved */
    store_beat(&first, "write /var/log/beats");
    memcpy(old, temp_read("pulse"), sizeof(old));
    store_beat(&second, "sync pulse");
    memcpy(new, temp_read("pulse"), sizeof(new));
    write_event(EVENT_START, RUN, "");
    for (unsigned mix = 0; mix < 256 * 2; mix++) {
        Past past;
        RecallTrouble trouble;
        mix_blocks(torn, old, new, mix);
        mix_blocks(torn + PULSE_SIZE, old + PULSE_SIZE, new + PULSE_SIZE, mix < 256 ? mix : ~mix);
        temp_write("pulse", torn, sizeof(torn));
        recall_past(".", "", &past, &trouble);
        bool is_old = memcmp(torn, old, PULSE_SIZE) == 0, is_new = memcmp(torn, new, PULSE_SIZE) == 0;
        cr_assert_eq(past.readable, is_old || is_new, "mix %u", mix);
        cr_assert_eq(trouble.pulse, past.readable ? 0 : -EBADMSG, "mix %u", mix);
        expect_gap(past.readable ? RUN : "", past.readable ? CAUSE_SERVICE_KILLED : CAUSE_UNKNOWN,
                   is_old   ? 1098
                   : is_new ? 1099
                            : 0,
                   is_old   ? 101
                   : is_new ? 100
                            : EVENT_NONE,
                   "mix", mix);
        if (past.readable)
            cr_expect_str_eq(past.step, torn[PULSE_SIZE] == 's' ? "sync pulse" : "write /var/log/beats");
        whole += past.readable;
        expect_start(1, false, past.readable ? 0 : -EBADMSG, mix);
    }
    cr_expect_geq(whole, 4u);
    cr_expect_lt(whole, 256u, "most are damaged");
}

static void write_line(EventKind kind, const char *run, usec_t at, usec_t interval, const char *past)
{
    Event event;
    event_init(&event, kind);
    strcpy(event.boot, BOOT);
    strcpy(event.run, run);
    strcpy(event.past, past);
    event.boottime_usec = at * USEC_PER_SEC;
    event.realtime_usec = EPOCH + event.boottime_usec;
    event.to_usec = event.realtime_usec + (*past ? 0 : 123); /* the time of a line is cut to milliseconds */
    if (interval > 0)
        event.interval_usec = interval * USEC_PER_SEC;
    cleanup_close int fd = history_open(".");
    cr_assert_eq(history_append(fd, &event), 0);
}

/* The line of a trim is the first one, and its run the last: what follows is older. */
Test(recall, behind_a_trim_is_not_led_back_in_time)
{
    Pulse pulse = beat_of(RUN, 90, 1190, 1);
    store_beat(&pulse, NULL);
    write_line(EVENT_TRIM, RUN, 1150, 0, "");
    write_line(EVENT_START, OTHER_RUN, 1000, 60, "");
    write_line(EVENT_GAP, RUN, 1100, 60, OTHER_RUN);
    write_line(EVENT_START, RUN, 1100, 1, "");
    expect_gap(RUN, CAUSE_SERVICE_KILLED, 1190, 9, "trim", 0);
}

Test(recall, gap_of_a_run_whose_beat_was_not_stored_is_not_told_twice)
{
    Event gap;
    Pulse pulse = beat_of(RUN, 3, 1003, 2);
    store_beat(&pulse, NULL);
    write_line(EVENT_START, RUN, 999, 2, "");
    write_line(EVENT_GAP, RUN, 1100, 2, "");
    gap = close_gap();
    cr_expect_eq(gap.from_usec, EPOCH + 1100 * USEC_PER_SEC + 123);
    cr_expect_eq(gap.lasted_usec, 100 * USEC_PER_SEC);
    cr_expect_eq(gap.missed, 49u, "1100 was late: the due instant before it is 1099");
    pulse = beat_of(RUN, 4, 1150, 2);
    store_beat(&pulse, NULL);
    expect_gap(RUN, CAUSE_SERVICE_KILLED, 1150, 24, "stored", 0);
}

Test(recall, interval_of_a_reload_counts_from_its_line_on)
{
    Pulse pulse = beat_of(RUN, 3, 1100, 50);
    store_beat(&pulse, NULL);
    write_line(EVENT_START, RUN, 1000, 50, "");
    write_line(EVENT_RELOAD, RUN, 1050, 7, "");
    expect_gap(RUN, CAUSE_SERVICE_KILLED, 1100, 1, "a reload before the beat", 0);
    write_line(EVENT_RELOAD, RUN, 1110, 10, "");
    expect_gap(RUN, CAUSE_SERVICE_KILLED, 1100, 9, "a reload after it", 0);
}

Test(recall, number_of_the_last_beat_does_not_begin_anew)
{
    RecallTrouble trouble;
    Pulse pulse = beat_of(RUN, UINT64_MAX, 1100, 50);
    store_beat(&pulse, NULL);
    write_line(EVENT_GAP, RUN, 1300, 50, "");
    Past past = recall(&trouble);
    cr_expect(past.readable);
    cr_expect_eq(past.pulse.seq, UINT64_MAX);
}

/* Where the history was moved aside there is no line of the pulse's run before those of the next one. */
Test(recall, knows_the_next_run_in_a_history_that_begins_with_it)
{
    Pulse pulse = beat_of(RUN, 3, 1050, 10);
    store_beat(&pulse, NULL);
    write_line(EVENT_START, OTHER_RUN, 1100, 20, "");
    expect_gap(OTHER_RUN, CAUSE_SERVICE_KILLED, 1100, 4, "a start in the same boot", 0);
    cr_assert_eq(unlink("history"), 0);
    strcpy(pulse.boot, RUN);
    store_beat(&pulse, NULL);
    write_line(EVENT_START, OTHER_RUN, 1100, 20, "");
    expect_gap(RUN, CAUSE_UNKNOWN, 1050, 14, "of another boot: before or after it", 0);
    cr_assert_eq(unlink("history"), 0);
    write_line(EVENT_GAP, OTHER_RUN, 1100, 10, RUN);
    write_line(EVENT_START, OTHER_RUN, 1100, 20, "");
    expect_gap(OTHER_RUN, CAUSE_SERVICE_KILLED, 1100, 4, "a gap that names the pulse's run", 0);
    cr_assert_eq(unlink("history"), 0);
    pulse = beat_of(RUN, 3, 1150, 10);
    store_beat(&pulse, NULL);
    write_line(EVENT_START, OTHER_RUN, 1100, 20, "");
    expect_gap(RUN, CAUSE_UNKNOWN, 1150, 4, "an older run, and none of the pulse's lines", 0);
}

Test(recall, of_a_history_with_newer_lines_does_not_say_how_it_ended)
{
    Pulse pulse = beat_of(RUN, 3, 1050, 10);
    store_beat(&pulse, NULL);
    write_line(EVENT_START, RUN, 1000, 10, "");
    write_line(EVENT_STOP, RUN, 1051, 0, "");
    expect_gap(RUN, CAUSE_SERVICE_STOPPED, 1050, 14, "whole", 0);
    int fd = open("history", O_WRONLY | O_APPEND | O_CLOEXEC);
    cr_assert_eq(write(fd, "v=2 what=ever\n", 14), 14);
    close(fd);
    expect_gap(RUN, CAUSE_UNKNOWN, 1050, 14, "newer", 0);
}
