/* SPDX-License-Identifier: MIT */
#pragma once
/* A writer of JSON (RFC 8259), by hand, for the programs link nothing but the C library. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "util/usec.h"

typedef struct Json {
    FILE *file;
    bool comma; /* before the next value */
} Json;

/* Each writes one value: a member of an object with a key, an element of an array or the whole text without
 * one (NULL). Keys are written as they are. */

/* bracket: '{' or '['; to be ended with its counterpart. */
void json_begin(Json *json, const char *key, char bracket);
void json_end(Json *json, char bracket);

/* NULL is null. Bytes that are not UTF-8 become U+FFFD each; control characters are escaped, those of Latin-1
 * too. */
void json_text(Json *json, const char *key, const char *value);

void json_bool(Json *json, const char *key, bool value);

/* UINT64_MAX, which stands for what is not known, is null. */
void json_number(Json *json, const char *key, uint64_t value);

/* A CLOCK_REALTIME as RFC 3339 in UTC, with milliseconds; as above. */
void json_time(Json *json, const char *key, usec_t realtime_usec);
