/* SPDX-License-Identifier: MIT */
/* The loop and the beat.
 *
 * A beat takes its steps in an order of their own: the clocks first, so that no step makes it look later than
 * it was; then the message to every output; the service manager last, so that its watchdog is fed by nothing
 * but a beat that was finished. Nothing in here allocates once the loop runs, except for a reload. */

#include "daemon/heart.h"

#include <string.h>

#include "core/timestamp.h"
#include "daemon/exit.h"
#include "util/log.h"

static void report_loss(const char *name, const char *what, const Output *lost)
{
    char from[TIMESTAMP_TEXT_MAX], to[TIMESTAMP_TEXT_MAX];
    log_notice("output %s %s: %" PRIu64 " message%s lost from %s to %s", name, what, lost->lost,
               lost->lost == 1 ? "" : "s", timestamp_format(lost->lost_from_usec, from),
               timestamp_format(lost->lost_to_usec, to));
}

static void report_failure(const Output *output)
{
    log_warning("output %s: %s; its messages are lost until it works again", output->name,
                output_failure_text(output));
}

static void write_output(Output *output, const Beat *beat)
{
    Output before;
    OutputChange change = output_write(output, beat, &before);
    if (change == OUTPUT_RECOVERED)
        report_loss(output->name, "works again", &before);
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

static void write_message(Heart *heart, const Instant *now, const Due *due, Beat *ret)
{
    *ret = (Beat){
        .seq = ++heart->seq,
        .at = *now,
        .due = *due,
        .interval_usec = heart->schedule.interval_usec,
        .text = heart->text,
    };
    ret->length =
        message_expand(&heart->message, ret->seq, now->realtime_usec, now->boottime_usec, heart->text);
    for (size_t i = 0; i < heart->n_outputs; i++)
        write_output(heart->outputs[i], ret);
}

static void feed(Heart *heart, const Beat *beat)
{
    note_manager(heart, supervisor_beat(heart->supervisor, beat, heart->outputs, heart->n_outputs));
}

/* An output that fails at the start is a warning when another one works, and else the reason why there is no
 * start. */
static int judge_start(const Heart *heart, Error *ret_error)
{
    size_t failing = 0;
    for (size_t i = 0; i < heart->n_outputs; i++)
        failing += heart->outputs[i]->failure != 0;
    if (failing == heart->n_outputs) {
        const Output *first = heart->outputs[0];
        return error_set(ret_error, EXIT_FAILURE, first->failure,
                         "output %s: %s; nothing%s took the first message", first->name,
                         output_failure_text(first), failing == 1 ? "" : " else");
    }
    for (size_t i = 0; i < heart->n_outputs; i++)
        if (heart->outputs[i]->failure != 0)
            report_failure(heart->outputs[i]);
    return 0;
}

int heart_start(Heart *heart, Error *ret_error)
{
    Instant now;
    Due due;
    Beat beat;
    heart->clocks->sample(heart->clocks, &now);
    schedule_start(&heart->schedule, heart->interval_usec, now.boottime_usec, &due);
    write_message(heart, &now, &due, &beat);
    int r = judge_start(heart, ret_error);
    if (r == 0)
        feed(heart, &beat);
    return r;
}

static void reload(Heart *heart)
{
    Instant now;
    heart->clocks->sample(heart->clocks, &now);
    note_manager(heart, supervisor_reloading(heart->supervisor, now.monotonic_usec));
    heart->reload(heart->context);
    heart->clocks->sample(heart->clocks, &now);
    schedule_change(&heart->schedule, heart->interval_usec, now.boottime_usec);
    note_manager(heart, supervisor_reloaded(heart->supervisor, heart->outputs, heart->n_outputs));
}

/* Whatever woke the loop, the clock says what is due. */
static void act(Heart *heart)
{
    Instant now;
    heart->clocks->sample(heart->clocks, &now);
    if (now.boottime_usec >= schedule_next(&heart->schedule)) {
        Due due;
        Beat beat;
        schedule_beat(&heart->schedule, now.boottime_usec, &due);
        write_message(heart, &now, &due, &beat);
        feed(heart, &beat);
    } else if (now.boottime_usec >= supervisor_next(heart->supervisor, heart->schedule.interval_usec))
        note_manager(heart,
                     supervisor_feed(heart->supervisor, now.boottime_usec, heart->outputs, heart->n_outputs));
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
        if (wake & WAKE_STOP)
            return 0;
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
            report_loss(old->name, "is given up", old);
    }
    outputs_free(heart->outputs, heart->n_outputs);
    heart->outputs = outputs;
    heart->n_outputs = n_outputs;
}

void heart_done(Heart *heart)
{
    for (size_t i = 0; i < heart->n_outputs; i++)
        if (heart->outputs[i]->failure != 0 && heart->seq > 1)
            report_loss(heart->outputs[i]->name, "still fails", heart->outputs[i]);
    outputs_free(heart->outputs, heart->n_outputs);
    heart->outputs = NULL;
    heart->n_outputs = 0;
}
