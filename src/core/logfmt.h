/* SPDX-License-Identifier: MIT */
#pragma once
/* One record as one line: key=value pairs between single blanks, as logfmt has them.
 *
 * A key is made of a-z, 0-9 and _. A value stands as it is if it has neither blank, quote, equals sign,
 * backslash nor control character in it and is not empty; else in double quotes, with \" \\ \n and \xHH. Any
 * bytes but NUL can be a value, and every line that is read back is the one that was written. */

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A line in the making. What does not fit into the buffer sets full; a pair is never cut. */
typedef struct LogfmtLine {
    char *text; /* ended by NUL */
    size_t size;
    size_t length;
    bool full;
} LogfmtLine;

/* size: of the buffer, at least 1. */
void logfmt_begin(LogfmtLine *line, char *buffer, size_t size);
void logfmt_add(LogfmtLine *line, const char *key, const char *value);
void logfmt_add_number(LogfmtLine *line, const char *key, uint64_t value);

/* A pair in a line that is being read, as it stands there. */
typedef struct LogfmtPair {
    const char *key;
    size_t key_length;
    const char *value; /* between the quotes, if there are any */
    size_t value_length;
    bool quoted;
} LogfmtPair;

/* Reads the next pair of the line that goes from *at to end, without its newline, and moves *at behind it.
 * Returns 1, 0 at the end of the line, or -EBADMSG when what stands there is none. */
int logfmt_next(const char **at, const char *end, LogfmtPair *ret);

/* Reads the first pair, which says by which version of a format the rest is written: v=1 and so on. Returns
 * 0, -ENOTSUP when that is newer than this one, whatever follows, or -EBADMSG. */
int logfmt_check_version(const char **at, const char *end, uint64_t newest);

/* Inline, for nearly every key that it is given is a literal. */
static inline bool logfmt_is(const LogfmtPair *pair, const char *key)
{
    return pair->key_length == strlen(key) && memcmp(pair->key, key, pair->key_length) == 0;
}

/* Eight characters at once, of which the first is in the lowest byte. */
static inline uint64_t logfmt_eight(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return le64toh(word);
}

/* A key that is known beforehand. */
typedef struct LogfmtKey {
    char text[16];
    size_t length;
} LogfmtKey;

#define LOGFMT_KEY(text) ((LogfmtKey){ text, sizeof(text) - 1 })

/* The same as logfmt_next() in two halves, for who knows what may come: whether the next pair has a key; and,
 * with *at behind the equals sign, its value, or its value as logfmt_number() has it. */
static inline bool logfmt_has_key(const char *at, const char *end, const LogfmtKey *key)
{
    size_t length = key->length;
    if ((size_t)(end - at) <= length || *at != key->text[0] || at[length] != '=')
        return false;
    if (length > 8 || end - at < 8)
        return memcmp(at, key->text, length) == 0;
    return (logfmt_eight(at) ^ logfmt_eight(key->text)) << (8 - length) * 8 == 0;
}

int logfmt_take_value(const char **at, const char *end, LogfmtPair *ret);
int logfmt_take_number(const char **at, const char *end, uint64_t *ret);

/* The value as text. Returns 0, -E2BIG when it and a NUL need more than size bytes, -EBADMSG for an escape
 * that the format has not, NUL included. */
int logfmt_text(const LogfmtPair *pair, char *ret, size_t size);

/* The value as a decimal number. Returns 0, or -EBADMSG when it is none or above UINT64_MAX. */
int logfmt_number(const LogfmtPair *pair, uint64_t *ret);
