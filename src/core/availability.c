/* SPDX-License-Identifier: MIT */
/* What the host and the pulse were at any time. */

#include "core/availability.h"

#include <string.h>

#include "core/timestamp.h"

/* Times in the history are cut to milliseconds, and the wall clock may be moved so much without a word. */
#define SLACK_USEC USEC_PER_SEC

#define LAST_USEC (TIMESTAMP_LAST_SEC * USEC_PER_SEC)

static void flush(Availability *walk)
{
    if (walk->waiting)
        walk->sink(walk->context, &walk->segment);
    walk->waiting = false;
}

static bool continues(const Segment *a, const Segment *b)
{
    return a->to_usec == b->from_usec && a->host == b->host && a->pulse == b->pulse &&
           a->outage == b->outage && a->gap == b->gap;
}

static void hand_out(Availability *walk, const Segment *segment)
{
    if (walk->waiting && continues(&walk->segment, segment)) {
        walk->segment.to_usec = segment->to_usec;
        return;
    }
    flush(walk);
    walk->segment = *segment;
    walk->waiting = true;
    if (segment->gap > 0 && segment->gap != walk->event_gap) {
        walk->event = *segment->event;
        walk->event_gap = segment->gap;
    }
    walk->segment.event = segment->gap > 0 ? &walk->event : NULL;
}

static void put(Availability *walk, usec_t from_usec, usec_t to_usec, HostState host, PulseState pulse)
{
    Segment segment = {
        .from_usec = usec_min(from_usec, LAST_USEC),
        .to_usec = usec_min(to_usec, LAST_USEC),
        .host = host,
        .pulse = pulse,
        .outage = host == HOST_DOWN ? walk->outages : 0,
        .gap = walk->gap ? walk->gaps : 0,
        .ongoing = walk->gap && walk->gap_ongoing,
        .event = walk->gap,
    };
    walk->shown = walk->shown || walk->gap;
    hand_out(walk, &segment);
}

/* What has a length. */
static void put_span(Availability *walk, usec_t from_usec, usec_t to_usec, HostState host, PulseState pulse)
{
    if (usec_min(to_usec, LAST_USEC) > from_usec)
        put(walk, from_usec, to_usec, host, pulse);
}

/* Lets time pass within the boot of `at`, by its own wall clock. */
static void pass(Availability *walk, usec_t boottime_usec, HostState host, PulseState pulse)
{
    if (boottime_usec <= walk->at.boottime_usec)
        return;
    usec_t to_usec = usec_add(walk->at.realtime_usec, boottime_usec - walk->at.boottime_usec);
    put_span(walk, walk->at.realtime_usec, to_usec, host, pulse);
    walk->at.realtime_usec = usec_min(to_usec, LAST_USEC);
    walk->at.boottime_usec = boottime_usec;
}

/* Lets it pass up to an instant, whose wall clock counts from there on. What is within the slack is no step,
 * and leaves neither a hole nor an overlap. */
static void pass_to(Availability *walk, const Stamp *to, HostState host, PulseState pulse)
{
    pass(walk, to->boottime_usec, host, pulse);
    usec_t end_usec = walk->at.realtime_usec;
    usec_t apart_usec = usec_less(to->realtime_usec, end_usec) + usec_less(end_usec, to->realtime_usec);
    Segment *last = &walk->segment;
    if (apart_usec <= SLACK_USEC && walk->waiting && last->to_usec == end_usec &&
        last->from_usec < usec_min(end_usec, to->realtime_usec))
        last->to_usec = usec_min(to->realtime_usec, LAST_USEC);
    walk->at = *to;
}

static bool is_same_boot(const Stamp *a, const Stamp *b)
{
    return a->boot[0] && strcmp(a->boot, b->boot) == 0;
}

static bool is_same_run(const Stamp *at, const char *run)
{
    return run[0] && strcmp(at->run, run) == 0;
}

static Stamp stamp_of(const Event *event)
{
    Stamp stamp = { .realtime_usec = usec_min(event->realtime_usec, LAST_USEC),
                    .boottime_usec = event->boottime_usec == EVENT_NONE ? 0 : event->boottime_usec };
    memcpy(stamp.boot, event->boot, sizeof(stamp.boot));
    memcpy(stamp.run, event->run, sizeof(stamp.run));
    return stamp;
}

static void take_step(Availability *walk)
{
    if (!walk->stepped)
        return;
    walk->stepped = false;
    pass(walk, walk->step.boottime_usec, HOST_UP,
         is_same_run(&walk->at, walk->step.run) ? PULSE_BEATING : PULSE_UNKNOWN);
    walk->at = walk->step;
}

/* When the boot of an instant began, by the wall clock of that instant. */
static usec_t boot_began(const Stamp *stamp)
{
    return usec_less(stamp->realtime_usec, stamp->boottime_usec);
}

/* From the last sign of life to the next boot. Where that began before it, the clock ran backwards. */
static void pass_boot(Availability *walk, usec_t sign_usec, usec_t boot_usec, HostState host,
                      PulseState pulse)
{
    walk->outages += host == HOST_DOWN;
    if (boot_usec > sign_usec)
        put_span(walk, sign_usec, boot_usec, host, pulse);
    else if (host == HOST_DOWN || walk->gap)
        put(walk, sign_usec, sign_usec, host, pulse);
}

/* A stop that no gap follows was so short that no beat was missed, though the host may have booted in it. */
static HostState judge_quiet_boot(const Availability *walk, const Stamp *to)
{
    PastEvidence evidence = {
        .readable = true,
        .stopped = true,
        .stopped_usec = walk->end.realtime_usec,
        .boot_usec = boot_began(to),
    };
    return verdict_between_runs(&evidence).host;
}

static void take_other_boot(Availability *walk, const Stamp *to, PulseState pulse)
{
    bool clean = pulse == PULSE_BEATING;
    if (walk->stopped || walk->exited)
        pass_to(walk, &walk->end, HOST_UP, pulse);
    pass_boot(walk, walk->at.realtime_usec, boot_began(to), clean ? judge_quiet_boot(walk, to) : HOST_UNKNOWN,
              pulse);
    put_span(walk, boot_began(to), to->realtime_usec, HOST_UP, pulse);
}

/* An instant at which the host was up, and its run beat. */
static void take_sign(Availability *walk, const Stamp *to)
{
    take_step(walk);
    bool clean = walk->stopped && !walk->exited;
    PulseState pulse = is_same_run(&walk->at, to->run) || clean ? PULSE_BEATING : PULSE_UNKNOWN;
    if (walk->begun && is_same_boot(&walk->at, to))
        pass_to(walk, to, HOST_UP, pulse);
    else if (walk->begun)
        take_other_boot(walk, to, clean ? PULSE_BEATING : PULSE_UNKNOWN);
    walk->at = *to;
    walk->begun = true;
    walk->stopped = walk->exited = false;
}

/* Whether what goes before an event is of its boot, and handed out up to a moment before it. */
static bool follows(const Availability *walk, const Stamp *stamp)
{
    return walk->begun && is_same_boot(&walk->at, stamp) && stamp->boottime_usec >= walk->at.boottime_usec;
}

/* The last words of a run come after its last beat, and only the gap tells when that was. */
static void take_end(Availability *walk, const Event *event)
{
    Stamp stamp = stamp_of(event);
    if (!follows(walk, &stamp))
        take_sign(walk, &stamp);
    walk->end = stamp;
    walk->stopped = walk->stopped || event->kind == EVENT_STOP;
    walk->exited = walk->exited || event->kind == EVENT_EXIT;
}

static void take_clock(Availability *walk, const Event *event)
{
    Stamp stamp = stamp_of(event);
    take_step(walk);
    if (!follows(walk, &stamp)) {
        take_sign(walk, &stamp);
        return;
    }
    walk->step = stamp;
    walk->stepped = true;
}

/* Silence of a host that was up. If it was suspended, that was before the beat that ended it, for a timer
 * that ran out meanwhile goes off at once. */
static void pass_silent(Availability *walk, usec_t boottime_usec, usec_t suspended_from_usec,
                        PulseState pulse)
{
    pass(walk, usec_min(boottime_usec, suspended_from_usec), HOST_UP, pulse);
    pass(walk, boottime_usec, HOST_SUSPENDED, pulse);
}

static void take_gap_in_boot(Availability *walk, const Event *gap, const Stamp *to, PulseState before)
{
    bool known = gap->lasted_usec != EVENT_NONE;
    PulseState pulse = known ? PULSE_SILENT : PULSE_UNKNOWN;
    usec_t from_usec = known ? usec_less(to->boottime_usec, gap->lasted_usec) : 0;
    usec_t suspended_usec = gap->suspended_usec == EVENT_NONE ? 0 : gap->suspended_usec;
    usec_t suspended_from_usec = usec_max(from_usec, usec_less(to->boottime_usec, suspended_usec));
    walk->gap = NULL;
    if (walk->stepped && walk->step.boottime_usec <= from_usec)
        take_step(walk);
    pass(walk, from_usec, HOST_UP, before);
    walk->gap = gap;
    if (walk->stepped) {
        pass_silent(walk, walk->step.boottime_usec, suspended_from_usec, pulse);
        walk->at = walk->step;
        walk->stepped = false;
    }
    pass_silent(walk, usec_min(to->boottime_usec, suspended_from_usec), suspended_from_usec, pulse);
    pass_to(walk, to, suspended_from_usec < to->boottime_usec ? HOST_SUSPENDED : HOST_UP, pulse);
}

static void take_gap_over_boots(Availability *walk, const Event *gap, const Stamp *to, PulseState before)
{
    HostState host = gap->verdict.host == HOST_DOWN ? HOST_DOWN : HOST_UNKNOWN;
    walk->gap = NULL;
    take_step(walk);
    usec_t sign_usec = walk->at.realtime_usec;
    if (gap->from_usec != EVENT_NONE) {
        put_span(walk, sign_usec, gap->from_usec, HOST_UP, before);
        sign_usec = usec_min(usec_max(sign_usec, gap->from_usec), LAST_USEC);
    }
    walk->gap = gap;
    PulseState pulse = gap->from_usec != EVENT_NONE ? PULSE_SILENT : PULSE_UNKNOWN;
    if (walk->stopped || walk->exited) {
        put_span(walk, sign_usec, walk->end.realtime_usec, HOST_UP, pulse);
        sign_usec = usec_max(sign_usec, walk->end.realtime_usec);
    }
    usec_t boot_usec =
        gap->boot_usec != EVENT_NONE ? usec_min(gap->boot_usec, to->realtime_usec) : boot_began(to);
    pass_boot(walk, sign_usec, boot_usec, host, pulse);
    put_span(walk, boot_usec, to->realtime_usec, HOST_UP, pulse);
}

/* The record begins with a gap: what it says of its own beginning is all there is. */
static void begin_with_gap(Availability *walk, const Event *gap, const Stamp *to)
{
    bool within = gap->boot_usec == EVENT_NONE && gap->lasted_usec <= to->boottime_usec &&
                  (gap->verdict.host == HOST_UP || gap->verdict.host == HOST_SUSPENDED);
    walk->at = *to;
    walk->begun = true;
    if (gap->from_usec == EVENT_NONE)
        return;
    walk->at.realtime_usec = usec_min(gap->from_usec, LAST_USEC);
    walk->at.boottime_usec = within ? to->boottime_usec - gap->lasted_usec : 0;
    if (!within)
        walk->at.boot[0] = '\0';
}

static void take_gap(Availability *walk, const Event *gap, bool ongoing)
{
    Stamp to = stamp_of(gap);
    bool before_data = !walk->begun && walk->trimmed;
    if (!walk->begun)
        begin_with_gap(walk, gap, &to);
    walk->gaps++;
    walk->gap_ongoing = ongoing;
    walk->shown = false;
    const char *run = gap->past[0] ? gap->past : gap->run;
    PulseState before = is_same_run(&walk->at, run) ? PULSE_BEATING : PULSE_UNKNOWN;
    if (before_data || (is_same_boot(&walk->at, &to) && !follows(walk, &to)))
        walk->stepped = false;
    else if (is_same_boot(&walk->at, &to))
        take_gap_in_boot(walk, gap, &to, before);
    else
        take_gap_over_boots(walk, gap, &to, before);
    walk->gap = gap;
    if (!walk->shown && !before_data)
        put(walk, to.realtime_usec, to.realtime_usec, HOST_UNKNOWN, PULSE_UNKNOWN);
    walk->gap = NULL;
    walk->at = to;
    walk->stopped = walk->exited = false;
}

void availability_begin(Availability *ret, SegmentSink *sink, void *context)
{
    *ret = (Availability){ .sink = sink, .context = context };
}

bool availability_begins_at(const Event *event)
{
    return event->kind == EVENT_START || event->kind == EVENT_GAP || event->kind == EVENT_OUTPUT ||
           event->kind == EVENT_RELOAD;
}

void availability_restart(Availability *walk)
{
    flush(walk);
    availability_begin(walk, walk->sink, walk->context);
}

void availability_take(Availability *walk, const Event *event)
{
    Stamp stamp;
    switch (event->kind) {
    case EVENT_TRIM: /* made later than what it stands before */
        walk->begun = walk->stepped = walk->stopped = walk->exited = false;
        walk->trimmed = true;
        break;
    case EVENT_GAP:
        take_gap(walk, event, false);
        break;
    case EVENT_STOP:
    case EVENT_EXIT:
        take_end(walk, event);
        break;
    case EVENT_CLOCK:
        take_clock(walk, event);
        break;
    default:
        stamp = stamp_of(event);
        take_sign(walk, &stamp);
    }
}

/* A stop says that the run beat until then, and nothing of what was after it. */
static void end_without_knowing(Availability *walk, const Stamp *now)
{
    Stamp to = *now;
    to.run[0] = '\0';
    take_step(walk);
    if (walk->stopped && is_same_run(&walk->at, walk->end.run))
        pass_to(walk, &walk->end, HOST_UP, PULSE_BEATING);
    walk->stopped = walk->exited = false;
    take_sign(walk, &to);
}

void availability_end(Availability *walk, const AvailabilityEnd *end)
{
    if (end->ongoing)
        take_gap(walk, end->ongoing, true);
    else if (walk->begun && end->known)
        take_sign(walk, &end->now);
    else if (walk->begun)
        end_without_knowing(walk, &end->now);
    flush(walk);
}

const char *pulse_state_name(PulseState state)
{
    static const char *const names[] = {
        [PULSE_UNKNOWN] = "unknown",
        [PULSE_BEATING] = "beating",
        [PULSE_SILENT] = "silent",
    };
    return names[state];
}
