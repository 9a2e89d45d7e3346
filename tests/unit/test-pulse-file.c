/* SPDX-License-Identifier: MIT */
/* The latest beat on disk. */

#include "store/pulse-file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "temp-dir.h"
#include "util/cleanup.h"

TestSuite(pulse_file, .init = temp_dir_enter, .fini = temp_dir_leave, .timeout = 240);

static Pulse pulse_number(uint64_t seq)
{
    return (Pulse){
        .run = "0123456789abcdef0123456789abcdef",
        .boot = "fedcba9876543210fedcba9876543210",
        .seq = seq,
        .due_usec = seq * USEC_PER_SEC,
        .realtime_usec = seq * USEC_PER_SEC,
        .boottime_usec = seq * USEC_PER_SEC,
        .monotonic_usec = seq * USEC_PER_SEC,
        .interval_usec = USEC_PER_SEC,
    };
}

static void expect_read(uint64_t seq, const char *step)
{
    Pulse pulse;
    char read_step[STEP_MAX];
    cr_assert_eq(pulse_file_read(".", &pulse, read_step), 0);
    cr_expect_eq(pulse.seq, seq);
    cr_expect_str_eq(read_step, step);
}

static int read_result(void)
{
    Pulse pulse;
    char step[STEP_MAX];
    return pulse_file_read(".", &pulse, step);
}

Test(pulse_file, is_rewritten_in_place_and_has_the_step_behind_it)
{
    struct stat st;
    Pulse first = pulse_number(1), second = pulse_number(2);
    cleanup_close int fd = pulse_file_open(".");
    cr_assert_geq(fd, 0);
    cr_assert_eq(pulse_file_write(fd, &first, NULL), 0);
    expect_read(1, "");
    cr_assert_eq(pulse_file_mark(fd, "output /var/log/beats"), 0);
    expect_read(1, "output /var/log/beats");
    cr_assert_eq(pulse_file_write(fd, &second, "sync pulse"), 0);
    expect_read(2, "sync pulse");
    cr_assert_eq(pulse_file_mark(fd, NULL), 0);
    expect_read(2, "");
    cr_assert_eq(pulse_file_mark(fd, "write journal"), 0);
    cr_assert_eq(pulse_file_write(fd, &first, NULL), 0);
    expect_read(1, "");
    cr_assert_eq(stat("pulse", &st), 0);
    cr_expect_eq(st.st_size, 1024);
    cr_expect_eq(st.st_mode & 07777, 0644u);
    cr_expect_eq(temp_read("pulse")[511], '\n');
    cr_expect_eq(temp_read("pulse")[1023], '\n');
}

Test(pulse_file, step_with_a_long_name_is_cut)
{
    char name[200], cut[STEP_MAX];
    Pulse pulse = pulse_number(1);
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    memcpy(cut, name, STEP_MAX - 1);
    cut[STEP_MAX - 1] = '\0';
    cleanup_close int fd = pulse_file_open(".");
    cr_assert_eq(pulse_file_write(fd, &pulse, NULL), 0);
    cr_assert_eq(pulse_file_mark(fd, name), 0);
    expect_read(1, cut);
}

Test(pulse_file, that_is_missing_cut_or_noise_is_told_apart)
{
    Pulse pulse = pulse_number(1);
    char data[1024];
    cr_expect_eq(read_result(), -ENOENT);
    cleanup_close int fd = pulse_file_open(".");
    cr_expect_eq(read_result(), -ENOENT, "never written to");
    memset(data, '\0', sizeof(data));
    temp_write("pulse", data, sizeof(data));
    cr_expect_eq(read_result(), -EBADMSG, "a file of which a power cut has left the length");
    cr_assert_eq(pulse_file_write(fd, &pulse, NULL), 0);
    cr_assert_eq(pulse_file_mark(fd, "step"), 0);
    memcpy(data, temp_read("pulse"), sizeof(data));
    for (size_t length = 0; length <= sizeof(data); length++) {
        temp_write("pulse", data, length);
        int expected = length == 0 ? -ENOENT : length < PULSE_SIZE ? -EBADMSG : 0;
        cr_expect_eq(read_result(), expected, "cut at %zu", length);
        if (expected == 0)
            expect_read(1, length == sizeof(data) ? "step" : "");
    }
    unsigned seed = 1;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)rand_r(&seed);
    temp_write("pulse", data, sizeof(data));
    cr_expect_eq(read_result(), -EBADMSG);
    cr_assert_eq(unlink("pulse"), 0);
    cr_assert_eq(mkdir("pulse", 0700), 0);
    cr_expect_eq(read_result(), -EINVAL);
    cr_expect_eq(pulse_file_open("."), -EISDIR);
}

Test(pulse_file, step_of_noise_ends_where_it_begins)
{
    Pulse pulse = pulse_number(1);
    char data[1024];
    cleanup_close int fd = pulse_file_open(".");
    cr_assert_eq(pulse_file_write(fd, &pulse, NULL), 0);
    memcpy(data, temp_read("pulse"), PULSE_SIZE);
    memset(data + PULSE_SIZE, '\0', sizeof(data) - PULSE_SIZE);
    memcpy(data + PULSE_SIZE, "history\x1b[2J", 11);
    temp_write("pulse", data, sizeof(data));
    expect_read(1, "");
    data[sizeof(data) - 1] = '\n';
    temp_write("pulse", data, sizeof(data));
    expect_read(1, "history");
}

/* A writer as fast as it can be, and a reader that must never see anything but one of its beats. */
Test(pulse_file, is_never_read_torn)
{
    Pulse pulse = pulse_number(1);
    cleanup_close int fd = pulse_file_open(".");
    cr_assert_eq(pulse_file_write(fd, &pulse, NULL), 0);
    pid_t writer = fork();
    cr_assert_geq(writer, 0);
    if (writer == 0)
        for (uint64_t seq = 1;; seq++) {
            Pulse next = pulse_number(seq % 1000 * 1001 + 1);
            if (pulse_file_write(fd, &next, NULL) < 0)
                _exit(1);
        }
    uint64_t wrong = 0;
    for (unsigned i = 0; i < 50000; i++) {
        Pulse read = { 0 };
        char step[STEP_MAX];
        int r = pulse_file_read(".", &read, step);
        wrong += r != 0 || read.due_usec != read.seq * USEC_PER_SEC || read.monotonic_usec != read.due_usec;
    }
    cr_assert_eq(kill(writer, SIGKILL), 0);
    cr_assert_eq(waitpid(writer, NULL, 0), writer);
    cr_expect_eq(wrong, 0u);
}
