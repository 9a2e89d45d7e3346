/* SPDX-License-Identifier: MIT */
/* The steps of a beat that may take long. */

#include "daemon/steps.h"

#include <criterion/criterion.h>
#include <string.h>

#include "simulation.h"
#include "store/pulse-file.h"
#include "temp-dir.h"
#include "util/cleanup.h"

static struct {
    SimClocks clocks;
    Steps steps;
} world;

static void enter(void)
{
    Pulse pulse = { .run = "0123456789abcdef0123456789abcdef",
                    .boot = "fedcba9876543210fedcba9876543210",
                    .seq = 1,
                    .interval_usec = 1 };
    temp_dir_enter();
    sim_clocks_init(&world.clocks);
    world.steps = (Steps){ .clocks = &world.clocks.clocks, .pulse_fd = pulse_file_open(".") };
    cr_assert_eq(pulse_file_write(world.steps.pulse_fd, &pulse, NULL), 0);
}

static void leave(void)
{
    close_fd(world.steps.pulse_fd);
    temp_dir_leave();
}

TestSuite(steps, .init = enter, .fini = leave, .timeout = 120);

static void expect_mark(const char *expected)
{
    Pulse pulse;
    char step[STEP_MAX];
    cr_assert_eq(pulse_file_read(".", &pulse, step), 0);
    cr_expect_str_eq(step, expected);
}

Test(steps, are_marked_before_they_begin_until_all_is_at_rest)
{
    steps_begin(&world.steps, "write", "journal");
    expect_mark("write journal");
    steps_end(&world.steps);
    expect_mark("write journal"); /* one write less a step: the next one, or the rest, replaces it */
    steps_begin(&world.steps, "write", "/var/log/x");
    expect_mark("write /var/log/x");
    steps_end(&world.steps);
    steps_rest(&world.steps);
    expect_mark("");
    steps_begin_unmarked(&world.steps, "write", "pulse");
    expect_mark("");
}

Test(steps, longest_one_is_known_by_its_name)
{
    static const struct {
        const char *name;
        usec_t usec;
    } table[] = { { "a", 5 }, { "b", 700 }, { "c", 699 }, { "d", 0 } };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        steps_begin(&world.steps, "write", table[i].name);
        sim_clocks_pass(&world.clocks, table[i].usec);
        steps_end(&world.steps);
        sim_clocks_pass(&world.clocks, USEC_PER_SEC); /* between steps: nobody's */
    }
    cr_expect_str_eq(world.steps.longest.name, "write b");
    cr_expect_eq(world.steps.longest.usec, 700u);
    cr_expect_eq(world.steps.longest.all_usec, 5u + 700u + 699u);
    steps_forget(&world.steps);
    cr_expect_str_eq(world.steps.longest.name, "");
    cr_expect_eq(world.steps.longest.usec, 0u);
    cr_expect_eq(world.steps.longest.all_usec, 0u);
}

Test(steps, name_of_any_length_is_cut)
{
    char name[300];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    steps_begin(&world.steps, "write", name);
    cr_expect_eq(strlen(world.steps.name), (size_t)STEP_MAX - 1);
    expect_mark(world.steps.name);
}

Test(steps, are_timed_where_there_is_no_pulse_to_mark)
{
    close_fd(world.steps.pulse_fd);
    world.steps.pulse_fd = -1;
    steps_begin(&world.steps, "write", "journal");
    sim_clocks_pass(&world.clocks, 9);
    steps_end(&world.steps);
    steps_rest(&world.steps);
    cr_expect_eq(world.steps.longest.usec, 9u);
}
