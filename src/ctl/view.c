/* SPDX-License-Identifier: MIT */
/* What all commands look at. */

#include "ctl/view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/reason.h"
#include "ctl/print.h"
#include "store/identity.h"
#include "store/pulse-file.h"
#include "util/clock.h"
#include "util/text.h"

/* A run may end and another begin while the record is read. */
#define READ_TRIES 3

/* Trouble of this program's own, which says nothing of the daemon. */
static bool is_own_trouble(int r)
{
    return r == -ENOMEM || r == -EMFILE || r == -ENFILE;
}

/* What a process is that could not be looked at. Returns the error if it is of no use to go on. */
static int judge_process(int r, ProcessState *ret)
{
    *ret = r == -ESRCH ? PROCESS_GONE : PROCESS_HIDDEN;
    return is_own_trouble(r) || r == -EIO || r == -EINTR ? r : 0;
}

/* Whether a pulse's process is the one that has its pid now. Returns 0 or -errno. */
static int find_process(const Pulse *pulse, ProcessState *ret)
{
    uint64_t start_ticks;
    int r = pulse->pid > INT32_MAX ? -ESRCH : identity_process((pid_t)pulse->pid, &start_ticks);
    if (r < 0)
        return judge_process(r, ret);
    *ret = start_ticks == pulse->start_ticks ? PROCESS_THERE : PROCESS_GONE;
    return 0;
}

/* Of a run that has written lines and no beat yet, the first line tells the pid, and a process that began
 * after that line is another. */
typedef struct Starter {
    const char *run;
    Event start;
    bool found;
} Starter;

static bool is_start(void *context, const Event *event)
{
    return event->kind == EVENT_START && strcmp(event->run, ((Starter *)context)->run) == 0;
}

static int take_start(void *context, const Event *event)
{
    Starter *starter = context;
    starter->found = is_start(starter, event);
    starter->start = *event;
    return starter->found;
}

static int find_starter(View *view)
{
    Starter starter = { .run = view->past.pulse.run };
    HistoryDamage damage;
    uint64_t start_ticks;
    long ticks_per_second = sysconf(_SC_CLK_TCK);
    view->process = PROCESS_GONE;
    int r = history_read_last(view->state_dir, is_start, take_start, &starter, &damage);
    if (is_own_trouble(r))
        return r;
    if (!starter.found || starter.start.pid > INT32_MAX || ticks_per_second <= 0)
        return 0;
    view->past.pulse.pid = starter.start.pid;
    if (starter.start.interval_usec != EVENT_NONE && starter.start.interval_usec > 0)
        view->past.pulse.interval_usec = starter.start.interval_usec;
    r = identity_process((pid_t)starter.start.pid, &start_ticks);
    if (r < 0)
        return judge_process(r, &view->process);
    uint64_t seconds = start_ticks / (uint64_t)ticks_per_second;
    if (seconds <= starter.start.boottime_usec / USEC_PER_SEC)
        view->process = PROCESS_THERE;
    return 0;
}

/* The process is looked for between the beat and the end of the run: if it is gone by then, what it had to
 * say of its end is in the history when that is read. */
static int read_record(View *view)
{
    char machine[MACHINE_LENGTH + 1], step[STEP_MAX];
    Pulse pulse;
    identity_machine(machine);
    bool same_run = false;
    for (unsigned i = 0; i < READ_TRIES && !same_run; i++) {
        int r = pulse_file_read(view->state_dir, &pulse, step);
        bool readable = r == 0;
        view->process = PROCESS_GONE;
        if (readable)
            r = find_process(&pulse, &view->process);
        if (is_own_trouble(r) || (readable && r < 0))
            return r;
        recall_past(view->state_dir, machine, &view->past, &view->trouble);
        same_run = !view->past.readable || (readable && strcmp(pulse.run, view->past.pulse.run) == 0);
    }
    if (is_own_trouble(view->trouble.pulse) || is_own_trouble(view->trouble.history))
        return is_own_trouble(view->trouble.pulse) ? view->trouble.pulse : view->trouble.history;
    return same_run ? 0 : find_starter(view);
}

void view_judge(View *view)
{
    LivenessNow now = {
        .boottime_usec = view->boottime_usec,
        .boot = view->boot,
        /* One that is hidden may be anybody's, with a number that was used again: the record decides. */
        .process = view->process == PROCESS_THERE ||
                   (view->process == PROCESS_HIDDEN && !view->past.stopped && !view->past.exited),
    };
    /* A history that cannot be read is a record, too. */
    view->past.any = view->past.any || view->trouble.history < 0 || view->trouble.bad_lines > 0;
    view->liveness = liveness_judge(&view->past, &now);
    view->same_boot = view->past.readable && strcmp(view->past.pulse.boot, view->boot) == 0;
    view->age_usec = view->same_boot && view->liveness != LIVENESS_UNREADABLE
                         ? liveness_age(&view->past.pulse, view->boottime_usec)
                         : EVENT_NONE;
}

int view_read(const char *state_dir, View *ret)
{
    View view = { .state_dir = state_dir };
    int r = identity_boot(view.boot);
    if (r < 0)
        return r;
    r = read_record(&view);
    if (r < 0)
        return r;
    view.realtime_usec = clock_usec(CLOCK_REALTIME);
    view.boottime_usec = clock_usec(CLOCK_BOOTTIME);
    view_judge(&view);
    *ret = view;
    return 0;
}

char *view_why_unreadable(const View *view, char buffer[static VIEW_WORDS_MAX])
{
    int r = view->trouble.pulse;
    if (view->past.readable)
        snprintf(buffer, VIEW_WORDS_MAX, "its last beat lies ahead of this boot's clock");
    else if (r == -EBADMSG)
        snprintf(buffer, VIEW_WORDS_MAX, "the last beat's record is damaged");
    else if (r == -ENOTSUP)
        snprintf(buffer, VIEW_WORDS_MAX, "a newer version of heartbeatd wrote it");
    else if (r == -EREMOTE)
        snprintf(buffer, VIEW_WORDS_MAX, "it was made on another machine");
    else if (r == -EINVAL || r == -ELOOP)
        snprintf(buffer, VIEW_WORDS_MAX, "the last beat's record is no regular file");
    else if (r < 0)
        snprintf(buffer, VIEW_WORDS_MAX, "the last beat's record: %s", strerror(-r));
    else if (view->trouble.history < 0)
        snprintf(buffer, VIEW_WORDS_MAX, "there is no last beat, and the history cannot be read: %s",
                 strerror(-view->trouble.history));
    else
        snprintf(buffer, VIEW_WORDS_MAX, "there is a history, and no last beat");
    return buffer;
}

/* A gap that nobody can explain but the process that is in it. */
static bool is_unfinished(const View *view)
{
    return view->liveness == LIVENESS_LATE || view->liveness == LIVENESS_SILENT;
}

/* While the process is there nobody knows yet why it does not beat: what could be measured, it would have to
 * measure itself. */
static void set_unfinished(const View *view, Event *gap)
{
    gap->verdict = (Verdict){ .cause = CAUSE_UNKNOWN, .host = HOST_UP };
    gap->past[0] = '\0';
    gap->exit = (ExitRecord){ 0 };
    gap->stopped_usec = EVENT_NONE;
    memcpy(gap->step, view->past.step, sizeof(gap->step));
}

int view_ongoing_gap(const View *view, Event *ret)
{
    Present present = { .realtime_usec = view->realtime_usec, .boottime_usec = view->boottime_usec };
    memcpy(present.boot, view->boot, sizeof(present.boot));
    memcpy(present.run, view->past.pulse.run, sizeof(present.run));
    bool unfinished = is_unfinished(view);
    if (!unfinished && view->liveness != LIVENESS_GONE && view->liveness != LIVENESS_STOPPED)
        return 0;
    Past past = view->past;
    if (unfinished)
        past.stopped = past.exited = false;
    if (past_close(&past, &present, ret) == 0)
        return 0;
    if (unfinished)
        set_unfinished(view, ret);
    return 1;
}

char *view_evidence(const View *view, const Event *gap, bool ongoing, char buffer[static REASON_TEXT_MAX])
{
    char raw[REASON_TEXT_MAX];
    if (!ongoing || !is_unfinished(view))
        return reason_evidence(gap, buffer);
    snprintf(raw, sizeof(raw), "the process is there, and does not beat%s%s",
             gap->step[0] ? "; it is in: " : "", gap->step);
    text_escape(raw, strlen(raw), buffer, REASON_TEXT_MAX);
    return buffer;
}

char *view_output_words(const Event *event, char buffer[static REASON_TEXT_MAX])
{
    char raw[REASON_TEXT_MAX];
    bool known = event->errnum > 0 && event->errnum < 4096; /* the kernel's MAX_ERRNO is 4095 */
    int n = snprintf(raw, sizeof(raw), "%s: %s", event->output,
                     known ? strerror((int)event->errnum) : "it failed");
    if (event->lost != EVENT_NONE)
        snprintf(raw + n, sizeof(raw) - (size_t)n, "; %" PRIu64 " message%s lost", event->lost,
                 event->lost == 1 ? "" : "s");
    text_escape(raw, strlen(raw), buffer, REASON_TEXT_MAX);
    return buffer;
}

void view_take_event(Summary *summary, const Event *event)
{
    if (!summary->any)
        summary->since_usec = event->realtime_usec;
    summary->any = true;
    if (event->kind == EVENT_TRIM) {
        summary->trimmed = true;
        summary->since_usec = event->from_usec != EVENT_NONE ? event->from_usec : event->realtime_usec;
        summary->trimmed_gaps = 0;
        for (Cause cause = 0; cause < CAUSE_COUNT; cause++)
            summary->trimmed_gaps += event->gaps[cause];
    }
}

static bool is_gap(void *context, const Event *event)
{
    (void)context;
    return event->kind == EVENT_GAP;
}

static int take_gap(void *context, const Event *event)
{
    Summary *summary = context;
    view_take_event(summary, event);
    if (event->kind == EVENT_GAP) {
        summary->has_gap = true;
        summary->last_gap = *event;
    }
    return 0;
}

void view_read_last_gap(const View *view, Summary *ret)
{
    *ret = SUMMARY_NONE;
    ret->error = history_read_last(view->state_dir, is_gap, take_gap, ret, &ret->damage);
    view_note_error(ret, view_history_error(view));
}

static int take_first(void *context, const Event *event)
{
    view_take_event(context, event);
    return 1;
}

void view_read_beginning(const View *view, Summary *ret)
{
    *ret = SUMMARY_NONE;
    int r = history_read(view->state_dir, take_first, ret, &ret->damage);
    view_note_error(ret, r);
    view_note_error(ret, view_history_error(view));
}

void view_read_since(const View *view, usec_t since_usec, HistoryVisitor *visit, void *context, Summary *ret)
{
    ret->error = since_usec == USEC_INFINITY
                     ? history_read(view->state_dir, visit, context, &ret->damage)
                     : history_read_since(view->state_dir, since_usec, visit, context, &ret->damage);
    view_note_error(ret, view_history_error(view));
}

int view_history_error(const View *view)
{
    int r = view->trouble.history;
    return r == -ENOTSUP || r == -EREMOTE ? 0 : r;
}

void view_note_error(Summary *summary, int r)
{
    if (summary->error == 0 && r < 0)
        summary->error = r;
}

void view_complain(const Summary *summary)
{
    const HistoryDamage *damage = &summary->damage;
    if (summary->error < 0 && summary->error != -ENOENT)
        complain("the history: %s", strerror(-summary->error));
    if (damage->bad > 0 || damage->torn)
        complain("damaged lines of the history, which are passed over: %" PRIu64, damage->bad + damage->torn);
    if (damage->newer > 0)
        complain("lines of a newer version in the history, which are passed over: %" PRIu64, damage->newer);
}

bool view_complain_of_time(const Summary *summary, const Style *style, usec_t since_usec, usec_t until_usec)
{
    usec_t first_usec = since_usec != USEC_INFINITY ? since_usec : until_usec;
    if (first_usec == USEC_INFINITY || !summary->any || first_usec >= summary->since_usec)
        return false;
    complain("no data before %s%s", TIME(style, summary->since_usec),
             summary->trimmed ? ", where older lines were thrown away" : "");
    return true;
}

void view_complain_of_nothing(const View *view, const Summary *summary)
{
    if (summary->error == 0 || summary->error == -ENOENT)
        complain("no %s in %s", view->past.any ? "history" : "record", view->state_dir);
}
