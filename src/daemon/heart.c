/* SPDX-License-Identifier: MIT */
/* The loop and the beat.
 *
 * A beat takes its steps in an order of their own: the clocks first, so that no step makes it look later than
 * it was; then the message to every output; the service manager last, so that its watchdog is fed by nothing
 * but a beat that was finished. Nothing in here allocates once the loop runs, except for a reload. */

#include "daemon/heart.h"

#include <string.h>

#include "core/timestamp.h"
#include "util/log.h"

static void report_loss(const char *name, const char *what, const Output *lost)
{
    char from[TIMESTAMP_TEXT_MAX], to[TIMESTAMP_TEXT_MAX];
    log_notice("output %s %s: %" PRIu64 " message%s lost from %s to %s", name, what, lost->lost,
               lost->lost == 1 ? "" : "s", timestamp_format(lost->lost_from_usec, from),
               timestamp_format(lost->lost_to_usec, to));
}

/* Returns whether the message was taken. */
static bool write_output(Output *output, const Beat *beat)
{
    Output before;
    switch (output_write(output, beat, &before)) {
    case OUTPUT_FAILED:
        log_warning("output %s: %s; its messages are lost until it works again", output->name,
                    output_failure_text(output));
        break;
    case OUTPUT_RECOVERED:
        report_loss(output->name, "works again", &before);
        break;
    case OUTPUT_SAME:
        break;
    }
    return output->failure == 0;
}

static void note_manager(Heart *heart, int r)
{
    if (r < 0 && !heart->unheard)
        log_warning("the service manager takes no notification: %s; beating on",
                    r == -EAGAIN ? "it does not read" : strerror(-r));
    heart->unheard = r < 0;
}

/* Returns how many outputs took the message. */
static size_t beat(Heart *heart, const Instant *now, const Due *due)
{
    Beat beat = {
        .seq = ++heart->seq,
        .at = *now,
        .due = *due,
        .interval_usec = heart->schedule.interval_usec,
        .text = heart->text,
    };
    beat.length =
        message_expand(&heart->message, beat.seq, now->realtime_usec, now->boottime_usec, heart->text);

    size_t taken = 0;
    for (size_t i = 0; i < heart->n_outputs; i++)
        taken += write_output(heart->outputs[i], &beat);
    if (beat.seq == 1 && taken == 0)
        return 0; /* not ready, then */
    note_manager(heart, supervisor_beat(heart->supervisor, &beat, heart->outputs, heart->n_outputs));
    return taken;
}

int heart_start(Heart *heart)
{
    Instant now;
    Due due;
    heart->clocks->sample(heart->clocks, &now);
    schedule_start(&heart->schedule, heart->interval_usec, now.boottime_usec, &due);
    return beat(heart, &now, &due) > 0 ? 0 : -EIO;
}

static void reload(Heart *heart)
{
    Instant now;
    heart->clocks->sample(heart->clocks, &now);
    note_manager(heart, supervisor_reloading(heart->supervisor, now.monotonic_usec));
    heart->reload(heart->context);
    heart->clocks->sample(heart->clocks, &now);
    schedule_change(&heart->schedule, heart->interval_usec, now.boottime_usec);
    note_manager(heart, supervisor_reloaded(heart->supervisor));
}

/* Whatever woke the loop, the clock says what is due. */
static void act(Heart *heart)
{
    Instant now;
    heart->clocks->sample(heart->clocks, &now);
    if (now.boottime_usec >= schedule_next(&heart->schedule)) {
        Due due;
        schedule_beat(&heart->schedule, now.boottime_usec, &due);
        beat(heart, &now, &due);
    } else if (now.boottime_usec >= supervisor_next(heart->supervisor, heart->schedule.interval_usec))
        note_manager(heart, supervisor_feed(heart->supervisor, now.boottime_usec));
}

static usec_t next_wake(const Heart *heart)
{
    usec_t due = schedule_next(&heart->schedule);
    usec_t feed = supervisor_next(heart->supervisor, heart->schedule.interval_usec);
    return due < feed ? due : feed;
}

int heart_run(Heart *heart)
{
    for (;;) {
        int wake = heart->clocks->wait(heart->clocks, next_wake(heart));
        if (wake < 0)
            return wake;
        if (wake & WAKE_STOP)
            return 0;
        if (wake & WAKE_RELOAD)
            reload(heart);
        act(heart);
    }
}

static Output *find_output(Output *const *outputs, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(outputs[i]->name, name) == 0)
            return outputs[i];
    return NULL;
}

static void free_outputs(Heart *heart)
{
    for (size_t i = 0; i < heart->n_outputs; i++)
        output_free(heart->outputs[i]);
    free(heart->outputs);
    heart->outputs = NULL;
    heart->n_outputs = 0;
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
    free_outputs(heart);
    heart->outputs = outputs;
    heart->n_outputs = n_outputs;
}

void heart_done(Heart *heart)
{
    for (size_t i = 0; i < heart->n_outputs; i++)
        if (heart->outputs[i]->failure != 0 && heart->seq > 1)
            report_loss(heart->outputs[i]->name, "still fails", heart->outputs[i]);
    free_outputs(heart);
}
