/* SPDX-License-Identifier: MIT */
/* Decimal digits in a text that goes on behind them. */

#include "util/number.h"

#include <stddef.h>
#include <string.h>

char *number_put(char *at, uint64_t number)
{
    char digits[NUMBER_DIGITS_MAX], *first = digits + sizeof(digits);
    do
        *--first = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    size_t length = (size_t)(digits + sizeof(digits) - first);
    memcpy(at, first, length);
    return at + length;
}

const char *number_take(const char *at, const char *end, uint64_t *ret)
{
    const char *begin = at;
    uint64_t number = 0;
    for (; at < end && *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number))
            return NULL;
    if (at == begin)
        return NULL;
    *ret = number;
    return at;
}

const char *number_take_digits(const char *at, unsigned least, unsigned most, int *ret)
{
    uint64_t number;
    const char *behind = at ? number_take(at, at + strnlen(at, most), &number) : NULL;
    if (!behind || (size_t)(behind - at) < least)
        return NULL;
    *ret = (int)number;
    return behind;
}
