/* SPDX-License-Identifier: MIT */

/* Takes the daemon's place in its sandbox and tries what the daemon must not be able to do.
 *
 * Each line of /etc/heartbeatd-probe holds an attempt's name and argument; for each of them a line goes to
 * /var/log/heartbeatd/outcomes, "done" or "refused". One that ends the program has none: a program that is
 * executed in its place exits with 0, and a filter may end who makes a call that it forbids, by SIGSYS. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { USAGE = 11 }; /* exit status that shows nothing */

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

/* A name that begins with @ is an abstract one. */
static bool try_connect(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    bool abstract = path[0] == '@';

    strncpy(address.sun_path + abstract, path + abstract, sizeof address.sun_path - 2);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && connect(fd, (struct sockaddr *)&address,
                              (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))) == 0;
}

/* More than any memory limit of the service, so that it is the disk that takes it. */
static bool try_fill(const char *path)
{
    static char zeros[1 << 20];
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (int i = 0; fd >= 0 && i < 32; i++)
        if (write(fd, zeros, sizeof zeros) != (ssize_t)sizeof zeros)
            return false;
    return fd >= 0 && unlink(path) == 0;
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

/* The bytes of this program in a file of its own making. Returns a descriptor to read it by. */
static int copy_self(int to)
{
    char data[65536];
    int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    ssize_t n = -1;
    while (from >= 0 && to >= 0 && (n = read(from, data, sizeof data)) > 0)
        if (write(to, data, (size_t)n) != n)
            return -1;
    return n == 0 ? to : -1;
}

static int write_program(const char *path)
{
    int fd = copy_self(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700));
    if (fd < 0)
        _exit(USAGE); /* which shows nothing of what was to be tried */
    close(fd);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static bool try_exec_own(const char *path)
{
    write_program(path);
    execl(path, path, "--check-config", (char *)NULL);
    return false;
}

static bool map_code(int fd)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) != MAP_FAILED;
}

static bool try_map_own(const char *path)
{
    return map_code(write_program(path));
}

static bool try_exec_memory(const char *argument)
{
    char path[64];
    (void)argument;
    int fd = copy_self((int)syscall(SYS_memfd_create, "probe", 0));
    if (fd < 0)
        return false;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int readable = open(path, O_RDONLY | O_CLOEXEC);
    close(fd); /* nobody may have a program open for writing */
    snprintf(path, sizeof path, "/proc/self/fd/%d", readable);
    execl(path, path, "--check-config", (char *)NULL);
    return false;
}

static bool try_map_memory(const char *argument)
{
    (void)argument;
    int fd = copy_self((int)syscall(SYS_memfd_create, "probe", 0));
    return fd >= 0 && map_code(fd);
}

static bool try_set_user_id(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    return fd >= 0 && fchmod(fd, S_ISUID | 0755) == 0;
}

static bool try_device(const char *path)
{
    return mknod(path, S_IFCHR | 0600, makedev(1, 3)) == 0;
}

static bool try_keyring(const char *argument)
{
    (void)argument;
    return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1) >= 0;
}

static bool try_personality(const char *argument)
{
    (void)argument;
    return personality(ADDR_NO_RANDOMIZE) >= 0;
}

static bool try_shared_memory(const char *argument)
{
    (void)argument;
    int id = shmget(IPC_PRIVATE, 4096, 0600);
    return id >= 0 && shmctl(id, IPC_RMID, NULL) == 0;
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
    { "read", try_read },
    { "append", try_append },
    { "create", try_create },
    { "connect", try_connect },
    { "inet", try_inet },
    { "netlink", try_netlink },
    { "fork", try_fork },
    { "exec", try_exec },
    { "map-code", try_map_code },
    { "make-code", try_make_code },
    { "ptrace", try_ptrace },
    { "setuid", try_setuid },
    { "kill", try_kill },
    { "mount", try_mount },
    { "namespace", try_namespace },
    { "hostname", try_hostname },
    { "clock", try_clock },
    { "fill", try_fill },
    { "exec-own", try_exec_own },
    { "map-own", try_map_own },
    { "exec-memory", try_exec_memory },
    { "map-memory", try_map_memory },
    { "set-user-id", try_set_user_id },
    { "device", try_device },
    { "keyring", try_keyring },
    { "personality", try_personality },
    { "shared-memory", try_shared_memory },
};

/* Ends the program when what this holds from attempts before is in the way. */
static bool make_attempt(const char *name, const char *argument)
{
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        if (strcmp(name, attempts[i].name) != 0)
            continue;
        errno = 0;
        bool done = attempts[i].try(argument);
        if (!done && (errno == EMFILE || errno == ENFILE))
            _exit(USAGE);
        return done;
    }
    _exit(USAGE);
}

int main(int argc, char **argv)
{
    char line[160], name[64], argument[64];

    /* As ExecStartPre= and ExecStopPost=, in the daemon's place too. */
    if (argc > 1 && argv[1][0] == '-')
        return EXIT_SUCCESS;

    FILE *file = fopen("/etc/heartbeatd-probe", "re");
    int outcomes = open("/var/log/heartbeatd/outcomes", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (!file || outcomes < 0)
        return USAGE;
    while (fgets(line, sizeof line, file)) {
        argument[0] = '\0';
        if (sscanf(line, "%63s %63s", name, argument) < 1)
            return USAGE;
        const char *outcome = make_attempt(name, argument) ? "done\n" : "refused\n";
        if (write(outcomes, outcome, strlen(outcome)) < 0)
            return USAGE;
    }
    return EXIT_SUCCESS;
}
