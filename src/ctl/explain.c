/* SPDX-License-Identifier: MIT */
/* heartbeatctl explain: what was at a time, or in the last gap, in sentences. */

#include <stdio.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/finder.h"
#include "ctl/print.h"
#include "ctl/story.h"

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

static int explain_gap(Answer *answer, const Event *gap)
{
    Story story = {
        .view = answer->view,
        .style = &answer->style,
        .text = answer->text,
        .ongoing = answer->ongoing,
    };
    answer->kind = "gap";
    answer->gap = gap;
    story_tell(&story, gap);
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

/* From when on there is anything to answer from. */
static usec_t first_sign(const Answer *answer)
{
    const Pulse *pulse = &answer->view->past.pulse;
    return answer->summary->any          ? answer->summary->since_usec
           : answer->view->past.readable ? pulse->started_usec
                                         : USEC_INFINITY;
}

static int say_no_data(Answer *answer)
{
    const Summary *summary = answer->summary;
    answer->kind = "no-data";
    print_line_to(answer->text, "There is no data before %s.", TIME(&answer->style, first_sign(answer)));
    if (summary->trimmed)
        print_line_to(answer->text,
                      "Older lines were thrown away to keep the history short; gaps among them: %" PRIu64 ".",
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
                      reason_clock(&finder->clock, words),
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
    json_text(&json, "clock_step", finder && finder->has_clock ? reason_clock(&finder->clock, words) : NULL);
    json_end(&json, '}');
    fputc('\n', stdout);
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
    answer.has_ongoing_gap = view_ongoing_gap(view, &answer.ongoing_gap) > 0;
    if (options->time_usec != USEC_INFINITY) {
        finder_read(view, options->time_usec, &finder, &summary);
        answer.finder = &finder;
    } else
        view_read_last_gap(view, &summary);
    int exit_status = explain(&answer);
    bool whole = !ferror(answer.text);
    whole = fclose(answer.text) == 0 && whole && text;
    if (!whole) {
        complain("out of memory");
        return CTL_EXIT_NO_DATA;
    }
    if (options->json)
        write_answer(&answer, text);
    else
        fputs(text, stdout);
    view_complain(&summary);
    return exit_status;
}
