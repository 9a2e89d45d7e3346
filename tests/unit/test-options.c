/* SPDX-License-Identifier: MIT */
/* The command line: linked with config-elsewhere.c, so that the default configuration is etc/heartbeatd.conf.
 */

#include "daemon/options.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "arguments.h"
#include "daemon/exit.h"
#include "temp-dir.h"

TestSuite(options, .init = temp_dir_enter, .fini = temp_dir_leave, .timeout = 120);

static int parse(const char *const words[WORDS_MAX], Options *ret, Error *ret_error)
{
    static char program[] = "heartbeatd";
    char *argv[WORDS_MAX + 2];
    int argc = arguments_make(argv, program, words);
    *ret = (Options){ 0 };
    *ret_error = (Error){ 0 };
    int r = options_parse(argc, argv, ret, ret_error);
    arguments_free(argv, argc);
    return r;
}

Test(options, are_taken_or_refused_in_one_line_that_names_them)
{
    static const struct {
        const char *words[WORDS_MAX];
        const char *error; /* NULL: taken */
    } table[] = {
        { { 0 }, NULL },
        { { "--fork" }, NULL },
        { { "--fork", "--fork" }, NULL },
        { { "--interval=10s" }, NULL },
        { { "--interval", "1min 30s" }, NULL },
        { { "--message=--fork" }, NULL },
        { { "--message", "--fork" }, NULL },
        { { "--output=./x" }, NULL },
        { { "--output=x/y", "--output=journal", "--output=stdout", "--output=/z" }, NULL },
        { { "--state-dir=relative" }, NULL },
        { { "--config=f", "--config=g" }, NULL },
        { { "--fork", "--pid-file=p", "--user=u" }, NULL },
        { { "--check-config", "--fork", "--output=/x" }, NULL },
        { { "--print-config", "--fork", "--user=u" }, NULL },
        { { "--ready-fd=3" }, NULL },
        { { "--ready-fd=4", "--ready-fd=5", "--check-config" }, NULL },
        { { "--running", "--state-dir=/s", "--config=f", "--pid-file=p" }, NULL },
        { { "--running", "--user=u" }, NULL },
        { { "--stop", "--pid-file=p" }, NULL },
        { { "--stop", "--stop" }, NULL },
        { { "--" }, NULL },

        { { "--help", "nonsense", "--more" }, NULL }, /* these two win at once */
        { { "--version", "--interval=never" }, NULL },
        { { "--interval=never", "--help" },
          "--interval: \"never\": expected a time span from 10ms to 1d, such as "
          "10s or 1min 30s" },
        { { "--foo" }, "--foo: unknown option; see heartbeatd --help" },
        { { "--foo=bar" }, "--foo: unknown option; see heartbeatd --help" },
        { { "--fo" }, "--fo: unknown option; see heartbeatd --help" },
        { { "--for" }, "--for: unknown option; see heartbeatd --help" }, /* no abbreviations */
        { { "--mess=x" }, "--mess: unknown option; see heartbeatd --help" },
        { { "--mess", "x" }, "--mess: unknown option; see heartbeatd --help" },
        { { "--mess" }, "--mess: unknown option; see heartbeatd --help" },
        { { "--FORK" }, "--FORK: unknown option; see heartbeatd --help" },
        { { "-fork" }, "-fork: unknown option; see heartbeatd --help" },
        { { "-h" }, "-h: unknown option; see heartbeatd --help" },
        { { "-V" }, "-V: unknown option; see heartbeatd --help" },
        { { "-?" }, "-?: unknown option; see heartbeatd --help" },
        { { "-:" }, "-:: unknown option; see heartbeatd --help" },
        { { "--=x" }, "--: unknown option; see heartbeatd --help" },
        { { "--\x1b[2J" }, "--\\x1b[2J: unknown option; see heartbeatd --help" },
        { { "--fork=yes" }, "--fork: takes no value; see heartbeatd --help" },
        { { "--stop=" }, "--stop: takes no value; see heartbeatd --help" },
        { { "--interval" }, "--interval: expected a value; see heartbeatd --help" },
        { { "--interval=" }, "--interval=: expected a value that is not empty; see heartbeatd --help" },
        { { "--interval", "" }, "--interval: expected a value that is not empty; see heartbeatd --help" },
        { { "--user=" }, "--user=: expected a value that is not empty; see heartbeatd --help" },
        { { "foo" }, "\"foo\": unexpected argument; see heartbeatd --help" },
        { { "" }, "\"\": unexpected argument; see heartbeatd --help" },
        { { "-" }, "\"-\": unexpected argument; see heartbeatd --help" },
        { { "--", "--fork" }, "\"--fork\": unexpected argument; see heartbeatd --help" },
        { { "--fork", "x", "--user=u" }, "\"x\": unexpected argument; see heartbeatd --help" },
        { { "a\nb" }, "\"a\\nb\": unexpected argument; see heartbeatd --help" },
        { { "--interval=5ms" },
          "--interval: \"5ms\": expected a time span from 10ms to 1d, such as 10s or 1min "
          "30s" },
        { { "--interval", "10s", "20s" }, "\"20s\": unexpected argument; see heartbeatd --help" },
        { { "--format=fancy" }, "--format: \"fancy\": expected full or plain" },
        { { "--output=relative" },
          "--output: \"relative\": expected journal, stdout, syslog or the path of a file "
          "(absolute; on the command line ./NAME will do)" },
        { { "--message=%x" },
          "--message: \"%x\": expected 1 to 1024 bytes of UTF-8 (when filled in) in which a % "
          "begins one of %n %t %H %b %u %%" },
        { { "--message=\xff" },
          "--message: \"\\xff\": expected 1 to 1024 bytes of UTF-8 (when filled in) in which "
          "a % begins one of %n %t %H %b %u %%" },
        { { "--pid-file=p" }, "--pid-file: goes with --fork; see heartbeatd --help" },
        { { "--user=u" }, "--user: goes with --fork; systemd has User= for it; see heartbeatd --help" },
        { { "--ready-fd=2" }, "--ready-fd: \"2\": expected the number of an open descriptor, 3 or more" },
        { { "--ready-fd=x" }, "--ready-fd: \"x\": expected the number of an open descriptor, 3 or more" },
        { { "--ready-fd= 3" }, "--ready-fd: \" 3\": expected the number of an open descriptor, 3 or more" },
        { { "--ready-fd=3." }, "--ready-fd: \"3.\": expected the number of an open descriptor, 3 or more" },
        { { "--ready-fd=-3" }, "--ready-fd: \"-3\": expected the number of an open descriptor, 3 or more" },
        { { "--ready-fd=2147483648" },
          "--ready-fd: \"2147483648\": expected the number of an open descriptor, 3 or more" },
        { { "--ready-fd=99999999999999999999" },
          "--ready-fd: \"99999999999999999999\": expected the number of an open descriptor, 3 or more" },
        { { "--ready-fd=3", "--fork" },
          "--ready-fd: not with --fork, whose end says that the daemon is ready; see heartbeatd --help" },
        { { "--stop", "--running" },
          "--running: cannot be combined with another command; see heartbeatd --help" },
        { { "--stop", "--fork", "--user=u", "--pid-file=p" }, NULL }, /* all that a start takes */
        { { "--ready-fd=3", "--running" }, NULL },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Options options;
        Error error;
        int r = parse(table[i].words, &options, &error);
        cr_expect_eq(r, table[i].error ? -EINVAL : 0, "row %zu, %s: %d", i, table[i].words[0], r);
        cr_expect_str_eq(error.text, table[i].error ? table[i].error : "", "row %zu: %s", i, error.text);
        if (r < 0)
            cr_expect_eq(error.exit_code, EXIT_ARGUMENTS, "row %zu: %d", i, error.exit_code);
        options_done(&options);
    }
}

Test(options, paths_are_made_absolute_and_the_last_one_counts)
{
    static const char *const words[WORDS_MAX] = { "--fork",       "--config=a", "--config=./b",
                                                  "--pid-file=p", "--user=x",   "--user=y" };
    Options options;
    Error error;
    cr_assert_eq(parse(words, &options, &error), 0);
    cr_expect_str_eq(options.config, temp_path("b"));
    cr_expect_str_eq(options.pid_file, temp_path("p"));
    cr_expect_str_eq(options.user, "y");
    cr_expect(options.fork);
    cr_expect_eq(options.command, COMMAND_RUN);
    options_done(&options);
}

Test(options, commands_are_told_apart)
{
    static const struct {
        const char *words[WORDS_MAX];
        Command command;
    } table[] = {
        { { "--running" }, COMMAND_RUNNING },
        { { "--stop" }, COMMAND_STOP },
        { { "--check-config" }, COMMAND_CHECK_CONFIG },
        { { "--print-config" }, COMMAND_PRINT_CONFIG },
        { { "--help" }, COMMAND_HELP },
        { { "--version" }, COMMAND_VERSION },
        { { "--interval=1" }, COMMAND_RUN },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Options options;
        Error error;
        cr_assert_eq(parse(table[i].words, &options, &error), 0);
        cr_expect_eq(options.command, table[i].command, "row %zu", i);
        options_done(&options);
    }
}

/* The settings in effect with a configuration file and a command line, as --print-config has them. */
Test(options, command_line_wins_over_the_file_and_outputs_replace_all_of_it)
{
    static char state[] = "/default", log[] = "/log";
    static const Places places = { .state_dir = state, .log_file = log };
    static const struct {
        const char *file;
        const char *words[WORDS_MAX];
        usec_t interval;
        const char *message, *outputs; /* separated by blanks; "./": in the working directory */
        Format format;
        const char *state_dir;
    } table[] = {
        { "", { 0 }, 0, "heartbeat %n", "stdout", FORMAT_FULL, "/default" },
        { "", { "--fork" }, 0, "heartbeat %n", "/log", FORMAT_FULL, "/default" },
        { "Interval=1s\nMessage=m\nOutput=/o\nFormat=plain\nStateDir=/s",
          { 0 },
          USEC_PER_SEC,
          "m",
          "/o",
          FORMAT_PLAIN,
          "/s" },
        { "Interval=1s\nMessage=m\nOutput=/o\nFormat=plain\nStateDir=/s",
          { "--interval=2", "--message=n", "--output=/p", "--format=full", "--state-dir=/t" },
          2 * USEC_PER_SEC,
          "n",
          "/p",
          FORMAT_FULL,
          "/t" },
        { "Output=/a\nOutput=/b",
          { "--output=/c", "--output=/a" },
          0,
          "heartbeat %n",
          "/c /a",
          FORMAT_FULL,
          "/default" },
        { "Output=/a\nOutput=/b\nOutput=/a",
          { "--interval=2" },
          2 * USEC_PER_SEC,
          "heartbeat %n",
          "/a /b",
          FORMAT_FULL,
          "/default" },
        { "Output=stdout", { "--fork", "--output=/c" }, 0, "heartbeat %n", "/c", FORMAT_FULL, "/default" },
        { "",
          { "--interval=1", "--interval=3" },
          3 * USEC_PER_SEC,
          "heartbeat %n",
          "stdout",
          FORMAT_FULL,
          "/default" },
        { "",
          { "--output=stdout", "--output=stdout" },
          0,
          "heartbeat %n",
          "stdout",
          FORMAT_FULL,
          "/default" },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Options options;
        Settings settings = { 0 };
        Error error = { 0 };
        char text[256], outputs[256] = "";
        snprintf(text, sizeof(text), "[Heartbeat]\n%s\n", table[i].file);
        mkdir("etc", 0755);
        temp_write_text("etc/heartbeatd.conf", text);
        cr_assert_eq(parse(table[i].words, &options, &error), 0, "row %zu: %s", i, error.text);
        cr_assert_eq(options_load_settings(&options, &places, &settings, &error), 0, "row %zu: %s", i,
                     error.text);
        if (table[i].interval > 0)
            cr_expect_eq(settings.interval_usec, table[i].interval, "row %zu", i);
        cr_expect_str_eq(settings.message, table[i].message, "row %zu", i);
        cr_expect_str_eq(settings.state_dir, table[i].state_dir, "row %zu", i);
        cr_expect_eq(settings.format, table[i].format, "row %zu", i);
        for (size_t j = 0; j < settings.n_outputs; j++) {
            strcat(outputs, j > 0 ? " " : "");
            strcat(outputs, settings.outputs[j]);
        }
        cr_expect_str_eq(outputs, table[i].outputs, "row %zu: %s", i, outputs);
        settings_done(&settings);
        options_done(&options);
    }
}

Test(options, daemon_has_no_standard_output)
{
    static char state[] = "/default", log[] = "/log";
    static const Places places = { .state_dir = state, .log_file = log };
    static const struct {
        const char *file;
        const char *words[WORDS_MAX];
        int exit_code; /* 0: good */
    } table[] = {
        { "", { "--fork", "--output=stdout" }, EXIT_ARGUMENTS },
        { "Output=stdout", { "--fork" }, EXIT_CONFIG },
        { "Output=stdout", { 0 }, 0 },
        { "Output=stdout", { "--fork", "--output=/x" }, 0 },
        { "", { "--output=stdout" }, 0 },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Options options;
        Settings settings = { 0 };
        Error error = { 0 };
        char text[256];
        snprintf(text, sizeof(text), "[Heartbeat]\n%s\n", table[i].file);
        mkdir("etc", 0755);
        temp_write_text("etc/heartbeatd.conf", text);
        cr_assert_eq(parse(table[i].words, &options, &error), 0);
        int r = options_load_settings(&options, &places, &settings, &error);
        cr_expect_eq(r < 0 ? error.exit_code : 0, table[i].exit_code, "row %zu: %s", i, error.text);
        settings_done(&settings);
        options_done(&options);
    }
}

Test(options, state_dir_is_found_however_bad_the_file)
{
    static char state[] = "/default", log[] = "/log";
    static const Places places = { .state_dir = state, .log_file = log };
    static const struct {
        const char *file;
        const char *words[WORDS_MAX];
        const char *state_dir;
    } table[] = {
        { "nonsense\n[Heartbeat]\nInterval=never\nStateDir=/s", { "--stop" }, "/s" },
        { "nonsense", { "--running" }, "/default" },
        { "[Heartbeat]\nStateDir=relative", { "--running", "--state-dir=/t" }, "/t" },
        { "[Heartbeat]\nOutput=stdout", { "--stop" }, "/default" },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Options options;
        Settings settings = { 0 };
        Error error = { 0 };
        mkdir("etc", 0755);
        temp_write_text("etc/heartbeatd.conf", table[i].file);
        cr_assert_eq(parse(table[i].words, &options, &error), 0);
        cr_assert_eq(options_load_state_dir(&options, &places, &settings, &error), 0, "row %zu: %s", i,
                     error.text);
        cr_expect_str_eq(settings.state_dir, table[i].state_dir, "row %zu", i);
        settings_done(&settings);
        options_done(&options);
    }
}
