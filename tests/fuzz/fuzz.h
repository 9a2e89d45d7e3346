/* SPDX-License-Identifier: MIT */
#pragma once
/* What the fuzz targets have in common. */

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

/* The target: libFuzzer calls it, or fuzz-driver.c where there is none. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(3), which a release build leaves out. */
#define FUZZ_ASSERT(condition) ((condition) ? (void)0 : __builtin_trap())

/* The bytes up to the first NUL as a string of exactly that size, for a sanitizer to see a step beyond it.
 * The caller frees. */
char *fuzz_text(const uint8_t *data, size_t size);

/* UTF-8 without a control character. */
void fuzz_assert_printable(const char *text);
