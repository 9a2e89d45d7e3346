/* SPDX-License-Identifier: MIT */
/* What a beat costs, and what the daemon holds, early and after very many beats: its own loop with real
 * files, on a clock that does not wait.
 *
 *     million BEATS GAP_EVERY
 *
 * In the directory that it is started in. With GAP_EVERY, a gap is behind each so many beats, for the history
 * to be at its bound most of the time; 0: none. Prints "early NSEC KB" and "late NSEC KB": the CPU time of a
 * beat, on the mean of a hundredth of them, and the anonymous memory behind those. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "daemon/heart.h"
#include "util/cleanup.h"

#define HISTORY_MAX_BYTES (64 * 1024)
#define INTERVAL_USEC (10 * USEC_PER_SEC)

static struct {
    Clocks clocks;
    Instant now;
    uint64_t beats, gap_every, waits;
    int64_t began_nsec;
} world;

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

static int64_t cpu_nsec(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static long anonymous_kb(void)
{
    char line[128];
    long kb = -1;
    FILE *rollup = fopen("/proc/self/smaps_rollup", "re");
    while (rollup && fgets(line, sizeof(line), rollup))
        if (sscanf(line, "Anonymous: %ld kB", &kb) == 1)
            break;
    if (kb < 0)
        die("/proc/self/smaps_rollup");
    fclose(rollup);
    return kb;
}

static void sample(Clocks *clocks, Instant *ret)
{
    (void)clocks;
    *ret = world.now;
}

static void count(Clocks *clocks, bool asking, Counters *ret)
{
    (void)clocks;
    (void)asking;
    *ret = (Counters){ .waits = world.waits, .switches = world.waits };
}

static void pass(usec_t usec)
{
    world.now.realtime_usec += usec;
    world.now.boottime_usec += usec;
    world.now.monotonic_usec += usec;
}

static void note(const char *when)
{
    uint64_t hundredth = world.beats / 100;
    printf("%s %" PRId64 " %ld\n", when, (cpu_nsec() - world.began_nsec) / (int64_t)hundredth,
           anonymous_kb());
}

/* The first hundredth of the beats warms up, the second and the last are looked at. */
static bool is_looked_at(void)
{
    uint64_t hundredth = world.beats / 100;
    return world.waits <= 2 * hundredth || world.waits >= world.beats - hundredth;
}

static int wait_for(Clocks *clocks, usec_t until_usec)
{
    uint64_t hundredth = world.beats / 100;
    (void)clocks;
    world.waits++;
    if (world.waits == 2 * hundredth)
        note("early");
    if (world.waits == world.beats) {
        note("late");
        return WAKE_STOP;
    }
    if (world.waits == hundredth || world.waits == world.beats - hundredth)
        world.began_nsec = cpu_nsec();
    if (until_usec > world.now.boottime_usec)
        pass(until_usec - world.now.boottime_usec);
    if (world.gap_every > 0 && world.waits % world.gap_every == 0 && !is_looked_at())
        pass(5 * INTERVAL_USEC);
    return WAKE_TIME;
}

static int refuse(void *context)
{
    (void)context;
    return -EPERM;
}

static Output **open_output(void)
{
    Error error;
    Output **outputs = calloc(2, sizeof(Output *));
    char *directory = realpath(".", NULL), *file;
    if (!outputs || !directory || asprintf(&file, "%s/lines", directory) < 0)
        die("realpath");
    outputs[0] = output_new(file, FORMAT_FULL);
    if (!outputs[0] || output_open(outputs[0], &error) < 0)
        die(file);
    free(directory);
    free(file);
    return outputs;
}

int main(int argc, char *argv[])
{
    RecallTrouble trouble;
    Error error;
    Ledger ledger = LEDGER_NONE;
    Supervisor supervisor;
    Heart heart = {
        .clocks = &world.clocks,
        .supervisor = &supervisor,
        .ledger = &ledger,
        .interval_usec = INTERVAL_USEC,
        .reload = refuse,
    };
    if (argc != 3 || (world.beats = strtoull(argv[1], NULL, 10)) < 1000)
        return 2;
    world.gap_every = strtoull(argv[2], NULL, 10);
    world.clocks = (Clocks){ .sample = sample, .count = count, .wait = wait_for };
    pass(USEC_PER_DAY);
    if (ledger_open(&ledger, ".", &world.clocks, &trouble, &error) < 0)
        die("state directory");
    ledger.sync = SYNC_NEVER;
    ledger.history_max_bytes = HISTORY_MAX_BYTES;
    if (supervisor_open(&supervisor, false) < 0 ||
        message_prepare(&heart.message, "heartbeat %n", "", "") < 0)
        die("heart");
    heart_take_outputs(&heart, open_output(), 1);
    if (heart_start(&heart, &error) < 0 || heart_run(&heart) < 0)
        die("heart");
    heart_end(&heart);
    heart_done(&heart);
    ledger_close(&ledger);
    return 0;
}
