/* SPDX-License-Identifier: MIT */
/* What the files of the state directory say of the run before this one. */

#include "store/recall.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/history-read.h"
#include "store/pulse-file.h"
#include "store/state-file.h"
#include "util/cleanup.h"
#include "util/file.h"

typedef struct Reader {
    Past *past;
    bool met; /* a line of the pulse's run, or of one that began after it */
} Reader;

/* A run that ended before it stored its first beat has written lines, and they are later than the pulse. Its
 * interval is in the line of its start, which may be missing behind that of a gap. */
static void follow(Pulse *pulse, const Event *event)
{
    memcpy(pulse->run, event->run, sizeof(pulse->run));
    memcpy(pulse->boot, event->boot, sizeof(pulse->boot));
    pulse->seq = 1;
    pulse->realtime_usec =
        event->kind == EVENT_GAP && event->to_usec != EVENT_NONE ? event->to_usec : event->realtime_usec;
    pulse->boottime_usec = pulse->due_usec = event->boottime_usec;
    pulse->interval_usec = pulse->late_usec = 0;
}

static bool is_later(const Pulse *pulse, const Event *event)
{
    return strcmp(event->boot, pulse->boot) == 0 && event->boottime_usec > pulse->boottime_usec;
}

/* Whether a line begins a run that came after the pulse's. The order of the lines says so behind one of the
 * pulse's run; where there is none of that, because the file is a new one, the line itself has to. */
static bool begins_later(const Reader *reader, const Event *event)
{
    const Pulse *pulse = &reader->past->pulse;
    if (event->kind != EVENT_START && event->kind != EVENT_GAP)
        return false;
    return reader->met || strcmp(event->past, pulse->run) == 0 || is_later(pulse, event);
}

static bool has_interval(const Event *event)
{
    return event->interval_usec > 0 && event->interval_usec != EVENT_NONE;
}

/* The beat that ended a gap was made, whether or not it was stored after the line. Its due instant is on the
 * pulse's grid: a reload begins a new one at the last due instant of the old. */
static void go_on(Pulse *pulse, const Event *gap)
{
    usec_t due_usec = pulse->due_usec < gap->boottime_usec ? pulse->due_usec : gap->boottime_usec;
    usec_t interval_usec = has_interval(gap) ? gap->interval_usec : pulse->interval_usec;
    pulse->late_usec = interval_usec > 0 ? (gap->boottime_usec - due_usec) % interval_usec : 0;
    pulse->due_usec = gap->boottime_usec - pulse->late_usec;
    pulse->boottime_usec = gap->boottime_usec;
    pulse->realtime_usec = gap->to_usec != EVENT_NONE ? gap->to_usec : gap->realtime_usec;
    pulse->seq += pulse->seq < UINT64_MAX;
}

/* What a line of the run adds to its last beat: nothing, if that was stored after it. */
static void take_progress(Pulse *pulse, const Event *event)
{
    bool begun = event->kind == EVENT_START && event->boottime_usec == pulse->boottime_usec;
    bool reloaded = event->kind == EVENT_RELOAD && is_later(pulse, event);
    if (event->kind == EVENT_GAP && is_later(pulse, event))
        go_on(pulse, event);
    else if ((begun || reloaded) && has_interval(event))
        pulse->interval_usec = event->interval_usec;
}

static void note_end(Past *past, const Event *event)
{
    if (event->kind == EVENT_STOP) {
        past->stopped = true;
        past->stopped_usec = event->realtime_usec;
    } else if (event->kind == EVENT_EXIT) {
        past->exited = true;
        past->exit = event->exit;
    }
}

static int take_event(void *context, const Event *event)
{
    Reader *reader = context;
    Past *past = reader->past;
    past->any = true;
    /* The line of a trim stands before all others, and is younger than many of them. */
    if (!past->readable || event->kind == EVENT_TRIM)
        return 0;
    bool same = strcmp(event->run, past->pulse.run) == 0;
    if (!same && begins_later(reader, event)) {
        follow(&past->pulse, event);
        past->stopped = past->exited = false;
        past->step[0] = '\0'; /* marks are made from the first stored beat on */
        same = true;
    }
    reader->met = reader->met || same;
    if (same) {
        take_progress(&past->pulse, event);
        note_end(past, event);
    }
    return 0;
}

/* Whether all that stands before a line was written before the last beat was, and so adds nothing to it: a
 * line of the beat's own run that is not younger. How a run ended may be told in more than one. */
static bool is_covered(void *context, const Event *event)
{
    const Past *past = ((Reader *)context)->past;
    return event->kind != EVENT_STOP && event->kind != EVENT_EXIT && event->kind != EVENT_TRIM &&
           strcmp(event->run, past->pulse.run) == 0 && strcmp(event->boot, past->pulse.boot) == 0 &&
           event->boottime_usec <= past->pulse.boottime_usec;
}

static bool is_elsewhere(const Past *past, const char *machine)
{
    return past->readable && machine[0] && past->pulse.machine[0] &&
           strcmp(past->pulse.machine, machine) != 0;
}

void recall_past(const char *state_dir, const char *machine, Past *ret, RecallTrouble *ret_trouble)
{
    HistoryDamage damage = { 0 };
    Reader reader = { .past = ret };
    *ret = (Past){ 0 };
    *ret_trouble = (RecallTrouble){ 0 };
    int r = pulse_file_read(state_dir, &ret->pulse, ret->step);
    ret->readable = r == 0;
    ret->any = r != -ENOENT;
    if (r != -ENOENT)
        ret_trouble->pulse = r;
    if (is_elsewhere(ret, machine)) {
        ret_trouble->pulse = ret_trouble->history = -EREMOTE;
        ret->readable = false;
        return;
    }
    if (ret->readable && strcmp(ret->step, STEP_STOPPED) == 0) {
        ret->stopped = true;
        ret->stopped_usec = ret->pulse.realtime_usec; /* no earlier, and no more is known */
        ret->step[0] = '\0';
    }
    if (ret->readable)
        r = history_read_last(state_dir, is_covered, take_event, &reader, &damage);
    else /* no line is covered by a beat that is not known: to look for one would be to read it all twice */
        r = history_read(state_dir, take_event, &reader, &damage);
    if (r < 0 && r != -ENOENT)
        ret_trouble->history = r;
    else if (damage.newer > 0)
        ret_trouble->history = -ENOTSUP;
    ret_trouble->bad_lines = damage.bad;
    ret->obscured = ret->readable && (!reader.met || ret_trouble->history != 0);
}

int recall_move_aside(const char *state_dir, const char *name)
{
    cleanup_free char *from = path_join(state_dir, name), *to = NULL;
    if (!from || asprintf(&to, "%s.unreadable", from) < 0)
        return -ENOMEM;
    return rename(from, to) < 0 ? -errno : 0;
}
