/* SPDX-License-Identifier: MIT */
/* One record as one line. */

#include "core/logfmt.h"

#include <errno.h>
#include <string.h>

#include "util/number.h"

static bool is_key_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Whether a character can stand in a value without quotes. */
static bool is_bare(char c)
{
    return (unsigned char)c > ' ' && c != '"' && c != '=' && c != '\\' && c != 0x7f;
}

static bool needs_quotes(const char *value)
{
    const char *at = value;
    while (*at && is_bare(*at))
        at++;
    return *at || at == value;
}

void logfmt_begin(LogfmtLine *line, char *buffer, size_t size)
{
    *line = (LogfmtLine){ .text = buffer, .size = size };
    buffer[0] = '\0';
}

/* One character and a NUL. */
static void put(LogfmtLine *line, char c)
{
    if (line->length + 1 >= line->size) {
        line->full = true;
        return;
    }
    line->text[line->length++] = c;
    line->text[line->length] = '\0';
}

static void put_text(LogfmtLine *line, const char *text)
{
    for (; *text; text++)
        put(line, *text);
}

static void put_escaped(LogfmtLine *line, char c)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char byte = (unsigned char)c;
    if (c == '"' || c == '\\') {
        put(line, '\\');
        put(line, c);
    } else if (c == '\n')
        put_text(line, "\\n");
    else if (byte < ' ' || byte == 0x7f) {
        put_text(line, "\\x");
        put(line, digits[byte >> 4]);
        put(line, digits[byte & 15]);
    } else
        put(line, c);
}

void logfmt_add(LogfmtLine *line, const char *key, const char *value)
{
    size_t begin = line->length;
    if (line->full)
        return;
    if (begin > 0)
        put(line, ' ');
    put_text(line, key);
    put(line, '=');
    bool quotes = needs_quotes(value);
    if (quotes)
        put(line, '"');
    for (; *value; value++)
        put_escaped(line, *value);
    if (quotes)
        put(line, '"');
    if (line->full) {
        line->length = begin;
        line->text[begin] = '\0';
    }
}

void logfmt_add_number(LogfmtLine *line, const char *key, uint64_t value)
{
    char text[NUMBER_DIGITS_MAX + 1];
    *number_put(text, value) = '\0';
    logfmt_add(line, key, text);
}

/* Behind the value that begins at a quote, or NULL when it has no end. */
static const char *skip_quoted(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f || (*at == '\\' && ++at == end))
            return NULL;
    return at < end ? at + 1 : NULL;
}

static const char *skip_bare(const char *at, const char *end)
{
    const char *begin = at;
    while (at < end && is_bare(*at))
        at++;
    return at > begin ? at : NULL;
}

int logfmt_next(const char **at, const char *end, LogfmtPair *ret)
{
    const char *key = *at, *value = *at;
    if (key == end)
        return 0;
    while (value < end && is_key_character(*value))
        value++;
    if (value == key || value == end || *value != '=')
        return -EBADMSG;
    size_t key_length = (size_t)(value++ - key);
    bool quoted = value < end && *value == '"';
    const char *behind = quoted ? skip_quoted(value, end) : skip_bare(value, end);
    /* A blank stands between two pairs, and none behind the last. */
    if (!behind || (behind < end && (*behind != ' ' || behind + 1 == end)))
        return -EBADMSG;
    *ret = (LogfmtPair){
        .key = key,
        .key_length = key_length,
        .value = value + quoted,
        .value_length = (size_t)(behind - value) - (quoted ? 2 : 0),
        .quoted = quoted,
    };
    *at = behind < end ? behind + 1 : end;
    return 1;
}

bool logfmt_is(const LogfmtPair *pair, const char *key)
{
    return strncmp(pair->key, key, pair->key_length) == 0 && key[pair->key_length] == '\0';
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What stands for one byte at *at, which is moved behind it. Returns the byte, or -EBADMSG. */
static int unescape(const char **at, const char *end)
{
    char c = *(*at)++;
    if (c != '\\')
        return (unsigned char)c;
    if (*at == end)
        return -EBADMSG;
    c = *(*at)++;
    if (c == '"' || c == '\\')
        return c;
    if (c == 'n')
        return '\n';
    if (c != 'x' || end - *at < 2)
        return -EBADMSG;
    int high = digit_of((*at)[0]), low = digit_of((*at)[1]);
    *at += 2;
    return high < 0 || low < 0 || high + low == 0 ? -EBADMSG : high << 4 | low;
}

int logfmt_text(const LogfmtPair *pair, char *ret, size_t size)
{
    const char *at = pair->value, *end = at + pair->value_length;
    size_t length = 0;
    while (at < end) {
        int byte = pair->quoted ? unescape(&at, end) : (unsigned char)*at++;
        if (byte < 0)
            return byte;
        if (length + 1 >= size)
            return -E2BIG;
        ret[length++] = (char)byte;
    }
    if (size == 0)
        return -E2BIG;
    ret[length] = '\0';
    return 0;
}

int logfmt_number(const LogfmtPair *pair, uint64_t *ret)
{
    const char *end = pair->value + pair->value_length;
    uint64_t number;
    if (pair->quoted || number_take(pair->value, end, &number) != end)
        return -EBADMSG;
    *ret = number;
    return 0;
}

int logfmt_check_version(const char **at, const char *end, uint64_t newest)
{
    LogfmtPair pair;
    uint64_t version;
    if (logfmt_next(at, end, &pair) <= 0 || !logfmt_is(&pair, "v") || logfmt_number(&pair, &version) < 0)
        return -EBADMSG;
    return version == 0 ? -EBADMSG : version > newest ? -ENOTSUP : 0;
}
