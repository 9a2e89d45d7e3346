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

#define ALWAYS (~0U)
#define ANY (BIT(EVENT_KIND_COUNT) - 1) /* if it is known */
#define BIT(kind) (1U << (kind))
#define AT(member) offsetof(Event, member), sizeof(((Event *)0)->member)

static const char *const kind_names[EVENT_KIND_COUNT] = {
    [EVENT_START] = "start", [EVENT_STOP] = "stop",     [EVENT_EXIT] = "exit",     [EVENT_GAP] = "gap",
    [EVENT_CLOCK] = "clock", [EVENT_OUTPUT] = "output", [EVENT_RELOAD] = "reload", [EVENT_TRIM] = "trim",
};

/* How a value is written. */
typedef enum Form { TEXT, NUMBER, TIME, KIND, CAUSE, CONFIDENCE, HOST, MOVE, GAPS } Form;

/* What an event has beside the version. */
typedef struct Field {
    LogfmtKey key;
    Form form;
    unsigned kinds;
    size_t offset, size; /* in an Event */
} Field;

/* In the order of a line. */
static const Field fields[] = {
    { LOGFMT_KEY("t"), TIME, ALWAYS, AT(realtime_usec) },
    { LOGFMT_KEY("boottime"), NUMBER, ALWAYS, AT(boottime_usec) },
    { LOGFMT_KEY("boot"), TEXT, ALWAYS, AT(boot) },
    { LOGFMT_KEY("run"), TEXT, ALWAYS, AT(run) },
    { LOGFMT_KEY("ev"), KIND, ALWAYS, AT(kind) },
    { LOGFMT_KEY("cause"), CAUSE, BIT(EVENT_GAP), AT(verdict.cause) },
    { LOGFMT_KEY("confidence"), CONFIDENCE, BIT(EVENT_GAP), AT(verdict.sure) },
    { LOGFMT_KEY("host"), HOST, BIT(EVENT_GAP), AT(verdict.host) },
    { LOGFMT_KEY("back"), MOVE, BIT(EVENT_CLOCK), AT(moved_usec) },
    { LOGFMT_KEY("forward"), MOVE, BIT(EVENT_CLOCK), AT(moved_usec) },
    { LOGFMT_KEY("gaps"), GAPS, BIT(EVENT_TRIM), AT(gaps) },
    { LOGFMT_KEY("pid"), NUMBER, BIT(EVENT_START), AT(pid) },
    { LOGFMT_KEY("interval"), NUMBER, BIT(EVENT_START) | BIT(EVENT_RELOAD) | BIT(EVENT_GAP),
      AT(interval_usec) },
    { LOGFMT_KEY("seq"), NUMBER, BIT(EVENT_STOP), AT(seq) },
    { LOGFMT_KEY("output"), TEXT, BIT(EVENT_OUTPUT), AT(output) },
    { LOGFMT_KEY("errno"), NUMBER, BIT(EVENT_OUTPUT), AT(errnum) },
    { LOGFMT_KEY("lost"), NUMBER, BIT(EVENT_OUTPUT), AT(lost) },
    { LOGFMT_KEY("past"), TEXT, BIT(EVENT_GAP), AT(past) },
    { LOGFMT_KEY("from"), NUMBER, BIT(EVENT_GAP) | BIT(EVENT_OUTPUT) | BIT(EVENT_TRIM), AT(from_usec) },
    { LOGFMT_KEY("to"), NUMBER, BIT(EVENT_GAP) | BIT(EVENT_OUTPUT), AT(to_usec) },
    { LOGFMT_KEY("lasted"), NUMBER, BIT(EVENT_GAP), AT(lasted_usec) },
    { LOGFMT_KEY("missed"), NUMBER, BIT(EVENT_GAP), AT(missed) },
    { LOGFMT_KEY("result"), TEXT, BIT(EVENT_EXIT) | BIT(EVENT_GAP), AT(exit.result) },
    { LOGFMT_KEY("code"), TEXT, BIT(EVENT_EXIT) | BIT(EVENT_GAP), AT(exit.code) },
    { LOGFMT_KEY("status"), TEXT, BIT(EVENT_EXIT) | BIT(EVENT_GAP), AT(exit.status) },
    { LOGFMT_KEY("boot_began"), NUMBER, BIT(EVENT_GAP), AT(boot_usec) },
    { LOGFMT_KEY("stopped"), NUMBER, BIT(EVENT_GAP), AT(stopped_usec) },
    { LOGFMT_KEY("step"), TEXT, BIT(EVENT_GAP), AT(step) },
    { LOGFMT_KEY("longest"), NUMBER, BIT(EVENT_GAP), AT(longest_usec) },
    { LOGFMT_KEY("steps"), NUMBER, BIT(EVENT_GAP), AT(steps_usec) },
    { LOGFMT_KEY("suspended"), NUMBER, BIT(EVENT_GAP), AT(suspended_usec) },
    { LOGFMT_KEY("throttled"), NUMBER, BIT(EVENT_GAP), AT(throttled_usec) },
    { LOGFMT_KEY("starved"), NUMBER, BIT(EVENT_GAP), AT(starved_usec) },
    { LOGFMT_KEY("cpu"), NUMBER, BIT(EVENT_GAP), AT(cpu_usec) },
    { LOGFMT_KEY("frozen"), NUMBER, BIT(EVENT_GAP), AT(frozen_usec) },
    { LOGFMT_KEY("switches"), NUMBER, BIT(EVENT_GAP), AT(switches) },
    { LOGFMT_KEY("polls"), NUMBER, BIT(EVENT_GAP), AT(polls) },
    { LOGFMT_KEY("faults"), NUMBER, BIT(EVENT_GAP), AT(faults) },
    { LOGFMT_KEY("continued"), NUMBER, BIT(EVENT_GAP), AT(continued) },
    { LOGFMT_KEY("latest"), NUMBER, ANY, AT(latest_usec) },
};

static const Event nothing = {
    .latest_usec = EVENT_NONE,
    .pid = EVENT_NONE,
    .interval_usec = EVENT_NONE,
    .seq = EVENT_NONE,
    .from_usec = EVENT_NONE,
    .to_usec = EVENT_NONE,
    .lasted_usec = EVENT_NONE,
    .missed = EVENT_NONE,
    .boot_usec = EVENT_NONE,
    .stopped_usec = EVENT_NONE,
    .longest_usec = EVENT_NONE,
    .steps_usec = EVENT_NONE,
    .suspended_usec = EVENT_NONE,
    .throttled_usec = EVENT_NONE,
    .starved_usec = EVENT_NONE,
    .cpu_usec = EVENT_NONE,
    .frozen_usec = EVENT_NONE,
    .switches = EVENT_NONE,
    .polls = EVENT_NONE,
    .faults = EVENT_NONE,
    .continued = EVENT_NONE,
    .errnum = EVENT_NONE,
    .lost = EVENT_NONE,
};

void event_init(Event *ret, EventKind kind)
{
    *ret = nothing;
    ret->kind = kind;
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

static void *value_in(const Event *event, const Field *field)
{
    return (void *)((uintptr_t)event + field->offset);
}

/* Of a MOVE. */
static bool is_back(const Field *field)
{
    return field->key.text[0] == 'b';
}

/* Texts that are empty and numbers that are not known are not in a line. */
static void add_field(LogfmtLine *line, const Event *event, const Field *field)
{
    char time[TIMESTAMP_TEXT_MAX];
    const char *text = value_in(event, field);
    switch (field->form) {
    case TEXT:
        if (text[0] || field->kinds == ALWAYS)
            logfmt_add(line, field->key.text, text);
        break;
    case NUMBER:
        if (*(uint64_t *)value_in(event, field) != EVENT_NONE || field->kinds == ALWAYS)
            logfmt_add_number(line, field->key.text, *(uint64_t *)value_in(event, field));
        break;
    case TIME:
        logfmt_add(line, field->key.text, timestamp_format(event->realtime_usec, time));
        break;
    case KIND:
        logfmt_add(line, field->key.text, event_kind_name(event->kind));
        break;
    case CAUSE:
        logfmt_add(line, field->key.text, cause_name(event->verdict.cause));
        break;
    case CONFIDENCE:
        logfmt_add(line, field->key.text, event->verdict.sure ? "high" : "low");
        break;
    case HOST:
        logfmt_add(line, field->key.text, host_state_name(event->verdict.host));
        break;
    case MOVE:
        if (is_back(field) == (event->moved_usec < 0))
            logfmt_add_number(line, field->key.text, event_clock_moved(event));
        break;
    case GAPS:
        add_gaps(line, event->gaps);
        break;
    }
}

int event_format(const Event *event, char ret[static EVENT_LINE_MAX])
{
    LogfmtLine line;
    logfmt_begin(&line, ret, EVENT_LINE_MAX - 1);
    logfmt_add_number(&line, "v", EVENT_VERSION);
    for (size_t i = 0; i < ELEMENTSOF(fields); i++)
        if (fields[i].kinds & BIT(event->kind))
            add_field(&line, event, &fields[i]);
    if (line.full)
        return -E2BIG;
    ret[line.length] = '\n';
    ret[line.length + 1] = '\0';
    return (int)line.length + 1;
}

static int find_kind(const LogfmtPair *pair)
{
    char name[16];
    if (logfmt_text(pair, name, sizeof(name)) < 0)
        return -ENOTSUP;
    int kind = text_find(kind_names, EVENT_KIND_COUNT, name);
    return kind < 0 ? -ENOTSUP : kind;
}

static int take_time(const LogfmtPair *pair, usec_t *ret)
{
    char text[TIMESTAMP_TEXT_MAX];
    int r = logfmt_text(pair, text, sizeof(text));
    return r < 0 ? r : timestamp_parse(text, ret);
}

static int take_verdict(const LogfmtPair *pair, Form form, Verdict *verdict)
{
    char name[32];
    int r = logfmt_text(pair, name, sizeof(name));
    if (r < 0)
        return r;
    if (form == CAUSE)
        return cause_from_name(name, &verdict->cause);
    if (form == HOST)
        return host_state_from_name(name, &verdict->host);
    verdict->sure = strcmp(name, "high") == 0;
    return 0;
}

static int take_move(const LogfmtPair *pair, bool back, int64_t *ret)
{
    uint64_t usec;
    if (logfmt_number(pair, &usec) < 0 || usec > INT64_MAX)
        return -EBADMSG;
    *ret = back ? -(int64_t)usec : (int64_t)usec;
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

static int take_value(const LogfmtPair *pair, const Field *field, Event *event, int *kind)
{
    switch (field->form) {
    case TEXT:
        return logfmt_text(pair, value_in(event, field), field->size);
    case NUMBER:
        return logfmt_number(pair, value_in(event, field));
    case TIME:
        return take_time(pair, &event->realtime_usec);
    case KIND:
        *kind = find_kind(pair);
        return 0;
    case MOVE:
        return take_move(pair, is_back(field), &event->moved_usec);
    case GAPS:
        return take_gaps(pair, event->gaps);
    default:
        return take_verdict(pair, field->form, &event->verdict);
    }
}

/* The field whose key comes next in a line, or NULL. A line has them in the order of the table: the search
 * goes on behind the one that was found last. */
static const Field *find_field(const char *at, const char *end, size_t *next)
{
    for (size_t n = 0, i = *next; n < ELEMENTSOF(fields); n++, i = i + 1 < ELEMENTSOF(fields) ? i + 1 : 0)
        if (logfmt_has_key(at, end, &fields[i].key)) {
            *next = i + 1 < ELEMENTSOF(fields) ? i + 1 : 0;
            return &fields[i];
        }
    return NULL;
}

static int take_pair(const char **at, const char *end, size_t *next, Event *event, int *kind)
{
    LogfmtPair pair;
    const Field *field = find_field(*at, end, next);
    if (!field)
        return logfmt_next(at, end, &pair);
    *at += field->key.length + 1;
    if (field->form == NUMBER)
        return logfmt_take_number(at, end, value_in(event, field));
    int r = logfmt_take_value(at, end, &pair);
    return r < 0 ? r : take_value(&pair, field, event, kind);
}

int event_parse(const char *line, size_t length, Event *ret)
{
    Event event = nothing;
    const char *at = line, *end = line + length;
    size_t next = 0;
    int kind = -EBADMSG;
    int r = logfmt_check_version(&at, end, EVENT_VERSION);
    while (r >= 0 && at < end)
        r = take_pair(&at, end, &next, &event, &kind);
    if (r >= 0 && (kind == -EBADMSG || event.realtime_usec == 0 || !event.run[0] || !event.boot[0]))
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
