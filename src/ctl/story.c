/* SPDX-License-Identifier: MIT */
/* A gap in sentences. */

#include "ctl/story.h"

#include <string.h>

/* What a cause means for those who have never heard of it, and where they would look next. */
static const struct {
    const char *what, *advice;
} causes[CAUSE_COUNT] = {
    [CAUSE_UNKNOWN] = { "Nothing that is on record accounts for it.",
                        "Look into the journal of that time: journalctl --since and --until." },
    [CAUSE_SUSPEND] = { "The host was suspended, and nothing on it ran.",
                        "Nothing, if somebody wanted it to sleep; else see logind.conf(5) and "
                        "journalctl -u systemd-suspend." },
    [CAUSE_CPU_THROTTLED] = { "The CPU quota of the daemon's control group was used up.",
                              "Raise CPUQuota= of its unit or slice: systemctl show -p "
                              "CPUQuotaPerSecUSec heartbeatd." },
    [CAUSE_CPU_STARVED] = { "The daemon was ready to run, and other processes had the CPUs.",
                            "Find what used the CPUs at that time, and give heartbeatd more CPUWeight= if it "
                            "has to be on time." },
    [CAUSE_BUSY] = { "The daemon itself used the CPU all the time.",
                     "With major page faults the host was short of memory; without, report a bug." },
    [CAUSE_PROCESS_STOPPED] = { "The daemon's process was stopped, and later continued.",
                                "Find out who sent SIGSTOP, or attached a debugger or a tracer, to it." },
    [CAUSE_FROZEN] = { "The daemon's control group was frozen, and later thawed.",
                       "Find out who froze it: systemctl freeze, a container's pause, or a backup." },
    [CAUSE_OUTPUT_BLOCKED] = { "Steps of a beat took all that time.",
                               "See what the step that is named writes to: a slow disk, a network file "
                               "system, a reader that does not read." },
    [CAUSE_HOST_PAUSED] = { "Only the clocks went on: a hypervisor had paused the whole host.",
                            "Ask whoever runs the hypervisor for snapshots, migrations and overload." },
    [CAUSE_SERVICE_CRASHED] = { "The daemon crashed.",
                                "Look at the core: coredumpctl info heartbeatd; and report a bug." },
    [CAUSE_SERVICE_OOM_KILLED] = { "The daemon was killed because memory was short.",
                                   "Find what used the memory: journalctl -k -g 'out of memory'." },
    [CAUSE_SERVICE_WATCHDOG_KILLED] = { "The daemon hung, and the service manager killed it.",
                                        "See what the step that is named writes to; the journal has the "
                                        "manager's side: journalctl -u heartbeatd." },
    [CAUSE_SERVICE_KILLED] = { "The daemon was killed by a signal.",
                               "Find out who sent it: journalctl -u heartbeatd, the shells' histories, "
                               "audit records." },
    [CAUSE_SERVICE_FAILED] = { "The daemon gave up with an error.",
                               "Read its last words: journalctl -u heartbeatd." },
    [CAUSE_SERVICE_STOPPED] = { "Somebody stopped the daemon, or told it to restart.",
                                "Nothing, if that was wanted; else see who did: journalctl -u heartbeatd." },
    [CAUSE_HOST_SHUTDOWN] = { "The host was shut down or rebooted in good order.",
                              "Nothing, if that was wanted; else see who did: last -x, journalctl -b -1 -e." },
    [CAUSE_HOST_DOWN] = { "The host went down without a word: power cut, crash or reset.",
                          "See what was last written before it: journalctl -b -1 -e; then power and "
                          "hardware, and the console or pstore for a panic." },
};

static void say_span(const Story *story, const Event *gap)
{
    const Style *style = story->style;
    const char *lasted = gap->lasted_usec == EVENT_NONE ? NULL : SPAN(gap->lasted_usec);
    char took[TIMESPAN_TEXT_MAX + 8] = "";
    if (lasted)
        snprintf(took, sizeof(took), ", %s", lasted);
    if (story->ongoing)
        print_line_to(story->text, "No beat since %s%s, until now.", TIME(style, gap->from_usec), took);
    else if (gap->from_usec == EVENT_NONE)
        print_line_to(story->text, "A run began at %s, and what was before it is not known.",
                      TIME(style, gap->realtime_usec));
    else
        print_line_to(story->text, "No beat from %s to %s%s.", TIME(style, gap->from_usec),
                      TIME(style, gap->to_usec), took);
}

static void say_missed(const Story *story, const Event *gap)
{
    if (gap->missed == EVENT_NONE)
        print_line_to(story->text, "How many beats were missed is not known.");
    else if (gap->interval_usec == EVENT_NONE)
        print_line_to(story->text, "Beats missed: %" PRIu64 ".", gap->missed);
    else
        print_line_to(story->text, "Beats missed: %" PRIu64 "; one was due every %s.", gap->missed,
                      SPAN(gap->interval_usec));
}

/* The daemon lived through it. */
static bool is_within_run(const Event *gap)
{
    return gap->past[0] == '\0';
}

static void say_host_apart(const Story *story, const Event *gap)
{
    const Style *style = story->style;
    /* A boot before the last beat: somebody set the wall clock in between. */
    bool boot =
        gap->boot_usec != EVENT_NONE && (gap->from_usec == EVENT_NONE || gap->boot_usec >= gap->from_usec);
    if (gap->verdict.cause == CAUSE_HOST_PAUSED)
        print_line_to(story->text, "The host was up, but stood still, and the service with it.");
    else if (gap->verdict.host == HOST_UP)
        print_line_to(story->text,
                      is_within_run(gap)
                          ? "The host was up, and the service's process was there; it made no beat."
                          : "The host was up; the service was not.");
    else if (gap->verdict.host == HOST_SUSPENDED)
        print_line_to(story->text, "The host was suspended, and the service with it.");
    else if (gap->verdict.host == HOST_DOWN && boot)
        print_line_to(story->text, "The host was down until it booted at %s, and the service with it.",
                      TIME(style, gap->boot_usec));
    else if (gap->verdict.host == HOST_DOWN)
        print_line_to(story->text, "The host was down, and the service with it.");
    else if (boot && !is_within_run(gap))
        print_line_to(story->text,
                      "The service was not up; whether the host was, until it booted at %s, is not "
                      "known.",
                      TIME(style, gap->boot_usec));
    else
        print_line_to(story->text, "Whether host and service were up is not known.");
}

static void say_spans(const Story *story, const Event *gap)
{
    const struct {
        const char *words;
        usec_t usec;
    } spans[] = {
        { "suspended", gap->suspended_usec },
        { "held back by a CPU quota", gap->throttled_usec },
        { "ready to run, without a CPU", gap->starved_usec },
        { "on a CPU itself", gap->cpu_usec },
        { "frozen", gap->frozen_usec },
    };
    for (size_t i = 0; i < ELEMENTSOF(spans); i++)
        if (spans[i].usec != EVENT_NONE)
            print_line_to(story->text, "  %s: %s", spans[i].words, SPAN(spans[i].usec));
    if (gap->longest_usec != EVENT_NONE)
        print_line_to(story->text, "  longest step: %s%s%s", SPAN(gap->longest_usec),
                      gap->step[0] ? ", of: " : "", gap->step);
    else if (gap->step[0])
        print_line_to(story->text, "  step it was in: %s", gap->step);
}

static void say_counts(const Story *story, const Event *gap)
{
    const struct {
        const char *words;
        uint64_t count;
    } counts[] = {
        { "major page faults", gap->faults },
        { "times it gave up the CPU while it waited", gap->switches },
        { "times it went to wait", gap->polls },
        { "SIGCONT signals", gap->continued },
    };
    for (size_t i = 0; i < ELEMENTSOF(counts); i++)
        if (counts[i].count != EVENT_NONE)
            print_line_to(story->text, "  %s: %" PRIu64, counts[i].words, counts[i].count);
}

static void say_end(const Story *story, const Event *gap)
{
    const Style *style = story->style;
    if (gap->stopped_usec != EVENT_NONE)
        print_line_to(story->text, "  told to stop at %s", TIME(style, gap->stopped_usec));
    if (gap->exit.code[0])
        print_line_to(story->text, "  recorded of its end: %s%s%s%s%s", gap->exit.code,
                      gap->exit.status[0] ? ", status " : "", gap->exit.status,
                      gap->exit.result[0] ? ", result " : "", gap->exit.result);
    else if (gap->exit.result[0])
        print_line_to(story->text, "  recorded of its end: it was found to be gone");
    if (gap->boot_usec != EVENT_NONE)
        print_line_to(story->text, "  the boot after it began at %s", TIME(style, gap->boot_usec));
    if (!is_within_run(gap))
        print_line_to(story->text, "  run before it: %s", gap->past);
}

static void say_evidence(const Story *story, const Event *gap)
{
    char evidence[REASON_TEXT_MAX];
    print_line_to(story->text, "Evidence: %s", view_evidence(story->view, gap, story->ongoing, evidence));
    say_spans(story, gap);
    say_counts(story, gap);
    say_end(story, gap);
}

static bool is_unfinished(const Story *story)
{
    return story->ongoing && story->view->liveness <= LIVENESS_SILENT;
}

static void say_confidence(const Story *story, const Event *gap)
{
    const char *meaning = gap->verdict.sure ? "high: the evidence accounts for it"
                          : gap->verdict.cause == CAUSE_UNKNOWN
                              ? "low: no cause is named, for none has evidence"
                              : "low: this is the likeliest cause, and nothing proves it";
    if (!is_unfinished(story))
        print_line_to(story->text, "Confidence: %s.", meaning);
    if (gap->lasted_usec == EVENT_NONE)
        print_line_to(story->text, "The wall clock ran backwards over it: how long it lasted is not known.");
    else if (gap->boot_usec != EVENT_NONE)
        print_line_to(story->text, "How long it lasted is by the wall clock: another boot began in between.");
    else
        print_line_to(story->text,
                      "How long it lasted is by a clock that nobody can set; the times are the wall "
                      "clock's.");
}

static void say_advice(const Story *story, const Event *gap)
{
    if (is_unfinished(story) && gap->step[0])
        print_line_to(story->text, "What to do: see what the step writes to; the process is %" PRIu64 ".",
                      story->view->past.pulse.pid);
    else if (is_unfinished(story))
        print_line_to(story->text,
                      "What to do: see what became of process %" PRIu64 ": stopped, frozen, or "
                      "without a CPU?",
                      story->view->past.pulse.pid);
    else
        print_line_to(story->text, "What to do: %s", causes[gap->verdict.cause].advice);
    if (story->ongoing && !is_unfinished(story))
        print_line_to(story->text,
                      "The service is still down: start it, or see systemctl status heartbeatd.");
}

void story_tell(const Story *story, const Event *gap)
{
    say_span(story, gap);
    if (is_unfinished(story))
        print_line_to(story->text, "Why is not known yet: the daemon has not come back to tell.");
    else
        print_line_to(story->text, "Cause: %s%s. %s", verdict_hedge(&gap->verdict),
                      cause_name(gap->verdict.cause), causes[gap->verdict.cause].what);
    say_host_apart(story, gap);
    if (gap->from_usec != EVENT_NONE)
        say_missed(story, gap);
    say_evidence(story, gap);
    if (gap->from_usec != EVENT_NONE)
        say_confidence(story, gap);
    say_advice(story, gap);
}
