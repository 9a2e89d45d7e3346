/* SPDX-License-Identifier: MIT */
/* How long a program takes from its execve(2) to the first write to a file, and how long until the process
 * that was started has ended.
 *
 *     first-line [-x] [-o] [-n LIMIT] FILE COMMAND [ARGUMENT]...
 *
 * FILE is there already. -x: the command itself ends, too, and that is waited for. -o: its standard output is
 * appended to FILE, else it is /dev/null. -n: its RLIMIT_NOFILE. Prints "line NSEC" and, with -x, "exit
 * NSEC". All that was started is killed in the end: it is a child of this process, which adopts orphans. */

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MSEC 60000 /* the tutorial's way with a million descriptors takes a while */

static struct {
    bool exits, takes_output;
    rlim_t descriptors;
    const char *file;
} options;

static int64_t *began_nsec; /* shared with the child, who writes it */

static int64_t now_nsec(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

static _Noreturn void execute(char *argv[])
{
    struct rlimit limit = { .rlim_cur = options.descriptors, .rlim_max = options.descriptors };
    int in = open("/dev/null", O_RDWR);
    int out = options.takes_output ? open(options.file, O_WRONLY | O_APPEND) : in;
    if (in < 0 || out < 0 || dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
        die(options.file);
    close(in);
    if (out != in)
        close(out);
    if (options.descriptors > 0 && setrlimit(RLIMIT_NOFILE, &limit) < 0)
        die("RLIMIT_NOFILE");
    *began_nsec = now_nsec();
    execv(argv[0], argv);
    die(argv[0]);
}

/* Whether the processes that were started are gone. */
static bool kill_children(void)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
    FILE *children = fopen(path, "re");
    if (!children)
        die(path);
    for (int pid; fscanf(children, "%d", &pid) == 1;)
        kill(pid, SIGKILL);
    fclose(children);
    return wait(NULL) < 0;
}

static bool has_ended_well(pid_t pid)
{
    int status;
    return waitpid(pid, &status, 0) == pid && options.exits && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Whether both came that were to come. */
static bool wait_for_both(int watch_fd, int pid_fd, pid_t pid)
{
    struct pollfd waited[] = { { .fd = watch_fd, .events = POLLIN }, { .fd = pid_fd, .events = POLLIN } };
    while (waited[0].fd >= 0 || (options.exits && waited[1].fd >= 0)) {
        if (poll(waited, 2, PATIENCE_MSEC) <= 0) {
            fputs("first-line: no line, or no end of the command\n", stderr);
            return false;
        }
        int64_t passed_nsec = now_nsec() - *began_nsec;
        if (waited[1].revents != 0 && !has_ended_well(pid)) {
            fputs("first-line: the command has ended as it should not\n", stderr);
            return false;
        }
        for (int i = 0; i < 2; i++)
            if (waited[i].revents != 0) {
                printf("%s %" PRId64 "\n", i == 0 ? "line" : "exit", passed_nsec);
                waited[i].fd = -1;
            }
    }
    return true;
}

int main(int argc, char *argv[])
{
    for (int option; (option = getopt(argc, argv, "+xon:")) >= 0;)
        switch (option) {
        case 'x':
            options.exits = true;
            break;
        case 'o':
            options.takes_output = true;
            break;
        case 'n':
            options.descriptors = (rlim_t)atoll(optarg);
            break;
        default:
            return 2;
        }
    if (argc - optind < 2)
        return 2;
    options.file = argv[optind];
    int watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch_fd < 0 || inotify_add_watch(watch_fd, options.file, IN_MODIFY) < 0)
        die(options.file);
    began_nsec = mmap(NULL, sizeof(*began_nsec), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (began_nsec == MAP_FAILED || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
        die("prctl");
    pid_t pid = fork();
    if (pid == 0)
        execute(argv + optind + 1);
    int pid_fd = pid < 0 ? -1 : pidfd_open(pid, 0);
    if (pid_fd < 0)
        die("fork");
    bool came = wait_for_both(watch_fd, pid_fd, pid);
    while (!kill_children())
        ;
    return came ? 0 : 1;
}
