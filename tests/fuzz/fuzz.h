/* SPDX-License-Identifier: MIT */
#pragma once
/* What the fuzz targets have in common. */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The target: libFuzzer calls it, or fuzz-driver.c where there is none. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(3), which a release build leaves out. */
#define FUZZ_ASSERT(condition) ((condition) ? (void)0 : fuzz_fail(#condition, __FILE__, __LINE__))
_Noreturn void fuzz_fail(const char *condition, const char *file, int line);

/* A text that is to be seen when something does not hold from here on; NULL: none. */
void fuzz_show(const char *text);

/* The bytes up to the first NUL as a string of exactly that size, for a sanitizer to see a step beyond it.
 * The caller frees. */
char *fuzz_text(const uint8_t *data, size_t size);

/* An input that is taken apart from its beginning; behind its end there are zeros. */
typedef struct FuzzInput {
    const uint8_t *at, *end;
} FuzzInput;

uint8_t fuzz_byte(FuzzInput *input);

/* Below count, which is at most 256. */
unsigned fuzz_choice(FuzzInput *input, unsigned count);
bool fuzz_bool(FuzzInput *input);

/* A number of any size: the first byte says how many follow, and whether the number is so much below the
 * highest one. */
uint64_t fuzz_number(FuzzInput *input);

/* A text of any bytes, its length first. */
void fuzz_string(FuzzInput *input, char *buffer, size_t size);

/* One of a few zones, of those that POSIX has rules for in the name: what they are is no matter of the host.
 */
#define FUZZ_ZONES 8
void fuzz_set_zone(unsigned zone);

/* UTF-8 without a control character. */
void fuzz_assert_printable(const char *text);
/* The same in each of its lines, of which the last one has an end. */
void fuzz_assert_lines(const char *text);
/* One JSON text, or one XML document without a declaration, and nothing in it that is no text. */
void fuzz_assert_json(const char *text);
void fuzz_assert_xml(const char *text);
