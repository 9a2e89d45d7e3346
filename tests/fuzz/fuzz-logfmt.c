/* SPDX-License-Identifier: MIT */
/* Pairs of any content are read back from a line as they were put in, as far as the line had room for them;
 * and any bytes as a line: what is taken is a line that means the same when it is written anew. */

#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/logfmt.h"

#define PAIRS_MAX 8
#define VALUE_MAX 64

typedef struct Pair {
    char key[8], value[VALUE_MAX];
} Pair;

static void make_key(FuzzInput *input, char key[static 8])
{
    static const char characters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    size_t length = 1 + fuzz_choice(input, 7);
    for (size_t i = 0; i < length; i++)
        key[i] = characters[fuzz_choice(input, sizeof(characters) - 1)];
    key[length] = '\0';
}

static void check_pairs(FuzzInput *input)
{
    Pair pairs[PAIRS_MAX];
    char buffer[PAIRS_MAX * (8 + 2 + 4 * VALUE_MAX)], value[VALUE_MAX];
    size_t count = 0, size = 1 + fuzz_number(input) % sizeof(buffer);
    LogfmtLine line;
    LogfmtPair pair;
    logfmt_begin(&line, buffer, size);
    for (size_t i = fuzz_choice(input, PAIRS_MAX + 1); i > 0; i--) {
        make_key(input, pairs[count].key);
        fuzz_string(input, pairs[count].value, VALUE_MAX);
        logfmt_add(&line, pairs[count].key, pairs[count].value);
        count += !line.full;
    }
    FUZZ_ASSERT(line.length < size && strlen(buffer) == line.length);
    FUZZ_ASSERT(!strchr(buffer, '\n') && !strchr(buffer, '\x1b'));
    const char *at = buffer, *end = buffer + line.length;
    for (size_t i = 0; i < count; i++) {
        FUZZ_ASSERT(logfmt_next(&at, end, &pair) == 1 && logfmt_is(&pair, pairs[i].key));
        FUZZ_ASSERT(logfmt_text(&pair, value, sizeof(value)) == 0 && strcmp(value, pairs[i].value) == 0);
    }
    FUZZ_ASSERT(logfmt_next(&at, end, &pair) == 0);
}

/* Takes a text apart and writes what was taken. Returns what logfmt_next() did at last. */
static int rewrite(const char *text, size_t length, LogfmtLine *line)
{
    const char *at = text, *end = text + length;
    LogfmtPair pair;
    int r;
    while ((r = logfmt_next(&at, end, &pair)) == 1) {
        char *key = strndup(pair.key, pair.key_length), *value = malloc(pair.value_length + 1);
        uint64_t number;
        FUZZ_ASSERT(key && value && at > text && at <= end && logfmt_is(&pair, key));
        int s = logfmt_text(&pair, value, pair.value_length + 1);
        FUZZ_ASSERT(s == 0 || (s == -EBADMSG && pair.quoted));
        if (s == 0)
            logfmt_add(line, key, value);
        if (logfmt_number(&pair, &number) == 0)
            FUZZ_ASSERT(s == 0 && strspn(value, "0123456789") == pair.value_length && value[0]);
        free(key);
        free(value);
    }
    FUZZ_ASSERT(r == 0 || r == -EBADMSG);
    return r;
}

static void check_line(const char *text, size_t length)
{
    size_t room = 4 * length + 16;
    char *once = malloc(room), *again = malloc(room);
    LogfmtLine line;
    FUZZ_ASSERT(once && again);
    logfmt_begin(&line, once, room);
    (void)rewrite(text, length, &line);
    FUZZ_ASSERT(!line.full);
    size_t written = line.length;
    logfmt_begin(&line, again, room);
    FUZZ_ASSERT(rewrite(once, written, &line) == 0 && strcmp(once, again) == 0);
    free(once);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput input = { data, data + size };
    const char *text = size > 0 ? (const char *)data : "";
    const char *at = text;
    check_line(text, size);
    int r = logfmt_check_version(&at, text + size, 1);
    FUZZ_ASSERT(r == 0 || r == -EBADMSG || r == -ENOTSUP);
    check_pairs(&input);
    return 0;
}
