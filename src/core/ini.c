/* SPDX-License-Identifier: MIT */
/* The configuration file's syntax. */

#include "core/ini.h"

#include <errno.h>
#include <string.h>

#include "util/text.h"

#define BLANKS " \t\r"

void ini_start(IniReader *reader, char *buffer, size_t length)
{
    *reader = (IniReader){ .next = buffer, .end = buffer + length };
    buffer[length] = '\0';
    if (length >= 3 && memcmp(buffer, "\xef\xbb\xbf", 3) == 0)
        reader->next += 3;
}

/* Cuts blanks off both ends of the text from start to end, which is writable. */
static char *trim(char *start, char *end)
{
    while (start < end && strchr(BLANKS, *start))
        start++;
    while (end > start && strchr(BLANKS, end[-1]))
        end--;
    *end = '\0';
    return start;
}

static const char *unquote(char *value)
{
    size_t length = strlen(value);
    if (length < 2 || value[0] != '"' || value[length - 1] != '"')
        return value;
    value[length - 1] = '\0';
    return value + 1;
}

static int bad(const char **ret_problem, const char *problem)
{
    *ret_problem = problem;
    return -EBADMSG;
}

/* One line, trimmed. Returns 1 when it holds a section or an assignment, 0 when there is nothing to report,
 * or -EBADMSG.
 */
static int read_line(IniReader *reader, char *line, const char **ret_problem)
{
    size_t length = strlen(line);
    if (length == 0 || line[0] == '#' || line[0] == ';')
        return 0;
    reader->text = line;
    if (line[0] == '[') {
        reader->section = NULL;
        if (line[length - 1] != ']' || length < 3)
            return bad(ret_problem, "expected a section as in [Heartbeat]");
        line[length - 1] = '\0';
        reader->section = line + 1;
        reader->key = reader->value = NULL;
        return 1;
    }

    char *equals = strchr(line, '=');
    if (!equals || equals == line)
        return bad(ret_problem, "expected Key=value, a [section], or a comment that begins with # or ;");
    if (!reader->section)
        return bad(ret_problem, "expected [Heartbeat] before the first key");
    reader->value = unquote(trim(equals + 1, line + length));
    reader->key = trim(line, equals);
    return 1;
}

int ini_next(IniReader *reader, const char **ret_problem)
{
    while (reader->next < reader->end) {
        char *line = reader->next;
        char *newline = memchr(line, '\n', (size_t)(reader->end - line));
        char *line_end = newline ? newline : reader->end;
        size_t length = (size_t)(line_end - line);
        reader->next = line_end + 1;
        reader->line++;
        reader->text = NULL;

        if (length > INI_LINE_MAX)
            return bad(ret_problem, "longer than 4096 bytes");
        if (memchr(line, '\0', length))
            return bad(ret_problem, "holds a NUL byte; expected text in UTF-8");
        if (!text_is_utf8(line, length))
            return bad(ret_problem, "expected text in UTF-8");
        int r = read_line(reader, trim(line, line_end), ret_problem);
        if (r != 0)
            return r;
    }
    return 0;
}
