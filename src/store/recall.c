/* SPDX-License-Identifier: MIT */
/* What the files of the state directory say of the run before this one. */

#include "store/recall.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/history.h"
#include "store/pulse-file.h"
#include "store/state-file.h"
#include "util/cleanup.h"

typedef struct Reader {
    Past *past;
    bool met; /* a line of the pulse's run, or of one that began after it */
} Reader;

/* A run that ended before it stored its first beat has written lines, and they are later than the pulse. */
static void follow(Pulse *pulse, const Event *event)
{
    memcpy(pulse->run, event->run, sizeof(pulse->run));
    memcpy(pulse->boot, event->boot, sizeof(pulse->boot));
    pulse->seq = 1;
    pulse->realtime_usec = event->realtime_usec;
    pulse->boottime_usec = pulse->due_usec = event->boottime_usec;
    pulse->late_usec = 0;
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
    if (!past->readable)
        return 0;
    bool same = strcmp(event->run, past->pulse.run) == 0;
    bool begins = event->kind == EVENT_START || event->kind == EVENT_GAP;
    if (!same && reader->met && begins) {
        follow(&past->pulse, event);
        past->stopped = past->exited = false;
        same = true;
    }
    reader->met = reader->met || same;
    if (same)
        note_end(past, event);
    return 0;
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
    r = history_read(state_dir, take_event, &reader, &damage);
    if (r < 0 && r != -ENOENT)
        ret_trouble->history = r;
    else if (damage.newer > 0)
        ret_trouble->history = -ENOTSUP;
    ret_trouble->bad_lines = damage.bad;
}

int recall_move_aside(const char *state_dir, const char *name)
{
    cleanup_free char *from = state_file_path(state_dir, name), *to = NULL;
    if (!from || asprintf(&to, "%s.unreadable", from) < 0)
        return -ENOMEM;
    return rename(from, to) < 0 ? -errno : 0;
}
