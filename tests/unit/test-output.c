/* SPDX-License-Identifier: MIT */
/* What is known of an output that fails. */

#include "daemon/output.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <string.h>

#include "simulation.h"

#define AT UINT64_C(1795352410123456)

static Beat beat_at(usec_t realtime_usec)
{
    return (Beat){ .seq = 1, .at.realtime_usec = realtime_usec, .text = "beat", .length = 4 };
}

Test(output, name_is_one_of_three_words_or_an_absolute_path)
{
    static const struct {
        const char *name;
        bool valid;
    } table[] = {
        { "journal", true }, { "stdout", true },     { "syslog", true },   { "/x", true },
        { "//", true },      { "/var/log/x", true }, { "", false },        { "/", false },
        { "x", false },      { "./x", false },       { "Journal", false }, { "stdout ", false },
        { "stderr", false }, { "journal/", false },  { "file:/x", false }, { "-", false },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        cr_expect_eq(output_name_is_valid(table[i].name), table[i].valid, "\"%s\"", table[i].name);
        Output *output = output_new(table[i].name, FORMAT_PLAIN);
        cr_expect_eq(output != NULL, table[i].valid, "\"%s\"", table[i].name);
        if (output) {
            cr_expect_str_eq(output->name, table[i].name);
            cr_expect_eq(output->format, FORMAT_PLAIN);
            cr_expect_eq(output->failure, 0);
        }
        output_free(output);
    }
    cr_expect_null(output_free(NULL));
}

Test(output, failure_and_recovery_are_told_once_each_with_exact_counts)
{
    static const struct {
        int error;
        OutputChange change;
        uint64_t lost;                 /* so far, or by the failure that ended */
        usec_t from_second, to_second; /* after AT */
    } steps[] = {
        { 0, OUTPUT_SAME, 0, 0, 0 },        { ENOSPC, OUTPUT_FAILED, 1, 1, 1 },
        { ENOSPC, OUTPUT_SAME, 2, 1, 2 },   { EIO, OUTPUT_SAME, 3, 1, 3 },
        { 0, OUTPUT_RECOVERED, 3, 1, 3 },   { 0, OUTPUT_SAME, 0, 0, 0 },
        { ENOENT, OUTPUT_FAILED, 1, 6, 6 }, { 0, OUTPUT_RECOVERED, 1, 6, 6 },
        { ENOENT, OUTPUT_FAILED, 1, 8, 8 }, { ENOENT, OUTPUT_SAME, 2, 8, 9 },
    };
    FakeOutput *fake = fake_output_new("/x");
    for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
        Beat beat = beat_at(AT + i * USEC_PER_SEC);
        Output before = { 0 };
        fake->error = steps[i].error;
        OutputChange change = output_write(&fake->output, &beat, &before);
        cr_expect_eq(change, steps[i].change, "step %zu", i);
        cr_expect_eq(fake->output.failure == 0, steps[i].error == 0, "step %zu", i);
        if (steps[i].lost == 0)
            continue;
        const Output *lost = change == OUTPUT_RECOVERED ? &before : &fake->output;
        cr_expect_eq(lost->lost, steps[i].lost, "step %zu: %" PRIu64, i, lost->lost);
        cr_expect_eq(lost->lost_from_usec, AT + steps[i].from_second * USEC_PER_SEC, "step %zu", i);
        cr_expect_eq(lost->lost_to_usec, AT + steps[i].to_second * USEC_PER_SEC, "step %zu", i);
    }
    cr_expect_eq(fake->tries, ELEMENTSOF(steps), "it is tried again with every beat");
    output_free(&fake->output);
}

Test(output, successor_goes_on_with_the_losses_of_its_predecessor)
{
    FakeOutput *old = fake_output_new("/x"), *new = fake_output_new("/x");
    Beat beat = beat_at(AT);
    Output before = { 0 };
    old->error = new->error = ENOSPC;
    output_write(&old->output, &beat, &before);
    output_write(&old->output, &beat, &before);
    output_inherit(&new->output, &old->output);
    output_free(&old->output);

    beat = beat_at(AT + USEC_PER_SEC);
    cr_expect_eq(output_write(&new->output, &beat, &before), OUTPUT_SAME, "that was told before");
    new->error = 0;
    cr_expect_eq(output_write(&new->output, &beat, &before), OUTPUT_RECOVERED);
    cr_expect_eq(before.lost, 3u);
    cr_expect_eq(before.lost_from_usec, AT);
    cr_expect_eq(before.lost_to_usec, AT + USEC_PER_SEC);
    cr_expect_str_eq(before.name, "/x");
    output_free(&new->output);
}

Test(output, successor_of_a_working_one_works)
{
    FakeOutput *old = fake_output_new("/x"), *new = fake_output_new("/x");
    Beat beat = beat_at(AT);
    Output before;
    output_inherit(&new->output, &old->output);
    cr_expect_eq(output_write(&new->output, &beat, &before), OUTPUT_SAME);
    output_free(&old->output);
    output_free(&new->output);
}

static int open_result;

static int open_as_told(Output *output, Error *ret_error)
{
    (void)output;
    return open_result == 0 ? 0 : error_set(ret_error, 1, open_result, "open");
}

static const OutputKind opening = { .open = open_as_told };

Test(output, open_fails_for_what_has_to_be_mended_and_not_for_what_passes)
{
    static const struct {
        int error;
        bool passes;
    } table[] = {
        { 0, true },       { ENOSPC, true },        { EDQUOT, true },   { EIO, true },     { ENXIO, true },
        { EAGAIN, true },  { EMFILE, true },        { ENOENT, false },  { EACCES, false }, { EPERM, false },
        { EISDIR, false }, { ELOOP, false },        { ENOTDIR, false }, { EROFS, false },  { ENOTSUP, false },
        { EINVAL, false }, { ENAMETOOLONG, false },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Output output = { .kind = &opening };
        Error error;
        open_result = table[i].error;
        int r = output_open(&output, &error);
        cr_expect_eq(r, table[i].passes ? 0 : -table[i].error, "%s: %d", strerror(table[i].error), r);
    }
}

Test(output, failure_is_told_in_words_that_fit_the_sort_of_output)
{
    static const struct {
        const char *name;
        int failure;
        const char *text;
    } table[] = {
        { "/x", ENOSPC, "No space left on device" },
        { "/x", ENOENT, "No such file or directory" },
        { "/x", EAGAIN, "nobody reads, and what it holds is full" },
        { "/x", ENXIO, "nobody reads" },
        { "journal", ENOENT, "there is none on this host, or it does not run" },
        { "syslog", ECONNREFUSED, "there is none on this host, or it does not run" },
        { "syslog", EAGAIN, "nobody reads, and what it holds is full" },
        { "stdout", EPIPE, "Broken pipe" },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Output *output = output_new(table[i].name, FORMAT_FULL);
        output->failure = table[i].failure;
        cr_expect_str_eq(output_failure_text(output), table[i].text, "row %zu: %s", i,
                         output_failure_text(output));
        output_free(output);
    }
}
