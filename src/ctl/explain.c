/* SPDX-License-Identifier: MIT */
/* heartbeatctl explain: what was at a time, or in the last gap, in sentences. */

#include <stdio.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/print.h"

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
    [CAUSE_OUTPUT_BLOCKED] = { "One step of a beat took all that time.",
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

/* What the history has around a time. */
typedef struct Finder {
    usec_t time_usec;
    bool any, has_gap, has_output, has_clock, has_start, has_stop, has_next, has_later;
    Event gap, output, clock; /* at the time */
    Event start, stop;        /* the run that was on, and its end if that was before the time */
    Event next;               /* the run after it */
    usec_t last_usec;         /* the event before the one that is looked at */
    usec_t interval_usec;
} Finder;

static bool is_between(usec_t time_usec, usec_t from_usec, usec_t to_usec)
{
    return from_usec <= time_usec && time_usec < to_usec;
}

static void take_gap(Finder *finder, const Event *gap)
{
    /* Of a record that could not be read nobody knows the last beat: it was after the last event. */
    usec_t from_usec = gap->from_usec != EVENT_NONE ? gap->from_usec : finder->last_usec;
    usec_t to_usec = gap->to_usec != EVENT_NONE ? gap->to_usec : gap->realtime_usec;
    if (!is_between(finder->time_usec, from_usec, to_usec))
        return;
    finder->has_gap = true;
    finder->gap = *gap;
}

/* Times that a step forward left out, or that one back brought twice. It happened before the beat that saw
 * it.
 */
static void take_clock(Finder *finder, const Event *event)
{
    usec_t slack_usec = finder->interval_usec != EVENT_NONE ? finder->interval_usec : 0;
    usec_t moved_usec = view_clock_moved(event), seen_usec = event->realtime_usec;
    usec_t before_usec = event->moved_usec < 0 ? slack_usec : moved_usec + slack_usec;
    usec_t after_usec = event->moved_usec < 0 ? moved_usec : 0;
    if (is_between(finder->time_usec, seen_usec > before_usec ? seen_usec - before_usec : 0,
                   seen_usec + after_usec + 1)) {
        finder->has_clock = true;
        finder->clock = *event;
    }
}

static void take_run(Finder *finder, const Event *event)
{
    bool before = event->realtime_usec <= finder->time_usec;
    if (event->kind == EVENT_START && before) {
        finder->start = *event;
        finder->has_start = true;
        finder->has_stop = finder->has_next = false;
    } else if (event->kind == EVENT_START && !finder->has_next) {
        finder->next = *event;
        finder->has_next = true;
    } else if (event->kind == EVENT_STOP && before) {
        finder->stop = *event;
        finder->has_stop = true;
    }
    if ((event->kind == EVENT_START || event->kind == EVENT_RELOAD) && before)
        finder->interval_usec = event->interval_usec;
}

static int take_event(void *context, const Event *event)
{
    Finder *finder = context;
    if (!finder->any)
        finder->last_usec = event->realtime_usec;
    finder->any = true;
    finder->has_later = finder->has_later || event->realtime_usec > finder->time_usec;
    if (event->kind == EVENT_GAP)
        take_gap(finder, event);
    else if (event->kind == EVENT_CLOCK)
        take_clock(finder, event);
    else if (event->kind == EVENT_OUTPUT && is_between(finder->time_usec, event->from_usec, event->to_usec)) {
        finder->output = *event;
        finder->has_output = true;
    }
    take_run(finder, event);
    finder->last_usec = event->realtime_usec;
    return 0;
}

/* An answer in the making: its sentences are collected, for JSON has them as one text. */
typedef struct Answer {
    const CtlOptions *options;
    const View *view;
    const Summary *summary;
    const Finder *finder; /* NULL when no time was asked for */
    Style style;
    FILE *text;
    const char *kind; /* in one word */
    const Event *gap; /* that was explained */
    bool ongoing;     /* and it is the one below */
    bool has_ongoing_gap;
    Event ongoing_gap;
} Answer;

static void say_span(const Answer *answer, const Event *gap)
{
    const Style *style = &answer->style;
    const char *lasted = gap->lasted_usec == EVENT_NONE ? NULL : SPAN(gap->lasted_usec);
    char took[TIMESPAN_TEXT_MAX + 8] = "";
    if (lasted)
        snprintf(took, sizeof(took), ", %s", lasted);
    if (answer->ongoing)
        print_line_to(answer->text, "No beat since %s%s, until now.", TIME(style, gap->from_usec), took);
    else if (gap->from_usec == EVENT_NONE)
        print_line_to(answer->text, "A run began at %s, and what was before it is not known.",
                      TIME(style, gap->realtime_usec));
    else
        print_line_to(answer->text, "No beat from %s to %s%s.", TIME(style, gap->from_usec),
                      TIME(style, gap->to_usec), took);
}

static void say_missed(const Answer *answer, const Event *gap)
{
    if (gap->missed == EVENT_NONE)
        print_line_to(answer->text, "How many beats were missed is not known.");
    else if (gap->interval_usec == EVENT_NONE)
        print_line_to(answer->text, "Beats missed: %" PRIu64 ".", gap->missed);
    else
        print_line_to(answer->text, "Beats missed: %" PRIu64 "; one was due every %s.", gap->missed,
                      SPAN(gap->interval_usec));
}

/* The daemon lived through it. */
static bool is_within_run(const Event *gap)
{
    return gap->past[0] == '\0';
}

static void say_host_apart(const Answer *answer, const Event *gap)
{
    const Style *style = &answer->style;
    /* A boot before the last beat: somebody set the wall clock in between. */
    bool boot =
        gap->boot_usec != EVENT_NONE && (gap->from_usec == EVENT_NONE || gap->boot_usec >= gap->from_usec);
    if (gap->verdict.cause == CAUSE_HOST_PAUSED)
        print_line_to(answer->text, "The host was up, but stood still, and the service with it.");
    else if (gap->verdict.host == HOST_UP)
        print_line_to(answer->text,
                      is_within_run(gap)
                          ? "The host was up, and the service's process was there; it made no beat."
                          : "The host was up; the service was not.");
    else if (gap->verdict.host == HOST_SUSPENDED)
        print_line_to(answer->text, "The host was suspended, and the service with it.");
    else if (gap->verdict.host == HOST_DOWN && boot)
        print_line_to(answer->text, "The host was down until it booted at %s, and the service with it.",
                      TIME(style, gap->boot_usec));
    else if (gap->verdict.host == HOST_DOWN)
        print_line_to(answer->text, "The host was down, and the service with it.");
    else if (boot && !is_within_run(gap))
        print_line_to(answer->text,
                      "The service was not up; whether the host was, until it booted at %s, is not "
                      "known.",
                      TIME(style, gap->boot_usec));
    else
        print_line_to(answer->text, "Whether host and service were up is not known.");
}

static void say_spans(const Answer *answer, const Event *gap)
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
            print_line_to(answer->text, "  %s: %s", spans[i].words, SPAN(spans[i].usec));
    if (gap->longest_usec != EVENT_NONE)
        print_line_to(answer->text, "  longest step: %s%s%s", SPAN(gap->longest_usec),
                      gap->step[0] ? ", of: " : "", gap->step);
    else if (gap->step[0])
        print_line_to(answer->text, "  step it was in: %s", gap->step);
}

static void say_counts(const Answer *answer, const Event *gap)
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
            print_line_to(answer->text, "  %s: %" PRIu64, counts[i].words, counts[i].count);
}

static void say_end(const Answer *answer, const Event *gap)
{
    const Style *style = &answer->style;
    if (gap->stopped_usec != EVENT_NONE)
        print_line_to(answer->text, "  told to stop at %s", TIME(style, gap->stopped_usec));
    if (gap->exit.result[0] || gap->exit.code[0] || gap->exit.status[0])
        print_line_to(answer->text, "  the service manager saw: result %s, %s, status %s", gap->exit.result,
                      gap->exit.code, gap->exit.status);
    if (gap->boot_usec != EVENT_NONE)
        print_line_to(answer->text, "  the boot after it began at %s", TIME(style, gap->boot_usec));
    if (!is_within_run(gap))
        print_line_to(answer->text, "  run before it: %s", gap->past);
}

static void say_evidence(const Answer *answer, const Event *gap)
{
    char evidence[REASON_TEXT_MAX];
    print_line_to(answer->text, "Evidence: %s", view_evidence(answer->view, gap, answer->ongoing, evidence));
    say_spans(answer, gap);
    say_counts(answer, gap);
    say_end(answer, gap);
}

static bool is_unfinished(const Answer *answer)
{
    return answer->ongoing && answer->view->liveness <= LIVENESS_SILENT;
}

static void say_confidence(const Answer *answer, const Event *gap)
{
    const char *meaning = gap->verdict.sure ? "high: the evidence accounts for it"
                          : gap->verdict.cause == CAUSE_UNKNOWN
                              ? "low: no cause is named, for none has evidence"
                              : "low: this is the likeliest cause, and nothing proves it";
    if (!is_unfinished(answer))
        print_line_to(answer->text, "Confidence: %s.", meaning);
    if (gap->lasted_usec == EVENT_NONE)
        print_line_to(answer->text, "The wall clock ran backwards over it: how long it lasted is not known.");
    else if (gap->boot_usec != EVENT_NONE)
        print_line_to(answer->text,
                      "How long it lasted is by the wall clock: another boot began in between.");
    else
        print_line_to(answer->text,
                      "How long it lasted is by a clock that nobody can set; the times are the wall "
                      "clock's.");
}

static void say_advice(const Answer *answer, const Event *gap)
{
    if (is_unfinished(answer) && gap->step[0])
        print_line_to(answer->text, "What to do: see what the step writes to; the process is %" PRIu64 ".",
                      answer->view->past.pulse.pid);
    else if (is_unfinished(answer))
        print_line_to(answer->text,
                      "What to do: see what became of process %" PRIu64 ": stopped, frozen, or "
                      "without a CPU?",
                      answer->view->past.pulse.pid);
    else
        print_line_to(answer->text, "What to do: %s", causes[gap->verdict.cause].advice);
    if (answer->ongoing && !is_unfinished(answer))
        print_line_to(answer->text,
                      "The service is still down: start it, or see systemctl status heartbeatd.");
}

static int explain_gap(Answer *answer, const Event *gap)
{
    answer->kind = "gap";
    answer->gap = gap;
    say_span(answer, gap);
    if (is_unfinished(answer))
        print_line_to(answer->text, "Why is not known yet: the daemon has not come back to tell.");
    else
        print_line_to(answer->text, "Cause: %s%s. %s",
                      gap->verdict.sure || gap->verdict.cause == CAUSE_UNKNOWN ? "" : "perhaps ",
                      cause_name(gap->verdict.cause), causes[gap->verdict.cause].what);
    say_host_apart(answer, gap);
    if (gap->from_usec != EVENT_NONE)
        say_missed(answer, gap);
    say_evidence(answer, gap);
    if (gap->from_usec != EVENT_NONE)
        say_confidence(answer, gap);
    say_advice(answer, gap);
    return EXIT_SUCCESS;
}

static int explain_nothing(Answer *answer)
{
    answer->kind = "no-gap";
    if (!answer->summary->any) {
        print_line_to(answer->text, "No gap is known, and there is no history.");
        return EXIT_SUCCESS;
    }
    print_line_to(answer->text, "There is no gap on record since %s.",
                  TIME(&answer->style, answer->summary->since_usec));
    return EXIT_SUCCESS;
}

static int say_no_data(Answer *answer)
{
    const Summary *summary = answer->summary;
    answer->kind = "no-data";
    print_line_to(answer->text, "There is no data before %s.", TIME(&answer->style, summary->since_usec));
    if (summary->trimmed)
        print_line_to(answer->text,
                      "Older lines were thrown away to keep the history short, %" PRIu64 " gaps among them.",
                      summary->trimmed_gaps);
    return CTL_EXIT_NO_DATA;
}

static int say_unknown(Answer *answer)
{
    char why[VIEW_WORDS_MAX];
    answer->kind = "no-data";
    print_line_to(answer->text, "Not known: the history says nothing of it, and %s.",
                  view_why_unreadable(answer->view, why));
    return CTL_EXIT_NO_DATA;
}

static int explain_stop(Answer *answer)
{
    const Finder *finder = answer->finder;
    const Style *style = &answer->style;
    answer->kind = "stopped";
    print_line_to(answer->text, "The service was told to stop at %s.",
                  TIME(style, finder->stop.realtime_usec));
    if (finder->has_next)
        print_line_to(answer->text, "It began again at %s, and no beat was missed.",
                      TIME(style, finder->next.realtime_usec));
    else
        print_line_to(answer->text, "No beat was missed so far.");
    return EXIT_SUCCESS;
}

static int explain_beats(Answer *answer)
{
    const Finder *finder = answer->finder;
    const Pulse *pulse = &answer->view->past.pulse;
    const Style *style = &answer->style;
    bool last_run = answer->view->past.readable &&
                    (!finder->has_start || strcmp(finder->start.run, pulse->run) == 0) && !finder->has_next;
    usec_t interval_usec =
        last_run && finder->interval_usec == EVENT_NONE ? pulse->interval_usec : finder->interval_usec;
    if (interval_usec == EVENT_NONE)
        print_line_to(answer->text, "Yes: beats were made.");
    else
        print_line_to(answer->text, "Yes: beats were made every %s.", SPAN(interval_usec));
    answer->kind = "alive";
    if (finder->has_start)
        print_line_to(answer->text, "Run %s, since %s.", finder->start.run,
                      TIME(style, finder->start.realtime_usec));
    else if (last_run)
        print_line_to(answer->text, "Run %s, since %s.", pulse->run, TIME(style, pulse->started_usec));
    else
        print_line_to(answer->text, "The run began before %s, where the history begins.",
                      TIME(style, answer->summary->since_usec));
    return EXIT_SUCCESS;
}

/* No beat has come since, and none is missing. */
static int explain_wait(Answer *answer)
{
    answer->kind = "not-due";
    print_line_to(answer->text, "The last beat was made at %s, and since then none was missed.",
                  TIME(&answer->style, answer->view->past.pulse.realtime_usec));
    return EXIT_SUCCESS;
}

static usec_t first_sign(const Answer *answer)
{
    const Pulse *pulse = &answer->view->past.pulse;
    return answer->summary->any          ? answer->summary->since_usec
           : answer->view->past.readable ? pulse->started_usec
                                         : USEC_INFINITY;
}

static int explain_time(Answer *answer)
{
    const Finder *finder = answer->finder;
    const View *view = answer->view;
    usec_t time_usec = finder->time_usec;
    if (finder->has_gap)
        return explain_gap(answer, &finder->gap);
    if (time_usec < first_sign(answer))
        return say_no_data(answer);
    answer->ongoing =
        answer->has_ongoing_gap && !finder->has_later && time_usec >= answer->ongoing_gap.from_usec;
    if (answer->ongoing)
        return explain_gap(answer, &answer->ongoing_gap);

    if (view->liveness == LIVENESS_UNREADABLE && !finder->has_later)
        return say_unknown(answer);
    if (finder->has_stop)
        return explain_stop(answer);
    if (finder->has_later)
        return explain_beats(answer);
    return time_usec <= view->past.pulse.realtime_usec ? explain_beats(answer) : explain_wait(answer);
}

/* The last gap, and first of all the one that is not over. */
static int explain_last(Answer *answer)
{
    answer->ongoing = answer->has_ongoing_gap;
    if (answer->ongoing)
        return explain_gap(answer, &answer->ongoing_gap);
    return answer->summary->has_gap ? explain_gap(answer, &answer->summary->last_gap)
                                    : explain_nothing(answer);
}

/* What is no gap, and may matter to whoever asks. */
static void say_beside(const Answer *answer)
{
    const Finder *finder = answer->finder;
    const Style *style = &answer->style;
    char words[REASON_TEXT_MAX];
    if (finder && finder->has_output)
        print_line_to(answer->text, "An output failed from %s to %s: %s.",
                      TIME(style, finder->output.from_usec), TIME(style, finder->output.to_usec),
                      view_output_words(&finder->output, words));
    if (finder && finder->has_clock)
        print_line_to(answer->text, "About then, %s; times near it %s. It was seen at %s.",
                      view_clock_words(&finder->clock, words),
                      finder->clock.moved_usec < 0 ? "came twice" : "may never have been",
                      TIME(style, finder->clock.realtime_usec));
}

static int explain(Answer *answer)
{
    if (!answer->view->past.any) {
        answer->kind = "no-data";
        print_line_to(answer->text, "There is no record in %s.", answer->view->state_dir);
        return CTL_EXIT_NO_DATA;
    }
    if (!answer->finder)
        return explain_last(answer);
    int exit_status = explain_time(answer);
    say_beside(answer);
    return exit_status;
}

static void write_answer(const Answer *answer, const char *text)
{
    Json json = { .file = stdout };
    const Finder *finder = answer->finder;
    char words[REASON_TEXT_MAX];
    json_begin(&json, NULL, '{');
    json_text(&json, "answer", answer->kind);
    json_time(&json, "time", answer->options->time_usec);
    json_text(&json, "text", text);
    if (answer->gap)
        gaps_write_json(&json, "gap", answer->view, answer->gap, answer->ongoing);
    else
        json_text(&json, "gap", NULL);
    json_text(&json, "output_failed",
              finder && finder->has_output ? view_output_words(&finder->output, words) : NULL);
    json_text(&json, "clock_step",
              finder && finder->has_clock ? view_clock_words(&finder->clock, words) : NULL);
    json_end(&json, '}');
    fputc('\n', stdout);
}

static void find(const View *view, usec_t time_usec, Finder *ret)
{
    HistoryDamage damage;
    *ret = (Finder){ .time_usec = time_usec, .interval_usec = EVENT_NONE };
    (void)history_read(view->state_dir, take_event, ret, &damage);
}

int explain_run(const CtlOptions *options, const View *view)
{
    cleanup_free char *text = NULL;
    size_t length;
    Summary summary;
    Finder finder;
    Answer answer = { .options = options, .view = view, .summary = &summary };
    answer.text = open_memstream(&text, &length);
    if (!answer.text) {
        complain("out of memory");
        return CTL_EXIT_NO_DATA;
    }
    style_find(&answer.style, options->utc);
    view_read_history(view, &summary);
    answer.has_ongoing_gap = view_ongoing_gap(view, &answer.ongoing_gap) > 0;
    if (options->time_usec != USEC_INFINITY) {
        find(view, options->time_usec, &finder);
        answer.finder = &finder;
    }
    int exit_status = explain(&answer);
    if (fclose(answer.text) != 0)
        return CTL_EXIT_NO_DATA;
    if (options->json)
        write_answer(&answer, text);
    else
        fputs(text, stdout);
    view_complain(&summary);
    return exit_status;
}
