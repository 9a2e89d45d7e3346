/* SPDX-License-Identifier: MIT */
/* Decimal digits in a text that goes on behind them. */

#include "util/number.h"

#include <criterion/criterion.h>
#include <string.h>

#include "util/cleanup.h"

Test(number, is_read_up_to_what_is_no_digit)
{
    static const struct {
        const char *text;
        uint64_t number;
        int length; /* -1: none */
    } table[] = {
        { "0", 0, 1 },
        { "007x", 7, 3 },
        { "18446744073709551615", UINT64_MAX, 20 },
        { "1 2", 1, 1 },
        { "18446744073709551616", 0, -1 },
        { "99999999999999999999999", 0, -1 },
        { "", 0, -1 },
        { " 1", 0, -1 },
        { "-1", 0, -1 },
        { "+1", 0, -1 },
        { "x", 0, -1 },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        uint64_t number = 0;
        const char *text = table[i].text, *behind = number_take(text, text + strlen(text), &number);
        cr_expect_eq(behind, table[i].length < 0 ? NULL : text + table[i].length, "\"%s\"", text);
        cr_expect_eq(number, table[i].number, "\"%s\"", text);
    }
}

Test(number, is_written_as_it_is_read)
{
    static const char *const table[] = { "0", "9", "10", "1234567890", "18446744073709551615" };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        char text[NUMBER_DIGITS_MAX + 2] = "";
        uint64_t number;
        memset(text, 'x', sizeof(text) - 1);
        number_take(table[i], table[i] + strlen(table[i]), &number);
        char *end = number_put(text, number);
        cr_expect_eq(end, text + strlen(table[i]));
        cr_expect_eq(*end, 'x', "nothing is written behind it");
        *end = '\0';
        cr_expect_str_eq(text, table[i]);
    }
}

Test(number, ends_at_the_end_that_is_given)
{
    const char *text = "1234";
    uint64_t number = 0;
    cr_expect_eq(number_take(text, text + 2, &number), text + 2);
    cr_expect_eq(number, 12u);
    cr_expect_null(number_take(text, text, &number));
}

Test(number, of_digits_has_so_many_at_least_and_at_most)
{
    const char *text = "12345";
    int number = 0;
    cr_expect_eq(number_take_digits(text, 4, 4, &number), text + 4);
    cr_expect_eq(number, 1234);
    cr_expect_eq(number_take_digits(text, 1, 9, &number), text + 5);
    cr_expect_eq(number, 12345);
    cr_expect_null(number_take_digits(text, 6, 9, &number));
    cr_expect_null(number_take_digits("1x", 2, 2, &number));
    cr_expect_null(number_take_digits("", 1, 2, &number));
    cr_expect_null(number_take_digits(NULL, 1, 2, &number));
    cr_expect_eq(number, 12345, "untouched when there is none");
}
