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

/* How the run that the pulse is of has ended; the last line wins. */
static int note_end(void *context, const Event *event)
{
    Past *past = context;
    past->any = true;
    if (!past->readable || strcmp(event->run, past->pulse.run) != 0)
        return 0;
    if (event->kind == EVENT_STOP) {
        past->stopped = true;
        past->stopped_usec = event->realtime_usec;
    } else if (event->kind == EVENT_EXIT) {
        past->exited = true;
        past->exit = event->exit;
    }
    return 0;
}

void recall_past(const char *state_dir, Past *ret, RecallTrouble *ret_trouble)
{
    HistoryDamage damage = { 0 };
    *ret = (Past){ 0 };
    *ret_trouble = (RecallTrouble){ 0 };
    int r = pulse_file_read(state_dir, &ret->pulse, ret->step);
    ret->readable = r == 0;
    ret->any = r != -ENOENT;
    if (r != -ENOENT)
        ret_trouble->pulse = r;
    r = history_read(state_dir, note_end, ret, &damage);
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
