/* SPDX-License-Identifier: MIT */
/* What the kernel counts about this process. */

#include "daemon/evidence.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#include "util/cleanup.h"
#include "util/file.h"
#include "util/number.h"

#define CGROUP_FILE_MAX ((size_t)64 * 1024)

static int open_counter(const char *directory, const char *path, const char *name)
{
    cleanup_free char *below = path_join(directory, path);
    cleanup_free char *file = below ? path_join(below, name) : NULL;
    if (!file)
        return -1;
    return open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

/* Whether a comma-separated list has a word. */
static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

/* One line of /proc/self/cgroup: "0::/path" for cgroup v2, "4:cpu,cpuacct:/path" for controllers of v1, which
 * are mounted in a directory of that name. */
static void take_cgroup(Evidence *evidence, const char *root, const char *controllers, const char *path)
{
    if (controllers[0] == '\0') {
        if (evidence->throttled_fd < 0) {
            evidence->throttled_fd = open_counter(root, path, "cpu.stat.local");
            evidence->throttled_key = "throttled_usec";
            evidence->throttled_per_usec = 1;
        }
        evidence->frozen_fd = open_counter(root, path, "cgroup.stat.local");
        return;
    }
    cleanup_free char *directory = has_word(controllers, "cpu") ? path_join(root, controllers) : NULL;
    if (!directory)
        return;
    int fd = open_counter(directory, path, "cpu.stat.local");
    if (fd < 0)
        return;
    close_fd(evidence->throttled_fd);
    evidence->throttled_fd = fd;
    evidence->throttled_key = "throttled_time";
    evidence->throttled_per_usec = 1000;
}

static void find_cgroups(Evidence *evidence, const char *proc_self, const char *root)
{
    cleanup_free char *file = path_join(proc_self, "cgroup"), *text = NULL;
    size_t length;
    if (!file || file_read(file, CGROUP_FILE_MAX, &text, &length) < 0)
        return;
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));) {
        char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        take_cgroup(evidence, root, controllers + 1, path);
    }
}

void evidence_close(Evidence *evidence)
{
    close_fd(evidence->throttled_fd);
    close_fd(evidence->starved_fd);
    close_fd(evidence->frozen_fd);
    *evidence = EVIDENCE_NONE;
}

/* A file's beginning, which holds all that is asked for: these files are a few lines long. */
static bool read_text(int fd, char *text, size_t size)
{
    ssize_t n = fd < 0 ? -1 : pread(fd, text, size - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* The value behind a key at the beginning of a line. */
static Measure read_key(int fd, const char *key, uint64_t per_usec)
{
    char text[512];
    uint64_t number;
    size_t length = key ? strlen(key) : 0;
    if (!key || !read_text(fd, text, sizeof(text)))
        return (Measure){ 0 };
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (strncmp(line, key, length) == 0 && line[length] == ' ' &&
            number_take(line + length + 1, text + sizeof(text), &number))
            return (Measure){ .known = true, .usec = number / per_usec };
    return (Measure){ 0 };
}

/* Three numbers: nanoseconds on a CPU, nanoseconds of waiting for one, and how often. */
static Measure read_schedstat(int fd)
{
    char text[128];
    uint64_t number;
    if (!read_text(fd, text, sizeof(text)))
        return (Measure){ 0 };
    const char *second = strchr(text, ' ');
    if (!second || !number_take(second + 1, text + sizeof(text), &number))
        return (Measure){ 0 };
    return (Measure){ .known = true, .usec = number / 1000 };
}

static usec_t timeval_usec(struct timeval time)
{
    return (usec_t)time.tv_sec * USEC_PER_SEC + (usec_t)time.tv_usec;
}

static void take_usage(Counters *counted, const struct rusage *usage)
{
    counted->faults = (uint64_t)usage->ru_majflt;
    counted->cpu =
        (Measure){ .known = true, .usec = timeval_usec(usage->ru_utime) + timeval_usec(usage->ru_stime) };
}

/* With what was used so far, or the first gap of a run could not be told by it. */
void evidence_open(Evidence *ret, const char *proc_self, const char *cgroup_root)
{
    struct rusage usage;
    *ret = EVIDENCE_NONE;
    ret->starved_fd = open_counter(proc_self, "", "schedstat");
    find_cgroups(ret, proc_self, cgroup_root);
    ret->counted.waits_known = getrusage(RUSAGE_SELF, &usage) == 0;
    if (ret->counted.waits_known)
        take_usage(&ret->counted, &usage);
}

/* For a wait that ends on time nobody asks again: it counts as one that nothing has disturbed. */
void evidence_wait_begins(Evidence *evidence)
{
    Counters *counted = &evidence->counted;
    struct rusage usage;
    counted->waits_known = getrusage(RUSAGE_SELF, &usage) == 0;
    if (!counted->waits_known)
        return;
    take_usage(counted, &usage);
    counted->waits++;
    counted->switches++;
    evidence->in_wait = true;
    evidence->switches_before = (uint64_t)usage.ru_nvcsw;
}

/* In unsigned numbers this is right also where it had no need to wait. */
static void take_switches(Evidence *evidence, const struct rusage *usage)
{
    if (evidence->in_wait)
        evidence->counted.switches += (uint64_t)usage->ru_nvcsw - evidence->switches_before - 1;
    evidence->in_wait = false;
}

void evidence_sample(Evidence *evidence, Counters *ret)
{
    Counters *counted = &evidence->counted;
    struct rusage usage;
    if (counted->waits_known && getrusage(RUSAGE_SELF, &usage) == 0) {
        take_usage(counted, &usage);
        take_switches(evidence, &usage);
    }
    counted->throttled =
        read_key(evidence->throttled_fd, evidence->throttled_key, evidence->throttled_per_usec);
    counted->starved = read_schedstat(evidence->starved_fd);
    evidence_glance(evidence, ret);
}

void evidence_glance(Evidence *evidence, Counters *ret)
{
    evidence->counted.frozen = read_key(evidence->frozen_fd, "frozen_usec", 1);
    *ret = evidence->counted;
}
