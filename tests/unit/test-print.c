/* SPDX-License-Identifier: MIT */
/* Words for people on the standard streams. */

#include "ctl/print.h"

#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#include "temp-dir.h"

#define MOMENT (UINT64_C(1795352410) * USEC_PER_SEC + 999999) /* 22 November 2026, 13:00:10 UTC */

TestSuite(print, .timeout = 120);

static void set_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

Test(print, times_are_local_or_in_utc_and_never_absurd)
{
    char text[TIME_TEXT_MAX];
    Style style = { .utc = true };
    set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
    cr_expect_str_eq(format_time(&style, MOMENT, text), "Sun 2026-11-22 13:00:10 UTC");
    cr_expect_str_eq(format_time_short(&style, MOMENT, text), "2026-11-22 13:00:10 UTC");
    style.utc = false;
    cr_expect_str_eq(format_time(&style, MOMENT, text), "Sun 2026-11-22 14:00:10 CET");
    cr_expect_str_eq(format_time_short(&style, MOMENT, text), "2026-11-22 14:00:10");
    cr_expect_str_eq(format_time(&style, USEC_INFINITY, text), "-");
    cr_expect_str_eq(format_time_short(&style, USEC_INFINITY, text), "-");
    style.utc = true;
    cr_expect_str_eq(format_time_short(&style, USEC_INFINITY - 1, text), "9999-12-31 23:59:59 UTC");
    cr_expect_str_eq(format_time_short(&style, 0, text), "1970-01-01 00:00:00 UTC");
}

Test(print, text_is_cut_at_a_character)
{
    static const struct {
        const char *text;
        size_t columns;
        const char *cut;
    } table[] = {
        { "evidence", 8, "evidence" },
        { "evidence", 7, "evid..." },
        { "evidence", 4, "e..." },
        { "evidence", 3, "evi" },
        { "evidence", 0, "" },
        { "", 0, "" },
        { "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xe2\x82\xac", 5, "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xe2\x82\xac" },
        { "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xe2\x82\xac", 4, "\xc3\xa4..." },
        { "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xe2\x82\xac", 2, "\xc3\xa4\xc3\xb6" },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        char text[64];
        strcpy(text, table[i].text);
        text_cut(text, table[i].columns);
        cr_expect_str_eq(text, table[i].cut, "row %zu: \"%s\"", i, text);
        cr_expect_leq(text_columns(text), text_columns(table[i].text));
    }
}

Test(print, nothing_that_moves_a_terminal_gets_out)
{
    char long_text[20000];
    memset(long_text, '\x1b', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    cleanup_close int out = temp_file(), err = temp_file();
    cr_assert_eq(dup2(out, STDOUT_FILENO), STDOUT_FILENO);
    cr_assert_eq(dup2(err, STDERR_FILENO), STDERR_FILENO);
    Style plain = { 0 }, coloured = { .colour = true };
    print_text("%s", "a\x1b[2J");
    print_line("%s", "b\nc\xff");
    print_coloured(&plain, COLOUR_RED, "%s", "d\x07");
    print_coloured(&coloured, COLOUR_NONE, "%s", "e");
    print_coloured(&coloured, COLOUR_BOLD, "%s", "f\x1b");
    print_line_to(stdout, "%s", "\r");
    complain("%s", "g\nh");
    fflush(stdout);
    cr_expect_str_eq(temp_read_fd(out), "a\\x1b[2Jb\\nc\\xff\nd\\x07e\x1b[1mf\\x1b\x1b[0m\\x0d\n");
    cr_expect_str_eq(temp_read_fd(err), "heartbeatctl: g\\nh\n");
    print_line("%s", long_text);
    fflush(stdout);
    cr_expect_null(strchr(temp_read_fd(out) + 60, '\x1b'));
}

Test(print, there_is_no_colour_and_no_width_but_on_a_terminal)
{
    Style style;
    cleanup_close int out = temp_file();
    cr_assert_eq(dup2(out, STDOUT_FILENO), STDOUT_FILENO);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    unsetenv("COLUMNS");
    style_find(&style, true);
    cr_expect(!style.colour && style.width == 0 && style.utc);
    static const struct {
        const char *columns;
        unsigned width;
    } table[] = { { "100", 100 }, { "0", 0 }, { "", 0 }, { "80x", 0 }, { "-5", 0 }, { "99999999999", 0 } };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        setenv("COLUMNS", table[i].columns, 1);
        style_find(&style, false);
        cr_expect_eq(style.width, table[i].width, "%s", table[i].columns);
    }
}
