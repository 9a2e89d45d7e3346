/* SPDX-License-Identifier: MIT */
#pragma once
/* Bytes from outside: made fit to be shown, with UTF-8 checked and control characters escaped, or looked up.
 */

#include <stdbool.h>
#include <stddef.h>

/* Well-formed by RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF. */
bool text_is_utf8(const char *text, size_t length);

/* The length of the character at the beginning of text, 1 to 4 bytes; 0 when there is no well-formed one. */
size_t text_character(const char *text, size_t length);

/* Copies text so that it stays on one line and moves no terminal: control characters of ASCII and of Latin-1
 * become \n, \t or \xHH, as do bytes that are not UTF-8. The backslash itself is left as it is.
 *
 * buffer gets at most size bytes, a NUL included; what does not fit is left out at a character's boundary.
 * Returns the length that the whole would have had, so that a result >= size says that it was cut. */
size_t text_escape(const char *text, size_t length, char *buffer, size_t size);

/* The index of a word in a table of words, or -EINVAL when it is none of them. */
int text_find(const char *const *words, size_t count, const char *word);
