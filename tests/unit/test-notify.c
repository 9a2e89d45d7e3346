/* SPDX-License-Identifier: MIT */
/* The way to the service manager. */

#include "daemon/notify.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manager.h"
#include "temp-dir.h"
#include "util/cleanup.h"

static void enter(void)
{
    temp_dir_enter();
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    unsetenv("SYSTEMD_EXEC_PID");
}

TestSuite(notify, .init = enter, .fini = temp_dir_leave, .timeout = 120);

static void set(const char *name, const char *value)
{
    char pid[32];
    snprintf(pid, sizeof(pid), "%d", getpid());
    if (value)
        setenv(name, strcmp(value, "PID") == 0 ? pid : value, 1);
    else
        unsetenv(name);
}

Test(notify, open_believes_only_what_is_meant_for_this_process)
{
    static const struct {
        const char *socket, *watchdog_usec, *watchdog_pid, *exec_pid; /* "PID": this one's */
        bool will_fork;
        int result;
        bool open;
        usec_t period_usec;
    } table[] = {
        { NULL, NULL, NULL, NULL, false, 0, false, 0 },
        { "/run/x", NULL, NULL, NULL, false, 0, true, 0 },
        { "@x", NULL, NULL, NULL, false, 0, true, 0 },
        { "/run/x", "3000000", "PID", "PID", false, 0, true, 3000000 },
        { "/run/x", "3000000", NULL, NULL, false, 0, true, 3000000 },
        { "/run/x", "3000000", "1", NULL, false, 0, true, 0 },
        { "/run/x", "0", "PID", NULL, false, 0, true, 0 },
        { "/run/x", "-1", "PID", NULL, false, 0, true, 0 },
        { "/run/x", "soon", "PID", NULL, false, 0, true, 0 },
        { "/run/x", "", "", NULL, false, 0, true, 0 },
        { "/run/x", "18446744073709551616", "PID", NULL, false, 0, true, 0 },
        { NULL, "3000000", "PID", NULL, false, 0, false, 0 },
        { "relative", "3000000", "PID", NULL, false, -EINVAL, false, 0 },
        { "", NULL, NULL, NULL, false, -EINVAL, false, 0 },
        { "/", NULL, NULL, NULL, false, -EINVAL, false, 0 },
        { "vsock:2:1", NULL, NULL, NULL, false, -EINVAL, false, 0 },

        { "/run/x", "3000000", "PID", NULL, true, 0, true, 3000000 },
        { "/run/x", NULL, NULL, "PID", true, 0, true, 0 },
        { "/run/x", NULL, NULL, NULL, true, 0, false, 0 }, /* inherited from who knows where */
        { "/run/x", "3000000", "1", "1", true, 0, false, 0 },
        { "relative", NULL, NULL, "1", true, 0, false, 0 },
        { "relative", NULL, NULL, "PID", true, -EINVAL, false, 0 },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Notify notify;
        set("NOTIFY_SOCKET", table[i].socket);
        set("WATCHDOG_USEC", table[i].watchdog_usec);
        set("WATCHDOG_PID", table[i].watchdog_pid);
        set("SYSTEMD_EXEC_PID", table[i].exec_pid);
        int r = notify_open(&notify, table[i].will_fork);
        cr_expect_null(getenv("NOTIFY_SOCKET"), "row %zu", i);
        cr_expect_null(getenv("WATCHDOG_USEC"), "row %zu", i);
        cr_expect_null(getenv("WATCHDOG_PID"), "row %zu", i);
        if (!notify_supported) {
            cr_expect_eq(r, table[i].socket ? -EOPNOTSUPP : 0, "row %zu: %d", i, r);
            cr_expect_not(notify.open);
            continue;
        }
        cr_expect_eq(r, table[i].result, "row %zu: %d", i, r);
        cr_expect_eq(notify.open, table[i].open, "row %zu", i);
        cr_expect_eq(notify.watchdog_usec, table[i].period_usec, "row %zu: %" PRI_USEC, i,
                     notify.watchdog_usec);
    }
}

Test(notify, address_that_is_too_long_is_an_error)
{
    Notify notify;
    char path[256];
    if (!notify_supported)
        temp_dir_skip("built without libsystemd");
    snprintf(path, sizeof(path), "/%0200d", 0);
    setenv("NOTIFY_SOCKET", path, 1);
    cr_expect_eq(notify_open(&notify, false), -ENAMETOOLONG);
    cr_expect_not(notify.open);
    cr_expect_eq(notify_send(&notify, "READY=1"), 0, "there is nobody to tell");
}

Test(notify, sends_to_a_path_or_an_abstract_name_and_leaves_the_environment_as_it_was)
{
    char abstract[64], longest[128];
    if (!notify_supported)
        temp_dir_skip("built without libsystemd");
    snprintf(abstract, sizeof(abstract), "@heartbeatd-unit-notify-%d", getpid());
    snprintf(longest, sizeof(longest), "@%0106d", getpid());
    const char *const addresses[] = { temp_path("notify"), abstract, longest };
    for (size_t i = 0; i < ELEMENTSOF(addresses); i++) {
        Manager manager;
        Notify notify;
        manager_listen(&manager, addresses[i], 0);
        setenv("STAYS", "1", 1);
        cr_assert_eq(notify_open(&notify, false), 0);
        char **environment = environ;
        size_t descriptors = open_descriptors();
        cr_expect_eq(notify_send(&notify, "READY=1\nSTATUS=x"), 0, "%s", addresses[i]);
        cr_expect_eq(open_descriptors(), descriptors + 1, "it stays open");
        cr_expect_eq(environ, environment);
        cr_expect_str_eq(getenv("STAYS"), "1");
        cr_expect_null(getenv("NOTIFY_SOCKET"));
        cr_expect(manager_hear_one(&manager));
        cr_expect_str_eq(manager.last, "READY=1\nSTATUS=x");
        cr_expect_not(manager_hear_one(&manager), "one datagram");
        cr_expect_eq(notify_send(&notify, "WATCHDOG=1"), 0);
        cr_expect(manager_hear_one(&manager));
        cr_expect_eq(open_descriptors(), descriptors + 1);
        notify_close(&notify);
        cr_expect_eq(open_descriptors(), descriptors);
        manager_close(&manager);
    }
}

/* The suite's timeout would end a send that waits. */
Test(notify, manager_that_does_not_read_or_is_gone_is_an_error_and_no_wait)
{
    Manager manager;
    Notify notify;
    if (!notify_supported)
        temp_dir_skip("built without libsystemd");
    manager_listen(&manager, temp_path("notify"), 0);
    cr_assert_eq(notify_open(&notify, false), 0);
    manager_fill(&manager);
    cr_expect_eq(notify_send(&notify, "WATCHDOG=1"), -EAGAIN);
    while (manager_hear_one(&manager))
        ;
    cr_expect_eq(notify_send(&notify, "WATCHDOG=1"), 0, "it reads again");
    manager_close(&manager);
    cr_expect_eq(notify_send(&notify, "WATCHDOG=1"), -ECONNREFUSED);
    cr_assert_eq(unlink("notify"), 0);
    cr_expect_eq(notify_send(&notify, "WATCHDOG=1"), -ENOENT);
    manager_listen(&manager, temp_path("notify"), 0);
    cr_expect_eq(notify_send(&notify, "WATCHDOG=1"), 0, "another has come in its place");
    manager_close(&manager);
    notify_close(&notify);
}
