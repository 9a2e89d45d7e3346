/* SPDX-License-Identifier: MIT */
/* Any bytes as a configuration file: read to its end line by line, and what it sets lies within the ranges
 * and is printable. */

#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "core/ini.h"
#include "core/message.h"
#include "daemon/settings.h"
#include "util/text.h"

static void check_settings(const Settings *settings)
{
    FUZZ_ASSERT(settings->interval_usec == 0 || (settings->interval_usec >= INTERVAL_MIN_USEC &&
                                                 settings->interval_usec <= INTERVAL_MAX_USEC));
    FUZZ_ASSERT(!settings->message || message_check(settings->message) == 0);
    FUZZ_ASSERT(!settings->state_dir || settings->state_dir[0] == '/');
    if (settings->message)
        fuzz_assert_printable(settings->message);
    if (settings->state_dir)
        fuzz_assert_printable(settings->state_dir);
    for (size_t i = 0; i < settings->n_outputs; i++) {
        fuzz_assert_printable(settings->outputs[i]);
        FUZZ_ASSERT(output_name_is_valid(settings->outputs[i]));
        for (size_t j = 0; j < i; j++)
            FUZZ_ASSERT(strcmp(settings->outputs[i], settings->outputs[j]) != 0);
    }
}

static void apply(Settings *settings, const IniReader *reader)
{
    Error error;
    for (size_t i = 0; i < settings_count; i++)
        if (strcmp(settings_table[i].key, reader->key) == 0 &&
            setting_apply(&settings_table[i], settings, reader->value[0] ? reader->value : NULL, "f:1: Key",
                          6, &error) < 0) {
            FUZZ_ASSERT(error.exit_code == 6 && strlen(error.text) < ERROR_TEXT_MAX);
            fuzz_assert_printable(error.text);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    size_t last_line = 0, assignments = 0;
    const char *problem = NULL;
    Settings settings = { 0 };
    IniReader reader;

    FUZZ_ASSERT(text);
    if (size > 0)
        memcpy(text, data, size);
    ini_start(&reader, text, size);
    for (int r; (r = ini_next(&reader, &problem)) != 0; assignments++) {
        FUZZ_ASSERT(r == 1 || (r == -EBADMSG && problem));
        FUZZ_ASSERT(reader.line > last_line && reader.line <= size);
        last_line = reader.line;
        if (r < 0)
            continue;
        FUZZ_ASSERT(reader.section && reader.section[0] && !reader.key == !reader.value);
        if (!reader.key)
            continue;
        FUZZ_ASSERT(reader.key[0]);
        FUZZ_ASSERT(strlen(reader.key) + strlen(reader.value) < INI_LINE_MAX);
        FUZZ_ASSERT(text_is_utf8(reader.value, strlen(reader.value)));
        apply(&settings, &reader);
        check_settings(&settings);
    }
    FUZZ_ASSERT(assignments <= size && ini_next(&reader, &problem) == 0);
    settings_done(&settings);
    free(text);
    return 0;
}
