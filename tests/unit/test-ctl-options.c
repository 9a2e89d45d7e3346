/* SPDX-License-Identifier: MIT */
/* The command line of heartbeatctl. */

#include "ctl/options.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "arguments.h"

TestSuite(ctl_options, .timeout = 120);

#define SEC USEC_PER_SEC
#define NOW (UINT64_C(1795348800) * SEC) /* 22 November 2026, 12:00 UTC */

static int parse(const char *const words[WORDS_MAX], CtlOptions *ret, Error *ret_error)
{
    static char program[] = "heartbeatctl";
    char *argv[WORDS_MAX + 2];
    int argc = arguments_make(argv, program, words);
    *ret_error = (Error){ 0 };
    int r = ctl_options_parse(argc, argv, NOW, ret, ret_error);
    arguments_free(argv, argc);
    return r;
}

static CtlOptions accept(const char *const words[WORDS_MAX])
{
    CtlOptions options;
    Error error;
    int r = parse(words, &options, &error);
    cr_assert_eq(r, 0, "%s: %s", words[0] ? words[0] : "", error.text);
    return options;
}

#define ACCEPT(...) accept((const char *const[WORDS_MAX]){ __VA_ARGS__ })

Test(ctl_options, command_is_a_word_anywhere_and_status_without_one)
{
    static const struct {
        const char *words[WORDS_MAX];
        CtlCommand command;
    } table[] = {
        { { 0 }, CTL_STATUS },
        { { "status" }, CTL_STATUS },
        { { "--utc", "check" }, CTL_CHECK },
        { { "gaps", "--utc" }, CTL_GAPS },
        { { "--state-dir", "gaps", "explain" }, CTL_EXPLAIN },
        { { "--", "gaps" }, CTL_GAPS },
        { { "metrics", "--state-dir=/x" }, CTL_METRICS },
        { { "check", "--help", "--nonsense" }, CTL_HELP },
        { { "--version" }, CTL_VERSION },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        CtlOptions options = accept(table[i].words);
        cr_expect_eq(options.command, table[i].command, "row %zu: %s", i, ctl_command_name(options.command));
        ctl_options_done(&options);
    }
}

Test(ctl_options, values_arrive)
{
    setenv("TZ", "UTC0", 1);
    CtlOptions options = ACCEPT("check", "-w30s", "-c", "1min", "--output=json", "--state-dir=/x");
    cr_expect(options.warning_usec == 30 * SEC && options.critical_usec == 60 * SEC && options.json);
    cr_expect_str_eq(options.state_dir, "/x");
    ctl_options_done(&options);
    options =
        ACCEPT("--since=today", "gaps", "--until", "11:00", "--cause=suspend,host-down", "--cause=busy");
    cr_expect(options.since_usec == NOW - 12 * USEC_PER_HOUR && options.until_usec == NOW - USEC_PER_HOUR);
    cr_expect_eq(options.causes, 1U << CAUSE_SUSPEND | 1U << CAUSE_HOST_DOWN | 1U << CAUSE_BUSY);
    cr_expect_str_eq(options.state_dir, "/var/lib/heartbeatd");
    ctl_options_done(&options);
    options = ACCEPT("gaps");
    cr_expect(options.causes == CTL_ALL_CAUSES && !options.causes_given);
    cr_expect(options.since_usec == USEC_INFINITY && options.until_usec == USEC_INFINITY);
    ctl_options_done(&options);
    options = ACCEPT("gaps", "--cause=output-failed,clock-step");
    cr_expect_eq(options.causes, 1U << CTL_OUTPUT_FAILED | 1U << CTL_CLOCK_STEP);
    ctl_options_done(&options);
}

Test(ctl_options, rows_and_exclusions_arrive)
{
    setenv("TZ", "NZST-12NZDT,M9.5.0,M4.1.0/3", 1);
    CtlOptions options = ACCEPT("report", "--by=week", "--exclude=Sun 02:00..04:00", "--exclude",
                                "2026-11-20 01:00..2026-11-20 03:00", "--utc");
    cr_expect_eq(options.by, CALENDAR_WEEK);
    cr_assert_eq(options.n_exclusions, 2u);
    cr_expect(options.exclusions[0].recurring && options.exclusions[0].weekdays == 1);
    cr_expect_eq(options.exclusions[1].from_usec, NOW - 59 * USEC_PER_HOUR,
                 "--utc counts wherever it stands");
    ctl_options_done(&options);
    options = ACCEPT("timeline", "--output=svg", "--by=month", "--since=yesterday");
    cr_expect(options.svg && !options.json && options.by == CALENDAR_MONTH);
    ctl_options_done(&options);
    options = ACCEPT("timeline");
    cr_expect(!options.svg && options.by == CALENDAR_ALL);
    ctl_options_done(&options);
}

Test(ctl_options, time_is_one_word_or_several)
{
    static const struct {
        const char *words[WORDS_MAX];
        usec_t time_usec;
    } table[] = {
        { { "explain" }, USEC_INFINITY },
        { { "explain", "2h ago" }, NOW - 2 * USEC_PER_HOUR },
        { { "explain", "2h", "ago" }, NOW - 2 * USEC_PER_HOUR },
        { { "explain", "-2h" }, NOW - 2 * USEC_PER_HOUR },
        { { "explain", "--", "-2h" }, NOW - 2 * USEC_PER_HOUR },
        { { "explain", "2026-11-22", "10:00", "--utc" }, NOW - 2 * USEC_PER_HOUR },
        { { "--utc", "explain", "Sun", "2026-11-22", "10:00:00", "UTC" }, NOW - 2 * USEC_PER_HOUR },
        { { "explain", "now" }, NOW },
    };
    setenv("TZ", "NZST-12NZDT,M9.5.0,M4.1.0/3", 1); /* --utc counts wherever it stands */
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        CtlOptions options = accept(table[i].words);
        cr_expect_eq(options.time_usec, table[i].time_usec, "row %zu", i);
        ctl_options_done(&options);
    }
}

Test(ctl_options, what_is_wrong_is_refused_in_one_line_that_names_it)
{
    static const struct {
        const char *words[WORDS_MAX];
        CtlCommand command; /* as far as can be told */
        const char *error;  /* its beginning */
    } table[] = {
        { { "beat" },
          CTL_STATUS,
          "\"beat\": no command; expected status, check, gaps, explain, report, timeline or metrics" },
        { { "" }, CTL_STATUS, "\"\": no command" },
        { { "03:12" }, CTL_STATUS, "\"03:12\": no command" },
        { { "status", "gaps" }, CTL_STATUS, "\"gaps\": unexpected argument of status" },
        { { "gaps", "yesterday" }, CTL_GAPS, "\"yesterday\": unexpected argument of gaps" },
        { { "--foo" }, CTL_STATUS, "--foo: unknown option; see" },
        { { "--foo", "check" }, CTL_CHECK, "--foo: unknown option" },
        { { "check", "--foo=x\ny" }, CTL_CHECK, "--foo: unknown option" },
        { { "-x" }, CTL_STATUS, "-x: unknown option" },
        { { "--stat=/x" }, CTL_STATUS, "--stat: unknown option" },
        { { "--utc=yes" }, CTL_STATUS, "--utc: takes no value" },
        { { "--state-dir" }, CTL_STATUS, "--state-dir: expected a value" },
        { { "--state-dir=" }, CTL_STATUS, "--state-dir=: expected a value that is not empty" },
        { { "check", "-w" }, CTL_CHECK, "-w: expected a value" },
        { { "--output=xml" }, CTL_STATUS, "--output: \"xml\": expected text or json, or svg for timeline" },
        { { "check", "-w", "soon" }, CTL_CHECK, "--warning: \"soon\": expected a time span" },
        { { "check", "-w", "-5" }, CTL_CHECK, "--warning: \"-5\": expected a time span" },
        { { "check", "-w2min", "-c1min" }, CTL_CHECK, "--warning: longer than --critical" },
        { { "-w", "1s" }, CTL_STATUS, "--warning: goes with check only" },
        { { "check", "--since=now" }, CTL_CHECK, "--since: goes with gaps, report and timeline only" },
        { { "gaps", "--by=day" }, CTL_GAPS, "--by: goes with report and timeline only" },
        { { "timeline", "--exclude=02:00..03:00" }, CTL_TIMELINE, "--exclude: goes with report only" },
        { { "report", "--by=hour" }, CTL_REPORT, "--by: \"hour\": expected day, week, month or year" },
        { { "report", "--by=all" }, CTL_REPORT, "--by: \"all\": expected day" },
        { { "timeline", "--by=week" }, CTL_TIMELINE, "--by: \"week\": expected day or month for timeline" },
        { { "report", "--output=svg" }, CTL_REPORT, "--output=svg: goes with timeline only" },
        { { "report", "--exclude=02:00" }, CTL_REPORT, "--exclude: \"02:00\": expected \"TIME..TIME\"" },
        { { "report", "--exclude=02:00..03:00", "--exclude=Mon" },
          CTL_REPORT,
          "--exclude: \"Mon\": expected" },
        { { "explain", "--cause=busy" }, CTL_EXPLAIN, "--cause: goes with gaps only" },
        { { "metrics", "--output=json" }, CTL_METRICS, "--output: \"json\": expected text for metrics" },
        { { "--output=json", "metrics" }, CTL_METRICS, "--output: \"json\": expected text for metrics" },
        { { "metrics", "--since=now" }, CTL_METRICS, "--since: goes with gaps, report and timeline only" },
        { { "metrics", "now" }, CTL_METRICS, "\"now\": unexpected argument of metrics" },
        { { "gaps", "--cause=busy,lazy" },
          CTL_GAPS,
          "--cause: \"lazy\": expected some of unknown, suspend," },
        { { "gaps", "--cause=busy," }, CTL_GAPS, "--cause: \"\": expected some of" },
        { { "gaps", "--since=soon" }, CTL_GAPS, "--since: \"soon\": expected a time such as" },
        { { "gaps", "--until=32:00" }, CTL_GAPS, "--until: \"32:00\": expected a time" },
        { { "gaps", "--since=now", "--until=yesterday" }, CTL_GAPS, "--since: \"now\" is after --until" },
        { { "explain", "soon" }, CTL_EXPLAIN, "explain: \"soon\": expected a time" },
        { { "explain", "tomorrow" }, CTL_EXPLAIN, "explain: \"tomorrow\" is still to come" },
        { { "--user", "--state-dir=/x" }, CTL_STATUS, "--user: not with --state-dir" },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        CtlOptions options;
        Error error;
        cr_assert_lt(parse(table[i].words, &options, &error), 0, "row %zu", i);
        cr_expect_eq(strncmp(error.text, table[i].error, strlen(table[i].error)), 0, "row %zu: %s", i,
                     error.text);
        cr_expect_eq(error.exit_code, CTL_EXIT_ARGUMENTS);
        cr_expect_eq(options.command, table[i].command, "row %zu", i);
        ctl_options_done(&options);
    }
}

Test(ctl_options, too_long_a_time_is_refused)
{
    char word[4096];
    memset(word, '1', sizeof(word) - 1);
    word[sizeof(word) - 1] = '\0';
    CtlOptions options;
    Error error;
    cr_expect_lt(parse((const char *const[WORDS_MAX]){ "explain", word }, &options, &error), 0);
    cr_expect_not_null(strstr(error.text, "too long for a time"));
    ctl_options_done(&options);
}

Test(ctl_options, ones_own_state_is_where_the_daemon_has_it)
{
    static const struct {
        const char *state, *home, *state_dir; /* the last NULL: refused */
    } table[] = {
        { "/state", "/home/me", "/state/heartbeatd" },
        { NULL, "/home/me", "/home/me/.local/state/heartbeatd" },
        { "relative", "/home/me", "/home/me/.local/state/heartbeatd" },
        { "", "", NULL },
        { NULL, NULL, NULL },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        CtlOptions options;
        Error error;
        table[i].state ? setenv("XDG_STATE_HOME", table[i].state, 1) : unsetenv("XDG_STATE_HOME");
        table[i].home ? setenv("HOME", table[i].home, 1) : unsetenv("HOME");
        int r = parse((const char *const[WORDS_MAX]){ "--user" }, &options, &error);
        cr_expect_eq(r == 0, table[i].state_dir != NULL, "row %zu: %s", i, error.text);
        if (r == 0)
            cr_expect_str_eq(options.state_dir, table[i].state_dir);
        ctl_options_done(&options);
    }
}
