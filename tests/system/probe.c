/* SPDX-License-Identifier: MIT */

/* Takes the daemon's place in its sandbox and tries one thing that the daemon must not be able to do.
 *
 * /etc/heartbeatd-probe holds the attempt's name and argument. Exit status: 0 when the attempt succeeded, 10
 * when it was refused; a system call that the sandbox's filter forbids ends it by SIGSYS. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { REFUSED = 10, USAGE = 11 };

/* Each returns whether the attempt succeeded, with errno set when not. */

static bool try_read(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC) >= 0;
}

static bool try_append(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CLOEXEC) >= 0;
}

static bool try_create(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0;
}

static bool try_connect(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
}

static bool try_inet(const char *argument)
{
    (void)argument;
    return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool try_netlink(const char *argument)
{
    (void)argument;
    return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE) >= 0;
}

static bool try_fork(const char *argument)
{
    (void)argument;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid > 0;
}

/* On success the program that is executed exits with 0. */
static bool try_exec(const char *path)
{
    execl(path, path, (char *)NULL);
    return false;
}

static bool try_map_code(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) != MAP_FAILED;
}

static bool try_make_code(const char *argument)
{
    (void)argument;
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
           MAP_FAILED;
}

static bool try_ptrace(const char *argument)
{
    (void)argument;
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool try_setuid(const char *argument)
{
    (void)argument;
    return setuid(getuid()) == 0;
}

static bool try_kill(const char *pid)
{
    return kill((pid_t)strtol(pid, NULL, 10), 0) == 0;
}

static bool try_mount(const char *path)
{
    return mount("tmpfs", path, "tmpfs", 0, NULL) == 0;
}

static bool try_namespace(const char *argument)
{
    (void)argument;
    return unshare(CLONE_NEWUSER) == 0;
}

static bool try_hostname(const char *name)
{
    return sethostname(name, strlen(name)) == 0;
}

/* Without a time to set, so that no clock is: a kernel that looks for one has taken the call in earnest. */
static bool try_clock(const char *argument)
{
    (void)argument;
    return syscall(SYS_clock_settime, CLOCK_REALTIME, NULL) < 0 && errno == EFAULT;
}

static const struct {
    const char *name;
    bool (*try)(const char *argument);
} attempts[] = {
    { "read", try_read },           { "append", try_append }, { "create", try_create },
    { "connect", try_connect },     { "inet", try_inet },     { "netlink", try_netlink },
    { "fork", try_fork },           { "exec", try_exec },     { "map-code", try_map_code },
    { "make-code", try_make_code }, { "ptrace", try_ptrace }, { "setuid", try_setuid },
    { "kill", try_kill },           { "mount", try_mount },   { "namespace", try_namespace },
    { "hostname", try_hostname },   { "clock", try_clock },
};

int main(int argc, char **argv)
{
    char name[64] = "", argument[64] = "";

    /* As ExecStartPre=, in the daemon's place too. */
    if (argc == 2 && strcmp(argv[1], "--check-config") == 0)
        return EXIT_SUCCESS;

    FILE *file = fopen("/etc/heartbeatd-probe", "re");
    if (!file || fscanf(file, "%63s %63s", name, argument) < 1)
        return USAGE;
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        if (strcmp(name, attempts[i].name) != 0)
            continue;
        if (attempts[i].try(argument))
            return EXIT_SUCCESS;
        perror(name);
        return REFUSED;
    }
    return USAGE;
}
