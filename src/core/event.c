/* SPDX-License-Identifier: MIT */
/* What happened, as one line of the history. */

#include "core/event.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/logfmt.h"
#include "core/timestamp.h"
#include "util/cleanup.h"
#include "util/number.h"
#include "util/text.h"

#define BIT(kind) (1U << (kind))
#define SIZE_OF(member) sizeof(((Event *)0)->member)

static const char *const kind_names[EVENT_KIND_COUNT] = {
    [EVENT_START] = "start", [EVENT_STOP] = "stop",     [EVENT_EXIT] = "exit",     [EVENT_GAP] = "gap",
    [EVENT_CLOCK] = "clock", [EVENT_OUTPUT] = "output", [EVENT_RELOAD] = "reload", [EVENT_TRIM] = "trim",
};

/* What a kind has beside its time, its run and its name, in the order of a line. */
static const struct {
    const char *key;
    unsigned kinds;
    size_t offset;
    size_t size; /* of a text; 0: a number */
} fields[] = {
    { "pid", BIT(EVENT_START), offsetof(Event, pid), 0 },
    { "interval", BIT(EVENT_START) | BIT(EVENT_RELOAD) | BIT(EVENT_GAP), offsetof(Event, interval_usec), 0 },
    { "seq", BIT(EVENT_STOP), offsetof(Event, seq), 0 },
    { "output", BIT(EVENT_OUTPUT), offsetof(Event, output), SIZE_OF(output) },
    { "errno", BIT(EVENT_OUTPUT), offsetof(Event, errnum), 0 },
    { "lost", BIT(EVENT_OUTPUT), offsetof(Event, lost), 0 },
    { "past", BIT(EVENT_GAP), offsetof(Event, past), SIZE_OF(past) },
    { "from", BIT(EVENT_GAP) | BIT(EVENT_OUTPUT) | BIT(EVENT_TRIM), offsetof(Event, from_usec), 0 },
    { "to", BIT(EVENT_GAP) | BIT(EVENT_OUTPUT), offsetof(Event, to_usec), 0 },
    { "lasted", BIT(EVENT_GAP), offsetof(Event, lasted_usec), 0 },
    { "missed", BIT(EVENT_GAP), offsetof(Event, missed), 0 },
    { "result", BIT(EVENT_EXIT) | BIT(EVENT_GAP), offsetof(Event, exit.result), SIZE_OF(exit.result) },
    { "code", BIT(EVENT_EXIT) | BIT(EVENT_GAP), offsetof(Event, exit.code), SIZE_OF(exit.code) },
    { "status", BIT(EVENT_EXIT) | BIT(EVENT_GAP), offsetof(Event, exit.status), SIZE_OF(exit.status) },
    { "boot_began", BIT(EVENT_GAP), offsetof(Event, boot_usec), 0 },
    { "stopped", BIT(EVENT_GAP), offsetof(Event, stopped_usec), 0 },
    { "step", BIT(EVENT_GAP), offsetof(Event, step), SIZE_OF(step) },
    { "longest", BIT(EVENT_GAP), offsetof(Event, longest_usec), 0 },
    { "steps", BIT(EVENT_GAP), offsetof(Event, steps_usec), 0 },
    { "suspended", BIT(EVENT_GAP), offsetof(Event, suspended_usec), 0 },
    { "throttled", BIT(EVENT_GAP), offsetof(Event, throttled_usec), 0 },
    { "starved", BIT(EVENT_GAP), offsetof(Event, starved_usec), 0 },
    { "cpu", BIT(EVENT_GAP), offsetof(Event, cpu_usec), 0 },
    { "frozen", BIT(EVENT_GAP), offsetof(Event, frozen_usec), 0 },
    { "switches", BIT(EVENT_GAP), offsetof(Event, switches), 0 },
    { "polls", BIT(EVENT_GAP), offsetof(Event, polls), 0 },
    { "faults", BIT(EVENT_GAP), offsetof(Event, faults), 0 },
    { "continued", BIT(EVENT_GAP), offsetof(Event, continued), 0 },
};

static void *field_in(const Event *event, size_t i)
{
    return (void *)((uintptr_t)event + fields[i].offset);
}

void event_init(Event *ret, EventKind kind)
{
    *ret = (Event){ .kind = kind };
    for (size_t i = 0; i < ELEMENTSOF(fields); i++)
        if (fields[i].size == 0)
            *(uint64_t *)field_in(ret, i) = EVENT_NONE;
}

static void add_field(LogfmtLine *line, const Event *event, size_t i)
{
    void *field = field_in(event, i);
    if (fields[i].size > 0 && *(char *)field)
        logfmt_add(line, fields[i].key, field);
    else if (fields[i].size == 0 && *(uint64_t *)field != EVENT_NONE)
        logfmt_add_number(line, fields[i].key, *(uint64_t *)field);
}

static void add_verdict(LogfmtLine *line, const Verdict *verdict)
{
    logfmt_add(line, "cause", cause_name(verdict->cause));
    logfmt_add(line, "confidence", verdict->sure ? "high" : "low");
    logfmt_add(line, "host", host_state_name(verdict->host));
}

usec_t event_clock_moved(const Event *event)
{
    return event->moved_usec < 0 ? -(usec_t)event->moved_usec : (usec_t)event->moved_usec;
}

/* "host-down:2,suspend:1" */
static void add_gaps(LogfmtLine *line, const uint64_t gaps[static CAUSE_COUNT])
{
    char text[CAUSE_COUNT * 48] = "";
    size_t length = 0;
    for (Cause cause = 0; cause < CAUSE_COUNT; cause++)
        if (gaps[cause] > 0)
            length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s:%" PRIu64,
                                       length > 0 ? "," : "", cause_name(cause), gaps[cause]);
    if (length > 0)
        logfmt_add(line, "gaps", text);
}

int event_format(const Event *event, char ret[static EVENT_LINE_MAX])
{
    char time[TIMESTAMP_TEXT_MAX];
    LogfmtLine line;
    logfmt_begin(&line, ret, EVENT_LINE_MAX - 1);
    logfmt_add_number(&line, "v", EVENT_VERSION);
    logfmt_add(&line, "t", timestamp_format(event->realtime_usec, time));
    logfmt_add_number(&line, "boottime", event->boottime_usec);
    logfmt_add(&line, "boot", event->boot);
    logfmt_add(&line, "run", event->run);
    logfmt_add(&line, "ev", event_kind_name(event->kind));
    if (event->kind == EVENT_GAP)
        add_verdict(&line, &event->verdict);
    if (event->kind == EVENT_CLOCK)
        logfmt_add_number(&line, event->moved_usec < 0 ? "back" : "forward", event_clock_moved(event));
    if (event->kind == EVENT_TRIM)
        add_gaps(&line, event->gaps);
    for (size_t i = 0; i < ELEMENTSOF(fields); i++)
        if (fields[i].kinds & BIT(event->kind))
            add_field(&line, event, i);
    if (line.full)
        return -E2BIG;
    ret[line.length] = '\n';
    ret[line.length + 1] = '\0';
    return (int)line.length + 1;
}

static int find_kind(const LogfmtPair *pair)
{
    char name[16];
    int kind =
        logfmt_text(pair, name, sizeof(name)) < 0 ? -EINVAL : text_find(kind_names, EVENT_KIND_COUNT, name);
    return kind < 0 ? -ENOTSUP : kind;
}

static int take_time(const LogfmtPair *pair, usec_t *ret)
{
    char text[TIMESTAMP_TEXT_MAX];
    int r = logfmt_text(pair, text, sizeof(text));
    return r < 0 ? r : timestamp_parse(text, ret);
}

static int take_verdict(const LogfmtPair *pair, Verdict *verdict)
{
    char name[32];
    int r = logfmt_text(pair, name, sizeof(name));
    if (r < 0)
        return r;
    if (logfmt_is(pair, "cause"))
        return cause_from_name(name, &verdict->cause);
    if (logfmt_is(pair, "host"))
        return host_state_from_name(name, &verdict->host);
    verdict->sure = strcmp(name, "high") == 0;
    return 0;
}

static int take_move(const LogfmtPair *pair, int64_t *ret)
{
    uint64_t usec;
    if (logfmt_number(pair, &usec) < 0 || usec > INT64_MAX)
        return -EBADMSG;
    *ret = logfmt_is(pair, "back") ? -(int64_t)usec : (int64_t)usec;
    return 0;
}

static int take_gaps(const LogfmtPair *pair, uint64_t gaps[static CAUSE_COUNT])
{
    char text[CAUSE_COUNT * 48], *rest = text;
    int r = logfmt_text(pair, text, sizeof(text));
    for (char *name; r == 0 && (name = strsep(&rest, ","));) {
        Cause cause;
        char *number = strchr(name, ':');
        if (!number)
            return -EBADMSG;
        *number++ = '\0';
        const char *end = number + strlen(number);
        r = cause_from_name(name, &cause);
        if (r == 0 && number_take(number, end, &gaps[cause]) != end)
            r = -EBADMSG;
    }
    return r;
}

static int take_field(const LogfmtPair *pair, Event *event)
{
    for (size_t i = 0; i < ELEMENTSOF(fields); i++)
        if (logfmt_is(pair, fields[i].key))
            return fields[i].size > 0 ? logfmt_text(pair, field_in(event, i), fields[i].size)
                                      : logfmt_number(pair, field_in(event, i));
    return 0;
}

static int take(const LogfmtPair *pair, Event *event)
{
    if (logfmt_is(pair, "t"))
        return take_time(pair, &event->realtime_usec);
    if (logfmt_is(pair, "boottime"))
        return logfmt_number(pair, &event->boottime_usec);
    if (logfmt_is(pair, "boot"))
        return logfmt_text(pair, event->boot, sizeof(event->boot));
    if (logfmt_is(pair, "run"))
        return logfmt_text(pair, event->run, sizeof(event->run));
    if (logfmt_is(pair, "cause") || logfmt_is(pair, "host") || logfmt_is(pair, "confidence"))
        return take_verdict(pair, &event->verdict);
    if (logfmt_is(pair, "forward") || logfmt_is(pair, "back"))
        return take_move(pair, &event->moved_usec);
    if (logfmt_is(pair, "gaps"))
        return take_gaps(pair, event->gaps);
    return take_field(pair, event);
}

int event_parse(const char *line, size_t length, Event *ret)
{
    Event event;
    LogfmtPair pair;
    const char *at = line, *end = line + length;
    int kind = -EBADMSG;
    int r = logfmt_check_version(&at, end, EVENT_VERSION);
    event_init(&event, EVENT_START);
    while (r == 0 && (r = logfmt_next(&at, end, &pair)) > 0) {
        r = 0;
        if (logfmt_is(&pair, "ev"))
            kind = find_kind(&pair);
        else
            r = take(&pair, &event);
    }
    if (r == 0 && (kind == -EBADMSG || event.realtime_usec == 0 || !event.run[0] || !event.boot[0]))
        r = -EBADMSG;
    if (r < 0)
        return r == -ENOTSUP ? r : -EBADMSG;
    if (kind < 0)
        return kind;
    event.kind = (EventKind)kind;
    *ret = event;
    return 0;
}

const char *event_kind_name(EventKind kind)
{
    return kind_names[kind];
}
