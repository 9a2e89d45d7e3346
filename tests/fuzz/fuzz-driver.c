/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target over the files of the directories (or over the files) that are given: a test of what was
 * found before, in builds without a fuzzing engine. */

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "util/file.h"

#define INPUT_MAX (2 * 1024 * 1024)

static bool run_file(const char *path)
{
    char *data;
    size_t size;
    int r = file_read(path, INPUT_MAX, &data, &size);
    if (r < 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(-r));
        return false;
    }
    printf("%s: %zu bytes\n", path, size);
    fflush(stdout); /* so that the last line names the file that was fatal */
    LLVMFuzzerTestOneInput((const uint8_t *)data, size);
    free(data);
    return true;
}

static bool run_directory(const char *directory)
{
    struct dirent **entries;
    int n = scandir(directory, &entries, NULL, alphasort);
    bool good = n >= 0;
    for (int i = 0; i < n; i++) {
        char *path;
        if (entries[i]->d_name[0] != '.') {
            if (asprintf(&path, "%s/%s", directory, entries[i]->d_name) < 0)
                abort();
            good = run_file(path) && good;
            free(path);
        }
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return good && n > 2; /* an empty corpus would test nothing */
}

int main(int argc, char *argv[])
{
    bool good = argc > 1;
    for (int i = 1; i < argc; i++) {
        struct stat st;
        bool is_directory = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode);
        good = (is_directory ? run_directory(argv[i]) : run_file(argv[i])) && good;
    }
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
