/* SPDX-License-Identifier: MIT */
/* What happened, as one line of the history. */

#include "core/event.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

#define RUN "0123456789abcdef0123456789abcdef"
#define BOOT "fedcba9876543210fedcba9876543210"
#define HEAD "v=1 t=2026-11-22T13:00:10.123Z boottime=500001234 boot=" BOOT " run=" RUN " ev="

static Event some_event(EventKind kind)
{
    Event event;
    event_init(&event, kind);
    event.realtime_usec = UINT64_C(1795352410123000);
    event.boottime_usec = UINT64_C(500001234);
    strcpy(event.boot, BOOT);
    strcpy(event.run, RUN);
    return event;
}

static Event some_gap(void)
{
    Event event = some_event(EVENT_GAP);
    event.verdict = (Verdict){ CAUSE_SERVICE_WATCHDOG_KILLED, true, HOST_UP };
    strcpy(event.past, "00000000000000000000000000000001");
    event.from_usec = UINT64_C(1795352310123456);
    event.to_usec = UINT64_C(1795352410123456);
    event.lasted_usec = 100 * USEC_PER_SEC;
    event.missed = 9;
    event.interval_usec = 10 * USEC_PER_SEC;
    strcpy(event.step, "output /var/log/with blank");
    event.cpu_usec = 0;
    return event;
}

static void expect_line(const Event *event, const char *expected)
{
    char line[EVENT_LINE_MAX], again[EVENT_LINE_MAX];
    Event read;
    int length = event_format(event, line);
    cr_assert_gt(length, 0);
    cr_expect_eq((size_t)length, strlen(line));
    cr_expect_str_eq(line, expected);
    cr_assert_eq(event_parse(line, (size_t)length - 1, &read), 0, "%s", line);
    cr_expect_eq(read.kind, event->kind);
    cr_assert_eq(event_format(&read, again), length);
    cr_expect_str_eq(again, line, "read back");
}

Test(event, of_each_kind_is_one_line_that_is_read_back)
{
    Event start = some_event(EVENT_START), stop = some_event(EVENT_STOP), exit = some_event(EVENT_EXIT),
          clock = some_event(EVENT_CLOCK), output = some_event(EVENT_OUTPUT), trim = some_event(EVENT_TRIM),
          reload = some_event(EVENT_RELOAD), gap = some_gap();
    start.pid = 4711;
    start.interval_usec = reload.interval_usec = 10 * USEC_PER_SEC;
    stop.seq = 42;
    strcpy(exit.exit.result, "oom-kill");
    strcpy(exit.exit.code, "killed");
    strcpy(exit.exit.status, "KILL");
    clock.moved_usec = -3600 * (int64_t)USEC_PER_SEC;
    strcpy(output.output, "/var/log/a=b");
    output.errnum = 28;
    output.lost = 7;
    output.from_usec = 1;
    output.to_usec = 2;
    trim.from_usec = 3;
    trim.gaps[CAUSE_SUSPEND] = 12;
    trim.gaps[CAUSE_HOST_DOWN] = 1;
    expect_line(&start, HEAD "start pid=4711 interval=10000000\n");
    expect_line(&stop, HEAD "stop seq=42\n");
    expect_line(&exit, HEAD "exit result=oom-kill code=killed status=KILL\n");
    expect_line(&clock, HEAD "clock back=3600000000\n");
    expect_line(&output, HEAD "output output=\"/var/log/a=b\" errno=28 lost=7 from=1 to=2\n");
    expect_line(&reload, HEAD "reload interval=10000000\n");
    expect_line(&trim, HEAD "trim gaps=suspend:12,host-down:1 from=3\n");
    expect_line(&gap, HEAD "gap cause=service-watchdog-killed confidence=high host=up interval=10000000 "
                           "past=00000000000000000000000000000001 from=1795352310123456 to=1795352410123456 "
                           "lasted=100000000 missed=9 step=\"output /var/log/with blank\" cpu=0\n");
}

Test(event, has_the_longest_of_all_values_on_one_line)
{
    char line[EVENT_LINE_MAX];
    Event event = some_gap();
    memset(event.step, '\x01', sizeof(event.step) - 1);
    memset(event.exit.result, '"', sizeof(event.exit.result) - 1);
    memset(event.exit.code, '\\', sizeof(event.exit.code) - 1);
    memset(event.exit.status, '\n', sizeof(event.exit.status) - 1);
    event.from_usec = event.to_usec = event.lasted_usec = event.missed = event.boot_usec =
        event.stopped_usec = event.longest_usec = event.steps_usec = event.suspended_usec =
            event.throttled_usec = event.starved_usec = event.frozen_usec = event.switches = event.polls =
                event.faults = UINT64_MAX - 1;
    cr_expect_gt(event_format(&event, line), 0);
    event = some_event(EVENT_TRIM);
    for (Cause cause = 0; cause < CAUSE_COUNT; cause++)
        event.gaps[cause] = UINT64_MAX;
    cr_expect_gt(event_format(&event, line), 0);
    event = some_event(EVENT_OUTPUT);
    memset(event.output, '\x01', sizeof(event.output) - 1);
    cr_expect_gt(event_format(&event, line), 0);
    cr_expect_null(strchr(line, '\x01'));
}

Test(event, that_was_torn_off_anywhere_is_none_once_it_is_marked)
{
    char line[EVENT_LINE_MAX], torn[EVENT_LINE_MAX + sizeof(EVENT_TORN_MARK)];
    Event event = some_gap(), read;
    int length = event_format(&event, line);
    for (int at = 1; at < length; at++) {
        memcpy(torn, line, (size_t)at);
        memcpy(torn + at, EVENT_TORN_MARK, sizeof(EVENT_TORN_MARK));
        cr_assert_eq(event_parse(torn, strlen(torn) - 1, &read), -EBADMSG, "at %d: %s", at, torn);
    }
}

Test(event, of_the_future_is_told_from_a_bad_one)
{
    static const struct {
        const char *line;
        int result;
    } table[] = {
        { HEAD "stop seq=1", 0 },
        { HEAD "stop seq=1 mood=good", 0 },
        { HEAD "stop", 0 },
        { HEAD "party", -ENOTSUP },
        { "v=2 anything=goes", -ENOTSUP },
        { "v=2 {\"or\": \"this\"}", -ENOTSUP },
        { "", -EBADMSG },
        { "v=1", -EBADMSG },
        { "v=0 t=2026-11-22T13:00:10.123Z", -EBADMSG },
        { "hello world", -EBADMSG },
        { HEAD "stop seq=x", -EBADMSG },
        { HEAD "stop  seq=1", -EBADMSG },
        { HEAD "gap cause=magic", -EBADMSG },
        { HEAD "gap host=off", -EBADMSG },
        { HEAD "clock back=9223372036854775808", -EBADMSG },
        { HEAD "trim gaps=suspend", -EBADMSG },
        { HEAD "trim gaps=suspend:", -EBADMSG },
        { HEAD "trim gaps=suspend:1,", -EBADMSG },
        { HEAD "trim gaps=magic:1", -EBADMSG },
        { "v=1 t=yesterday boottime=1 boot=" BOOT " run=" RUN " ev=stop", -EBADMSG },
        { "v=1 t=2026-11-22T13:00:10.123Z boottime=1 boot=" BOOT " ev=stop", -EBADMSG },
        { "v=1 t=2026-11-22T13:00:10.123Z boottime=1 run=" RUN " ev=stop", -EBADMSG },
        { "v=1 t=2026-11-22T13:00:10.123Z boottime=1 boot=" BOOT "0 run=" RUN " ev=stop", -EBADMSG },
        { "v=1 boottime=1 boot=" BOOT " run=" RUN " ev=stop", -EBADMSG },
        { "v=1 t=2026-11-22T13:00:10.123Z boottime=1 boot=" BOOT " run=" RUN, -EBADMSG },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Event event = { .pid = 99 };
        cr_expect_eq(event_parse(table[i].line, strlen(table[i].line), &event), table[i].result, "%s",
                     table[i].line);
        cr_expect(table[i].result == 0 || event.pid == 99, "untouched when refused");
    }
}

Test(event, line_of_noise_is_none)
{
    unsigned seed = 1;
    for (unsigned round = 0; round < 100000; round++) {
        char line[64];
        Event event;
        for (size_t i = 0; i < sizeof(line); i++)
            line[i] = (char)rand_r(&seed);
        cr_assert_neq(event_parse(line, sizeof(line), &event), 0);
    }
}
