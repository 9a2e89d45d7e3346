/* SPDX-License-Identifier: MIT */
/* Pulse and history as the running daemon keeps them. */

#include "daemon/ledger.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "daemon/exit.h"
#include "store/guard.h"
#include "store/history-read.h"
#include "store/history.h"
#include "store/identity.h"
#include "store/pulse-file.h"
#include "store/recall.h"
#include "store/state-file.h"
#include "util/cleanup.h"
#include "util/file.h"

#define WAITING_MAX 8
#define WAITING_SIZE (WAITING_MAX * sizeof(Event))

static int make_run_id(char ret[static RUN_ID_LENGTH + 1])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[RUN_ID_LENGTH / 2];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return -errno;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        ret[2 * i] = digits[bytes[i] >> 4];
        ret[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret[RUN_ID_LENGTH] = '\0';
    return 0;
}

static int identify(Pulse *pulse, Error *ret_error)
{
    int r = identity_boot(pulse->boot);
    if (r < 0)
        return error_set(ret_error, exit_code_for(-r), -r, "the id of this boot cannot be read: %s",
                         strerror(-r));
    r = make_run_id(pulse->run);
    if (r < 0)
        return error_set(ret_error, EXIT_FAILURE, -r, "no random numbers for the id of the run: %s",
                         strerror(-r));
    identity_machine(pulse->machine);
    pulse->pid = (uint64_t)getpid();
    (void)identity_process(getpid(), &pulse->start_ticks); /* 0, and so nobody's, without /proc */
    return 0;
}

static int take_file(int fd, const char *state_dir, const char *name, int *ret_fd, Error *ret_error)
{
    *ret_fd = fd < 0 ? -1 : fd;
    if (fd >= 0 || error_passes(-fd))
        return 0;
    return error_set(ret_error, exit_code_for(-fd), -fd, "%s/%s: %s", state_dir, name,
                     fd == -EINVAL ? "expected a regular file" : guard_words(-fd));
}

/* Another disk error than a damaged record leaves the file where it is. */
static bool is_to_go(int trouble)
{
    return trouble == -EBADMSG || trouble == -ENOTSUP || trouble == -EREMOTE;
}

static void put_aside(const char *state_dir, const char *name, int *trouble)
{
    if (!is_to_go(*trouble))
        return;
    int r = recall_move_aside(state_dir, name);
    if (r < 0)
        *trouble = r == -ENOENT ? 0 : r;
}

/* Now, for there may be none when the disk is full; in pages of its own, which until then take no memory. */
static Event *make_room(void)
{
    void *room = mmap(NULL, WAITING_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return room == MAP_FAILED ? NULL : room;
}

int ledger_open(Ledger *ledger, const char *state_dir, Clocks *clocks, RecallTrouble *ret_trouble,
                Error *ret_error)
{
    ledger->steps.clocks = clocks;
    ledger->state_dir = strdup(state_dir);
    ledger->waiting = make_room();
    if (!ledger->state_dir || !ledger->waiting)
        return error_set(ret_error, EXIT_FAILURE, ENOMEM, "out of memory");
    int r = identify(&ledger->pulse, ret_error);
    if (r < 0)
        return r;
    recall_past(state_dir, ledger->pulse.machine, &ledger->past, ret_trouble);
    put_aside(state_dir, "pulse", &ret_trouble->pulse);
    put_aside(state_dir, "history", &ret_trouble->history);
    r = take_file(pulse_file_open(state_dir), state_dir, "pulse", &ledger->pulse_fd, ret_error);
    if (r == 0)
        r = take_file(history_open(state_dir), state_dir, "history", &ledger->history_fd, ret_error);
    guard_keep(OWN_PULSE, ledger->pulse_fd);
    guard_keep(OWN_HISTORY, ledger->history_fd);
    return r;
}

void ledger_close(Ledger *ledger)
{
    close_fd(ledger->pulse_fd);
    close_fd(ledger->history_fd);
    free(ledger->state_dir);
    if (ledger->waiting)
        munmap(ledger->waiting, WAITING_SIZE);
    *ledger = LEDGER_NONE;
}

/* By directory and name where the file is not there yet, and as the same file, by whatever name, where it is.
 */
bool ledger_owns(const char *state_dir, const char *path)
{
    static const char *const names[] = { "lock", "pulse", "history", "history.new" };
    const char *slash = strrchr(path, '/');
    cleanup_free char *directory = strndup(path, (size_t)(slash - path) + 1);
    struct stat theirs, ours;
    bool inside = directory && stat(directory, &theirs) == 0 && stat(state_dir, &ours) == 0 &&
                  theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        cleanup_free char *own = path_join(state_dir, names[i]);
        if ((inside && strcmp(slash + 1, names[i]) == 0) || (own && file_is_same(path, own)))
            return true;
    }
    return false;
}

int ledger_check_outputs(const char *state_dir, char *const *outputs, size_t n_outputs, Error *ret_error)
{
    for (size_t i = 0; i < n_outputs; i++)
        if (outputs[i][0] == '/' && ledger_owns(state_dir, outputs[i]))
            return error_set(ret_error, EXIT_CONFIG, EINVAL,
                             "output %s: is one of the daemon's own files of state; expected another file",
                             outputs[i]);
    return 0;
}

int ledger_close_past(Ledger *ledger, const Instant *at, Event *ret_gap)
{
    Present present = { .realtime_usec = at->realtime_usec, .boottime_usec = at->boottime_usec };
    memcpy(present.boot, ledger->pulse.boot, sizeof(present.boot));
    memcpy(present.run, ledger->pulse.run, sizeof(present.run));
    return past_close(&ledger->past, &present, ret_gap);
}

/* Whether the open file still has a name: one that somebody has removed is of no use to any reader. */
static bool is_there(int fd)
{
    struct stat st;
    return fd >= 0 && fstat(fd, &st) == 0 && st.st_nlink > 0;
}

/* A new file is of use also where its name cannot be made sure of. */
static void sync_names(const Ledger *ledger)
{
    if (ledger->sync != SYNC_NEVER)
        (void)state_directory_sync(ledger->state_dir);
}

/* Opens a file again that is not open, or not there any more. */
static int ensure(const Ledger *ledger, OwnFile which, int *fd, int (*open_file)(const char *state_dir))
{
    if (is_there(*fd))
        return 0;
    int new_fd = open_file(ledger->state_dir);
    if (new_fd < 0)
        return new_fd;
    close_fd(*fd);
    *fd = new_fd;
    guard_keep(which, new_fd);
    sync_names(ledger);
    return 0;
}

static int append(Ledger *ledger, const Event *event)
{
    int r = ensure(ledger, OWN_HISTORY, &ledger->history_fd, history_open);
    if (r < 0)
        return r;
    steps_begin(&ledger->steps, "write", "history");
    r = history_append(ledger->history_fd, event);
    steps_end(&ledger->steps);
    return r;
}

/* Of gaps whose lines were dropped the number is kept, and nothing else. */
static void forget_dropped(Ledger *ledger)
{
    Census left;
    if (ledger->counted && history_count(ledger->state_dir, &left) == 0)
        memcpy(ledger->census.last_usec, left.last_usec, sizeof(left.last_usec));
}

const Census *ledger_census(Ledger *ledger)
{
    if (ledger->counted)
        return &ledger->census;
    ledger->counted = true;
    if (ledger->state_dir)
        (void)history_count(ledger->state_dir, &ledger->census);
    for (size_t i = 0; i < ledger->n_waiting; i++)
        census_take(&ledger->census, &ledger->waiting[i]);
    return &ledger->census;
}

/* After lines were written: gets them onto the disk, and keeps the file within its bound. */
static int settle(Ledger *ledger, const Event *event)
{
    int r = 0, t = 0;
    if (ledger->sync != SYNC_NEVER) {
        steps_begin(&ledger->steps, "sync", "history");
        r = fdatasync(ledger->history_fd) < 0 ? -errno : 0;
        steps_end(&ledger->steps);
    }
    if (ledger->history_max_bytes > 0) {
        steps_begin(&ledger->steps, "trim", "history");
        t = history_trim(ledger->state_dir, &ledger->history_fd, ledger->history_max_bytes, event);
        guard_keep(OWN_HISTORY, ledger->history_fd);
        if (t > 0)
            forget_dropped(ledger);
        steps_end(&ledger->steps);
    }
    return r < 0 ? r : t < 0 ? t : 0;
}

static void keep(Ledger *ledger, const Event *event)
{
    if (ledger->n_waiting == WAITING_MAX)
        ledger->dropped++;
    else
        ledger->waiting[ledger->n_waiting++] = *event;
}

int ledger_retry(Ledger *ledger)
{
    size_t done = 0;
    int r = 0;
    while (done < ledger->n_waiting && (r = append(ledger, &ledger->waiting[done])) == 0)
        done++;
    if (done == 0)
        return r;
    int s = settle(ledger, &ledger->waiting[done - 1]);
    ledger->n_waiting -= done;
    memmove(ledger->waiting, ledger->waiting + done, ledger->n_waiting * sizeof(*ledger->waiting));
    return r < 0 ? r : s;
}

/* In order: what waits goes first. */
static int record(Ledger *ledger, const Event *event, bool more)
{
    int r = ledger->n_waiting > 0 ? ledger_retry(ledger) : 0;
    if (ledger->n_waiting > 0 || (r = append(ledger, event)) < 0) {
        keep(ledger, event);
        return r;
    }
    return more ? 0 : settle(ledger, event);
}

static void stamp(const Ledger *ledger, const Instant *at, Event *event)
{
    event->realtime_usec = at->realtime_usec;
    event->boottime_usec = at->boottime_usec;
    memcpy(event->boot, ledger->pulse.boot, sizeof(event->boot));
    memcpy(event->run, ledger->pulse.run, sizeof(event->run));
}

static void count_gap(Ledger *ledger, const Event *gap)
{
    if (ledger->counted)
        census_take(&ledger->census, gap);
    ledger->pulse.gaps++;
    ledger->pulse.last_cause = gap->verdict.cause;
}

/* Steps are not marked before ledger_beat(): beside the pulse there is still what the last run was doing, and
 * should this one be killed here, the next start has to read it once more. */
int ledger_begin(Ledger *ledger, const Instant *at, usec_t interval_usec, const Event *gap)
{
    Event start;
    event_init(&start, EVENT_START);
    stamp(ledger, at, &start);
    start.pid = ledger->pulse.pid;
    start.interval_usec = interval_usec;
    ledger->pulse.started_usec = at->realtime_usec;
    sync_names(ledger);
    if (!gap)
        return record(ledger, &start, false);
    count_gap(ledger, gap);
    int r = record(ledger, gap, true); /* both lines by one sync */
    int s = record(ledger, &start, false);
    return r < 0 ? r : s;
}

int ledger_add(Ledger *ledger, const Instant *at, Event *event)
{
    stamp(ledger, at, event);
    if (event->kind == EVENT_GAP) {
        count_gap(ledger, event);
        ledger->synced_usec = 0; /* the next pulse counts as long as its line does */
    }
    return record(ledger, event, false);
}

/* By due instants, as the watchdog is fed: one beat of each second is not taken for one too early. */
static bool is_sync_due(const Ledger *ledger, usec_t due_usec)
{
    if (ledger->sync == SYNC_NEVER)
        return false;
    return ledger->synced_usec == 0 ||
           (ledger->sync == SYNC_BEAT && due_usec >= ledger->synced_usec + USEC_PER_SEC);
}

static void describe(Pulse *pulse, const Beat *beat, uint64_t failing, uint64_t lost)
{
    pulse->seq = beat->seq;
    pulse->due_usec = beat->due.due_usec;
    pulse->realtime_usec = beat->at.realtime_usec;
    pulse->boottime_usec = beat->at.boottime_usec;
    pulse->monotonic_usec = beat->at.monotonic_usec;
    pulse->interval_usec = beat->interval_usec;
    pulse->late_usec = beat->due.late_usec;
    if (beat->due.late_usec > pulse->late_max_usec)
        pulse->late_max_usec = beat->due.late_usec;
    pulse_count_lateness(pulse, beat->due.late_usec);
    pulse->missed += beat->due.missed;
    pulse->failing = failing;
    pulse->lost = lost;
}

static int sync_pulse(Ledger *ledger, usec_t due_usec)
{
    steps_begin_unmarked(&ledger->steps, "sync", "pulse");
    int r = fdatasync(ledger->pulse_fd) < 0 ? -errno : 0;
    steps_end(&ledger->steps);
    ledger->synced_usec = due_usec > 0 ? due_usec : 1;
    return r;
}

/* The mark of the step that follows, or its absence, goes with the record in one write. */
int ledger_beat(Ledger *ledger, const Beat *beat, uint64_t failing, uint64_t lost)
{
    describe(&ledger->pulse, beat, failing, lost);
    int r = ensure(ledger, OWN_PULSE, &ledger->pulse_fd, pulse_file_open);
    if (r < 0)
        return r;
    ledger->steps.pulse_fd = ledger->pulse_fd;
    bool sync = is_sync_due(ledger, beat->due.due_usec);
    steps_begin_unmarked(&ledger->steps, "write", "pulse");
    r = pulse_file_write(ledger->pulse_fd, &ledger->pulse, sync ? "sync pulse" : NULL);
    steps_end(&ledger->steps);
    ledger->steps.marked = sync;
    if (r == 0 && sync)
        r = sync_pulse(ledger, beat->due.due_usec);
    steps_rest(&ledger->steps);
    return r;
}

int ledger_end(Ledger *ledger, const Instant *at)
{
    Event stop;
    event_init(&stop, EVENT_STOP);
    stop.seq = ledger->pulse.seq;
    int r = ledger_add(ledger, at, &stop);
    if (ledger->n_waiting > 0) {
        /* The room for it is there, whatever the disk: or the next start would take it for a victim. */
        if (ledger->steps.pulse_fd >= 0)
            (void)pulse_file_mark(ledger->steps.pulse_fd, STEP_STOPPED);
        return r;
    }
    if (r == 0 && ledger->sync == SYNC_GAP)
        r = sync_pulse(ledger, 0);
    steps_rest(&ledger->steps);
    return r;
}
