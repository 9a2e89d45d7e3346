/* SPDX-License-Identifier: MIT */
/* A million beats on the simulated clock, with real files: outputs that are rotated, fail and come back, gaps
 * of each cause, reloads that change the interval and the outputs, restarts, and a history that is trimmed.
 * Each beat is accounted for, and what the program holds after it is what it held after the first hundred. */

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/heart.h"
#include "store/history-read.h"
#include "store/pulse-file.h"
#include "tests/unit/allocations.h"
#include "tests/unit/simulation.h"
#include "tests/unit/temp-dir.h"
#include "util/cleanup.h"
#include "util/log.h"

#define BEATS UINT64_C(1000000)
#define HUNDRED UINT64_C(100)
#define PAUSE 499 /* waits from one happening to the next */

enum { LOG, AWAY, FIFO, FULL, OUTPUTS };

/* All that there is, as the test itself counts it. */
static struct {
    SimClocks clocks;
    Supervisor supervisor;
    Ledger ledger;
    Heart heart;
    FakeOutput *fake; /* sees each beat */
    int log_fd, reader_fd;
    bool full, stalled;
    uint64_t random;

    usec_t passed_usec; /* the due instant that passed last */
    usec_t interval_usec, next_interval_usec;
    uint64_t beats, due, missed; /* in all runs */
    uint64_t run_beats, run_due;
    unsigned run;
    uint64_t asked[OUTPUTS], written[OUTPUTS], lost[OUTPUTS], lost_in_pulses;
    uint64_t rotations, reloads, restarts, trims;
    uint64_t gaps[CAUSE_COUNT]; /* those that were made */
    usec_t read_usec;           /* what the history has from before that was read */
} world;

static uint64_t dice(uint64_t sides)
{
    world.random = world.random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (world.random >> 33) % sides;
}

static const char *output_path(int which)
{
    static const char *const names[] = { "log", "away/log", "fifo" };
    return which == FULL ? "/dev/full" : temp_path(names[which]);
}

/* Each message has a number that is higher than that of all before it: the run's, and the beat's within. */
static void count_lines(int which, const char *text, size_t length)
{
    static unsigned long long last[OUTPUTS];
    static char line[OUTPUTS][64];
    static size_t filled[OUTPUTS];
    for (size_t i = 0; i < length; i++) {
        cr_assert_lt(filled[which], sizeof(line[which]) - 1);
        line[which][filled[which]++] = text[i];
        if (text[i] != '\n')
            continue;
        unsigned run, seq;
        int end = -1;
        line[which][filled[which]] = '\0';
        cr_assert(sscanf(line[which], "%u %u\n%n", &run, &seq, &end) == 2 && end == (int)filled[which],
                  "no message: %s", line[which]);
        unsigned long long number = run * 10000000ULL + seq;
        cr_assert_gt(number, last[which], "out of order: %s", line[which]);
        last[which] = number;
        filled[which] = 0;
        world.written[which]++;
    }
}

static void count_file(int which, const char *path)
{
    char text[65536];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0, "%s", path);
    for (ssize_t n; (n = read(fd, text, sizeof(text))) > 0;)
        count_lines(which, text, (size_t)n);
    close(fd);
}

static void drain(void)
{
    char text[65536];
    for (ssize_t n; world.reader_fd >= 0 && (n = read(world.reader_fd, text, sizeof(text))) > 0;)
        count_lines(FIFO, text, (size_t)n);
}

static void let_reader_come(void)
{
    world.reader_fd = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    cr_assert_geq(world.reader_fd, 0);
}

/* A beat as it is made: what was due since the one before, by the test's own count. */
static void see_beat(const Beat *beat, void *context)
{
    (void)context;
    usec_t since_usec = beat->due.due_usec - world.passed_usec;
    uint64_t due = beat->seq == 1 ? 1 : since_usec / world.interval_usec;
    cr_assert(beat->seq == 1 || since_usec % world.interval_usec == 0, "beat %" PRIu64 " is off the grid",
              beat->seq);
    cr_assert_eq(beat->due.missed, due - 1);
    cr_assert_eq(beat->seq, ++world.run_beats);
    world.passed_usec = beat->due.due_usec;
    world.run_due += due;
    world.due += due;
    world.missed += beat->due.missed;
    world.beats++;
    for (int i = 0; i < OUTPUTS; i++)
        world.asked[i] += i != FULL || world.full;
}

static void give_outputs(bool full)
{
    Output **outputs = calloc(OUTPUTS + 1, sizeof(Output *));
    size_t n = 0;
    cr_assert_not_null(outputs);
    world.fake = fake_output_new("/fake");
    world.fake->check = see_beat;
    world.fake->clocks = &world.clocks;
    outputs[n++] = &world.fake->output;
    for (int i = 0; i < OUTPUTS; i++) {
        if (i == FULL && !full)
            continue;
        Error error = { 0 };
        outputs[n] = output_new(output_path(i), FORMAT_PLAIN);
        cr_assert_not_null(outputs[n]);
        cr_assert_eq(output_open(outputs[n++], &error), 0, "%s", error.text);
    }
    heart_take_outputs(&world.heart, outputs, n);
    world.full = full;
}

/* What is due from now on: the first instants of the new grid may have passed, and are nobody's. */
static int reload(void *context)
{
    (void)context;
    usec_t now_usec = world.clocks.now.boottime_usec, interval_usec = world.next_interval_usec;
    if (access("away", F_OK) < 0)
        return -ENOENT; /* is refused, whole */
    if (interval_usec != world.interval_usec)
        world.passed_usec += (now_usec - world.passed_usec) / interval_usec * interval_usec;
    world.interval_usec = world.heart.interval_usec = interval_usec;
    give_outputs(!world.full);
    world.reloads++;
    return 0;
}

static int find_output(const char *name)
{
    for (int i = 0; i < OUTPUTS; i++)
        if (strcmp(name, output_path(i)) == 0)
            return i;
    cr_assert_fail("%s: an output that there is not", name);
    return -1;
}

static int take_event(void *context, const Event *event)
{
    (void)context;
    if (event->boottime_usec < world.read_usec || event->boottime_usec >= world.clocks.now.boottime_usec)
        return 0;
    if (event->kind == EVENT_OUTPUT)
        world.lost[find_output(event->output)] += event->lost;
    world.trims += event->kind == EVENT_TRIM;
    return 0;
}

/* Before a trim throws it away. */
static void read_history(void)
{
    HistoryDamage damage;
    cr_assert_eq(history_read(".", take_event, NULL, &damage), 0);
    cr_assert(damage.bad == 0 && damage.newer == 0 && !damage.torn);
    world.read_usec = world.clocks.now.boottime_usec;
}

static void rotate_by_rename(void)
{
    cr_assert_eq(rename("log", "log.1"), 0);
    count_file(LOG, "log.1");
    world.rotations++;
}

static void rotate_by_copy(void)
{
    count_file(LOG, "log");
    cr_assert_eq(truncate("log", 0), 0);
    world.rotations++;
}

static void take_directory_away(void)
{
    if (rename("away", "elsewhere") < 0)
        cr_assert_eq(rename("elsewhere", "away"), 0);
}

/* What was in the FIFO is read before its reader goes; what comes then is lost. */
static void turn_reader(void)
{
    drain();
    if (world.reader_fd < 0)
        let_reader_come();
    else
        world.reader_fd = close_fd(world.reader_fd);
}

static void stall_reader(void)
{
    world.stalled = !world.stalled;
}

static void set_wall_clock(void)
{
    world.clocks.now.realtime_usec += dice(30 * USEC_PER_DAY) + 2 * USEC_PER_SEC;
}

/* So long that beats are missed, of whatever interval: by each cause in turn. */
static void make_gap(void)
{
    Counters *counters = &world.clocks.counters;
    usec_t length_usec = world.interval_usec * (3 + dice(50)) + dice(world.interval_usec);
    static const Cause causes[] = { CAUSE_SUSPEND,     CAUSE_CPU_THROTTLED, CAUSE_CPU_STARVED,
                                    CAUSE_BUSY,        CAUSE_FROZEN,        CAUSE_PROCESS_STOPPED,
                                    CAUSE_HOST_PAUSED, CAUSE_UNKNOWN,       CAUSE_OUTPUT_BLOCKED };
    Cause cause = causes[dice(ELEMENTSOF(causes))];
    world.gaps[cause]++;
    if (cause == CAUSE_OUTPUT_BLOCKED) {
        world.fake->takes_usec = length_usec; /* by the next beat */
        return;
    }
    if (cause == CAUSE_SUSPEND) {
        world.clocks.now.boottime_usec += length_usec;
        world.clocks.now.realtime_usec += length_usec;
        return;
    }
    sim_clocks_pass(&world.clocks, length_usec);
    counters->throttled.usec += cause == CAUSE_CPU_THROTTLED ? length_usec : 0;
    counters->starved.usec += cause == CAUSE_CPU_STARVED || cause == CAUSE_CPU_THROTTLED ? length_usec : 0;
    counters->cpu.usec += cause == CAUSE_BUSY ? length_usec : 0;
    counters->frozen.usec += cause == CAUSE_FROZEN ? length_usec : 0;
    counters->continued += cause == CAUSE_PROCESS_STOPPED;
    counters->waits += cause == CAUSE_UNKNOWN;
}

static SimEvent pending;

static void end_wait_by(int wake)
{
    pending = (SimEvent){ .at_usec = wake ? 0 : USEC_INFINITY, .wake = wake };
    world.clocks.events = &pending;
    world.clocks.n_events = 1;
}

static void reload_soon(void)
{
    static const usec_t intervals[] = { 10 * USEC_PER_MSEC, USEC_PER_SEC, 7 * USEC_PER_SEC, USEC_PER_HOUR };
    world.next_interval_usec = intervals[dice(ELEMENTSOF(intervals))];
    end_wait_by(WAKE_RELOAD);
}

static void restart_soon(void)
{
    if (access("away", F_OK) < 0)
        take_directory_away(); /* back, or there is no start */
    end_wait_by(WAKE_STOP);
}

static void happen(void *context)
{
    (void)context;
    static void (*const happenings[])(void) = {
        rotate_by_rename, rotate_by_copy, take_directory_away, turn_reader,  stall_reader, set_wall_clock,
        make_gap,         make_gap,       reload_soon,         restart_soon,
    };
    end_wait_by(0);
    if (world.clocks.waits % PAUSE == 0) {
        read_history();
        if (world.beats >= BEATS)
            end_wait_by(WAKE_STOP);
        else
            happenings[dice(ELEMENTSOF(happenings))]();
    }
    if (!world.stalled && world.clocks.waits % 50 == 0)
        drain();
}

static void start(void)
{
    RecallTrouble trouble;
    Error error = { 0 };
    char message[64];
    world.ledger = LEDGER_NONE;
    cr_assert_eq(ledger_open(&world.ledger, ".", &world.clocks.clocks, &trouble, &error), 0, "%s",
                 error.text);
    cr_assert(trouble.pulse == 0 && trouble.history == 0 && trouble.bad_lines == 0);
    world.ledger.sync = SYNC_NEVER;
    world.ledger.history_max_bytes = 64 * 1024;
    cr_assert_eq(supervisor_open(&world.supervisor, false), 0);
    world.heart = (Heart){
        .clocks = &world.clocks.clocks,
        .supervisor = &world.supervisor,
        .ledger = &world.ledger,
        .interval_usec = world.interval_usec,
        .reload = reload,
    };
    snprintf(message, sizeof(message), "%u %%n", ++world.run);
    cr_assert_eq(message_prepare(&world.heart.message, message, "", ""), 0);
    give_outputs(world.full);
    world.run_beats = world.run_due = 0;
    cr_assert_eq(heart_start(&world.heart, &error), 0, "%s", error.text);
}

/* The end of a run; one that is killed says nothing of what its outputs have lost until then. */
static void finish(bool killed)
{
    char step[STEP_MAX];
    Pulse pulse;
    cr_assert_eq(pulse_file_read(".", &pulse, step), 0);
    cr_assert_eq(pulse.seq, world.run_beats);
    cr_assert_eq(pulse.seq + pulse.missed, world.run_due);
    world.lost_in_pulses += pulse.lost;
    for (size_t i = 1; killed && i < world.heart.n_outputs; i++)
        if (world.heart.outputs[i]->failure != 0)
            world.lost[find_output(world.heart.outputs[i]->name)] += world.heart.outputs[i]->lost;
    if (!killed)
        heart_end(&world.heart);
    heart_done(&world.heart);
    ledger_close(&world.ledger);
}

static void restart(void)
{
    bool killed = dice(2) == 0;
    finish(killed);
    sim_clocks_pass(&world.clocks, 3 * world.interval_usec); /* so that beats are missed meanwhile */
    world.gaps[killed ? CAUSE_SERVICE_KILLED : CAUSE_SERVICE_STOPPED]++;
    world.restarts++;
    start();
}

static size_t threads(void)
{
    DIR *directory = opendir("/proc/self/task");
    size_t n = 0;
    cr_assert_not_null(directory);
    while (readdir(directory))
        n++;
    closedir(directory);
    return n;
}

typedef struct Holdings {
    size_t descriptors, threads;
} Holdings;

static Holdings holdings(void)
{
    return (Holdings){ open_descriptors(), threads() };
}

static void enter(void)
{
    temp_dir_enter();
    unsetenv("NOTIFY_SOCKET");
    signal(SIGPIPE, SIG_IGN); /* as the daemon has it */
    sim_clocks_init(&world.clocks);
    world.clocks.counters.throttled.known = world.clocks.counters.cpu.known = true;
    world.clocks.counters.frozen.known = true;
    world.clocks.on_wait = happen;
    world.random = 2038;
    world.log_fd = open("words", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    log_to_fd(world.log_fd);
    world.interval_usec = 10 * USEC_PER_MSEC;
    cr_assert_eq(mkfifo("fifo", 0600), 0);
    cr_assert_eq(mkdir("away", 0700), 0);
    let_reader_come();
}

static void leave(void)
{
    close_fd(world.reader_fd);
    close(world.log_fd);
    temp_dir_leave();
}

TestSuite(endurance, .init = enter, .fini = leave, .timeout = 900);

static void run_until(uint64_t beats)
{
    while (world.beats < beats) {
        cr_assert_eq(heart_run(&world.heart), 0);
        if (world.beats < BEATS)
            restart();
    }
}

/* As it was when the first hundred were made: all outputs work, but the one that never does. */
static void calm_down(void)
{
    if (access("away", F_OK) < 0)
        take_directory_away();
    if (world.reader_fd < 0)
        let_reader_come();
    drain();
    if (access("log", F_OK) < 0)
        close(open("log", O_WRONLY | O_CREAT | O_CLOEXEC, 0640));
    world.full = true;
    world.clocks.on_wait = NULL;
    restart();
    SimEvent end = { .at_usec = world.clocks.now.boottime_usec + (HUNDRED - 1) * world.interval_usec + 1,
                     .wake = WAKE_STOP };
    world.clocks.events = &end;
    world.clocks.n_events = 1;
    cr_assert_eq(heart_run(&world.heart), 0);
}

static void expect_gaps_by_cause(void)
{
    const Census *census = ledger_census(&world.ledger);
    for (int cause = 0; cause < CAUSE_COUNT; cause++)
        cr_expect_eq(census->gaps[cause], world.gaps[cause], "%s: %" PRIu64 " of %" PRIu64,
                     cause_name((Cause)cause), census->gaps[cause], world.gaps[cause]);
}

static void note(void)
{
    const char *path = getenv("HEARTBEATD_TABLE");
    FILE *table = path ? fopen(path, "ae") : NULL;
    if (!table)
        return;
    fprintf(table,
            "beats on the simulated clock, with rotations, reloads, failing outputs, gaps, restarts\t%" PRIu64
            "\tmessages that outputs could not take, each reported\n",
            world.due);
    fclose(table);
}

Test(endurance, each_of_a_million_beats_is_accounted_for)
{
    start();
    calm_down();
    world.clocks.on_wait = happen;
    Holdings first = holdings();
    allocations_count(true);
    run_until(BEATS);
    calm_down();
    allocations_count(false);
    Holdings last = holdings();
    cr_expect_eq(last.descriptors, first.descriptors, "%zu descriptors", last.descriptors);
    cr_expect_eq(last.threads, first.threads);
    cr_expect_eq(allocations_kept(), 0, "%td of %zu allocations", allocations_kept(), allocations_counted());
    cr_expect_gt(allocations_counted(), 1000u);

    expect_gaps_by_cause();
    finish(false);
    sim_clocks_pass(&world.clocks, 1);
    read_history();
    drain();
    count_file(LOG, "log");
    count_file(AWAY, "away/log");
    uint64_t lost = 0;
    for (int i = 0; i < OUTPUTS; i++) {
        cr_expect_eq(world.written[i] + world.lost[i], world.asked[i],
                     "%s: %" PRIu64 " written, %" PRIu64 " lost of %" PRIu64, output_path(i),
                     world.written[i], world.lost[i], world.asked[i]);
        lost += world.lost[i];
    }
    cr_expect_eq(world.beats + world.missed, world.due);
    cr_expect_eq(world.lost[LOG], 0u);
    cr_expect_eq(lost, world.lost_in_pulses);
    static const int failed[] = { AWAY, FIFO, FULL };
    for (size_t i = 0; i < ELEMENTSOF(failed); i++)
        cr_expect_gt(world.lost[failed[i]], 0u, "%s never failed", output_path(failed[i]));
    cr_expect(world.rotations > 100 && world.reloads > 100 && world.restarts > 100 && world.trims > 3,
              "%" PRIu64 " rotations, %" PRIu64 " reloads, %" PRIu64 " restarts, %" PRIu64 " trims",
              world.rotations, world.reloads, world.restarts, world.trims);
    note();
}
