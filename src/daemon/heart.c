/* SPDX-License-Identifier: MIT */
/* The loop and the beat.
 *
 * A beat takes its steps in an order of their own: the clocks first, so that no step makes it look later than
 * it was; a gap that it ends; the message to every output; the pulse; the metrics; the service manager last,
 * so that its watchdog is fed by nothing but a beat that was finished. The first beat is the exception: its
 * message does not wait for the disk to take the history. Nothing in here allocates once the loop runs,
 * except for a reload and for a file that somebody has removed. */

#include "daemon/heart.h"

#include <stdio.h>
#include <string.h>

#include "core/reason.h"
#include "core/timestamp.h"
#include "daemon/exit.h"
#include "store/guard.h"
#include "util/log.h"

static void note_history(Heart *heart, int r)
{
    Ledger *ledger = heart->ledger;
    if (r < 0 && heart->history_failure == 0)
        log_warning("%s/history: %s; %s", ledger->state_dir, guard_words(-r),
                    ledger->n_waiting > 0
                        ? "what happens is kept until it can be written"
                        : "it is written, but not made sure of on the disk, or not kept short");
    else if (r == 0 && heart->history_failure != 0)
        log_notice("%s/history: is written again; %" PRIu64 " event%s lost", ledger->state_dir,
                   ledger->dropped, ledger->dropped == 1 ? "" : "s");
    if (r == 0)
        ledger->dropped = 0;
    heart->history_failure = -r;
}

static void note_pulse(Heart *heart, int r)
{
    if (r < 0 && heart->pulse_failure == 0)
        log_warning("%s/pulse: %s; the beats are not stored until it works again", heart->ledger->state_dir,
                    guard_words(-r));
    else if (r == 0 && heart->pulse_failure != 0)
        log_notice("%s/pulse: is written again", heart->ledger->state_dir);
    heart->pulse_failure = -r;
}

/* Says and records what an output has lost. name: the output's; what: that has become of it. */
static void report_loss(Heart *heart, const char *name, const char *what, const Output *lost)
{
    char from[TIMESTAMP_TEXT_MAX], to[TIMESTAMP_TEXT_MAX];
    Instant now;
    Event event;
    log_notice("output %s %s: %" PRIu64 " message%s lost from %s to %s", name, what, lost->lost,
               lost->lost == 1 ? "" : "s", timestamp_format(lost->lost_from_usec, from),
               timestamp_format(lost->lost_to_usec, to));
    heart->clocks->sample(heart->clocks, &now);
    event_init(&event, EVENT_OUTPUT);
    snprintf(event.output, sizeof(event.output), "%s", name);
    event.errnum = (uint64_t)lost->failure;
    event.lost = lost->lost;
    event.from_usec = lost->lost_from_usec;
    event.to_usec = lost->lost_to_usec;
    note_history(heart, ledger_add(heart->ledger, &now, &event));
}

static void report_failure(const Output *output)
{
    log_warning("output %s: %s; its messages are lost until it works again", output->name,
                output_failure_text(output));
}

static void write_output(Heart *heart, Output *output, const Beat *beat)
{
    Output before;
    steps_begin(&heart->ledger->steps, "write", output->name);
    OutputChange change = output_write(output, beat, &before);
    steps_end(&heart->ledger->steps);
    heart->lost += output->failure != 0;
    if (change == OUTPUT_RECOVERED)
        report_loss(heart, output->name, "works again", &before);
    else if (change == OUTPUT_FAILED && beat->seq > 1) /* of the first beat: judge_start() */
        report_failure(output);
}

static void note_manager(Heart *heart, int r)
{
    if (r > 0) /* there was nothing to tell */
        return;
    if (r < 0 && !heart->unheard)
        log_warning("the service manager takes no notification: %s; beating on",
                    r == -EAGAIN ? "it does not read" : strerror(-r));
    heart->unheard = r < 0;
}

static Beat make_beat(Heart *heart, const Instant *now, const Due *due)
{
    return (Beat){
        .seq = ++heart->seq,
        .at = *now,
        .due = *due,
        .interval_usec = heart->schedule.interval_usec,
    };
}

static void write_message(Heart *heart, Beat *beat)
{
    char text[MESSAGE_MAX + 1];
    beat->text = text;
    beat->length =
        message_expand(&heart->message, beat->seq, beat->at.realtime_usec, beat->at.boottime_usec, text);
    heart->logged_usec = beat->due.due_usec;
    for (size_t i = 0; i < heart->n_outputs; i++)
        write_output(heart, heart->outputs[i], beat);
    beat->text = NULL;
}

static void warn_outputs(Heart *heart, const Instant *now, const Event *gap)
{
    char summary[REASON_TEXT_MAX], text[REASON_TEXT_MAX + sizeof("gap: ")];
    int length = snprintf(text, sizeof(text), "gap: %s", reason_summary(gap, summary));
    Warning warning = {
        .realtime_usec = now->realtime_usec, .text = text, .length = (size_t)length, .gap = gap
    };
    for (size_t i = 0; i < heart->n_outputs; i++) {
        steps_begin(&heart->ledger->steps, "write", heart->outputs[i]->name);
        output_warn(heart->outputs[i], &warning);
        steps_end(&heart->ledger->steps);
    }
    supervisor_note_gap(heart->supervisor, gap);
}

static size_t count_failing(const Heart *heart)
{
    size_t failing = 0;
    for (size_t i = 0; i < heart->n_outputs; i++)
        failing += heart->outputs[i]->failure != 0;
    return failing;
}

static void store(Heart *heart, const Beat *beat)
{
    if (heart->ledger->n_waiting > 0)
        note_history(heart, ledger_retry(heart->ledger));
    note_pulse(heart, ledger_beat(heart->ledger, beat, count_failing(heart), heart->lost));
}

static void note_metrics(Metrics *metrics, int r)
{
    if (r < 0 && metrics->failure == 0)
        log_warning("metrics %s: %s; they are not written until it works again", metrics->path, strerror(-r));
    else if (r == 0 && metrics->failure != 0)
        log_notice("metrics %s: are written again", metrics->path);
    metrics->failure = -r;
}

/* Behind the pulse, whose figures they are. */
static void write_metrics(Heart *heart, const Beat *beat)
{
    Ledger *ledger = heart->ledger;
    if (!metrics_is_due(&heart->metrics, beat->due.due_usec))
        return;
    steps_begin(&ledger->steps, "write", "metrics");
    int r = metrics_write(&heart->metrics, &ledger->pulse, ledger_census(ledger));
    steps_end(&ledger->steps);
    steps_rest(&ledger->steps);
    heart->metrics.written_usec = beat->due.due_usec;
    note_metrics(&heart->metrics, r);
}

static void feed(Heart *heart, const Beat *beat)
{
    note_manager(heart, supervisor_beat(heart->supervisor, beat, heart->outputs, heart->n_outputs));
}

/* What fails at the start is a warning when something else took the first beat, and else the reason why there
 * is no start. */
static int judge_start(const Heart *heart, Error *ret_error)
{
    size_t failing = count_failing(heart);
    if (failing == heart->n_outputs && heart->pulse_failure != 0) {
        const Output *first = heart->outputs[0];
        return error_set(ret_error, EXIT_FAILURE, first->failure,
                         "output %s: %s; nothing%s took the first beat, the pulse neither", first->name,
                         output_failure_text(first), failing == 1 ? "" : " else");
    }
    for (size_t i = 0; i < heart->n_outputs; i++)
        if (heart->outputs[i]->failure != 0)
            report_failure(heart->outputs[i]);
    return 0;
}

/* Reading the counters takes microseconds: when it took so long, something has disturbed it, and something
 * does so only so often in a row. */
#define OBSERVE_USEC USEC_PER_MSEC
#define OBSERVE_MAX 8

/* Reads the counters as of now, or as of a later now. Were the process stopped between the two, its beat
 * would be on time, and the counters of the next one, which is not, would not have grown by what explains it.
 */
static void observe(Heart *heart, Instant *now, Counters *ret_counters)
{
    Instant after;
    heart->unasked_usec = 0;
    for (int i = 0; i < OBSERVE_MAX; i++) {
        heart->clocks->count(heart->clocks, true, ret_counters);
        heart->clocks->sample(heart->clocks, &after);
        if (after.boottime_usec - now->boottime_usec < OBSERVE_USEC)
            return;
        *now = after;
    }
}

/* Counters of files are not read at each beat, for one that is made on time has nothing to explain. What a
 * process waits for a CPU, throttled or starved, makes it late or its beat long; unasked_usec sums that up,
 * and before it comes to a share of what a gap would lose, which is an interval and not less than that share
 * short of it, the counters are read again. 32: what does not explain a gap came to 0.03 of what was lost
 * (measured). */
#define UNASKED_SHARE 32

static bool must_ask(const Heart *heart, usec_t late_usec)
{
    return usec_add(heart->unasked_usec, late_usec) > heart->schedule.interval_usec / UNASKED_SHARE;
}

static void note_busy(Heart *heart, const Instant *since)
{
    Instant now;
    heart->clocks->sample(heart->clocks, &now);
    heart->unasked_usec = usec_add(heart->unasked_usec, now.boottime_usec - since->boottime_usec);
}

int heart_start(Heart *heart, Error *ret_error)
{
    Instant now;
    Counters counters;
    Due due;
    Event gap;
    heart->clocks->sample(heart->clocks, &now);
    observe(heart, &now, &counters);
    witness_begin(&heart->witness, &now, &counters);
    schedule_start(&heart->schedule, heart->interval_usec, now.boottime_usec, &due);
    bool found = ledger_close_past(heart->ledger, &now, &gap) > 0;
    if (found)
        warn_outputs(heart, &now, &gap);
    Beat beat = make_beat(heart, &now, &due);
    write_message(heart, &beat);
    note_history(heart, ledger_begin(heart->ledger, &now, heart->interval_usec, found ? &gap : NULL));
    store(heart, &beat);
    int r = judge_start(heart, ret_error);
    if (r < 0)
        return r;
    write_metrics(heart, &beat);
    feed(heart, &beat);
    note_busy(heart, &now);
    return 0;
}

static void note_clock(Heart *heart, const Instant *now, Event *event)
{
    char words[REASON_TEXT_MAX];
    note_history(heart, ledger_add(heart->ledger, now, event));
    log_notice("%s", reason_clock(event, words));
}

static void note_gap(Heart *heart, const Instant *now, Event *gap)
{
    gap->interval_usec = heart->schedule.interval_usec;
    note_history(heart, ledger_add(heart->ledger, now, gap));
    warn_outputs(heart, now, gap);
}

/* allowed_usec: as for witness_look(). Returns whether a gap ended. */
static bool look(Heart *heart, const Instant *now, const Counters *counters, const Due *due,
                 usec_t allowed_usec)
{
    Event gap, clock;
    Sight sight = {
        .at = now,
        .counters = counters,
        .due = due,
        .allowed_usec = allowed_usec,
        .longest = &heart->ledger->steps.longest,
        .stopping = heart->stopping,
    };
    int seen = witness_look(&heart->witness, &sight, &gap, &clock);
    steps_forget(&heart->ledger->steps);
    if (seen & SEEN_CLOCK)
        note_clock(heart, now, &clock);
    if (seen & SEEN_GAP)
        note_gap(heart, now, &gap);
    return seen & SEEN_GAP;
}

/* However late the beat before was made, from one to the next it may take an interval; and longer where a
 * reload has just begun a new grid. */
static usec_t allowed(const Heart *heart)
{
    usec_t usec = schedule_next(&heart->schedule) - heart->witness.at.boottime_usec;
    return usec > heart->schedule.interval_usec ? usec : heart->schedule.interval_usec;
}

static void count(Heart *heart, Instant *now, Counters *ret_counters)
{
    usec_t late_usec = now->boottime_usec - schedule_next(&heart->schedule);
    if (must_ask(heart, late_usec)) {
        observe(heart, now, ret_counters);
        return;
    }
    heart->unasked_usec += late_usec;
    heart->clocks->count(heart->clocks, false, ret_counters);
}

static void make_next_beat(Heart *heart, Instant now)
{
    Counters counters;
    Due due;
    usec_t allowed_usec = allowed(heart);
    count(heart, &now, &counters);
    schedule_beat(&heart->schedule, now.boottime_usec, &due);
    Beat beat = make_beat(heart, &now, &due);
    bool gap = look(heart, &now, &counters, &due, allowed_usec);
    if (gap || due.due_usec >= heart->logged_usec + heart->log_every_usec)
        write_message(heart, &beat);
    store(heart, &beat);
    write_metrics(heart, &beat);
    feed(heart, &beat);
    note_busy(heart, &now);
}

static void record_reload(Heart *heart, const Instant *now)
{
    Event event;
    event_init(&event, EVENT_RELOAD);
    event.interval_usec = heart->interval_usec;
    note_history(heart, ledger_add(heart->ledger, now, &event));
    steps_rest(&heart->ledger->steps);
}

/* Little of a long interval may be much of a short one. */
static void ask_anew(Heart *heart, Instant *now)
{
    Counters counters;
    observe(heart, now, &counters);
    heart->witness.counters.throttled = counters.throttled;
    heart->witness.counters.starved = counters.starved;
}

static void reload(Heart *heart)
{
    Instant now;
    heart->clocks->sample(heart->clocks, &now);
    ask_anew(heart, &now);
    note_manager(heart, supervisor_reloading(heart->supervisor, now.monotonic_usec));
    bool done = heart->reload(heart->context) == 0;
    heart->clocks->sample(heart->clocks, &now);
    schedule_change(&heart->schedule, heart->interval_usec, now.boottime_usec);
    if (done)
        record_reload(heart, &now);
    note_manager(heart, supervisor_reloaded(heart->supervisor, heart->outputs, heart->n_outputs));
}

/* Whatever woke the loop, the clock says what is due. */
static void act(Heart *heart)
{
    Instant now;
    heart->clocks->sample(heart->clocks, &now);
    if (now.boottime_usec >= schedule_next(&heart->schedule)) {
        make_next_beat(heart, now);
        return;
    }
    heart->unasked_usec = USEC_INFINITY; /* how late that was nobody knows */
    if (now.boottime_usec >= supervisor_next(heart->supervisor, heart->schedule.interval_usec))
        note_manager(heart,
                     supervisor_feed(heart->supervisor, now.boottime_usec, heart->outputs, heart->n_outputs));
}

static bool is_beat_missing(const Heart *heart)
{
    Instant now;
    heart->clocks->sample(heart->clocks, &now);
    return now.boottime_usec >= schedule_next(&heart->schedule) + heart->schedule.interval_usec;
}

static usec_t next_wake(const Heart *heart)
{
    usec_t due = schedule_next(&heart->schedule);
    usec_t watchdog = supervisor_next(heart->supervisor, heart->schedule.interval_usec);
    return due < watchdog ? due : watchdog;
}

int heart_run(Heart *heart)
{
    for (;;) {
        int wake = heart->clocks->wait(heart->clocks, next_wake(heart));
        if (wake < 0)
            return wake;
        if (wake & WAKE_STOP) {
            heart->stopping = true;
            if (is_beat_missing(heart))
                act(heart); /* who was stopped or starved until now knows it, and the next run would not */
            return 0;
        }
        act(heart); /* before a reload, which begins a new grid: what was due on the old one is answered */
        if (wake & WAKE_RELOAD)
            reload(heart);
    }
}

static Output *find_output(Output *const *outputs, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(outputs[i]->name, name) == 0)
            return outputs[i];
    return NULL;
}

void heart_take_outputs(Heart *heart, Output **outputs, size_t n_outputs)
{
    for (size_t i = 0; i < heart->n_outputs; i++) {
        const Output *old = heart->outputs[i];
        Output *new = find_output(outputs, n_outputs, old->name);
        if (new)
            output_inherit(new, old);
        else if (old->failure != 0)
            report_loss(heart, old->name, "is given up", old);
    }
    outputs_free(heart->outputs, heart->n_outputs);
    heart->outputs = outputs;
    heart->n_outputs = n_outputs;
}

void heart_end(Heart *heart)
{
    Instant now;
    for (size_t i = 0; i < heart->n_outputs; i++)
        if (heart->outputs[i]->failure != 0)
            report_loss(heart, heart->outputs[i]->name, "still fails", heart->outputs[i]);
    heart->clocks->sample(heart->clocks, &now);
    int r = ledger_end(heart->ledger, &now);
    uint64_t lost = heart->ledger->n_waiting + heart->ledger->dropped;
    if (lost > 0)
        log_warning("%s/history: %s; %" PRIu64 " event%s lost", heart->ledger->state_dir, strerror(-r), lost,
                    lost == 1 ? "" : "s");
    else
        note_history(heart, r);
}

void heart_done(Heart *heart)
{
    outputs_free(heart->outputs, heart->n_outputs);
    metrics_close(&heart->metrics);
    heart->outputs = NULL;
    heart->n_outputs = 0;
}
