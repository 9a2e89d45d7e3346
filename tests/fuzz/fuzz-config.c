/* SPDX-License-Identifier: MIT */
/* Any bytes as the configuration file, as the daemon takes it: refused with a line that says where, or taken,
 * and then --print-config makes a file of it that means the same. Who looks for the state directory alone
 * finds the same one, and passes over more. */

#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "configured.h"
#include "daemon/config.h"
#include "daemon/exit.h"

static void check_error(int r, const Error *error, const char *path)
{
    FUZZ_ASSERT(r == -error->errnum && error->exit_code == EXIT_CONFIG);
    FUZZ_ASSERT(strncmp(error->text, path, strlen(path)) == 0 && error->text[strlen(path)] == ':');
    fuzz_assert_printable(error->text);
}

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Settings settings = { 0 }, state_dir_only = { 0 };
    Error error;
    char *path = configured_file(size > 0 ? (const char *)data : "", size);
    int r = config_read(path, &settings, &error);
    if (r < 0)
        check_error(r, &error, path);
    int s = config_read_state_dir(path, &state_dir_only, &error);
    if (s < 0)
        check_error(s, &error, path);
    if (r == 0) {
        FUZZ_ASSERT(s == 0 && is_same(settings.state_dir, state_dir_only.state_dir));
        FUZZ_ASSERT(settings_complete(&settings, configured_places(), false, &error) == 0);
        configured_check(&settings);
    }
    settings_done(&settings);
    settings_done(&state_dir_only);
    free(path);
    return 0;
}
