/* SPDX-License-Identifier: MIT */
/* Settings of any origin, held to what is promised of all. */

#include "configured.h"

#include <string.h>

#include "captured.h"
#include "core/message.h"
#include "daemon/config.h"
#include "fuzz.h"
#include "util/file.h"

char *configured_file(const char *text, size_t length)
{
    scratch_write("conf", text, length);
    char *path = path_join(scratch_directory(), "conf");
    FUZZ_ASSERT(path);
    return path;
}

const Places *configured_places(void)
{
    static char state_dir[] = "/var/lib/heartbeatd", log_file[] = "/var/log/heartbeatd/heartbeat.log";
    static const Places places = { .state_dir = state_dir, .log_file = log_file };
    return &places;
}

static void check_ranges(const Settings *settings)
{
    FUZZ_ASSERT(settings->interval_usec >= INTERVAL_MIN_USEC && settings->interval_usec <= INTERVAL_MAX_USEC);
    FUZZ_ASSERT(settings->log_every_usec <= LOG_EVERY_MAX_USEC);
    FUZZ_ASSERT(settings->history_max_bytes >= HISTORY_MAX_MIN_BYTES &&
                settings->history_max_bytes <= HISTORY_MAX_MAX_BYTES);
    FUZZ_ASSERT(settings->format == FORMAT_FULL || settings->format == FORMAT_PLAIN);
    FUZZ_ASSERT(settings->sync > SYNC_UNSET && settings->sync <= SYNC_NEVER);
    FUZZ_ASSERT(settings->message[0] && message_check(settings->message) == 0);
    FUZZ_ASSERT(settings->state_dir[0] == '/' && (!settings->metrics || settings->metrics[0] == '/'));
    fuzz_assert_printable(settings->message);
    fuzz_assert_printable(settings->state_dir);
    if (settings->metrics)
        fuzz_assert_printable(settings->metrics);
    FUZZ_ASSERT(settings->n_outputs > 0);
    for (size_t i = 0; i < settings->n_outputs; i++) {
        FUZZ_ASSERT(output_name_is_valid(settings->outputs[i]));
        fuzz_assert_printable(settings->outputs[i]);
        for (size_t j = 0; j < i; j++)
            FUZZ_ASSERT(strcmp(settings->outputs[i], settings->outputs[j]) != 0);
    }
}

static void check_same(const Settings *a, const Settings *b)
{
    FUZZ_ASSERT(a->interval_usec == b->interval_usec && a->log_every_usec == b->log_every_usec);
    FUZZ_ASSERT(a->format == b->format && a->sync == b->sync);
    FUZZ_ASSERT(a->history_max_bytes == b->history_max_bytes);
    FUZZ_ASSERT(strcmp(a->message, b->message) == 0 && strcmp(a->state_dir, b->state_dir) == 0);
    FUZZ_ASSERT(!a->metrics == !b->metrics && (!a->metrics || strcmp(a->metrics, b->metrics) == 0));
    FUZZ_ASSERT(a->n_outputs == b->n_outputs);
    for (size_t i = 0; i < a->n_outputs; i++)
        FUZZ_ASSERT(strcmp(a->outputs[i], b->outputs[i]) == 0);
}

void configured_check(const Settings *settings)
{
    const char *out, *err;
    Settings read = { 0 };
    Error error;
    check_ranges(settings);
    capture_begin();
    settings_print(settings);
    capture_end(&out, &err);
    fuzz_show(out);
    FUZZ_ASSERT(err[0] == '\0');
    fuzz_assert_lines(out);
    char *path = configured_file(out, strlen(out));
    FUZZ_ASSERT(config_read(path, &read, &error) == 0);
    check_same(settings, &read);
    fuzz_show(NULL);
    settings_done(&read);
    free(path);
}
