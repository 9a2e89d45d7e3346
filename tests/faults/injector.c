/* SPDX-License-Identifier: MIT */
/* Runs a command in which one system call fails, is cut short or comes late, and tells how that ended.
 *
 *     injector -r FD [-f PROCESS:CALL:NUMBER:HOW] [-s SIGNALS -i USEC] [-l SECONDS] [-m CALLS] [-c] [-t]
 *              [-e NAME=VALUE]... COMMAND...
 *
 * PROCESS is 0 for the first one, 1 for its child and so on; NUMBER counts its calls of that name from 1,
 * from main() on, which both programs begin by asking for the flags of descriptor 0. HOW is one of
 *
 *     error=ERRNO   the call is not made, but for close(2), which closes in any case
 *     errors=ERRNO  and neither is any of that name after it, in whatever process
 *     nothing       it is not made, and returns 0
 *     short=BYTES   it is asked for so many bytes at most
 *     late=USEC     it begins so much later
 *
 * With -c there is no vDSO for the command, so that reading a clock is a system call, too. SIGNALS are
 * numbers, separated by commas, that go to the process that waits, which is the one in poll(2) without a time
 * limit: the first at its third beat, and each after it at the second wait from then on. A command that waits
 * much more often than each USEC, or makes more than CALLS, is busy; one that takes longer than SECONDS
 * hangs.
 *
 * The report is written to descriptor FD, a line each: "call PROCESS NAME NUMBER PHASE" with -t, "exit
 * PROCESS STATUS", "killed PROCESS SIGNAL", "busy", "hangs NAME", "calls COUNT", "waits COUNT", "done COUNT"
 * (faults). */

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "system-calls.h"

#define ELEMENTSOF(array) (sizeof(array) / sizeof((array)[0]))
#define PROCESSES_MAX 8
#define CALLS_MAX 512 /* numbers of system calls */
#define SIGNALS_MAX 4
#define IDLE_WAITS_MAX 40

typedef enum How { NONE, ERROR, ERRORS, NOTHING, SHORT, LATE } How;

typedef struct Fault {
    int process;
    char call[32];
    unsigned number;
    How how;
    long value;
} Fault;

typedef struct Process {
    pid_t pid;
    bool began; /* main() was reached */
    bool ended;
    bool entered; /* is in a system call */
    bool replaced, changed;
    unsigned long rdi, rdx; /* as they were, for a call leaves them alone */
    long result;            /* of the call, when it was replaced */
    long call;              /* the last one */
    unsigned counts[CALLS_MAX];
} Process;

static struct {
    Fault fault;
    int signals[SIGNALS_MAX];
    size_t n_signals, sent;
    long interval_usec, seconds, calls_max;
    int report_fd;
    bool trace, clocks;
} options = { .report_fd = 3, .interval_usec = 1000000, .seconds = 20, .calls_max = 100000 };

static Process processes[PROCESSES_MAX];
static int n_processes;
static long calls, waits, waits_at_signal, injected;
static int64_t first_wait_usec, signal_usec;
static volatile sig_atomic_t too_slow;
static FILE *report;

static int64_t now_usec(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(125);
}

static void on_alarm(int signal)
{
    (void)signal;
    too_slow = 1;
}

/* The command line. */

static void take_fault(const char *text)
{
    static const struct {
        const char *word;
        How how;
    } words[] = {
        { "error", ERROR }, { "errors", ERRORS }, { "nothing", NOTHING }, { "short", SHORT }, { "late", LATE }
    };
    Fault *fault = &options.fault;
    char word[16];
    if (sscanf(text, "%d:%31[^:]:%u:%15[a-z]=%ld", &fault->process, fault->call, &fault->number, word,
               &fault->value) < 4)
        die("-f");
    for (size_t i = 0; i < ELEMENTSOF(words); i++)
        if (strcmp(words[i].word, word) == 0)
            fault->how = words[i].how;
}

static void take_signals(char *text)
{
    for (char *word; (word = strsep(&text, ",")) && options.n_signals < SIGNALS_MAX;)
        options.signals[options.n_signals++] = atoi(word);
}

static void take_options(int argc, char *argv[])
{
    for (int option; (option = getopt(argc, argv, "+r:f:s:i:l:m:e:ct")) >= 0;)
        switch (option) {
        case 'r':
            options.report_fd = atoi(optarg);
            break;
        case 'e':
            putenv(optarg); /* for the command: this program has its own already */
            break;
        case 'c':
            options.clocks = true;
            break;
        case 'f':
            take_fault(optarg);
            break;
        case 's':
            take_signals(optarg);
            break;
        case 'i':
            options.interval_usec = atol(optarg);
            break;
        case 'l':
            options.seconds = atol(optarg);
            break;
        case 'm':
            options.calls_max = atol(optarg);
            break;
        case 't':
            options.trace = true;
            break;
        default:
            exit(125);
        }
}

/* Processes. */

static Process *find_process(pid_t pid)
{
    for (int i = 0; i < n_processes; i++)
        if (processes[i].pid == pid)
            return &processes[i];
    return NULL;
}

static Process *add_process(pid_t pid, bool began)
{
    if (n_processes == PROCESSES_MAX)
        die("too many processes");
    Process *process = &processes[n_processes++];
    *process = (Process){ .pid = pid, .began = began };
    return process;
}

static int index_of(const Process *process)
{
    return (int)(process - processes);
}

static bool is_any_left(void)
{
    for (int i = 0; i < n_processes; i++)
        if (!processes[i].ended)
            return true;
    return false;
}

static pid_t start(char *argv[])
{
    pid_t pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        execv(argv[0], argv);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, NULL, 0) < 0)
        die("fork");
    long wanted = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                  PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SETOPTIONS, pid, NULL, wanted) < 0)
        die("ptrace");
    return pid;
}

static long peek(pid_t pid, unsigned long at)
{
    errno = 0;
    long word = ptrace(PTRACE_PEEKDATA, pid, at, NULL);
    if (errno != 0)
        die("ptrace");
    return word;
}

/* On the stack of a program that was just executed lie its arguments, its environment and then what the
 * kernel tells it in pairs, the vDSO among it: getauxval(3). */
static void hide_vdso(pid_t pid)
{
    struct user_regs_struct registers;
    if (ptrace(PTRACE_GETREGS, pid, NULL, &registers) < 0)
        die("ptrace");
    unsigned long at = registers.rsp + 8 * (unsigned long)(peek(pid, registers.rsp) + 2);
    while (peek(pid, at) != 0)
        at += 8;
    for (at += 8; peek(pid, at) != AT_NULL; at += 16)
        if (peek(pid, at) == AT_SYSINFO_EHDR)
            ptrace(PTRACE_POKEDATA, pid, at, AT_IGNORE);
}

/* Faults. */

static bool is_hit(const Process *process, const char *name, unsigned number)
{
    const Fault *fault = &options.fault;
    if (fault->how == NONE || strcmp(name, fault->call) != 0)
        return false;
    if (fault->how == ERRORS && injected > 0)
        return true;
    return index_of(process) == fault->process && number == fault->number;
}

static void set_registers(pid_t pid, const struct user_regs_struct *registers)
{
    if (ptrace(PTRACE_SETREGS, pid, NULL, registers) < 0 && errno != ESRCH)
        die("ptrace");
}

static void inject(Process *process, struct user_regs_struct *registers)
{
    const Fault *fault = &options.fault;
    injected++;
    process->rdi = registers->rdi;
    process->rdx = registers->rdx;
    if (fault->how == LATE) {
        struct timespec pause = { .tv_sec = fault->value / 1000000,
                                  .tv_nsec = fault->value % 1000000 * 1000 };
        nanosleep(&pause, NULL);
        return;
    }
    if (fault->how == SHORT) {
        if ((long)registers->rdx > fault->value)
            registers->rdx = (unsigned long)fault->value;
        process->changed = true;
        set_registers(process->pid, registers);
        return;
    }
    if (registers->orig_rax ==
        SYS_brk) { /* which fails by changing nothing, and tells where the break is: brk(2) */
        registers->rdi = 0;
        process->changed = true;
        set_registers(process->pid, registers);
        return;
    }
    process->replaced = true;
    process->result = fault->how == NOTHING ? 0 : -fault->value;
    if (registers->orig_rax == SYS_close)
        return;
    registers->orig_rax = (unsigned long)-1;
    set_registers(process->pid, registers);
}

static const char *phase(char buffer[static 16])
{
    if (waits == 0)
        return "start";
    if (options.sent > 1)
        return "stop";
    if (options.sent == 1 && waits == waits_at_signal)
        return "reload";
    snprintf(buffer, 16, "beat%ld", waits + (options.sent == 0));
    return buffer;
}

/* Signals, at the beginning of a wait. */

static void wait_begins(const Process *process)
{
    int64_t now = now_usec();
    waits++;
    if (waits == 1)
        first_wait_usec = signal_usec = now;
    long since = waits - waits_at_signal, passed = (long)(now - signal_usec);
    if (options.sent == options.n_signals || since < (options.sent == 0 ? 3 : 2) ||
        passed < options.interval_usec * (options.sent == 0 ? 14 : 7) / 10)
        return;
    kill(process->pid, options.signals[options.sent++]);
    waits_at_signal = waits;
    signal_usec = now;
}

static bool is_busy(void)
{
    int64_t passed = waits > 0 ? now_usec() - first_wait_usec : 0;
    return calls > options.calls_max || waits > IDLE_WAITS_MAX + 2 * passed / options.interval_usec;
}

/* System calls. */

static void enter(Process *process)
{
    struct user_regs_struct registers;
    if (ptrace(PTRACE_GETREGS, process->pid, NULL, &registers) < 0)
        return;
    long call = process->call = (long)registers.orig_rax;
    if (call == SYS_fcntl && registers.rdi == 0 && registers.rsi == F_GETFD)
        process->began = true;
    if (!process->began || call < 0 || call >= CALLS_MAX)
        return;
    calls++;
    if (call == SYS_poll && (int)registers.rdx == -1)
        wait_begins(process);
    const char *name = system_call_name(call);
    unsigned number = ++process->counts[call];
    if (options.trace)
        fprintf(report, "call %d %s %u %s\n", index_of(process), name, number, phase((char[16]){ 0 }));
    if (is_hit(process, name, number))
        inject(process, &registers);
}

static void leave(Process *process)
{
    struct user_regs_struct registers;
    if ((!process->replaced && !process->changed) ||
        ptrace(PTRACE_GETREGS, process->pid, NULL, &registers) < 0)
        return;
    if (process->replaced)
        registers.rax = (unsigned long)process->result;
    if (process->changed) {
        registers.rdi = process->rdi;
        registers.rdx = process->rdx;
    }
    process->replaced = process->changed = false;
    set_registers(process->pid, &registers);
}

/* Returns the signal that the process is to get. */
static int stopped(Process *process, int status)
{
    int signal = WSTOPSIG(status);
    if (signal == (SIGTRAP | 0x80)) {
        process->entered = !process->entered;
        process->entered ? enter(process) : leave(process);
        return 0;
    }
    if (status >> 16 == PTRACE_EVENT_EXEC && options.clocks)
        hide_vdso(process->pid);
    return status >> 16 == 0 ? signal : 0;
}

static void take(pid_t pid, int status)
{
    Process *process = find_process(pid);
    bool is_new = !process;
    if (is_new)
        process = add_process(pid, processes[0].began);
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
        process->ended = true;
        fprintf(report, WIFEXITED(status) ? "exit %d %d\n" : "killed %d %d\n", index_of(process),
                WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
        return;
    }
    int signal = stopped(process, status);
    if (is_new && signal == SIGSTOP) /* with which a traced process begins */
        signal = 0;
    ptrace(PTRACE_SYSCALL, pid, NULL, (long)signal);
}

static void give_up(void)
{
    for (int i = 0; i < n_processes; i++)
        if (!processes[i].ended) {
            if (too_slow)
                fprintf(report, "hangs %s\n", system_call_name(processes[i].call));
            kill(processes[i].pid, SIGKILL);
        }
    if (!too_slow)
        fprintf(report, "busy\n");
}

static void run(void)
{
    while (is_any_left()) {
        int status;
        pid_t pid = waitpid(-1, &status, __WALL);
        if (pid > 0)
            take(pid, status);
        if (too_slow || is_busy()) {
            give_up();
            return;
        }
    }
}

int main(int argc, char *argv[])
{
    struct sigaction action = { .sa_handler = on_alarm };
    take_options(argc, argv);
    report = fdopen(options.report_fd, "w");
    if (!report || fcntl(options.report_fd, F_SETFD, FD_CLOEXEC) < 0)
        die("-r");
    pid_t pid = start(argv + optind);
    add_process(pid, false);
    sigaction(SIGALRM, &action, NULL);
    struct itimerval limit = { .it_value.tv_sec = options.seconds, .it_interval.tv_sec = 1 };
    setitimer(ITIMER_REAL, &limit, NULL);
    ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
    run();
    fprintf(report, "calls %ld\nwaits %ld\ndone %ld\n", calls, waits, injected);
    return fclose(report) == 0 ? 0 : 125;
}
