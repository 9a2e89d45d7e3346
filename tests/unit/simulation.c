/* SPDX-License-Identifier: MIT */
/* A world for the loop. */

#include "simulation.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_WAITS_MAX 100

static void sim_sample(Clocks *base, Instant *ret)
{
    *ret = ((SimClocks *)base)->now;
}

static void sim_count(Clocks *base, bool asking, Counters *ret)
{
    (void)asking;
    *ret = ((SimClocks *)base)->counters;
}

void sim_clocks_pass(SimClocks *clocks, usec_t usec)
{
    clocks->now.realtime_usec += usec;
    clocks->now.boottime_usec += usec;
    clocks->now.monotonic_usec += usec;
}

static void pass_until(SimClocks *clocks, usec_t until_usec)
{
    if (until_usec > clocks->now.boottime_usec)
        sim_clocks_pass(clocks, until_usec - clocks->now.boottime_usec);
}

static int happen(SimClocks *clocks, const SimEvent *event, usec_t until_usec)
{
    pass_until(clocks, event->at_usec);
    clocks->now.boottime_usec += event->suspend_usec;
    clocks->now.realtime_usec += event->suspend_usec + (usec_t)event->step_usec;
    sim_clocks_pass(clocks, event->stopped_usec);
    if (event->call)
        event->call(clocks->context);
    return event->wake | (clocks->now.boottime_usec >= until_usec ? WAKE_TIME : 0);
}

/* The linear congruential generator of Knuth's MMIX: the same numbers in every run. */
static usec_t jitter(SimClocks *clocks)
{
    clocks->random = clocks->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return clocks->jitter_usec > 0 ? (clocks->random >> 33) % clocks->jitter_usec : 0;
}

static int sim_wait(Clocks *base, usec_t until_usec)
{
    SimClocks *clocks = (SimClocks *)base;
    clocks->waits++;
    clocks->counters.waits++;
    clocks->counters.switches++;
    if (clocks->on_wait)
        clocks->on_wait(clocks->context);
    clocks->idle_waits = until_usec > clocks->now.boottime_usec ? 0 : clocks->idle_waits + 1;
    cr_assert_lt(clocks->idle_waits, (uint64_t)IDLE_WAITS_MAX, "the loop is busy: it waits for what is past");

    if (clocks->n_events > 0 &&
        (clocks->events[0].at_usec <= until_usec || clocks->events[0].at_usec <= clocks->now.boottime_usec)) {
        clocks->n_events--;
        return happen(clocks, clocks->events++, until_usec);
    }
    cr_assert_gt(clocks->n_events, 0u, "nothing will ever stop this loop");
    pass_until(clocks, until_usec);
    usec_t late_usec = clocks->latency_usec + jitter(clocks);
    clocks->counters.starved.usec += clocks->starves ? late_usec : 0;
    sim_clocks_pass(clocks, late_usec);
    return WAKE_TIME;
}

void sim_clocks_init(SimClocks *clocks)
{
    *clocks = (SimClocks){
        .clocks = { .sample = sim_sample, .count = sim_count, .wait = sim_wait },
        .now = { .realtime_usec = UINT64_C(1795352410123456), /* 2026-11-22T13:00:10.123456Z */
                 .boottime_usec = UINT64_C(86461234567),
                 .monotonic_usec = UINT64_C(80061234567) },
        .counters = { .starved.known = true, .waits_known = true },
    };
}

static int fake_write(Output *output, const Beat *beat)
{
    FakeOutput *self = (FakeOutput *)output;
    self->tries++;
    self->last = *beat;
    snprintf(self->text, sizeof(self->text), "%s", beat->text);
    self->last.text = NULL;
    if (self->check)
        self->check(beat, self->context);
    if (self->clocks) {
        sim_clocks_pass(self->clocks, self->takes_usec);
        self->takes_usec = 0;
    }
    return -self->error;
}

static int fake_warn(Output *output, const Warning *warning)
{
    FakeOutput *self = (FakeOutput *)output;
    self->warnings++;
    self->gap = *warning->gap;
    snprintf(self->warning, sizeof(self->warning), "%s", warning->text);
    return -self->error;
}

static const OutputKind fake_kind = { .size = sizeof(FakeOutput), .write = fake_write, .warn = fake_warn };

FakeOutput *fake_output_new(const char *name)
{
    FakeOutput *self = calloc(1, sizeof(*self));
    cr_assert_not_null(self);
    self->output.kind = &fake_kind;
    self->output.name = strdup(name);
    self->output.format = FORMAT_FULL;
    return self;
}
