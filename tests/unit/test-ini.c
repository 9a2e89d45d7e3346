/* SPDX-License-Identifier: MIT */
/* The configuration file's syntax: what is read, and what is refused with which words. */

#include "core/ini.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

/* What a reader has to say about a text, but for the sections by themselves: "line:section.key=value" or
 * "line!problem", each on a line of its own. */
static void read_all(const char *text, size_t length, char *ret, size_t size)
{
    IniReader reader;
    const char *problem = NULL;
    /* Of the exact size, so that a sanitizer sees a step beyond it. */
    cleanup_free char *buffer = malloc(length + 1);
    size_t n = 0;
    int r;

    cr_assert_not_null(buffer);
    memcpy(buffer, text, length);
    ini_start(&reader, buffer, length);
    ret[0] = '\0';
    while ((r = ini_next(&reader, &problem)) != 0 && n < size)
        if (r > 0 && !reader.key)
            cr_expect_null(reader.value);
        else if (r > 0)
            n += (size_t)snprintf(ret + n, size - n, "%zu:%s.%s=%s\n", reader.line, reader.section,
                                  reader.key, reader.value);
        else {
            cr_expect_eq(r, -EBADMSG);
            n += (size_t)snprintf(ret + n, size - n, "%zu!%s\n", reader.line, problem);
        }
}

#define NOT_UTF8 "!expected text in UTF-8\n"
#define NOTHING_KNOWN "!expected Key=value, a [section], or a comment that begins with # or ;\n"
#define NO_SECTION "!expected [Heartbeat] before the first key\n"
#define BAD_SECTION "!expected a section as in [Heartbeat]\n"

Test(ini, reads_assignments_and_refuses_what_it_does_not_understand)
{
    static const struct {
        const char *text;
        const char *read;
    } table[] = {
        { "", "" },
        { "\n\n\n", "" },
        { "[A]", "" },
        { "[A]\nKey=value\n", "2:A.Key=value\n" },
        { "[A]\nKey=value", "2:A.Key=value\n" },
        { "[A]\r\nKey=value\r\n", "2:A.Key=value\n" },
        { "\xef\xbb\xbf[A]\nKey=value", "2:A.Key=value\n" },
        { "[A]\n \t Key \t = \t value \t \n", "2:A.Key=value\n" },
        { "  [A]  \nKey=value", "2:A.Key=value\n" },
        { "[A]\n#x=1\n;y=2\n  # z=3\nKey=1", "5:A.Key=1\n" },
        { "[A]\nKey=1 ; no comment # either", "2:A.Key=1 ; no comment # either\n" },
        { "[A]\nKey=1\n  Other=2\n", "2:A.Key=1\n3:A.Other=2\n" },
        { "[A]\nKey=no continuation \\\nOther=2\n", "2:A.Key=no continuation \\\n3:A.Other=2\n" },
        { "[A]\nKey=a=b=c", "2:A.Key=a=b=c\n" },
        { "[A]\nKey=", "2:A.Key=\n" },
        { "[A]\nKey=   ", "2:A.Key=\n" },
        { "[A]\nK=1\n[B]\nK=2\n[A]\nK=3", "2:A.K=1\n4:B.K=2\n6:A.K=3\n" },
        { "[ A ]\nK=1", "2: A .K=1\n" },
        { "[A]B]\nK=1", "2:A]B.K=1\n" },
        { "[A]\nK=\"  x  \"", "2:A.K=  x  \n" },
        { "[A]\nK=\"\"", "2:A.K=\n" },
        { "[A]\nK=\"", "2:A.K=\"\n" },
        { "[A]\nK=\"\"\"", "2:A.K=\"\n" },
        { "[A]\nK=\"a\" b", "2:A.K=\"a\" b\n" },
        { "[A]\nK=a \"b\"", "2:A.K=a \"b\"\n" },
        { "[A]\nK=\"a\"b\"", "2:A.K=a\"b\n" },
        { "[A]\nK=gr\xc3\xbc\xc3\x9f", "2:A.K=gr\xc3\xbc\xc3\x9f\n" },

        { "Key=value", "1" NO_SECTION },
        { "Key=1\n[A]\nKey=2", "1" NO_SECTION "3:A.Key=2\n" },
        { "[A]\nnonsense\nKey=1", "2" NOTHING_KNOWN "3:A.Key=1\n" },
        { "[A]\n=value", "2" NOTHING_KNOWN },
        { "[A]\n  =  ", "2" NOTHING_KNOWN },
        { "[A]\n\vK", "2" NOTHING_KNOWN },
        { "[A", "1" BAD_SECTION },
        { "[", "1" BAD_SECTION },
        { "[]", "1" BAD_SECTION },
        { "[A] # comment", "1" BAD_SECTION },
        { "[A]\n[B\nK=1", "2" BAD_SECTION "3" NO_SECTION },
        { "[A]\nK=\xff", "2" NOT_UTF8 },
        { "[A]\nK=\xc0\x80", "2" NOT_UTF8 },
        { "[A]\nK=\xc3", "2" NOT_UTF8 },
        { "[A]\nK=\xc3\n\xa9=1", "2" NOT_UTF8 "3" NOT_UTF8 },
        { "[A]\n# \xff\nK=1", "2" NOT_UTF8 "3:A.K=1\n" },
        { "\xff\xfe[\0A\0]\0", "1" NOT_UTF8 },
        { "\n\xef\xbb\xbf[A]\nK=1", "2" NOTHING_KNOWN "3" NO_SECTION },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        char read[1024];
        read_all(table[i].text, strlen(table[i].text), read, sizeof(read));
        cr_expect_str_eq(read, table[i].read, "row %zu, \"%s\": %s", i, table[i].text, read);
    }
}

Test(ini, tells_of_a_section_with_nothing_in_it)
{
    static const char *const sections[] = { "A", "B", "A" };
    char text[] = "[A]\n[B]\n# K=1\n[A]";
    IniReader reader;
    const char *problem;
    ini_start(&reader, text, strlen(text));
    for (size_t i = 0; i < ELEMENTSOF(sections); i++) {
        cr_assert_eq(ini_next(&reader, &problem), 1);
        cr_expect_str_eq(reader.section, sections[i]);
        cr_expect_null(reader.key);
    }
    cr_expect_eq(ini_next(&reader, &problem), 0);
}

Test(ini, refuses_a_nul_byte_wherever_it_stands)
{
    static const struct {
        const char *text;
        size_t length;
        const char *read;
    } table[] = {
        { "\0", 1, "1!holds a NUL byte; expected text in UTF-8\n" },
        { "[A]\nK=1\0\nL=2", 12, "2!holds a NUL byte; expected text in UTF-8\n3:A.L=2\n" },
        { "[A]\n\0K=1", 8, "2!holds a NUL byte; expected text in UTF-8\n" },
        { "[A]\n# \0", 7, "2!holds a NUL byte; expected text in UTF-8\n" },
        { "[A]\nK=1\0", 8, "2!holds a NUL byte; expected text in UTF-8\n" },
        { "[A]\nK=1", 7, "2:A.K=1\n" },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        char read[1024];
        read_all(table[i].text, table[i].length, read, sizeof(read));
        cr_expect_str_eq(read, table[i].read, "row %zu: %s", i, read);
    }
}

Test(ini, takes_lines_of_4096_bytes_and_no_longer)
{
    static const struct {
        size_t length;
        const char *ending;
        int result;
    } table[] = {
        { INI_LINE_MAX, "", 1 },
        { INI_LINE_MAX, "\n", 1 },
        { INI_LINE_MAX - 1, "\r\n", 1 },
        { INI_LINE_MAX + 1, "", -EBADMSG },
        { INI_LINE_MAX + 1, "\n", -EBADMSG },
        { 500000, "\n", -EBADMSG },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        IniReader reader;
        const char *problem = NULL;
        size_t size = 4 + table[i].length + strlen(table[i].ending);
        cleanup_free char *text = malloc(size + 1);
        cr_assert_not_null(text);
        memcpy(text, "[A]\nK=", 6);
        memset(text + 6, 'x', table[i].length - 2);
        memcpy(text + 4 + table[i].length, table[i].ending, strlen(table[i].ending));
        ini_start(&reader, text, size);
        cr_expect_eq(ini_next(&reader, &problem), 1, "row %zu: the section", i);
        cr_expect_eq(ini_next(&reader, &problem), table[i].result, "row %zu", i);
        if (table[i].result > 0)
            cr_expect_eq(strlen(reader.value), table[i].length - 2, "row %zu: the value was cut", i);
        else
            cr_expect_str_eq(problem, "longer than 4096 bytes");
        cr_expect_eq(ini_next(&reader, &problem), 0, "row %zu: there is no more", i);
    }
}
