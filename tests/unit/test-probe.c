/* SPDX-License-Identifier: MIT */
/* Whether a datagram socket would take a message right now. */

#include "util/probe.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "temp-dir.h"
#include "util/cleanup.h"

TestSuite(probe, .init = temp_dir_enter, .fini = temp_dir_leave, .timeout = 120);

#define BEFORE_PATH offsetof(struct sockaddr_un, sun_path)

Test(probe, address_is_a_path_with_its_nul_or_an_abstract_name_without)
{
    char path[128], abstract[128], too_long[128], too_long_abstract[128];
    snprintf(path, sizeof(path), "/%0106d", 0);
    snprintf(abstract, sizeof(abstract), "@%0106d", 0);
    snprintf(too_long, sizeof(too_long), "/%0107d", 0);
    snprintf(too_long_abstract, sizeof(too_long_abstract), "@%0107d", 0);
    const struct {
        const char *path;
        int result;
        size_t length;
    } table[] = {
        { "/run/x", 0, BEFORE_PATH + 7 },
        { "@x", 0, BEFORE_PATH + 2 },
        { "@/org/x", 0, BEFORE_PATH + 7 },
        { path, 0, sizeof(struct sockaddr_un) },
        { abstract, 0, sizeof(struct sockaddr_un) - 1 },
        { too_long, -ENAMETOOLONG, 0 },
        { too_long_abstract, -ENAMETOOLONG, 0 },
        { "", -EINVAL, 0 },
        { "/", -EINVAL, 0 },
        { "@", -EINVAL, 0 },
        { "relative", -EINVAL, 0 },
        { "vsock:2:1234", -EINVAL, 0 },
    };
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        Address address;
        int r = address_set(&address, table[i].path);
        cr_expect_eq(r, table[i].result, "\"%s\": %d", table[i].path, r);
        if (r < 0)
            continue;
        cr_expect_eq(address.length, table[i].length, "\"%s\": %u", table[i].path, address.length);
        cr_expect_eq(address.socket.sun_family, AF_UNIX);
        cr_expect_eq(address.socket.sun_path[0], table[i].path[0] == '@' ? '\0' : '/');
    }
}

static int listen_at(const char *path, int type)
{
    Address address;
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    cr_assert_eq(address_set(&address, path), 0);
    cr_assert_eq(bind(fd, (const struct sockaddr *)&address.socket, address.length), 0, "%s", path);
    if (type == SOCK_STREAM)
        cr_assert_eq(listen(fd, 1), 0);
    return fd;
}

static void fill(const char *path)
{
    Address address;
    cleanup_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(address_set(&address, path), 0);
    cr_assert_eq(connect(fd, (const struct sockaddr *)&address.socket, address.length), 0);
    while (send(fd, "x", 1, MSG_DONTWAIT) == 1)
        ;
}

Test(probe, tells_a_receiver_that_reads_from_one_that_does_not_or_is_not_there)
{
    char abstract[64];
    snprintf(abstract, sizeof(abstract), "@heartbeatd-unit-probe-%d", getpid());
    cleanup_close int reading = listen_at(temp_path("reading"), SOCK_DGRAM);
    int named = listen_at(abstract, SOCK_DGRAM), stream = listen_at(temp_path("stream"), SOCK_STREAM);
    cleanup_close int full = listen_at(temp_path("full"), SOCK_DGRAM);
    fill(temp_path("full"));
    close(listen_at(temp_path("stale"), SOCK_DGRAM));
    temp_write_text("file", "");
    cr_assert_eq(symlink("reading", "link"), 0);

    const struct {
        const char *path;
        int result;
    } table[] = {
        { temp_path("reading"), 0 },
        { temp_path("link"), 0 },
        { abstract, 0 },
        { temp_path("stream"), -EPROTOTYPE },
        { temp_path("full"), -EAGAIN },
        { temp_path("stale"), -ECONNREFUSED },
        { temp_path("missing"), -ENOENT },
        { temp_path("file"), -ECONNREFUSED },
        { "@heartbeatd-unit-nobody", -ECONNREFUSED },
        { "relative", -EINVAL },
    };
    size_t descriptors = open_descriptors();
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        int r = probe_path(table[i].path);
        cr_expect_eq(r, table[i].result, "%s: %d", table[i].path, r);
    }
    cr_expect_eq(open_descriptors(), descriptors, "one stayed open");
    close(named);
    close(stream);

    char byte;
    cr_expect_eq(recv(reading, &byte, 1, MSG_DONTWAIT), -1, "a probe sends nothing");
    while (recv(full, &byte, 1, MSG_DONTWAIT) > 0)
        ;
    cr_expect_eq(probe_path(temp_path("full")), 0, "once it was read");
}

Test(probe, that_is_kept_tells_of_a_receiver_that_came_in_place_of_another)
{
    Probe probe = { 0 };
    size_t before = open_descriptors();
    const char *path = temp_path("socket");
    cr_expect_eq(probe_ask(&probe, path), -ENOENT);
    for (int i = 0; i < 3; i++) {
        cleanup_close int receiver = listen_at(path, SOCK_DGRAM);
        cr_expect_eq(probe_ask(&probe, path), 0);
        cr_expect_eq(probe_ask(&probe, path), 0);
        fill(path);
        cr_expect_eq(probe_ask(&probe, path), -EAGAIN);
        receiver = close_fd(receiver);
        cr_expect_eq(probe_ask(&probe, path), -ECONNREFUSED);
        cr_assert_eq(unlink(path), 0);
        cr_expect_eq(probe_ask(&probe, path), -ENOENT);
        cr_expect_eq(open_descriptors(), before + 1);
    }
    probe_close(&probe);
    probe_close(&probe);
    cr_expect_eq(open_descriptors(), before);
}
