/* SPDX-License-Identifier: MIT */
/* Messages as lines in a file, FIFO or character device of a given path. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "daemon/exit.h"
#include "daemon/output.h"
#include "temp-dir.h"

static void enter(void)
{
    temp_dir_enter();
    signal(SIGPIPE, SIG_IGN);
}

TestSuite(output_file, .init = enter, .fini = temp_dir_leave, .timeout = 120);

static Output *new_output(const char *name)
{
    Output *output = output_new(name[0] == '/' ? name : temp_path(name), FORMAT_PLAIN);
    cr_assert_not_null(output);
    return output;
}

/* Returns 0 when the message was taken, otherwise errno. */
static int write_text(Output *output, const char *text)
{
    Beat beat = { .seq = 1, .text = text, .length = strlen(text) };
    Output before;
    output_write(output, &beat, &before);
    return output->failure;
}

static void make_socket(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
}

Test(output_file, opens_what_can_take_lines_and_says_what_is_wrong_with_the_rest)
{
    static const struct {
        const char *path;
        int opened;
        int exit_code;
        const char *error; /* after the name */
        int written;       /* errno of the first message */
    } table[] = {
        { "new", 0, 0, "", 0 },
        { "existing", 0, 0, "", 0 },
        { "/dev/null", 0, 0, "", 0 },
        { "/dev/full", 0, 0, "", ENOSPC },
        { "fifo", 0, 0, "", ENXIO }, /* a reader may still come */
        { "missing/file", -ENOENT, EXIT_CONFIG, ": No such file or directory; its directory must exist",
          ENOENT },
        { "existing/file", -ENOTDIR, EXIT_CONFIG, ": Not a directory", ENOTDIR },
        { "directory", -EISDIR, EXIT_CONFIG, ": Is a directory", EISDIR },
        { "link", -ELOOP, EXIT_CONFIG,
          ": Too many levels of symbolic links; a symbolic link is not followed here, name the file itself",
          ELOOP },
        { "dangling", -ELOOP, EXIT_CONFIG,
          ": Too many levels of symbolic links; a symbolic link is not followed here, name the file itself",
          ELOOP },
        { "socket", -ENOTSUP, EXIT_CONFIG,
          ": wrong type of file; expected a regular file, a FIFO or a character device", ENOTSUP },
        { "secret", -EACCES, EXIT_PRIVILEGE, ": Permission denied", EACCES },
    };
    temp_write_text("existing", "");
    temp_write_text("secret", "");
    cr_assert_eq(chmod("secret", 0), 0);
    cr_assert_eq(mkdir("directory", 0777), 0);
    cr_assert_eq(mkfifo("fifo", 0666), 0);
    cr_assert_eq(symlink("existing", "link"), 0);
    cr_assert_eq(symlink("planted", "dangling"), 0);
    make_socket("socket");
    cr_assert_eq(chmod(".", 0777), 0);
    const char *const everyones[] = { "existing", "fifo", "socket" };
    for (size_t i = 0; i < ELEMENTSOF(everyones); i++)
        cr_assert_eq(chmod(everyones[i], 0777), 0);

    uid_t user = geteuid();
    if (user == 0)
        cr_assert_eq(seteuid(65534), 0);
    size_t descriptors = open_descriptors();
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Output *output = new_output(table[i].path);
        Error error = { 0 };
        int r = output_open(output, &error);
        cr_expect_eq(r, table[i].opened, "%s: %d", table[i].path, r);
        if (r < 0) {
            size_t name = strlen("output ") + strlen(output->name);
            cr_expect_str_eq(error.text + (name < strlen(error.text) ? name : 0), table[i].error, "%s",
                             error.text);
            cr_expect_eq(error.exit_code, table[i].exit_code, "%s: %d", table[i].path, error.exit_code);
        }
        int written = write_text(output, "beat");
        cr_expect_eq(written, table[i].written, "%s: %d", table[i].path, written);
        output_free(output);
    }
    cr_expect_eq(open_descriptors(), descriptors, "one stayed open");
    if (user == 0)
        cr_assert_eq(seteuid(0), 0);
    cr_expect_str_eq(temp_read("new"), "beat\n");
    cr_expect_str_eq(temp_read("existing"), "beat\n");
    cr_expect_eq(access("planted", F_OK), -1, "a link was followed");
}

Test(output_file, is_made_with_0640_less_the_umask)
{
    static const struct {
        mode_t umask, mode;
    } table[] = { { 0, 0640 }, { 022, 0640 }, { 027, 0640 }, { 077, 0600 } };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        struct stat st;
        Error error;
        Output *output = new_output("log");
        umask(table[i].umask);
        cr_expect_eq(output_open(output, &error), 0);
        cr_assert_eq(stat("log", &st), 0);
        cr_expect_eq(st.st_mode & 07777, table[i].mode, "row %zu: %o", i, st.st_mode & 07777);
        output_free(output);
        unlink("log");
    }
}

static void rename_away(void)
{
    cr_assert_eq(rename("log", "log.1"), 0);
}

static void rename_and_make_new(void)
{
    rename_away();
    temp_write_text("log", "new\n");
}

static void remove_it(void)
{
    cr_assert_eq(unlink("log"), 0);
}

static void cut_to_nothing(void)
{
    cr_assert_eq(truncate("log", 0), 0);
}

static void replace_by_rename(void)
{
    temp_write_text("log.new", "replaced\n");
    cr_assert_eq(rename("log.new", "log"), 0);
}

static void append_torn(void)
{
    int fd = open("log", O_WRONLY | O_APPEND | O_CLOEXEC);
    cr_assert_eq(write(fd, "torn", 4), 4);
    close(fd);
}

static void leave_alone(void)
{
}

Test(output_file, follows_rotation_without_help)
{
    static const struct {
        const char *what;
        void (*rotate)(void);
        const char *now, *before; /* in log and log.1 */
    } table[] = {
        { "nothing", leave_alone, "one\ntwo\nthree\n", NULL },
        { "renamed", rename_away, "two\nthree\n", "one\n" },
        { "renamed, new one made", rename_and_make_new, "new\ntwo\nthree\n", "one\n" },
        { "removed", remove_it, "two\nthree\n", NULL },
        { "cut to nothing", cut_to_nothing, "two\nthree\n", NULL },
        { "replaced", replace_by_rename, "replaced\ntwo\nthree\n", NULL },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Error error;
        Output *output = new_output("log");
        unlink("log");
        unlink("log.1");
        cr_assert_eq(output_open(output, &error), 0);
        cr_expect_eq(write_text(output, "one"), 0);
        table[i].rotate();
        size_t descriptors = open_descriptors();
        cr_expect_eq(write_text(output, "two"), 0, "%s", table[i].what);
        cr_expect_eq(write_text(output, "three"), 0, "%s", table[i].what);
        cr_expect_eq(open_descriptors(), descriptors, "%s: the old one is still open", table[i].what);
        cr_expect_str_eq(temp_read("log"), table[i].now, "%s: %s", table[i].what, temp_read("log"));
        if (table[i].before)
            cr_expect_str_eq(temp_read("log.1"), table[i].before, "%s", table[i].what);
        output_free(output);
    }
}

Test(output_file, begins_a_new_line_where_the_last_one_is_torn)
{
    static const struct {
        const char *content, *after;
    } table[] = {
        { "", "beat\n" },     { "whole\n", "whole\nbeat\n" },   { "torn", "torn\nbeat\n" },
        { "\n", "\nbeat\n" }, { "x\ntorn", "x\ntorn\nbeat\n" },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Error error;
        Output *output = new_output("log");
        temp_write_text("log", table[i].content);
        cr_assert_eq(output_open(output, &error), 0);
        cr_expect_eq(write_text(output, "beat"), 0);
        cr_expect_str_eq(temp_read("log"), table[i].after, "row %zu: %s", i, temp_read("log"));
        output_free(output);
    }
}

Test(output_file, cut_to_nothing_after_a_torn_line_begins_at_its_beginning)
{
    Error error;
    Output *output = new_output("log");
    temp_write_text("log", "torn");
    cr_assert_eq(output_open(output, &error), 0);
    cut_to_nothing();
    cr_expect_eq(write_text(output, "beat"), 0);
    cr_expect_str_eq(temp_read("log"), "beat\n");
    output_free(output);
}

Test(output_file, new_file_with_a_torn_line_is_mended_too)
{
    Error error;
    Output *output = new_output("log");
    cr_assert_eq(output_open(output, &error), 0);
    rename_and_make_new();
    append_torn();
    cr_expect_eq(write_text(output, "beat"), 0);
    cr_expect_str_eq(temp_read("log"), "new\ntorn\nbeat\n");
    output_free(output);
}

Test(output_file, works_again_when_its_directory_is_back)
{
    Error error;
    cr_assert_eq(mkdir("d", 0755), 0);
    Output *output = new_output("d/log");
    cr_assert_eq(output_open(output, &error), 0);
    cr_expect_eq(write_text(output, "one"), 0);
    cr_assert_eq(rename("d", "e"), 0);
    cr_expect_eq(write_text(output, "two"), ENOENT);
    cr_expect_eq(write_text(output, "three"), ENOENT);
    cr_expect_eq(output->lost, 2u);
    cr_assert_eq(mkdir("d", 0755), 0);
    cr_expect_eq(write_text(output, "four"), 0);
    cr_expect_str_eq(temp_read("d/log"), "four\n");
    cr_expect_str_eq(temp_read("e/log"), "one\n");
    output_free(output);
}

Test(output_file, replaced_by_something_else_is_not_written_to)
{
    Error error;
    Output *output = new_output("log");
    cr_assert_eq(output_open(output, &error), 0);
    temp_write_text("victim", "");
    remove_it();
    cr_assert_eq(symlink("victim", "log"), 0);
    cr_expect_eq(write_text(output, "beat"), ELOOP);
    cr_assert_eq(unlink("log"), 0);
    cr_assert_eq(mkdir("log", 0755), 0);
    cr_expect_eq(write_text(output, "beat"), EISDIR);
    cr_expect_str_eq(temp_read("victim"), "");
    output_free(output);
}

/* The suite's timeout would end what waits. */
Test(output_file, fifo_never_waits_for_its_reader)
{
    Error error;
    char text[1025], buffer[4096];
    size_t taken = 0;
    memset(text, 'x', 1024);
    text[1024] = '\0';
    cr_assert_eq(mkfifo("fifo", 0644), 0);
    Output *output = new_output("fifo");
    cr_expect_eq(output_open(output, &error), 0);
    cr_expect_eq(write_text(output, "nobody reads"), ENXIO);

    int reader = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    cr_assert_geq(reader, 0);
    cr_expect_eq(write_text(output, "beat"), 0, "the reader came");
    while (write_text(output, text) == 0)
        cr_assert_lt(++taken, 10000u);
    cr_expect_eq(output->failure, EAGAIN, "%d", output->failure);
    cr_expect_gt(taken, 10u);
    cr_expect_eq(read(reader, buffer, sizeof(buffer)), (ssize_t)sizeof(buffer));
    cr_expect_eq(memcmp(buffer, "beat\nxxx", 8), 0);
    cr_expect_eq(write_text(output, "again"), 0, "it reads again");

    close(reader);
    cr_expect_eq(write_text(output, "beat"), EPIPE);
    reader = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    cr_expect_eq(write_text(output, "back"), 0, "another reader came");
    char last[5] = "";
    for (ssize_t n; (n = read(reader, buffer, sizeof(buffer))) > 0;)
        memcpy(last, buffer + n - 5, 5);
    cr_expect_eq(memcmp(last, "back\n", 5), 0);
    close(reader);
    output_free(output);
}
