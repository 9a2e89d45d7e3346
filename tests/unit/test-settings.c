/* SPDX-License-Identifier: MIT */
/* What can be set: which values are taken, and what is said of others. */

#include "daemon/settings.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "core/ini.h"
#include "core/message.h"
#include "daemon/exit.h"
#include "temp-dir.h"

TestSuite(settings, .timeout = 120);

static const Setting *find(const char *key)
{
    for (size_t i = 0; i < settings_count; i++)
        if (strcmp(settings_table[i].key, key) == 0)
            return &settings_table[i];
    cr_assert_fail("no setting %s", key);
    return NULL;
}

/* A value as long as one that is just refused, or just taken. */
static const char *path_of(size_t length)
{
    static char path[PATH_MAX + 2];
    memset(path, 'p', length);
    path[0] = '/';
    path[length] = '\0';
    return path;
}

Test(settings, take_what_is_in_range_and_refuse_the_rest)
{
    static const struct {
        const char *key, *value;
        int result;
    } table[] = {
        { "Interval", "10ms", 0 },
        { "Interval", "1d", 0 },
        { "Interval", "24h", 0 },
        { "Interval", "10", 0 },
        { "Interval", "1min 30s", 0 },
        { "Interval", "9ms", -EINVAL },
        { "Interval", "9999us", -EINVAL },
        { "Interval", "1d 1us", -EINVAL },
        { "Interval", "0", -EINVAL },
        { "Interval", "-10s", -EINVAL },
        { "Interval", "18446744073709551626s", -EINVAL }, /* 10 s, if it wrapped around */
        { "Interval", "infinity", -EINVAL },
        { "Interval", "10 s x", -EINVAL },
        { "Interval", "", -EINVAL },
        { "Message", "x", 0 },
        { "Message", "%n %t %H %b %u %%", 0 },
        { "Message", "two\nlines", 0 },
        { "Message", "", -EINVAL },
        { "Message", "%", -EINVAL },
        { "Message", "%x", -EINVAL },
        { "Message", "\xff", -EINVAL },
        { "Output", "journal", 0 },
        { "Output", "stdout", 0 },
        { "Output", "syslog", 0 },
        { "Output", "/var/log/x", 0 },
        { "Output", "/", -EINVAL },
        { "Output", "relative/path", -EINVAL },
        { "Output", "./x", -EINVAL },
        { "Output", "Journal", -EINVAL },
        { "Output", "stderr", -EINVAL },
        { "Output", "", -EINVAL },
        { "Output", " stdout", -EINVAL },
        { "Output", "/new\nline", -EINVAL },
        { "Output", "/not utf-8 \xff", -EINVAL },
        { "Output", "/escape \x1b", -EINVAL },
        { "Output", "/gr\xc3\xbc\xc3\x9f", 0 },
        { "Format", "full", 0 },
        { "Format", "plain", 0 },
        { "Format", "Plain", -EINVAL },
        { "Format", "", -EINVAL },
        { "Format", "full ", -EINVAL },
        { "Metrics", "/x/heartbeat.prom", 0 },
        { "Metrics", "/x.prom", 0 },
        { "Metrics", "x.prom", -EINVAL },
        { "Metrics", "/x/heartbeat", -EINVAL },
        { "Metrics", "/x/heartbeat.PROM", -EINVAL },
        { "Metrics", "/x/heartbeat.prom/", -EINVAL },
        { "Metrics", "/x/.prom", -EINVAL },
        { "Metrics", "/x/prom", -EINVAL },
        { "Metrics", "/new\nline.prom", -EINVAL },
        { "Metrics", "/not utf-8 \xff.prom", -EINVAL },
        { "Metrics", "", -EINVAL },
        { "StateDir", "/var/lib/heartbeatd", 0 },
        { "StateDir", "/", 0 },
        { "StateDir", "relative", -EINVAL },
        { "StateDir", "/new\nline", -EINVAL },
        { "StateDir", "/not utf-8 \xff", -EINVAL },
        { "StateDir", "", -EINVAL },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Settings settings = { 0 };
        int r = find(table[i].key)->set(&settings, table[i].value);
        cr_expect_eq(r, table[i].result, "%s=%s: %d", table[i].key, table[i].value, r);
        settings_done(&settings);
    }
}

Test(settings, paths_are_bounded_by_path_max)
{
    static const struct {
        const char *key;
        size_t length;
        int result;
    } table[] = {
        { "Output", PATH_MAX - 1, 0 },
        { "Output", PATH_MAX, -EINVAL },
        { "StateDir", PATH_MAX - NAME_MAX - 1, 0 },
        { "StateDir", PATH_MAX - NAME_MAX, -EINVAL },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Settings settings = { 0 };
        cr_expect_eq(find(table[i].key)->set(&settings, path_of(table[i].length)), table[i].result, "row %zu",
                     i);
        settings_done(&settings);
    }
}

/* Room is left for ".new" behind it. */
Test(settings, name_of_the_metrics_is_bounded_by_name_max)
{
    for (size_t length = NAME_MAX - 4; length <= NAME_MAX; length++) {
        char path[NAME_MAX + 2] = "/";
        Settings settings = { 0 };
        memset(path + 1, 'p', length);
        memcpy(path + 1 + length - 5, ".prom", 6);
        cr_expect_eq(find("Metrics")->set(&settings, path), length == NAME_MAX - 4 ? 0 : -EINVAL, "%zu",
                     length);
        settings_done(&settings);
    }
}

Test(settings, interval_is_kept_in_microseconds)
{
    Settings settings = { 0 };
    cr_assert_eq(find("Interval")->set(&settings, "1min 30.5s"), 0);
    cr_expect_eq(settings.interval_usec, 90500000u);
    cr_expect_eq(find("Interval")->set(&settings, "5ms"), -EINVAL);
    cr_expect_eq(settings.interval_usec, 90500000u, "one that was refused changes nothing");
}

Test(settings, message_of_the_greatest_length_is_escaped_without_loss)
{
    Settings settings = { 0 };
    char value[2 * MESSAGE_MAX + 1];
    for (size_t i = 0; i < MESSAGE_MAX; i++)
        memcpy(value + 2 * i, "%%", 3);
    cr_assert_eq(find("Message")->set(&settings, value), 0);
    cr_expect_str_eq(settings.message, value);

    memset(value, '\x1b', MESSAGE_MAX / 4);
    value[MESSAGE_MAX / 4] = '\0';
    cr_assert_eq(find("Message")->set(&settings, value), 0);
    cr_expect_eq(strlen(settings.message), (size_t)MESSAGE_MAX);
    strcat(value, "x");
    cr_expect_eq(find("Message")->set(&settings, value), -EINVAL);
    settings_done(&settings);
}

Test(settings, outputs_add_up_each_once_in_order_and_null_empties_them)
{
    Settings settings = { 0 };
    static const char *const values[] = { "/b", "stdout", "/a", "stdout", "/b", "journal" };
    static const char *const kept[] = { "/b", "stdout", "/a", "journal" };
    for (size_t i = 0; i < ELEMENTSOF(values); i++)
        cr_assert_eq(find("Output")->set(&settings, values[i]), 0);
    cr_assert_eq(settings.n_outputs, ELEMENTSOF(kept));
    for (size_t i = 0; i < ELEMENTSOF(kept); i++)
        cr_expect_str_eq(settings.outputs[i], kept[i]);
    cr_expect_eq(find("Output")->set(&settings, "bad"), -EINVAL);
    cr_expect_eq(settings.n_outputs, ELEMENTSOF(kept));
    cr_assert_eq(find("Output")->set(&settings, NULL), 0);
    cr_expect_eq(settings.n_outputs, 0u);
    cr_assert_eq(find("Output")->set(&settings, "syslog"), 0);
    cr_expect_eq(settings.n_outputs, 1u);
    settings_done(&settings);
}

static Places some_places(void)
{
    static char state[] = "/st", log[] = "/log/file";
    return (Places){ .state_dir = state, .log_file = log };
}

Test(settings, back_to_null_are_not_set_and_completed_with_defaults)
{
    static const char *const values[][2] = { { "Interval", "1h" },
                                             { "Message", "m" },
                                             { "Output", "/o" },
                                             { "Format", "plain" },
                                             { "StateDir", "/s" } };
    Places places = some_places();
    Settings settings = { 0 };
    Error error;
    for (size_t i = 0; i < ELEMENTSOF(values); i++) {
        cr_assert_eq(find(values[i][0])->set(&settings, values[i][1]), 0);
        cr_assert_eq(find(values[i][0])->set(&settings, NULL), 0);
    }
    cr_assert_eq(settings_complete(&settings, &places, false, &error), 0);
    cr_expect_geq(settings.interval_usec, USEC_PER_SEC);
    cr_expect_str_eq(settings.message, "heartbeat %n");
    cr_expect_eq(settings.n_outputs, 1u);
    cr_expect_str_eq(settings.outputs[0], "stdout");
    cr_expect_eq(settings.format, FORMAT_FULL);
    cr_expect_str_eq(settings.state_dir, "/st");
    settings_done(&settings);
}

Test(settings, default_output_depends_on_who_listens)
{
    static const struct {
        bool on_journal, as_daemon, log_dir_given, stdout_is_null;
        const char *output; /* with libsystemd */
    } table[] = {
        { false, false, false, false, "stdout" },   { false, false, false, true, "stdout" },
        { false, false, true, false, "stdout" },    { false, false, true, true, "/log/file" },
        { true, false, false, false, "journal" },   { true, false, true, true, "journal" },
        { false, true, false, false, "/log/file" }, { true, true, false, false, "/log/file" },
        { false, true, true, true, "/log/file" },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Places places = some_places();
        Settings settings = { 0 };
        Error error;
        bool journal = strcmp(table[i].output, "journal") == 0;
        places.on_journal = table[i].on_journal;
        places.log_dir_given = table[i].log_dir_given;
        places.stdout_is_null = table[i].stdout_is_null;
        cr_assert_eq(settings_complete(&settings, &places, table[i].as_daemon, &error), 0);
        cr_expect_eq(settings.n_outputs, 1u);
        cr_expect_str_eq(settings.outputs[0],
                         journal && !output_journal_supported ? "stdout" : table[i].output, "row %zu", i);
        settings_done(&settings);
    }
}

Test(settings, cannot_be_completed_where_there_is_no_place_for_state)
{
    static const struct {
        bool as_daemon, output, state_dir; /* the latter two: set */
        const char *error;                 /* NULL: complete */
    } table[] = {
        { false, false, false, "--state-dir=DIR" },
        { true, true, false, "--state-dir=DIR" },
        { true, false, true, "--output=PATH" },
        { false, false, true, NULL },
        { true, true, true, NULL },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Places nowhere = { 0 };
        Settings settings = { 0 };
        Error error = { 0 };
        if (table[i].output)
            cr_assert_eq(find("Output")->set(&settings, "/o"), 0);
        if (table[i].state_dir)
            cr_assert_eq(find("StateDir")->set(&settings, "/s"), 0);
        int r = settings_complete(&settings, &nowhere, table[i].as_daemon, &error);
        cr_expect_eq(r, table[i].error ? -ENOENT : 0, "row %zu: %d", i, r);
        if (table[i].error) {
            cr_expect_not_null(strstr(error.text, table[i].error), "row %zu: %s", i, error.text);
            cr_expect_eq(error.exit_code, EXIT_CONFIG);
        }
        settings_done(&settings);
    }
}

Test(settings, complete_leaves_what_is_set)
{
    Places places = some_places();
    Settings settings = { 0 };
    Error error;
    cr_assert_eq(find("Interval")->set(&settings, "3s"), 0);
    cr_assert_eq(find("Message")->set(&settings, "m"), 0);
    cr_assert_eq(find("Output")->set(&settings, "syslog"), 0);
    cr_assert_eq(find("Format")->set(&settings, "plain"), 0);
    cr_assert_eq(find("StateDir")->set(&settings, "/s"), 0);
    cr_assert_eq(settings_complete(&settings, &places, true, &error), 0);
    cr_expect_eq(settings.interval_usec, 3 * USEC_PER_SEC);
    cr_expect_str_eq(settings.message, "m");
    cr_expect_eq(settings.n_outputs, 1u);
    cr_expect_eq(settings.format, FORMAT_PLAIN);
    cr_expect_str_eq(settings.state_dir, "/s");
    settings_done(&settings);
}

Test(settings, refusal_names_place_value_and_what_is_accepted)
{
    Settings settings = { 0 };
    Error error;
    int r = setting_apply(find("Interval"), &settings, "5ms", "/x.conf:3: Interval", EXIT_CONFIG, &error);
    cr_expect_eq(r, -EINVAL);
    cr_expect_eq(error.exit_code, EXIT_CONFIG);
    cr_expect_str_eq(error.text,
                     "/x.conf:3: Interval: \"5ms\": expected a time span from 10ms to 1d, such as "
                     "10s or 1min 30s");

    char longer[2000];
    memset(longer, '\n', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    r = setting_apply(find("Format"), &settings, longer, "--format", EXIT_ARGUMENTS, &error);
    cr_expect_eq(r, -EINVAL);
    cr_expect_eq(error.exit_code, EXIT_ARGUMENTS);
    cr_expect_not_null(strstr(error.text, "...\": expected full or plain"), "%s", error.text);
    cr_expect_null(strchr(error.text, '\n'));
    cr_expect_eq(setting_apply(find("Format"), &settings, "plain", "--format", EXIT_ARGUMENTS, &error), 0);
}

/* Prints settings and reads them back, as heartbeatd --print-config and --config do. */
static void print_and_read_back(const Settings *settings, Settings *ret)
{
    cleanup_close int fd = temp_file(), saved = dup(STDOUT_FILENO);
    const char *problem = NULL;
    IniReader reader;
    fflush(stdout);
    cr_assert_geq(dup2(fd, STDOUT_FILENO), 0);
    settings_print(settings);
    fflush(stdout);
    cr_assert_geq(dup2(saved, STDOUT_FILENO), 0);

    char text[16384];
    snprintf(text, sizeof(text), "%s", temp_read_fd(fd));
    ini_start(&reader, text, strlen(text));
    for (int r; (r = ini_next(&reader, &problem)) != 0;) {
        cr_expect_eq(r, 1, "line %zu: %s", reader.line, problem);
        if (r < 0 || !reader.key)
            continue;
        r = find(reader.key)->set(ret, reader.value[0] ? reader.value : NULL);
        cr_expect_eq(r, 0, "%s=%s: %d", reader.key, reader.value, r);
    }
}

/* A value that is refused in the first place need not survive. */
Test(settings, printed_are_a_file_that_means_the_same)
{
    static const struct {
        const char *key, *value;
    } table[] = {
        { "Message", "heartbeat %n" },
        { "Message", " blanks around " },
        { "Message", "  " },
        { "Message", "\"quoted\"" },
        { "Message", "\"" },
        { "Message", "ends with a quote\"" },
        { "Message", "\" \"" },
        { "Message", "# no comment ; either" },
        { "Message", "[Heartbeat]" },
        { "Message", "a = b" },
        { "Message", "two\nlines and a tab\t" },
        { "Message", "\ttab first" },
        { "Message", "gr\xc3\xbc\xc3\x9f \xf0\x9f\x92\x93" },
        { "Interval", "1h 2min 3s 4ms 5us" },
        { "Interval", "10ms" },
        { "Output", "/plain" },
        { "Output", "/with blank " },
        { "Output", "/quote\"" },
        { "Output", "/tab at the end\t" },
        { "Output", "/new\nStateDir=/elsewhere" },
        { "Output", "/not utf-8 \xff" },
        { "Output", "/carriage return\r" },
        { "StateDir", "/with blank " },
        { "StateDir", "/new\nline" },
        { "StateDir", "/not utf-8 \xff" },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Places places = some_places();
        Settings settings = { 0 }, back = { 0 };
        Error error;
        if (find(table[i].key)->set(&settings, table[i].value) == 0) {
            cr_assert_eq(settings_complete(&settings, &places, false, &error), 0);
            print_and_read_back(&settings, &back);
            cr_expect_eq(back.interval_usec, settings.interval_usec, "row %zu", i);
            cr_expect_str_eq(back.message, settings.message, "row %zu: %s", i, back.message);
            cr_expect_eq(back.n_outputs, 1u, "row %zu", i);
            cr_expect_str_eq(back.outputs ? back.outputs[0] : "", settings.outputs[0], "row %zu", i);
            cr_expect_str_eq(back.state_dir, settings.state_dir, "row %zu: %s", i, back.state_dir);
            cr_expect_eq(back.format, settings.format, "row %zu", i);
        }
        settings_done(&settings);
        settings_done(&back);
    }
}
