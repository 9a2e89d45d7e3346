/* SPDX-License-Identifier: MIT */
#pragma once
/* The configuration file's syntax: sections, keys, comments; nothing of what they mean.
 *
 * A reader of our own, because libinih (Debian 55-1) says nothing when it shortens a long value, ends one at
 * a semicolon, or takes an indented line for a part of the key above. Here a comment is a line that begins
 * with # or ;, there is no continuation, and what is not understood is refused. */

#include <stddef.h>

#define INI_LINE_MAX 4096 /* bytes, the newline not counted */

typedef struct IniReader {
    char *next; /* where the next line begins */
    char *end;
    size_t line;      /* number of the line read last, from 1 */
    const char *text; /* and after -EBADMSG the line, NULL where it cannot be shown */
    const char *section;
    const char *key;
    const char *value; /* blanks around it removed, then one pair of double quotes around it */
} IniReader;

/* Reads from a buffer of length bytes that the caller keeps, and in which lines are cut apart; buffer[length]
 * must be writable. A byte order mark is skipped. */
void ini_start(IniReader *reader, char *buffer, size_t length);

/* Moves to the next section, which has a NULL key, or assignment; section, key and value lie in the buffer.
 * Returns 1, 0 at the end, or -EBADMSG with *ret_problem naming what is wrong with the line (a constant). The
 * reader can go on behind it; a section with a bad header has a NULL name. */
int ini_next(IniReader *reader, const char **ret_problem);
