/* SPDX-License-Identifier: MIT */
#pragma once
/* Decimal digits in a text that goes on behind them. */

#include <stdint.h>

#define NUMBER_DIGITS_MAX 20 /* of 2^64 - 1 */

/* Writes the digits of a number, and no NUL. Returns where they end. Beats are full of numbers, for each of
 * which snprintf(3) takes ten times as long (measured). */
char *number_put(char *at, uint64_t number);

/* Reads the digits from at on, up to end at most. Returns behind them, or NULL when there is none or the
 * number is 2^64 or more; *ret is set only if it is not NULL. */
const char *number_take(const char *at, const char *end, uint64_t *ret);

/* Reads at least `least` and at most `most` digits, of which there may be nine, from a text ended by NUL.
 * Returns behind them or NULL; NULL in place of a text is handed on, so that a caller can read several parts
 * and look at the end. */
const char *number_take_digits(const char *at, unsigned least, unsigned most, int *ret);
