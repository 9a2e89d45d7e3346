/* SPDX-License-Identifier: MIT */
/* One record as one line. */

#include "core/logfmt.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "util/number.h"

/* Where a character can stand: in a key, in a value without quotes. A table, for each byte of a history is
 * asked about. */
enum { KEY = 1, BARE = 2 };
static const unsigned char places[UCHAR_MAX + 1] = {
    ['!'] = BARE,         ['#' ... '/'] = BARE,   ['0' ... '9'] = KEY | BARE,
    [':' ... '<'] = BARE, ['>' ... '['] = BARE,   [']' ... '^'] = BARE,
    ['_'] = KEY | BARE,   ['`'] = BARE,           ['a' ... 'z'] = KEY | BARE,
    ['{' ... '~'] = BARE, [0x80 ... 0xff] = BARE,
};

static bool is_key_character(char c)
{
    return places[(unsigned char)c] & KEY;
}

static bool is_bare(char c)
{
    return places[(unsigned char)c] & BARE;
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

/* One character eight times. */
static uint64_t eight_of(unsigned char c)
{
    return UINT64_MAX / UCHAR_MAX * c;
}

/* Marks the highest bit of the first byte that is less than another, which is at most 0x80; perhaps of later
 * ones, too. */
static uint64_t mark_less(uint64_t word, unsigned char than)
{
    return (word - eight_of(than)) & ~word & eight_of(0x80);
}

/* How many of eight characters are bare, before the first that is not. */
static unsigned count_bare(uint64_t word)
{
    uint64_t marks = mark_less(word, ' ' + 1) | mark_less(word ^ eight_of('"'), 1) |
                     mark_less(word ^ eight_of('='), 1) | mark_less(word ^ eight_of('\\'), 1) |
                     mark_less(word ^ eight_of(0x7f), 1);
    return marks ? (unsigned)__builtin_ctzll(marks) / 8 : 8;
}

static const char *skip_bare(const char *at, const char *end)
{
    const char *begin = at;
    while (end - at >= 8) {
        unsigned count = count_bare(logfmt_eight(at));
        at += count;
        if (count < 8)
            return at > begin ? at : NULL;
    }
    while (at < end && is_bare(*at))
        at++;
    return at > begin ? at : NULL;
}

/* Moves on from behind a value: a blank stands between two pairs, and none behind the last. */
static int pass_value(const char **at, const char *behind, const char *end)
{
    if (!behind || (behind < end && (*behind != ' ' || behind + 1 == end)))
        return -EBADMSG;
    *at = behind < end ? behind + 1 : end;
    return 0;
}

int logfmt_take_value(const char **at, const char *end, LogfmtPair *ret)
{
    const char *value = *at;
    bool quoted = value < end && *value == '"';
    const char *behind = quoted ? skip_quoted(value, end) : skip_bare(value, end);
    ret->value = value + quoted;
    ret->value_length = (size_t)(behind - value) - (quoted ? 2 : 0);
    ret->quoted = quoted;
    return pass_value(at, behind, end);
}

int logfmt_next(const char **at, const char *end, LogfmtPair *ret)
{
    const char *key = *at, *value = key;
    if (key == end)
        return 0;
    while (value < end && is_key_character(*value))
        value++;
    if (value == key || value == end || *value != '=')
        return -EBADMSG;
    ret->key = key;
    ret->key_length = (size_t)(value - key);
    *at = value + 1;
    return logfmt_take_value(at, end, ret) < 0 ? -EBADMSG : 1;
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

/* A value in quotes. */
static int unescape_text(const LogfmtPair *pair, char *ret, size_t size)
{
    const char *at = pair->value, *end = at + pair->value_length;
    size_t length = 0;
    while (at < end) {
        int byte = unescape(&at, end);
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

int logfmt_text(const LogfmtPair *pair, char *ret, size_t size)
{
    if (pair->quoted)
        return unescape_text(pair, ret, size);
    if (pair->value_length >= size)
        return -E2BIG;
    memcpy(ret, pair->value, pair->value_length);
    ret[pair->value_length] = '\0';
    return 0;
}

/* How many of eight characters, exclusive-or'ed with '0', are digits before the first that is none. */
static unsigned count_digits(uint64_t digits)
{
    uint64_t marks = ((digits + eight_of(0x80 - 10)) | digits) & eight_of(0x80);
    return marks ? (unsigned)__builtin_ctzll(marks) / 8 : 8;
}

/* The number that eight digits are: pairs first, then pairs of those. */
static uint64_t join_digits(uint64_t digits)
{
    digits = digits * 10 + (digits >> 8);
    return ((digits & UINT64_C(0x000000ff000000ff)) * (100 + (UINT64_C(1000000) << 32)) +
            (digits >> 16 & UINT64_C(0x000000ff000000ff)) * (1 + (UINT64_C(10000) << 32))) >>
           32;
}

/* number_take() for most of a history: eight digits at a time, as long as no number of them is too large. */
static const char *take_digits(const char *begin, const char *end, uint64_t *ret)
{
    static const uint64_t powers[] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000 };
    const char *at = begin;
    uint64_t number = 0;
    for (unsigned count = 8; count == 8 && end - at >= 8; at += count) {
        uint64_t digits = logfmt_eight(at) ^ eight_of('0');
        count = count_digits(digits);
        if (count > 0)
            number = number * powers[count] + join_digits(digits << (8 - count) * 8);
    }
    for (; at < end && *at >= '0' && *at <= '9'; at++)
        number = number * 10 + (uint64_t)(*at - '0');
    if (at - begin > 19)
        return number_take(begin, end, ret);
    *ret = number;
    return at > begin ? at : NULL;
}

int logfmt_number(const LogfmtPair *pair, uint64_t *ret)
{
    const char *end = pair->value + pair->value_length;
    uint64_t number;
    if (pair->quoted || take_digits(pair->value, end, &number) != end)
        return -EBADMSG;
    *ret = number;
    return 0;
}

int logfmt_take_number(const char **at, const char *end, uint64_t *ret)
{
    uint64_t number;
    int r = pass_value(at, take_digits(*at, end, &number), end);
    if (r == 0)
        *ret = number;
    return r;
}

int logfmt_check_version(const char **at, const char *end, uint64_t newest)
{
    LogfmtPair pair;
    uint64_t version;
    if (logfmt_next(at, end, &pair) <= 0 || !logfmt_is(&pair, "v") || logfmt_number(&pair, &version) < 0)
        return -EBADMSG;
    return version == 0 ? -EBADMSG : version > newest ? -ENOTSUP : 0;
}
