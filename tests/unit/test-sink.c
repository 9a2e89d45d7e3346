/* SPDX-License-Identifier: MIT */
/* A descriptor that takes lines. */

#include "daemon/sink.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "core/message.h"
#include "core/timestamp.h"
#include "temp-dir.h"

TestSuite(sink, .init = temp_dir_enter, .fini = temp_dir_leave, .timeout = 120);

static int write_text(Sink *sink, Format format, const char *text)
{
    return sink_write(sink, format, UINT64_C(1795352410123456), text, strlen(text));
}

Test(sink, writes_one_line_in_either_format_and_mends_a_torn_one_first)
{
    static const struct {
        Format format;
        bool torn;
        const char *text, *written;
    } table[] = {
        { FORMAT_FULL, false, "heartbeat 1", "2026-11-22T13:00:10.123Z heartbeat 1\n" },
        { FORMAT_PLAIN, false, "I am Dameon", "I am Dameon\n" },
        { FORMAT_FULL, true, "heartbeat 1", "\n2026-11-22T13:00:10.123Z heartbeat 1\n" },
        { FORMAT_PLAIN, true, "I am Dameon", "\nI am Dameon\n" },
        { FORMAT_PLAIN, false, "", "\n" },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Sink sink = { .fd = temp_file(), .torn = table[i].torn };
        cr_expect_eq(write_text(&sink, table[i].format, table[i].text), 0, "row %zu", i);
        cr_expect_str_eq(temp_read_fd(sink.fd), table[i].written, "row %zu: %s", i, temp_read_fd(sink.fd));
        cr_expect_not(sink.torn);
        close(sink.fd);
    }
}

Test(sink, takes_the_longest_line_there_is)
{
    char text[MESSAGE_MAX + 1];
    Sink sink = { .fd = temp_file(), .torn = true };
    memset(text, 'x', MESSAGE_MAX);
    text[MESSAGE_MAX] = '\0';
    cr_expect_eq(write_text(&sink, FORMAT_FULL, text), 0);
    cr_expect_eq(strlen(temp_read_fd(sink.fd)), (size_t)(1 + TIMESTAMP_TEXT_MAX + MESSAGE_MAX + 1));
    close(sink.fd);
}

/* A limit on the file's size cuts a line as a full disk does. */
Test(sink, that_takes_a_part_has_lost_the_line_and_begins_a_new_one_next)
{
    static const struct {
        rlim_t room;
        int first, second;
        const char *written; /* after the limit was lifted and a third line written */
    } table[] = {
        { 4, -EFBIG, -EFBIG, "beat\nbeat 1\n" },
        { 7, 0, -EFBIG, "beat 1\nbeat 1\n" },
        { 8, 0, -EFBIG, "beat 1\nb\nbeat 1\n" },
        { 0, -EFBIG, -EFBIG, "beat 1\n" },
    };
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Sink sink = { .fd = open("file", O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600) };
        struct rlimit small = { table[i].room, limit.rlim_max };
        cr_assert_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
        int first = write_text(&sink, FORMAT_PLAIN, "beat 1"),
            second = write_text(&sink, FORMAT_PLAIN, "beat 1");
        cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        cr_expect_eq(first, table[i].first, "row %zu: %d", i, first);
        cr_expect_eq(second, table[i].second, "row %zu: %d", i, second);
        cr_expect_eq(write_text(&sink, FORMAT_PLAIN, "beat 1"), 0);
        cr_expect_str_eq(temp_read("file"), table[i].written, "row %zu: %s", i, temp_read("file"));
        close(sink.fd);
    }
}

Test(sink, without_a_descriptor_fails)
{
    Sink sink = { .fd = -1, .torn = true };
    cr_expect_eq(write_text(&sink, FORMAT_PLAIN, "x"), -EBADF);
    cr_expect(sink.torn);
}
