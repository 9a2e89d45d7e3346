/* SPDX-License-Identifier: MIT */
/* The file of metrics: written whole, replaced at once, and what may stand in its way. */

#include "daemon/metrics.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/exit.h"
#include "temp-dir.h"
#include "util/cleanup.h"

TestSuite(metrics, .init = temp_dir_enter, .fini = temp_dir_leave, .timeout = 120);

static const Pulse pulse = { .run = "r", .boot = "b", .seq = 1, .interval_usec = 1 };
static const Census census;

static Metrics take(const char *name)
{
    Metrics metrics = { 0 };
    Error error = { 0 };
    cr_assert_eq(metrics_open(temp_path(name), NULL, 0, &metrics, &error), 0, "%s", error.text);
    return metrics;
}

Test(metrics, are_written_whole_and_for_everyone_to_read)
{
    static const mode_t masks[] = { 0, 022, 0777 };
    char expected[EXPOSITION_MAX];
    struct stat st;
    exposition_format(&pulse, &census, expected);
    Metrics metrics = take("x.prom");
    for (size_t i = 0; i < ELEMENTSOF(masks); i++) {
        umask(masks[i]);
        cr_assert_eq(metrics_write(&metrics, &pulse, &census), 0);
        umask(022);
        cr_assert_eq(stat("x.prom", &st), 0);
        cr_expect_eq(st.st_mode, S_IFREG | 0644u, "%o", st.st_mode);
        cr_expect_str_eq(temp_read("x.prom"), expected);
        cr_expect_neq(access("x.prom.new", F_OK), 0);
    }
    metrics_close(&metrics);
}

Test(metrics, that_are_being_read_stay_as_they_are)
{
    Metrics metrics = take("x.prom");
    Pulse next = pulse;
    char before[EXPOSITION_MAX];
    exposition_format(&pulse, &census, before);
    cr_assert_eq(metrics_write(&metrics, &pulse, &census), 0);
    cleanup_close int reader = open("x.prom", O_RDONLY | O_CLOEXEC);
    next.seq = 2;
    cr_assert_eq(metrics_write(&metrics, &next, &census), 0);
    cr_expect_str_eq(temp_read_fd(reader), before);
    cr_expect_str_neq(temp_read("x.prom"), before);
    metrics_close(&metrics);
}

/* Whatever somebody puts where they are written first is taken away, and never followed or written to. */
Test(metrics, are_not_written_into_a_trap)
{
    Metrics metrics = take("x.prom");
    temp_write_text("kept", "kept");
    for (unsigned i = 0; i < 4; i++) {
        if (i == 0)
            cr_assert_eq(symlink("kept", "x.prom.new"), 0);
        else if (i == 1)
            cr_assert_eq(link("kept", "x.prom.new"), 0);
        else if (i == 2)
            cr_assert_eq(mkfifo("x.prom.new", 0666), 0);
        else
            temp_write_text("x.prom.new", "left by one that was killed");
        cr_expect_eq(metrics_write(&metrics, &pulse, &census), 0, "%u", i);
        cr_expect_str_eq(temp_read("kept"), "kept");
        cr_expect_neq(access("x.prom.new", F_OK), 0);
    }
    cr_assert_eq(mkdir("x.prom.new", 0700), 0);
    cr_expect_eq(metrics_write(&metrics, &pulse, &census), -EISDIR);
    metrics_close(&metrics);
}

/* A link that came after the start is replaced, and what it leads to stays. */
Test(metrics, replace_a_link_and_not_what_it_leads_to)
{
    struct stat st;
    Metrics metrics = take("x.prom");
    temp_write_text("kept", "kept");
    cr_assert_eq(symlink("kept", "x.prom"), 0);
    cr_assert_eq(metrics_write(&metrics, &pulse, &census), 0);
    cr_expect_str_eq(temp_read("kept"), "kept");
    cr_assert_eq(lstat("x.prom", &st), 0);
    cr_expect(S_ISREG(st.st_mode));
    metrics_close(&metrics);
}

Test(metrics, that_cannot_be_written_leave_the_last_ones_and_no_trace)
{
    Metrics metrics = take("x.prom");
    cr_assert_eq(metrics_write(&metrics, &pulse, &census), 0);
    char before[EXPOSITION_MAX];
    strcpy(before, temp_read("x.prom"));
    struct rlimit limit = { .rlim_cur = 100, .rlim_max = RLIM_INFINITY };
    struct rlimit unlimited = { .rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY };
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int r = metrics_write(&metrics, &pulse, &census);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
    cr_expect_eq(r, -ENOSPC, "%d: written in part is not written", r);
    cr_expect_str_eq(temp_read("x.prom"), before);
    cr_expect_neq(access("x.prom.new", F_OK), 0);
    metrics_close(&metrics);
}

Test(metrics, what_an_administrator_must_mend_is_refused)
{
    static const struct {
        const char *name;
        int error;
        const char *words;
    } table[] = {
        { "nowhere/x.prom", ENOENT, "its directory must exist" },
        { "file/x.prom", ENOTDIR, "Not a directory" },
        { "directory.prom", EINVAL, "expected a regular file" },
        { "link.prom", EINVAL, "expected a regular file" },
        { "fifo.prom", EINVAL, "expected a regular file" },
        { "out.prom", EINVAL, "is an output, too" },
        { "other.prom", EINVAL, "is an output, too" },
        { "alias.prom", EINVAL, "is an output, too" },
    };
    char journal[] = "journal";
    char *outputs[] = { journal, strdup(temp_path("out.prom")), strdup(temp_path("other.prom.new")),
                        strdup(temp_path("log")) };
    temp_write_text("file", "");
    temp_write_text("log", "");
    cr_assert_eq(link("log", "alias.prom"), 0);
    cr_assert_eq(mkdir("directory.prom", 0755), 0);
    cr_assert_eq(symlink("file", "link.prom"), 0);
    cr_assert_eq(mkfifo("fifo.prom", 0600), 0);
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Error error = { 0 };
        Metrics metrics = { 0 };
        int r = metrics_open(temp_path(table[i].name), outputs, ELEMENTSOF(outputs), &metrics, &error);
        cr_expect_eq(r, -table[i].error, "%s: %d", table[i].name, r);
        cr_expect_eq(error.exit_code, EXIT_CONFIG, "%s", table[i].name);
        cr_expect_eq(strncmp(error.text, "metrics /", 9), 0, "%s", error.text);
        cr_expect_not_null(strstr(error.text, table[i].words), "%s", error.text);
        cr_expect_null(metrics.path);
    }
    for (size_t i = 1; i < ELEMENTSOF(outputs); i++)
        free(outputs[i]);
}

Test(metrics, are_due_once_a_second_at_most)
{
    Metrics none = { 0 }, metrics = take("x.prom");
    cr_expect_not(metrics_is_due(&none, 1));
    cr_expect(metrics_is_due(&metrics, 1));
    metrics.written_usec = 5 * USEC_PER_SEC;
    cr_expect_not(metrics_is_due(&metrics, 6 * USEC_PER_SEC - 1));
    cr_expect(metrics_is_due(&metrics, 6 * USEC_PER_SEC));
    metrics_close(&metrics);
}

Test(metrics, of_another_path_take_the_file_with_them_and_the_same_go_on)
{
    Metrics metrics = { 0 }, next = take("x.prom");
    metrics_replace(&metrics, &next);
    cr_expect_null(next.path);
    cr_assert_eq(metrics_write(&metrics, &pulse, &census), 0);
    metrics.failure = EIO;
    metrics.written_usec = 7;

    next = take("x.prom");
    metrics_replace(&metrics, &next);
    cr_expect(metrics.failure == EIO && metrics.written_usec == 7, "what was reported is not reported again");
    cr_expect_eq(access("x.prom", F_OK), 0);

    next = take("y.prom");
    metrics_replace(&metrics, &next);
    cr_expect(metrics.failure == 0 && metrics.written_usec == 0);
    cr_expect_str_eq(metrics.path, temp_path("y.prom"));
    cr_expect_neq(access("x.prom", F_OK), 0);

    cr_assert_eq(metrics_write(&metrics, &pulse, &census), 0);
    next = (Metrics){ 0 };
    metrics_replace(&metrics, &next);
    cr_expect_null(metrics.path);
    cr_expect_neq(access("y.prom", F_OK), 0);
}
