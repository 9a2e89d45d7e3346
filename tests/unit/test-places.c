/* SPDX-License-Identifier: MIT */
/* Where things lie unless somebody says otherwise. What places_make() makes for root is the integration
 * tests' business: it lies outside of a test's own directory. */

#include "daemon/places.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/exit.h"
#include "temp-dir.h"

TestSuite(places, .init = temp_dir_enter, .fini = temp_dir_leave, .timeout = 120);

static void set(const char *name, const char *value)
{
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

typedef struct Row {
    const char *state_directory, *xdg_state, *home, *xdg_runtime; /* the environment */
    const char *state_dir;                                        /* NULL: none */
    bool given;
    const char *log_file, *pid_file;
    const char *logs_directory; /* the environment, once more */
} Row;

static void expect(const Row *row, size_t i)
{
    Places places = { 0 };
    set("STATE_DIRECTORY", row->state_directory);
    set("LOGS_DIRECTORY", row->logs_directory);
    set("XDG_STATE_HOME", row->xdg_state);
    set("HOME", row->home);
    set("XDG_RUNTIME_DIR", row->xdg_runtime);
    int r = places_find(&places);
    cr_expect_eq(r, 0, "row %zu: %d", i, r);
    cr_expect_str_eq(places.state_dir ? places.state_dir : "none", row->state_dir ? row->state_dir : "none",
                     "row %zu: %s", i, places.state_dir);
    cr_expect_eq(places.state_dir_given, row->given, "row %zu", i);
    cr_expect_eq(places.log_dir_given, row->logs_directory && row->logs_directory[0] == '/', "row %zu", i);
    cr_expect_str_eq(places.log_file ? places.log_file : "none", row->log_file ? row->log_file : "none",
                     "row %zu: %s", i, places.log_file);
    cr_expect_str_eq(places.pid_file ? places.pid_file : "none", row->pid_file ? row->pid_file : "none",
                     "row %zu: %s", i, places.pid_file);
    places_done(&places);
}

Test(places, of_a_user_are_below_its_own_directories)
{
    static const Row table[] = {
        { NULL, NULL, "/home/u", NULL, "/home/u/.local/state/heartbeatd", false,
          "/home/u/.local/state/heartbeatd/heartbeat.log", NULL },
        { NULL, "/xdg", "/home/u", "/run/user/1", "/xdg/heartbeatd", false, "/xdg/heartbeatd/heartbeat.log",
          "/run/user/1/heartbeatd.pid" },
        { "/given", "/xdg", "/home/u", NULL, "/given", true, "/given/heartbeat.log", NULL },
        { "/a:/b", NULL, NULL, NULL, "/a", true, "/a/heartbeat.log", NULL },
        { "relative", "relative", "/home/u", "relative", "/home/u/.local/state/heartbeatd", false,
          "/home/u/.local/state/heartbeatd/heartbeat.log", NULL },
        { "", "", "/home/u", "", "/home/u/.local/state/heartbeatd", false,
          "/home/u/.local/state/heartbeatd/heartbeat.log", NULL },
        { NULL, NULL, NULL, NULL, NULL, false, NULL, NULL },
        { ":/b", "x", "y", NULL, NULL, false, NULL, NULL },
        { "/given", NULL, NULL, NULL, "/given", true, "/logs/heartbeat.log", NULL, "/logs:/more" },
        { NULL, NULL, NULL, NULL, NULL, false, "/logs/heartbeat.log", NULL, "/logs" },
        { "/given", NULL, NULL, NULL, "/given", true, "/given/heartbeat.log", NULL, "relative" },
    };
    bool root = geteuid() == 0;
    if (root)
        cr_assert_eq(seteuid(65534), 0);
    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        expect(&table[i], i);
    if (root)
        cr_assert_eq(seteuid(0), 0);
}

Test(places, of_root_are_the_systems_whatever_the_environment)
{
    static const Row table[] = {
        { NULL, NULL, NULL, NULL, "/var/lib/heartbeatd", false, "/var/log/heartbeatd/heartbeat.log",
          "/run/heartbeatd.pid" },
        { NULL, "/xdg", "/root", "/run/user/0", "/var/lib/heartbeatd", false,
          "/var/log/heartbeatd/heartbeat.log", "/run/heartbeatd.pid" },
        { "/given:/second", NULL, NULL, NULL, "/given", true, "/var/log/heartbeatd/heartbeat.log",
          "/run/heartbeatd.pid" },
        { NULL, NULL, NULL, NULL, "/var/lib/heartbeatd", false, "/logs/heartbeat.log", "/run/heartbeatd.pid",
          "/logs" },
    };
    if (geteuid() != 0)
        temp_dir_skip("needs root");
    for (size_t i = 0; i < ELEMENTSOF(table); i++)
        expect(&table[i], i);
}

Test(places, journal_is_known_by_device_and_inode_of_the_stream)
{
    char own[64], other[64];
    struct stat st;
    cleanup_close int stream = temp_file(), file = temp_file();
    cr_assert_eq(fstat(stream, &st), 0);
    snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    snprintf(other, sizeof(other), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino + 1000000);
    const struct {
        const char *variable;
        bool stdout_on_it, stderr_on_it;
        bool on_journal, stderr_on_journal;
    } table[] = {
        { own, true, true, true, true },     { own, true, false, true, false },
        { own, false, true, true, true },    { own, false, false, false, false },
        { other, true, true, false, false }, { "", true, true, false, false },
        { ":", true, true, false, false },   { NULL, true, true, false, false },
    };
    cleanup_close int saved_out = dup(STDOUT_FILENO), saved_err = dup(STDERR_FILENO);
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Places places = { 0 };
        set("HOME", "/home/u");
        set("JOURNAL_STREAM", table[i].variable);
        dup2(table[i].stdout_on_it ? stream : file, STDOUT_FILENO);
        dup2(table[i].stderr_on_it ? stream : file, STDERR_FILENO);
        int r = places_find(&places);
        dup2(saved_out, STDOUT_FILENO);
        dup2(saved_err, STDERR_FILENO);
        cr_assert_eq(r, 0);
        cr_expect_eq(places.on_journal, table[i].on_journal, "row %zu", i);
        cr_expect_eq(places.stderr_on_journal, table[i].stderr_on_journal, "row %zu", i);
        places_done(&places);
    }
}

Test(places, only_missing_default_directories_are_made)
{
    static const struct {
        bool given;
        bool own_state_dir; /* instead of the default one */
        bool default_output;
        bool made;
    } table[] = {
        { false, false, false, true }, { false, false, true, true },
        { false, true, true, true },                                  /* the log file lies in there */
        { false, true, false, false }, { true, false, false, false }, /* the service manager makes it */
    };
    umask(077);
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        char state[128], log[160], elsewhere[] = "/somewhere/else", journal[] = "journal";
        struct stat st;
        Error error = { 0 };
        snprintf(state, sizeof(state), "%s/%zu/heartbeatd", temp_path("state"), i);
        snprintf(log, sizeof(log), "%s/heartbeat.log", state);
        Places places = { .state_dir = state, .log_file = log, .state_dir_given = table[i].given };
        char *const outputs[] = { journal, table[i].default_output ? log : elsewhere };
        cr_expect_eq(places_make(&places, table[i].own_state_dir ? elsewhere : state, outputs, 2, geteuid(),
                                 getegid(), &error),
                     0, "row %zu: %s", i, error.text);
        cr_expect_eq(stat(state, &st) == 0, table[i].made, "row %zu", i);
        if (table[i].made) {
            cr_expect_eq(st.st_mode & 07777, 0755u);
            cr_assert_eq(chmod(state, 0700), 0);
            cr_expect_eq(places_make(&places, state, outputs, 2, geteuid(), getegid(), &error), 0);
            cr_expect_eq(stat(state, &st), 0);
            cr_expect_eq(st.st_mode & 07777, 0700u, "an existing one stays as it is");
        }
    }
}

Test(places, directory_that_cannot_be_made_is_named)
{
    Error error = { 0 };
    char state[128], log[] = "/log", expected[256];
    temp_write_text("file", "");
    snprintf(state, sizeof(state), "%s/heartbeatd", temp_path("file"));
    Places places = { .state_dir = state, .log_file = log };
    cr_expect_eq(places_make(&places, state, NULL, 0, geteuid(), getegid(), &error), -ENOTDIR);
    snprintf(expected, sizeof(expected), "%s: cannot make the directory: Not a directory", state);
    cr_expect_str_eq(error.text, expected);
    cr_expect_eq(error.exit_code, EXIT_CONFIG);
}
