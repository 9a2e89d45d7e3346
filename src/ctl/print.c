/* SPDX-License-Identifier: MIT */
/* Words for people on the standard streams. */

#include "ctl/print.h"

#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "core/timestamp.h"
#include "util/number.h"
#include "util/text.h"

/* Longest text of one call; longer ones are cut. Escaped, a byte becomes four. */
#define TEXT_MAX 2048

static unsigned find_width(bool terminal)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    uint64_t number;
    if (columns && number_take(columns, columns + strlen(columns), &number) == columns + strlen(columns) &&
        number > 0 && number < 100000)
        return (unsigned)number;
    return terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void style_find(Style *ret, bool utc)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    bool terminal = isatty(STDOUT_FILENO);
    setlocale(LC_CTYPE, "");
    *ret = (Style){
        .colour = terminal && !(no_color && no_color[0]) && term && term[0] && strcmp(term, "dumb") != 0,
        .utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
        .utc = utc,
        .width = find_width(terminal),
    };
}

static void print_valist(FILE *file, const char *format, va_list arguments) PRINTF_LIKE(2, 0);
static void print_valist(FILE *file, const char *format, va_list arguments)
{
    char raw[TEXT_MAX], text[4 * TEXT_MAX];
    vsnprintf(raw, sizeof(raw), format, arguments);
    text_escape(raw, strlen(raw), text, sizeof(text));
    fputs(text, file);
}

void print_text(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_valist(stdout, format, arguments);
    va_end(arguments);
}

void print_line(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_valist(stdout, format, arguments);
    va_end(arguments);
    fputc('\n', stdout);
}

void print_line_to(FILE *file, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_valist(file, format, arguments);
    va_end(arguments);
    fputc('\n', file);
}

void print_coloured(const Style *style, Colour colour, const char *format, ...)
{
    static const char *const sequences[] = {
        [COLOUR_NONE] = "",          [COLOUR_GREEN] = "\x1b[1;32m", [COLOUR_YELLOW] = "\x1b[1;33m",
        [COLOUR_RED] = "\x1b[1;31m", [COLOUR_BLUE] = "\x1b[1;34m",  [COLOUR_MAGENTA] = "\x1b[1;35m",
        [COLOUR_BOLD] = "\x1b[1m",
    };
    bool coloured = style->colour && colour != COLOUR_NONE;
    va_list arguments;
    va_start(arguments, format);
    if (coloured)
        fputs(sequences[colour], stdout);
    print_valist(stdout, format, arguments);
    if (coloured)
        fputs("\x1b[0m", stdout);
    va_end(arguments);
}

void complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("heartbeatctl: ", stderr);
    print_valist(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

static void break_down(const Style *style, usec_t realtime_usec, struct tm *ret)
{
    usec_t whole = realtime_usec / USEC_PER_SEC;
    time_t seconds = (time_t)(whole < TIMESTAMP_LAST_SEC ? whole : TIMESTAMP_LAST_SEC);
    style->utc ? gmtime_r(&seconds, ret) : localtime_r(&seconds, ret);
}

char *format_time(const Style *style, usec_t realtime_usec, char buffer[static TIME_TEXT_MAX])
{
    struct tm tm = { 0 };
    break_down(style, realtime_usec, &tm);
    if (realtime_usec == USEC_INFINITY)
        return memcpy(buffer, "-", 2);
    /* gmtime_r(3) calls its zone GMT. */
    size_t n = style->utc ? strftime(buffer, TIME_TEXT_MAX, "%a %Y-%m-%d %H:%M:%S UTC", &tm)
                          : strftime(buffer, TIME_TEXT_MAX, "%a %Y-%m-%d %H:%M:%S %Z", &tm);
    buffer[n] = '\0';
    return buffer;
}

char *format_time_short(const Style *style, usec_t realtime_usec, char buffer[static TIME_TEXT_MAX])
{
    struct tm tm = { 0 };
    break_down(style, realtime_usec, &tm);
    if (realtime_usec == USEC_INFINITY)
        return memcpy(buffer, "-", 2);
    size_t n = style->utc ? strftime(buffer, TIME_TEXT_MAX, "%Y-%m-%d %H:%M:%S UTC", &tm)
                          : strftime(buffer, TIME_TEXT_MAX, "%Y-%m-%d %H:%M:%S", &tm);
    buffer[n] = '\0';
    return buffer;
}

static bool continues(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

size_t text_columns(const char *text)
{
    size_t columns = 0;
    for (; *text; text++)
        columns += !continues(*text);
    return columns;
}

/* Behind the first so many characters. */
static char *skip_characters(char *text, size_t count)
{
    for (; *text && (count > 0 || continues(*text)); text++)
        count -= !continues(*text);
    return text;
}

void text_cut(char *text, size_t columns)
{
    static const char dots[] = "...";
    if (text_columns(text) <= columns)
        return;
    if (columns < sizeof(dots))
        *skip_characters(text, columns) = '\0';
    else
        memcpy(skip_characters(text, columns - strlen(dots)), dots, sizeof(dots));
}
