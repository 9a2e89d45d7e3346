/* SPDX-License-Identifier: MIT */
#pragma once
/* What all commands look at: the record of the last run, its process, and the present. Nothing is written,
 * and nothing is waited for. */

#include "core/liveness.h"
#include "core/reason.h"
#include "ctl/print.h"
#include "store/history-read.h"
#include "store/recall.h"

/* What a process is to the one who looks. */
typedef enum ProcessState {
    PROCESS_GONE,
    PROCESS_THERE,
    PROCESS_HIDDEN, /* there is one with this pid, and no telling whether it is the one */
} ProcessState;

typedef struct View {
    const char *state_dir;
    usec_t realtime_usec, boottime_usec; /* now: read after the record, so that no beat is ahead of it */
    char boot[BOOT_ID_LENGTH + 1];
    Past past;
    RecallTrouble trouble;
    bool same_boot;       /* the record's last boot is this one */
    ProcessState process; /* of the last run */
    Liveness liveness;
    usec_t age_usec; /* of the last beat; within one boot only, else EVENT_NONE */
} View;

/* Returns 0, or -errno when this host does not tell its boot, or its processes and the record cannot be
 * looked at for want of something of one's own, such as memory: that says nothing of the daemon. */
int view_read(const char *state_dir, View *ret);

/* What follows from the record, its process and the present: fills in what stands behind them in a View. */
void view_judge(View *view);

/* Why the record is unreadable, in words: "it is damaged". For that state only; returns buffer. */
#define VIEW_WORDS_MAX 256
char *view_why_unreadable(const View *view, char buffer[static VIEW_WORDS_MAX]);

/* The gap that lasts until now, as it would be recorded if it ended now. Returns 1, or 0 when there is none.
 */
int view_ongoing_gap(const View *view, Event *ret);

/* Evidence in a few words, as reason_evidence() has it; for the ongoing gap of a process that is there, what
 * is seen of that process. Returns buffer. */
char *view_evidence(const View *view, const Event *gap, bool ongoing, char buffer[static REASON_TEXT_MAX]);

/* What an EVENT_OUTPUT tells, in words fit to be shown. Returns buffer. */
char *view_output_words(const Event *event, char buffer[static REASON_TEXT_MAX]);

/* What the history comes to, as far as it was read. */
typedef struct Summary {
    int error; /* 0, -ENOENT when there is no history, or another -errno */
    HistoryDamage damage;
    bool any;              /* an event at all */
    usec_t since_usec;     /* from then on it is whole: the time of its first event, or of what was trimmed */
    bool trimmed;          /* older events were thrown away */
    uint64_t trimmed_gaps; /* how many gaps were among them */
    bool has_gap;          /* and the last one, of view_read_last_gap() */
    Event last_gap;
} Summary;

/* What kept from reading the history when the record was read, which the state rests on; 0: nothing did. */
int view_history_error(const View *view);

/* The last gap; of the rest, what there is behind it, or all of it where there is no gap. */
void view_read_last_gap(const View *view, Summary *ret);

/* The first event, and when it was. */
void view_read_beginning(const View *view, Summary *ret);

/* For a visitor who takes each event into the summary, which begins as SUMMARY_NONE: reads what
 * history_read_since() has, or all with USEC_INFINITY. */
#define SUMMARY_NONE ((Summary){ .since_usec = USEC_INFINITY })
void view_take_event(Summary *summary, const Event *event);
void view_read_since(const View *view, usec_t since_usec, HistoryVisitor *visit, void *context, Summary *ret);

/* Once more: that it fails this time is noted in the summary, where it did not before. */
void view_note_error(Summary *summary, int r);

/* Says on standard error what had to be passed over, if anything had. */
void view_complain(const Summary *summary);

/* The same if the history begins after a time that was asked about; returns whether it does. Either may be
 * USEC_INFINITY: not given. */
bool view_complain_of_time(const Summary *summary, const Style *style, usec_t since_usec, usec_t until_usec);

/* The same where there was nothing to answer from: no history, or no record at all. */
void view_complain_of_nothing(const View *view, const Summary *summary);
