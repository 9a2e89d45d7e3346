/* SPDX-License-Identifier: MIT */
/* Which machine, boot and process this is. */

#include "store/identity.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/crc32.h"

Test(identity, boot_is_the_kernels_without_its_dashes)
{
    char boot[BOOT_ID_LENGTH + 1], kernels[64] = "", plain[64] = "";
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    cr_assert_not_null(file);
    cr_assert_not_null(fgets(kernels, sizeof(kernels), file));
    fclose(file);
    size_t n = 0;
    for (const char *at = kernels; *at; at++)
        if (*at != '-' && *at != '\n')
            plain[n++] = *at;
    cr_assert_eq(identity_boot(boot), 0);
    cr_expect_str_eq(boot, plain);
}

Test(identity, machine_is_a_checksum_and_not_the_id)
{
    char machine[MACHINE_LENGTH + 1], id[64] = "", sum[16] = "";
    identity_machine(machine);
    FILE *file = fopen("/etc/machine-id", "re");
    if (file) {
        if (fgets(id, sizeof(id), file) && strspn(id, "0123456789abcdef") == 32 &&
            access("/run/machine-id", F_OK) < 0)
            snprintf(sum, sizeof(sum), "%08x", crc32(id, 32));
        fclose(file);
    }
    cr_expect_str_eq(machine, sum);
}

Test(identity, process_has_a_start_between_the_boot_and_now)
{
    struct timespec now;
    uint64_t ticks, again;
    cr_assert_eq(identity_process(getpid(), &ticks), 0);
    clock_gettime(CLOCK_BOOTTIME, &now);
    uint64_t per_second = (uint64_t)sysconf(_SC_CLK_TCK);
    cr_expect_leq(ticks, (uint64_t)(now.tv_sec + 1) * per_second);
    cr_expect_geq(ticks + 600 * per_second, (uint64_t)now.tv_sec * per_second, "this test is not that old");
    cr_assert_eq(identity_process(getpid(), &again), 0);
    cr_expect_eq(ticks, again);
}

Test(identity, name_of_a_process_cannot_forge_its_start)
{
    uint64_t ticks, forged;
    cr_assert_eq(identity_process(getpid(), &ticks), 0);
    prctl(PR_SET_NAME, ") R 1 2 3 4 5 ");
    cr_assert_eq(identity_process(getpid(), &forged), 0);
    cr_expect_eq(ticks, forged);
}

Test(identity, process_that_has_ended_is_none)
{
    uint64_t ticks;
    siginfo_t info;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    cr_assert_gt(child, 0);
    cr_assert_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    cr_expect_eq(identity_process(child, &ticks), -ESRCH, "a zombie");
    cr_assert_eq(waitpid(child, NULL, 0), child);
    cr_expect_eq(identity_process(child, &ticks), -ESRCH);
    cr_expect_eq(identity_process(0, &ticks), -ESRCH);
    cr_expect_eq(identity_process(-1, &ticks), -ESRCH);
}
