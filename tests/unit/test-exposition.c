/* SPDX-License-Identifier: MIT */
/* Pulse and history as metrics. */

#include "core/exposition.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/text.h"

static Pulse some_pulse(void)
{
    Pulse pulse = {
        .run = "0123",
        .boot = "4567",
        .seq = 42,
        .realtime_usec = UINT64_C(1795352810123456),
        .started_usec = UINT64_C(1795352400000000),
        .interval_usec = 10 * USEC_PER_SEC,
        .late_max_usec = 56789,
        .missed = 3,
        .failing = 1,
        .lost = 7,
        .lateness = { .known = true, .sum_usec = 1500000, .over = { 4, 3, 1, 0 } },
    };
    return pulse;
}

static const char *format(const Pulse *pulse, const Census *census)
{
    static char text[EXPOSITION_MAX];
    size_t length = exposition_format(pulse, census, text);
    cr_assert_eq(length, strlen(text));
    return text;
}

static void expect_line(const char *text, const char *line)
{
    char whole[256];
    snprintf(whole, sizeof(whole), "\n%s\n", line);
    cr_expect_not_null(strstr(text, whole), "no \"%s\" in:\n%s", line, text);
}

Test(exposition, has_every_figure_in_base_units)
{
    static const char *const lines[] = {
        "heartbeat_last_beat_timestamp_seconds 1795352810.123456",
        "heartbeat_start_time_seconds 1795352400",
        "heartbeat_interval_seconds 10",
        "heartbeat_beats_total 42",
        "heartbeat_missed_beats_total 3",
        "heartbeat_max_lateness_seconds 0.056789",
        "heartbeat_outputs_failing 1",
        "heartbeat_messages_lost_total 7",
        "heartbeat_gaps_total{cause=\"host-down\"} 2",
        "heartbeat_gaps_total{cause=\"suspend\"} 0",
        "heartbeat_last_gap_timestamp_seconds{cause=\"host-down\"} 1795352399.5",
        "heartbeat_run_info{run=\"0123\",boot=\"4567\"} 1",
    };
    Pulse pulse = some_pulse();
    Census census = { 0 };
    census.gaps[CAUSE_HOST_DOWN] = 2;
    census.last_usec[CAUSE_HOST_DOWN] = UINT64_C(1795352399500000);
    const char *text = format(&pulse, &census);
    for (size_t i = 0; i < ELEMENTSOF(lines); i++)
        expect_line(text, lines[i]);
    cr_expect_null(strstr(text, "last_gap_timestamp_seconds{cause=\"suspend\"}"), "there was none");
}

Test(exposition, every_cause_is_counted_from_the_start)
{
    char line[128];
    Pulse pulse = some_pulse();
    Census census = { 0 };
    const char *text = format(&pulse, &census);
    for (Cause cause = 0; cause < CAUSE_COUNT; cause++) {
        snprintf(line, sizeof(line), "heartbeat_gaps_total{cause=\"%s\"} 0", cause_name(cause));
        expect_line(text, line);
    }
}

Test(exposition, buckets_of_the_histogram_add_up)
{
    Pulse pulse = some_pulse();
    Census census = { 0 };
    cr_expect_not_null(strstr(format(&pulse, &census), "# TYPE heartbeat_lateness_seconds histogram\n"
                                                       "heartbeat_lateness_seconds_bucket{le=\"0.001\"} 38\n"
                                                       "heartbeat_lateness_seconds_bucket{le=\"0.01\"} 39\n"
                                                       "heartbeat_lateness_seconds_bucket{le=\"0.1\"} 41\n"
                                                       "heartbeat_lateness_seconds_bucket{le=\"1\"} 42\n"
                                                       "heartbeat_lateness_seconds_bucket{le=\"+Inf\"} 42\n"
                                                       "heartbeat_lateness_seconds_sum 1.5\n"
                                                       "heartbeat_lateness_seconds_count 42\n"));
}

Test(exposition, of_a_record_without_lateness_has_no_histogram)
{
    Pulse pulse = some_pulse();
    Census census = { 0 };
    pulse.lateness = (Lateness){ 0 };
    cr_expect_null(strstr(format(&pulse, &census), "heartbeat_lateness_seconds"));
}

/* The format's own rules: HELP, then TYPE, then the samples of that name, each with a value and no timestamp,
 * and a newline at the end. */
Test(exposition, each_sample_follows_its_help_and_type)
{
    char name[128] = "", *rest, *line;
    Pulse pulse = some_pulse();
    Census census = { .gaps = { 1 }, .last_usec = { 1 } };
    char *text = strdup(format(&pulse, &census));
    cr_assert_eq(text[strlen(text) - 1], '\n');
    text[strlen(text) - 1] = '\0';
    rest = text;
    while ((line = strsep(&rest, "\n"))) {
        char seen[128];
        if (strncmp(line, "# HELP ", 7) == 0) {
            cr_assert_eq(sscanf(line, "# HELP %127s", name), 1);
            cr_assert(line[strlen(line) - 1] == '.' && rest, "%s", line);
            line = strsep(&rest, "\n");
            cr_assert_eq(sscanf(line, "# TYPE %127s", seen), 1, "%s", line);
            cr_assert_str_eq(seen, name);
            continue;
        }
        cr_assert_eq(strncmp(line, name, strlen(name)), 0, "%s: not behind its TYPE", line);
        const char *value = strrchr(line, ' ') + 1;
        const char *before = strchr(line, '}') ? strchr(line, '}') + 1 : strchr(line, ' ');
        cr_assert_eq(before, value - 1, "%s: one value, and nothing behind it", line);
        char *end;
        strtod(value, &end);
        cr_assert(*end == '\0' && end > value, "%s", line);
    }
    free(text);
}

Test(exposition, labels_hold_whatever_a_record_has)
{
    Pulse pulse = some_pulse();
    Census census = { 0 };
    strcpy(pulse.run, "a\"b\\c\nd\xff"
                      "e} 1\n# EOF");
    strcpy(pulse.boot, "\x1b[31m");
    const char *text = format(&pulse, &census);
    expect_line(text,
                "heartbeat_run_info{run=\"a\\\"b\\\\c\\\\nd\\\\xffe} 1\\\\n# EOF\",boot=\"\\\\x1b[31m\"} 1");
    cr_expect(text_is_utf8(text, strlen(text)));
}

Test(exposition, of_the_largest_numbers_and_the_worst_names_fits)
{
    Pulse pulse = { .seq = UINT64_MAX, .lateness = { .known = true, .sum_usec = UINT64_MAX } };
    Census census;
    memset(&census, 0xff, sizeof(census));
    memset(pulse.run, '\xff', RUN_ID_LENGTH);
    memset(pulse.boot, '\xff', BOOT_ID_LENGTH);
    pulse.realtime_usec = pulse.started_usec = pulse.interval_usec = pulse.late_max_usec = UINT64_MAX;
    pulse.missed = pulse.failing = pulse.lost = UINT64_MAX;
    const char *text = format(&pulse, &census);
    cr_expect_lt(strlen(text), (size_t)EXPOSITION_MAX - 1);
    cr_expect_eq(strcmp(text + strlen(text) - 4, "} 1\n"), 0, "whole");
    expect_line(text, "heartbeat_interval_seconds 18446744073709.551615");
}
