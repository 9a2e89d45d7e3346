/* SPDX-License-Identifier: MIT */
/* What the kernel counts about this process: its files as they are written, in a directory of our own, and
 * its counters as they are. */

#include "daemon/evidence.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "temp-dir.h"
#include "util/cleanup.h"

TestSuite(evidence, .init = temp_dir_enter, .fini = temp_dir_leave, .timeout = 120);

static Counters sample(void)
{
    Evidence evidence;
    Counters counters;
    evidence_open(&evidence, temp_path("self"), temp_path("cgroup"));
    evidence_sample(&evidence, &counters);
    evidence_close(&evidence);
    return counters;
}

static void make_directories(const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(mkdir(names[i], 0755), 0, "%s", names[i]);
}

Test(evidence, of_cgroup_v2_is_that_of_the_own_cgroup)
{
    static const char *const directories[] = { "self", "cgroup", "cgroup/system.slice",
                                               "cgroup/system.slice/h" };
    make_directories(directories, ELEMENTSOF(directories));
    temp_write_text("self/cgroup", "0::/system.slice/h\n");
    temp_write_text("self/schedstat", "727078000 4000000 17\n");
    temp_write_text("cgroup/cpu.stat.local", "throttled_usec 1\n");
    temp_write_text("cgroup/system.slice/h/cpu.stat.local", "throttled_usec 123456\n");
    temp_write_text("cgroup/system.slice/h/cgroup.stat.local", "other 7\nfrozen_usec 99\n");
    Counters counters = sample();
    cr_expect(counters.throttled.known && counters.throttled.usec == 123456);
    cr_expect(counters.frozen.known && counters.frozen.usec == 99);
    cr_expect(counters.starved.known && counters.starved.usec == 4000);
}

Test(evidence, of_cgroup_v1_is_in_nanoseconds_and_beside_a_v2_without_controllers)
{
    static const char *const directories[] = {
        "self", "cgroup", "cgroup/h", "cgroup/cpu,cpuacct", "cgroup/cpu,cpuacct/h", "cgroup/cpuset"
    };
    make_directories(directories, ELEMENTSOF(directories));
    temp_write_text("self/cgroup", "5:cpuset:/h\n4:cpu,cpuacct:/h\n1:name=systemd:/h\n0::/h\n");
    temp_write_text("cgroup/cpu,cpuacct/h/cpu.stat.local", "throttled_time 5000000\n");
    Counters counters = sample();
    cr_expect(counters.throttled.known && counters.throttled.usec == 5000);
    cr_expect_not(counters.frozen.known);
    cr_expect_not(counters.starved.known);
}

Test(evidence, that_is_missing_or_makes_no_sense_is_not_known)
{
    static const char *const directories[] = { "self", "cgroup" };
    static const char *const cgroups[] = {
        "", "\n", "0", "0:", "0::", "nonsense\n", "0::/../../etc\n", "4:cpu:/\n"
    };
    static const char *const values[] = { "",
                                          "throttled_usec",
                                          "throttled_usec ",
                                          "throttled_usec x\n",
                                          "throttled_usec -1\n",
                                          "throttled_usec 99999999999999999999\n",
                                          "xthrottled_usec 1\n",
                                          "throttled_usecs 1\n" };
    static const char *const schedstats[] = { "", "1", "1 ", "1 x 2\n", "1 99999999999999999999 2\n" };
    cr_expect_not(sample().throttled.known, "no directory at all");
    make_directories(directories, ELEMENTSOF(directories));
    for (size_t i = 0; i < ELEMENTSOF(cgroups); i++) {
        temp_write_text("self/cgroup", cgroups[i]);
        cr_expect_not(sample().throttled.known, "%s", cgroups[i]);
    }
    temp_write_text("self/cgroup", "0::/\n");
    for (size_t i = 0; i < ELEMENTSOF(values); i++) {
        temp_write_text("cgroup/cpu.stat.local", values[i]);
        cr_expect_not(sample().throttled.known, "%s", values[i]);
    }
    for (size_t i = 0; i < ELEMENTSOF(schedstats); i++) {
        temp_write_text("self/schedstat", schedstats[i]);
        cr_expect_not(sample().starved.known, "%s", schedstats[i]);
    }
}

Test(evidence, of_this_process_grows_with_what_it_does)
{
    Evidence evidence;
    Counters before, after;
    evidence_open(&evidence, "/proc/self", "/sys/fs/cgroup");
    evidence_sample(&evidence, &before);
    cr_expect(before.waits_known && before.cpu.known, "before the first wait, too");
    do {
        evidence_wait_begins(&evidence);
        evidence_sample(&evidence, &after);
    } while (after.cpu.usec < before.cpu.usec + 20 * USEC_PER_MSEC);
    cr_expect(after.waits_known && after.cpu.known);
    before = after;
    usleep(1000); /* outside of a wait */
    evidence_wait_begins(&evidence);
    usleep(1000);
    evidence_sample(&evidence, &after);
    cr_expect_eq(after.waits, before.waits + 1);
    cr_expect_eq(after.switches, before.switches + 1, "it has slept once within");
    cr_expect_geq(after.starved.usec, before.starved.usec);
    cr_expect_eq(after.starved.known, access("/proc/self/schedstat", R_OK) == 0);
    evidence_close(&evidence);
}

Test(evidence, closed_holds_no_descriptor)
{
    Evidence evidence = EVIDENCE_NONE;
    evidence_close(&evidence);
    size_t before = open_descriptors();
    evidence_open(&evidence, "/proc/self", "/sys/fs/cgroup");
    cr_expect_geq(open_descriptors(), before);
    evidence_close(&evidence);
    cr_expect_eq(open_descriptors(), before);
}
