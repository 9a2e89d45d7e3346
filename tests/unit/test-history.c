/* SPDX-License-Identifier: MIT */
/* What happened, on disk: nothing that stands in the file makes a false event or keeps one out. */

#include "store/history-read.h"
#include "store/history.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults.h"
#include "temp-dir.h"
#include "util/cleanup.h"

TestSuite(history, .init = temp_dir_enter, .fini = temp_dir_leave, .timeout = 240);

static Event stop_number(uint64_t seq)
{
    Event event;
    event_init(&event, EVENT_STOP);
    event.realtime_usec = UINT64_C(1795352410123000);
    event.boottime_usec = seq;
    strcpy(event.boot, "fedcba9876543210fedcba9876543210");
    strcpy(event.run, "0123456789abcdef0123456789abcdef");
    event.seq = seq;
    return event;
}

static void append(uint64_t seq)
{
    Event event = stop_number(seq);
    cleanup_close int fd = history_open(".");
    cr_assert_geq(fd, 0);
    cr_assert_eq(history_append(fd, &event), 0);
}

typedef struct Seen {
    uint64_t seqs[64];
    size_t count;
    size_t last; /* stop after so many; 0: never */
} Seen;

static int note(void *context, const Event *event)
{
    Seen *seen = context;
    cr_assert_lt(seen->count, ELEMENTSOF(seen->seqs));
    seen->seqs[seen->count++] = event->seq;
    return seen->count == seen->last ? 42 : 0;
}

static Seen read_all(HistoryDamage *ret_damage)
{
    Seen seen = { 0 };
    cr_assert_eq(history_read(".", note, &seen, ret_damage), 0);
    return seen;
}

static void expect_seqs(const Seen *seen, size_t count, const uint64_t *seqs)
{
    cr_assert_eq(seen->count, count, "%zu events", seen->count);
    for (size_t i = 0; i < count; i++)
        cr_expect_eq(seen->seqs[i], seqs[i], "event %zu is %" PRIu64, i, seen->seqs[i]);
}

Test(history, keeps_events_in_their_order)
{
    struct stat st;
    HistoryDamage damage;
    append(1);
    append(2);
    append(3);
    Seen seen = read_all(&damage);
    expect_seqs(&seen, 3, (uint64_t[]){ 1, 2, 3 });
    cr_expect(damage.bad == 0 && damage.newer == 0 && !damage.torn);
    cr_assert_eq(stat("history", &st), 0);
    cr_expect_eq(st.st_mode & 07777, 0644u);
}

Test(history, that_is_not_there_or_is_no_file)
{
    Seen seen = { 0 };
    HistoryDamage damage;
    cr_expect_eq(history_read(".", note, &seen, &damage), -ENOENT);
    cr_assert_eq(mkdir("history", 0700), 0);
    cr_expect_eq(history_read(".", note, &seen, &damage), -EINVAL);
    cr_expect_eq(history_open("."), -EISDIR);
}

Test(history, reader_can_stop)
{
    Seen seen = { .last = 2 };
    HistoryDamage damage;
    for (uint64_t seq = 1; seq <= 5; seq++)
        append(seq);
    cr_expect_eq(history_read(".", note, &seen, &damage), 42);
    cr_expect_eq(seen.count, 2u);
}

/* Cut at each byte of its last line: what is left of it is no event, before and after the next one is
 * written. */
Test(history, torn_line_is_passed_over_and_never_continued)
{
    char whole[512];
    HistoryDamage damage;
    append(1);
    size_t kept = strlen(temp_read("history"));
    append(1234567);
    size_t length = strlen(temp_read("history"));
    memcpy(whole, temp_read("history"), length);
    for (size_t cut = kept + 1; cut < length; cut++) {
        temp_write("history", whole, cut);
        Seen seen = read_all(&damage);
        expect_seqs(&seen, 1, (uint64_t[]){ 1 });
        cr_expect(damage.torn, "cut at %zu", cut);
        append(3);
        seen = read_all(&damage);
        expect_seqs(&seen, 2, (uint64_t[]){ 1, 3 });
        cr_expect(damage.bad == 1 && !damage.torn, "cut at %zu", cut);
    }
}

Test(history, line_that_fits_in_part_is_marked_by_the_next)
{
    HistoryDamage damage;
    Event event = stop_number(2);
    append(1);
    cleanup_close int fd = history_open(".");
    cr_assert_geq(fd, 0);
    size_t size = strlen(temp_read("history"));
    struct rlimit unlimited, limit = { .rlim_cur = size + 20, .rlim_max = RLIM_INFINITY };
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
    limit.rlim_max = unlimited.rlim_max;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_expect_lt(history_append(fd, &event), 0);
    cr_expect_lt(history_append(fd, &event), 0);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
    cr_expect_eq(history_append(fd, &event), 0);
    Seen seen = read_all(&damage);
    expect_seqs(&seen, 2, (uint64_t[]){ 1, 2 });
    cr_expect_eq(damage.bad, 1u);
}

Test(history, lines_of_others_are_counted_and_passed_over)
{
    char long_line[40000];
    HistoryDamage damage;
    memset(long_line, 'x', sizeof(long_line) - 1);
    long_line[sizeof(long_line) - 1] = '\n';
    temp_write_text("history", "\n\nhello\nv=2 from=the future\n");
    append(1);
    cleanup_close int fd = history_open(".");
    cr_assert_eq(write(fd, long_line, sizeof(long_line)), (ssize_t)sizeof(long_line));
    cr_assert_eq(write(fd, "a\0b\n", 4), 4);
    append(2);
    Seen seen = read_all(&damage);
    expect_seqs(&seen, 2, (uint64_t[]){ 1, 2 });
    cr_expect_eq(damage.newer, 1u);
    cr_expect_geq(damage.bad, 5u);
    cr_expect_not(damage.torn);
}

Test(history, of_noise_is_no_event_and_stops_nothing)
{
    unsigned seed = 1;
    for (unsigned round = 0; round < 200; round++) {
        char noise[4096];
        HistoryDamage damage;
        for (size_t i = 0; i < sizeof(noise); i++)
            noise[i] = (char)rand_r(&seed);
        temp_write("history", noise, sizeof(noise));
        append(round);
        Seen seen = read_all(&damage);
        expect_seqs(&seen, 1, (uint64_t[]){ round });
    }
}

static Event gap_number(uint64_t number)
{
    Event event = stop_number(number);
    event_init(&event, EVENT_GAP);
    Event stop = stop_number(number);
    event.realtime_usec = stop.realtime_usec + number * USEC_PER_SEC;
    strcpy(event.boot, stop.boot);
    strcpy(event.run, stop.run);
    event.verdict.cause = number % 2 ? CAUSE_SUSPEND : CAUSE_HOST_DOWN;
    event.missed = number;
    return event;
}

typedef struct Sum {
    uint64_t gaps, trims, first, last;
    uint64_t before[CAUSE_COUNT];
    usec_t from_usec, first_usec;
} Sum;

static int sum_up(void *context, const Event *event)
{
    Sum *sum = context;
    if (event->kind == EVENT_TRIM) {
        cr_expect(sum->trims++ == 0 && sum->gaps == 0, "one trim event, the first of all");
        sum->from_usec = event->from_usec;
        memcpy(sum->before, event->gaps, sizeof(sum->before));
        return 0;
    }
    if (sum->gaps++ == 0) {
        sum->first = event->missed;
        sum->first_usec = event->realtime_usec;
    }
    sum->last = event->missed;
    return 0;
}

Test(history, is_bounded_and_counts_what_it_forgets)
{
    const uint64_t count = 2000, max_bytes = 20000;
    Event stamp = stop_number(1);
    int fd = history_open(".");
    cr_assert_geq(fd, 0);
    unsigned trims = 0;
    for (uint64_t number = 1; number <= count; number++) {
        Event event = gap_number(number);
        cr_assert_eq(history_append(fd, &event), 0);
        int r = history_trim(".", &fd, max_bytes, &stamp);
        cr_assert_geq(r, 0);
        trims += (unsigned)r;
        struct stat st;
        cr_assert_eq(stat("history", &st), 0);
        cr_assert_leq((uint64_t)st.st_size, max_bytes);
        cr_assert(r == 0 || (uint64_t)st.st_size >= max_bytes / 2 - EVENT_LINE_MAX,
                  "no more than half is forgotten");
    }
    Sum sum = { 0 };
    HistoryDamage damage;
    cr_assert_eq(history_read(".", sum_up, &sum, &damage), 0);
    cr_expect_gt(trims, 2u);
    cr_expect_eq(sum.trims, 1u);
    cr_expect_eq(sum.last, count);
    cr_expect_eq(sum.gaps, count - sum.first + 1);
    cr_expect_eq(sum.before[CAUSE_SUSPEND] + sum.before[CAUSE_HOST_DOWN], sum.first - 1);
    cr_expect_eq(sum.before[CAUSE_SUSPEND], sum.first / 2);
    cr_expect_eq(sum.from_usec, sum.first_usec);
    cr_expect(damage.bad == 0 && damage.newer == 0 && !damage.torn);
    cr_expect_neq(access("history.new", F_OK), 0);
    close(fd);
}

Test(history, that_cannot_be_trimmed_stays_as_it_is)
{
    Event stamp = stop_number(1);
    HistoryDamage damage;
    for (uint64_t seq = 1; seq <= 10; seq++)
        append(seq);
    cr_assert_eq(mkdir("history.new", 0700), 0);
    int fd = history_open("."), same = fd;
    cr_expect_lt(history_trim(".", &fd, 500, &stamp), 0);
    cr_expect_eq(fd, same);
    Seen seen = read_all(&damage);
    cr_expect_eq(seen.count, 10u);
    close(fd);
}

Test(history, with_a_last_line_longer_than_its_bound_keeps_nothing_but_the_trim)
{
    Event stamp = stop_number(1);
    HistoryDamage damage;
    append(1);
    int fd = history_open(".");
    cr_assert_eq(history_trim(".", &fd, 10, &stamp), 1);
    Seen seen = { 0 };
    cr_assert_eq(history_read(".", note, &seen, &damage), 0);
    cr_expect_eq(seen.count, 1u);
    append(2);
    seen = read_all(&damage);
    cr_expect_eq(seen.count, 2u);
    close(fd);
}

Test(history, that_cannot_be_read_is_an_error_and_not_an_empty_one)
{
    Seen seen = { 0 };
    HistoryDamage damage;
    append(1);
    fault_plan(FAULT_PREAD, 1, EIO);
    cr_expect_eq(history_read(".", note, &seen, &damage), -EIO);
    fault_plan(FAULT_PREAD, 1, EIO);
    cr_expect_eq(history_open("."), -EIO);
    fault_plan(FAULT_LSEEK, 1, EIO);
    cr_expect_eq(history_open("."), -EIO);
    fault_plan(FAULT_PREAD, 1, EINTR);
    cr_expect_eq(history_read(".", note, &seen, &damage), 0);
    cr_expect_eq(seen.count, 1u, "a signal is no end of it");
}

/* Each call of a trim fails in turn; the last turn is one in which none did. */
Test(history, of_a_trim_that_fails_is_whole)
{
    static const FaultCall calls[] = { FAULT_PREAD, FAULT_LSEEK, FAULT_FSTAT, FAULT_FCHMOD };
    Event stamp = stop_number(1);
    int fd = history_open(".");
    cr_assert_geq(fd, 0);
    for (size_t i = 0; i < ELEMENTSOF(calls); i++) {
        struct stat before, after;
        unsigned nth = 0;
        int r;
        for (uint64_t number = 1; number <= 60; number++)
            append(number);
        cr_assert_eq(stat("history", &before), 0);
        do {
            fault_plan(calls[i], ++nth, EIO);
            r = history_trim(".", &fd, 6000, &stamp);
            cr_assert(r == 1 || r == -EIO, "call %zu, number %u: %d", i, nth, r);
            cr_assert_eq(stat("history", &after), 0);
            cr_expect(r == 1 || (after.st_ino == before.st_ino && after.st_size == before.st_size));
            cr_expect_lt(access("history.new", F_OK), 0);
        } while (r < 0);
        cr_expect_gt(nth, 1u);
        fault_plan(calls[i], 0, 0);
    }
    fault_plan(FAULT_FSYNC, 1, EIO);
    for (uint64_t number = 1; number <= 60; number++)
        append(number);
    cr_expect_eq(history_trim(".", &fd, 6000, &stamp), -EIO, "not on disk");
    cr_expect_lt(access("history.new", F_OK), 0);
    close_fd(fd);
}
