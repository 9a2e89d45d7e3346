/* SPDX-License-Identifier: MIT */
/* The configuration files: linked with config-elsewhere.c, so that the default ones are etc/heartbeatd.conf
 * and etc/heartbeatd.conf.d here. */

#include "daemon/config.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/exit.h"
#include "temp-dir.h"

static void enter(void)
{
    temp_dir_enter();
    cr_assert_eq(mkdir("etc", 0755), 0);
}

TestSuite(config, .init = enter, .fini = temp_dir_leave, .timeout = 120);

#define FILE_MAX_BYTES (1024 * 1024)

Test(config, file_is_read_or_refused_with_its_line)
{
    static const struct {
        const char *text;
        const char *error; /* NULL: it is good */
    } table[] = {
        { "", NULL },
        { "# nothing\n", NULL },
        { "[Heartbeat]\nInterval=3s\n", NULL },
        { "[Heartbeat]\nInterval=3s", NULL },
        { "[Heartbeat]\n[Heartbeat]\nInterval=3s", NULL },
        { "[Heartbeat]\nInterval=5s\nInterval=\nInterval=3s", NULL },
        { "[Heartbeat]\nInterval=\"3s\"", NULL },

        { "[Heartbeat]\nInterval=5ms\n",
          "f.conf:2: Interval: \"5ms\": expected a time span from 10ms to 1d, such as 10s or 1min 30s" },
        { "\n\n[Heartbeat]\n\nFormat=fancy\n", "f.conf:5: Format: \"fancy\": expected full or plain" },
        { "[Heartbeat]\nStateDir=relative",
          "f.conf:2: StateDir: \"relative\": expected the absolute path of a "
          "directory" },
        { "[Heartbeat]\nOutput=./x",
          "f.conf:2: Output: \"./x\": expected journal, stdout, syslog or the path of "
          "a file (absolute; on the command line ./NAME will do)" },
        { "[Heartbeat]\nIntervall=3s", "f.conf:2: Intervall: unknown key; heartbeatd.conf(5) lists them" },
        { "[Heartbeat]\ninterval=3s", "f.conf:2: interval: unknown key; heartbeatd.conf(5) lists them" },
        { "[Heartbeat]\nFork=yes", "f.conf:2: Fork: unknown key; heartbeatd.conf(5) lists them" },
        { "[heartbeat]\nInterval=3s", "f.conf:1: [heartbeat]: unknown section; expected [Heartbeat]" },
        { "[Heartbeat]\nInterval=3s\n[Other]\nInterval=4s",
          "f.conf:3: [Other]: unknown section; expected [Heartbeat]" },
        { "[Other]", "f.conf:1: [Other]: unknown section; expected [Heartbeat]" },
        { "Interval=3s", "f.conf:1: \"Interval=3s\": expected [Heartbeat] before the first key" },
        { "[Heartbeat]\nInterval",
          "f.conf:2: \"Interval\": expected Key=value, a [section], or a comment that begins with # or ;" },
        { "[Heartbeat]\nMessage=\xff", "f.conf:2: expected text in UTF-8" },
        { "[Heartbeat]\nMessage=\x1b[2J%x",
          "f.conf:2: Message: \"\\x1b[2J%x\": expected 1 to 1024 bytes of UTF-8 (when filled in) in which a "
          "% begins one of %n %t %H %b %u %%" },
        { "[Heartbeat]\nA\x1b=1", "f.conf:2: A\\x1b: unknown key; heartbeatd.conf(5) lists them" },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Settings settings = { 0 };
        Error error = { 0 };
        temp_write_text("f.conf", table[i].text);
        int r = config_read("f.conf", &settings, &error);
        cr_expect_eq(r < 0, table[i].error != NULL, "row %zu: %d", i, r);
        cr_expect_str_eq(error.text, table[i].error ? table[i].error : "", "row %zu: %s", i, error.text);
        if (table[i].error)
            cr_expect_eq(error.exit_code, EXIT_CONFIG, "row %zu: %d", i, error.exit_code);
        else if (strstr(table[i].text, "Interval"))
            cr_expect_eq(settings.interval_usec, 3 * USEC_PER_SEC, "row %zu", i);
        settings_done(&settings);
    }
}

/* Every trouble with a configuration file ends with the same status, whatever errno says. */
Test(config, file_that_cannot_be_read_is_refused_whatever_is_the_matter_with_it)
{
    static const struct {
        const char *path;
        const char *error;
    } table[] = {
        { "missing", "missing: cannot be read: No such file or directory" },
        { "directory", "directory: cannot be read: Is a directory" },
        { "fifo", "fifo: cannot be read: expected a regular file" },
        { "secret", "secret: cannot be read: Permission denied" },
        { "huge", "huge: cannot be read: longer than 1 MiB" },
        { "loop", "loop: cannot be read: Too many levels of symbolic links" },
        { "secret/below", "secret/below: cannot be read: Not a directory" },
    };
    cr_assert_eq(mkdir("directory", 0755), 0);
    cr_assert_eq(mkfifo("fifo", 0644), 0);
    cr_assert_eq(symlink("loop", "loop"), 0);
    temp_write_text("huge", "");
    cr_assert_eq(truncate("huge", FILE_MAX_BYTES + 1), 0);
    temp_write_text("secret", "");
    cr_assert_eq(chmod("secret", 0), 0);

    uid_t user = geteuid();
    if (user == 0)
        cr_assert_eq(seteuid(65534), 0);
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Settings settings = { 0 };
        Error error = { 0 };
        cr_expect_lt(config_read(table[i].path, &settings, &error), 0, "%s", table[i].path);
        cr_expect_str_eq(error.text, table[i].error, "%s", error.text);
        cr_expect_eq(error.exit_code, EXIT_CONFIG, "%s: %d", table[i].path, error.exit_code);
        settings_done(&settings);
    }
    if (user == 0)
        cr_assert_eq(seteuid(0), 0);
}

Test(config, file_of_one_mebibyte_is_read)
{
    static char text[FILE_MAX_BYTES];
    Settings settings = { 0 };
    Error error;
    memset(text, '\n', sizeof(text));
    static const char end[] = "[Heartbeat]\nInterval=3s";
    memcpy(text + sizeof(text) - strlen(end), end, strlen(end));
    temp_write("big.conf", text, sizeof(text));
    cr_expect_eq(config_read("big.conf", &settings, &error), 0);
    cr_expect_eq(settings.interval_usec, 3 * USEC_PER_SEC);
}

Test(config, default_files_may_be_missing_and_masked)
{
    Settings settings = { 0 };
    Error error;
    cr_expect_eq(config_read(NULL, &settings, &error), 0, "neither is there");
    cr_assert_eq(mkdir("etc/heartbeatd.conf.d", 0755), 0);
    cr_expect_eq(config_read(NULL, &settings, &error), 0, "an empty directory");
    cr_assert_eq(symlink("/dev/null", "etc/heartbeatd.conf"), 0);
    cr_assert_eq(symlink("/dev/null", "etc/heartbeatd.conf.d/a.conf"), 0);
    cr_expect_eq(config_read(NULL, &settings, &error), 0, "masked");
    cr_expect_eq(settings.interval_usec, 0u);
}

Test(config, dropins_are_read_after_the_file_in_the_order_of_bytes)
{
    static const struct {
        const char *path, *text;
    } files[] = {
        { "etc/heartbeatd.conf", "[Heartbeat]\nMessage=0\nOutput=/0\nInterval=1s\n" },
        { "etc/heartbeatd.conf.d/10-a.conf", "[Heartbeat]\nMessage=10\nOutput=/10\n" },
        { "etc/heartbeatd.conf.d/9-z.conf", "[Heartbeat]\nMessage=9\nOutput=/9\n" },
        { "etc/heartbeatd.conf.d/B.conf", "[Heartbeat]\nMessage=B\nOutput=/B\n" },
        { "etc/heartbeatd.conf.d/a.conf", "[Heartbeat]\nMessage=a\nOutput=/a\n" },
        { "etc/heartbeatd.conf.d/\xc3\xa4.conf", "[Heartbeat]\nMessage=ae\nOutput=/ae\n" },
        { "etc/heartbeatd.conf.d/z.conf.bak", "nonsense" },
        { "etc/heartbeatd.conf.d/.hidden.conf", "nonsense" },
        { "etc/heartbeatd.conf.d/.conf", "nonsense" },
        { "etc/heartbeatd.conf.d/conf", "nonsense" },
        { "etc/heartbeatd.conf.d/README", "nonsense" },
    };
    static const char *const outputs[] = { "/0", "/10", "/9", "/B", "/a", "/ae" };
    Settings settings = { 0 };
    Error error = { 0 };
    cr_assert_eq(mkdir("etc/heartbeatd.conf.d", 0755), 0);
    for (size_t i = 0; i < ELEMENTSOF(files); i++)
        temp_write_text(files[i].path, files[i].text);
    cr_assert_eq(config_read(NULL, &settings, &error), 0, "%s", error.text);
    cr_expect_str_eq(settings.message, "ae", "%s", settings.message);
    cr_expect_eq(settings.interval_usec, USEC_PER_SEC);
    cr_assert_eq(settings.n_outputs, ELEMENTSOF(outputs));
    for (size_t i = 0; i < ELEMENTSOF(outputs); i++)
        cr_expect_str_eq(settings.outputs[i], outputs[i]);
    settings_done(&settings);
}

Test(config, named_file_is_read_in_place_of_the_default_ones)
{
    Settings settings = { 0 };
    Error error;
    cr_assert_eq(mkdir("etc/heartbeatd.conf.d", 0755), 0);
    temp_write_text("etc/heartbeatd.conf", "nonsense");
    temp_write_text("etc/heartbeatd.conf.d/a.conf", "nonsense");
    temp_write_text("f.conf", "[Heartbeat]\nInterval=3s");
    cr_expect_eq(config_read("f.conf", &settings, &error), 0);
    cr_expect_eq(settings.interval_usec, 3 * USEC_PER_SEC);
}

Test(config, bad_dropin_is_refused_and_named)
{
    static const struct {
        const char *target; /* of a link in the drop-in's place; NULL: a file with that text */
        const char *text, *error;
    } table[] = {
        { NULL, "[Heartbeat]\nX=1",
          "etc/heartbeatd.conf.d/b.conf:2: X: unknown key; heartbeatd.conf(5) lists "
          "them" },
        { "nowhere", NULL, "etc/heartbeatd.conf.d/b.conf: cannot be read: No such file or directory" },
        { "/", NULL, "etc/heartbeatd.conf.d/b.conf: cannot be read: Is a directory" },
    };
    cr_assert_eq(mkdir("etc/heartbeatd.conf.d", 0755), 0);
    temp_write_text("etc/heartbeatd.conf.d/a.conf", "[Heartbeat]\nMessage=a\nOutput=/a");
    temp_write_text("etc/heartbeatd.conf.d/c.conf", "[Heartbeat]\nMessage=c\nOutput=/c");
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Settings settings = { 0 };
        Error error = { 0 };
        unlink("etc/heartbeatd.conf.d/b.conf");
        if (table[i].target)
            cr_assert_eq(symlink(table[i].target, "etc/heartbeatd.conf.d/b.conf"), 0);
        else
            temp_write_text("etc/heartbeatd.conf.d/b.conf", table[i].text);
        cr_expect_lt(config_read(NULL, &settings, &error), 0, "row %zu", i);
        cr_expect_str_eq(error.text, table[i].error, "row %zu: %s", i, error.text);
        cr_expect_eq(error.exit_code, EXIT_CONFIG);
        settings_done(&settings);
    }
}

Test(config, dropin_directory_that_is_none_is_refused)
{
    Settings settings = { 0 };
    Error error = { 0 };
    temp_write_text("etc/heartbeatd.conf.d", "");
    cr_expect_eq(config_read(NULL, &settings, &error), -ENOTDIR);
    cr_expect_eq(error.exit_code, EXIT_CONFIG);
    cr_expect_str_eq(error.text, "etc/heartbeatd.conf.d: cannot be read: Not a directory");
}

/* Else a daemon would be looked for in the wrong place, and said not to run. */
Test(config, state_dir_that_can_no_longer_be_read_is_an_error)
{
    static const char *const table[] = {
        "StateDir=/s",
        "[Heartbeat\nStateDir=/s",
        "[Heartbeat]\nStateDir=relative",
        "[Heartbeat]\nStateDir",
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Settings settings = { 0 };
        Error error = { 0 };
        temp_write_text("f.conf", table[i]);
        cr_expect_lt(config_read_state_dir("f.conf", &settings, &error), 0, "row %zu", i);
        cr_expect_eq(error.exit_code, EXIT_CONFIG, "row %zu", i);
        settings_done(&settings);
    }
}

Test(config, state_dir_is_found_in_a_file_that_has_become_bad)
{
    static const struct {
        const char *text;
        const char *state_dir;
    } table[] = {
        { "[Heartbeat]\nStateDir=/s", "/s" },
        { "nonsense\n[Heartbeat]\nInterval=never\n\xff\nStateDir=/s\nX=1", "/s" },
        { "[Other]\nStateDir=/x\n[Heartbeat]\nMessage=%x\nStateDir=/s", "/s" },
        { "[Heartbeat]\nStateDir=/s\nStateDir=", NULL },
        { "[Heartbeat]\nStateDir=/s\n[Other]\nStateDir=/x", "/s" },
        { "nonsense", NULL },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Settings settings = { 0 };
        Error error = { 0 };
        temp_write_text("f.conf", table[i].text);
        cr_expect_eq(config_read_state_dir("f.conf", &settings, &error), 0, "row %zu: %s", i, error.text);
        cr_expect_eq(settings.state_dir != NULL, table[i].state_dir != NULL, "row %zu", i);
        if (settings.state_dir && table[i].state_dir)
            cr_expect_str_eq(settings.state_dir, table[i].state_dir, "row %zu: %s", i, settings.state_dir);
        cr_expect_eq(settings.interval_usec, 0u);
        settings_done(&settings);
    }
}
