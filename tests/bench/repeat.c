/* SPDX-License-Identifier: MIT */
/* What a command costs that ends by itself, run some times in a row; its output goes to /dev/null.
 *
 *     repeat TIMES COMMAND [ARGUMENT]...
 *
 * Prints "NSEC CPU_USEC RSS_KB STATUS" for each run: the time that passed, the CPU time and the largest
 * resident set, as wait4(2) has them. The set of whoever starts it counts as the command's, too: hence a
 * small program, and not the benchmark itself. */

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_nsec(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static int64_t usec_of(const struct timeval *time)
{
    return time->tv_sec * INT64_C(1000000) + time->tv_usec;
}

int main(int argc, char *argv[])
{
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (argc < 3 || null_fd < 0)
        return 2;
    for (int i = 0; i < atoi(argv[1]); i++) {
        int64_t began_nsec = now_nsec();
        pid_t pid = vfork();
        if (pid == 0) {
            if (dup2(null_fd, STDOUT_FILENO) >= 0)
                execvp(argv[2], argv + 2);
            _exit(127);
        }
        int status;
        struct rusage used;
        if (pid < 0 || wait4(pid, &status, 0, &used) < 0) {
            perror(argv[2]);
            return 1;
        }
        printf("%" PRId64 " %" PRId64 " %ld %d\n", now_nsec() - began_nsec,
               usec_of(&used.ru_utime) + usec_of(&used.ru_stime), used.ru_maxrss,
               WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    }
    return 0;
}
