/* SPDX-License-Identifier: MIT */
/* The command line of heartbeatctl. */

#include "ctl/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "build-config.h"
#include "core/timespan.h"
#include "ctl/when.h"
#include "store/state-file.h"
#include "util/command-line.h"
#include "util/text.h"

#define COMMAND_BIT(command) (1U << (command))
#define ANY_COMMAND (COMMAND_BIT(CTL_HELP) - 1)

/* What the time of explain may be made of: several words, so that nobody has to quote. */
#define WHEN_TEXT_MAX 128

static const char *const command_names[] = {
    [CTL_STATUS] = "status",   [CTL_CHECK] = "check",   [CTL_GAPS] = "gaps",
    [CTL_EXPLAIN] = "explain", [CTL_REPORT] = "report", [CTL_TIMELINE] = "timeline",
    [CTL_METRICS] = "metrics", [CTL_HELP] = "help",     [CTL_VERSION] = "version",
};

enum {
    OPTION_OUTPUT,
    OPTION_STATE_DIR,
    OPTION_USER,
    OPTION_UTC,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_WARNING,
    OPTION_CRITICAL,
    OPTION_SINCE,
    OPTION_UNTIL,
    OPTION_CAUSE,
    OPTION_BY,
    OPTION_EXCLUDE,
    OPTION_COUNT,
};

#define RANGE_COMMANDS (COMMAND_BIT(CTL_GAPS) | COMMAND_BIT(CTL_REPORT) | COMMAND_BIT(CTL_TIMELINE))

/* What getopt_long(3) returns for an option: beyond every character. */
#define OPTION_BASE 0x100

static const struct {
    const char *name;
    bool has_value;
    unsigned commands; /* that know it */
} option_table[OPTION_COUNT] = {
    [OPTION_OUTPUT] = { "output", true, ANY_COMMAND },
    [OPTION_STATE_DIR] = { "state-dir", true, ANY_COMMAND },
    [OPTION_USER] = { "user", false, ANY_COMMAND },
    [OPTION_UTC] = { "utc", false, ANY_COMMAND },
    [OPTION_HELP] = { "help", false, ANY_COMMAND },
    [OPTION_VERSION] = { "version", false, ANY_COMMAND },
    [OPTION_WARNING] = { "warning", true, COMMAND_BIT(CTL_CHECK) },
    [OPTION_CRITICAL] = { "critical", true, COMMAND_BIT(CTL_CHECK) },
    [OPTION_SINCE] = { "since", true, RANGE_COMMANDS },
    [OPTION_UNTIL] = { "until", true, RANGE_COMMANDS },
    [OPTION_CAUSE] = { "cause", true, COMMAND_BIT(CTL_GAPS) },
    [OPTION_BY] = { "by", true, COMMAND_BIT(CTL_REPORT) | COMMAND_BIT(CTL_TIMELINE) },
    [OPTION_EXCLUDE] = { "exclude", true, COMMAND_BIT(CTL_REPORT) },
};

/* A command line in the making: times are read at its end, when it is known whether they are in UTC. */
typedef struct Parser {
    CtlOptions *options;
    Error *error;
    usec_t now_usec;
    bool command_given, user;
    unsigned seen; /* a bit for each option */
    const char *since, *until;
    const char **exclude; /* in the arguments, as many as options->n_exclusions */
    char time[WHEN_TEXT_MAX];
} Parser;

static int refuse(Parser *parser, const char *argument, const char *problem)
{
    return error_set(parser->error, CTL_EXIT_ARGUMENTS, EINVAL, "%.200s: %s; see heartbeatctl --help",
                     argument, problem);
}

static int refuse_value(Parser *parser, int option, const char *value, const char *wanted)
{
    return error_set(parser->error, CTL_EXIT_ARGUMENTS, EINVAL, "--%s: \"%.200s\": %s",
                     option_table[option].name, value, wanted);
}

static int out_of_memory(Error *ret_error)
{
    return error_set(ret_error, EXIT_FAILURE, ENOMEM, "out of memory");
}

static int take_state_dir(Parser *parser, const char *value)
{
    free(parser->options->state_dir);
    parser->options->state_dir = strdup(value);
    return parser->options->state_dir ? 0 : out_of_memory(parser->error);
}

static int take_output(Parser *parser, const char *value)
{
    parser->options->json = strcmp(value, "json") == 0;
    parser->options->svg = strcmp(value, "svg") == 0;
    return parser->options->json || parser->options->svg || strcmp(value, "text") == 0
               ? 0
               : refuse_value(parser, OPTION_OUTPUT, value, "expected text or json, or svg for timeline");
}

static int take_span(Parser *parser, int option, const char *value, usec_t *ret_usec)
{
    usec_t usec;
    if (timespan_parse(value, &usec) < 0 || usec == USEC_INFINITY)
        return refuse_value(parser, option, value, "expected a time span such as 30s or 2min");
    *ret_usec = usec;
    return 0;
}

/* The bit of a cause, or of what is listed as if it were one. Returns -EINVAL for a name that is none. */
static int find_cause(const char *name)
{
    Cause cause;
    if (strcmp(name, "output-failed") == 0)
        return CTL_OUTPUT_FAILED;
    if (strcmp(name, "clock-step") == 0)
        return CTL_CLOCK_STEP;
    int r = cause_from_name(name, &cause);
    return r < 0 ? r : (int)cause;
}

static int refuse_cause(Parser *parser, const char *name)
{
    char wanted[512] = "expected some of";
    size_t length = strlen(wanted);
    for (Cause cause = 0; cause < CAUSE_COUNT; cause++)
        length += (size_t)snprintf(wanted + length, sizeof(wanted) - length, " %s,", cause_name(cause));
    snprintf(wanted + length, sizeof(wanted) - length, " output-failed, clock-step");
    return refuse_value(parser, OPTION_CAUSE, name, wanted);
}

/* One cause, or several between commas; what is given again adds to what was given before. */
static int take_causes(Parser *parser, const char *value)
{
    cleanup_free char *list = strdup(value);
    if (!list)
        return out_of_memory(parser->error);
    char *rest = list;
    for (char *name; (name = strsep(&rest, ","));) {
        int bit = find_cause(name);
        if (bit < 0)
            return refuse_cause(parser, name);
        parser->options->causes |= 1U << bit;
    }
    parser->options->causes_given = true;
    return 0;
}

static int take_unit(Parser *parser, const char *value)
{
    int unit = calendar_unit_from_name(value);
    if (unit < 0)
        return refuse_value(parser, OPTION_BY, value, "expected day, week, month or year");
    parser->options->by = (CalendarUnit)unit;
    return 0;
}

static int take_exclusion(Parser *parser, const char *value)
{
    size_t count = parser->options->n_exclusions;
    const char **exclude = reallocarray(parser->exclude, count + 1, sizeof(*exclude));
    if (!exclude)
        return out_of_memory(parser->error);
    parser->exclude = exclude;
    exclude[count] = value;
    parser->options->n_exclusions++;
    return 0;
}

static int take_option(Parser *parser, int option, const char *value)
{
    CtlOptions *options = parser->options;
    parser->seen |= 1U << option;
    switch (option) {
    case OPTION_OUTPUT:
        return take_output(parser, value);
    case OPTION_STATE_DIR:
        return take_state_dir(parser, value);
    case OPTION_WARNING:
        return take_span(parser, option, value, &options->warning_usec);
    case OPTION_CRITICAL:
        return take_span(parser, option, value, &options->critical_usec);
    case OPTION_CAUSE:
        return take_causes(parser, value);
    case OPTION_BY:
        return take_unit(parser, value);
    case OPTION_EXCLUDE:
        return take_exclusion(parser, value);
    case OPTION_SINCE:
        parser->since = value;
        return 0;
    case OPTION_UNTIL:
        parser->until = value;
        return 0;
    case OPTION_UTC:
        options->utc = true;
        return 0;
    case OPTION_USER:
        parser->user = true;
        return 0;
    default:
        options->command = option == OPTION_HELP ? CTL_HELP : CTL_VERSION;
        return 0;
    }
}

/* The index of a command's name among those that are asked for by a word, or -EINVAL. */
static int find_command(const char *word)
{
    return text_find(command_names, CTL_HELP, word);
}

static int take_word(Parser *parser, const char *word)
{
    size_t length = strlen(parser->time);
    if (!parser->command_given) {
        int command = find_command(word);
        if (command < 0)
            return error_set(parser->error, CTL_EXIT_ARGUMENTS, EINVAL,
                             "\"%.200s\": no command; expected status, check, gaps, explain, report, "
                             "timeline or metrics",
                             word);
        parser->options->command = (CtlCommand)command;
        parser->command_given = true;
        return 0;
    }
    if (parser->options->command != CTL_EXPLAIN)
        return error_set(parser->error, CTL_EXIT_ARGUMENTS, EINVAL,
                         "\"%.200s\": unexpected argument of %s; see heartbeatctl --help", word,
                         ctl_command_name(parser->options->command));
    if (length + 1 + strlen(word) >= sizeof(parser->time))
        return refuse(parser, word, "too long for a time");
    snprintf(parser->time + length, sizeof(parser->time) - length, "%s%s", length > 0 ? " " : "", word);
    return 0;
}

/* No option begins with a digit, and "-2h" is a time. */
static bool is_word(const char *argument)
{
    return argument[0] != '-' || argument[1] == '\0' || (argument[1] >= '0' && argument[1] <= '9');
}

static void list_options(struct option list[static OPTION_COUNT + 1])
{
    for (int i = 0; i < OPTION_COUNT; i++)
        list[i] = (struct option){ option_table[i].name,
                                   option_table[i].has_value ? required_argument : no_argument, NULL,
                                   OPTION_BASE + i };
    list[OPTION_COUNT] = (struct option){ 0 };
}

static int refuse_unparsed(Parser *parser, int result, const char *argument)
{
    char name[256];
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(argument, "="), argument);
    for (int i = 0; i < OPTION_COUNT; i++)
        if (command_line_is_whole(name, option_table[i].name))
            return refuse(parser, name, result == ':' ? "expected a value" : "takes no value");
    if (strcmp(name, "-w") == 0 || strcmp(name, "-c") == 0)
        return refuse(parser, name, "expected a value");
    return refuse(parser, name, "unknown option");
}

/* Takes the option at optind, with its value. */
static int take_next_option(Parser *parser, int argc, char *argv[])
{
    struct option list[OPTION_COUNT + 1];
    const char *argument = argv[optind];
    list_options(list);
    opterr = 0;
    int index = 0;
    int result = getopt_long(argc, argv, "+:w:c:", list, &index);
    if (result == 'w' || result == 'c')
        result = OPTION_BASE + (result == 'w' ? OPTION_WARNING : OPTION_CRITICAL);
    else if (result == '?' || result == ':' || !command_line_is_whole(argument, list[index].name))
        return refuse_unparsed(parser, result, argument);
    if (optarg && optarg[0] == '\0')
        return refuse(parser, argument, "expected a value that is not empty");
    return take_option(parser, result - OPTION_BASE, optarg ? optarg : ""); /* "": it takes no value */
}

static int take_arguments(Parser *parser, int argc, char *argv[])
{
    bool words_only = false;
    int r = 0;
    optind = 1;
    while (r == 0 && optind < argc) {
        if (words_only || is_word(argv[optind]))
            r = take_word(parser, argv[optind++]);
        else if (strcmp(argv[optind], "--") == 0) {
            words_only = true;
            optind++;
        } else
            r = take_next_option(parser, argc, argv);
        if (parser->options->command == CTL_HELP || parser->options->command == CTL_VERSION)
            break;
    }
    return r;
}

/* "goes with gaps, report and timeline only" */
static void list_commands(unsigned commands, char *buffer, size_t size)
{
    int n = snprintf(buffer, size, "goes with ");
    for (unsigned command = 0; command < CTL_HELP; command++)
        if (commands & COMMAND_BIT(command)) {
            commands &= ~COMMAND_BIT(command);
            const char *behind = !commands ? " only" : commands & (commands - 1) ? ", " : " and ";
            n += snprintf(buffer + n, size - (size_t)n, "%s%s", command_names[command], behind);
        }
}

static int check_known(Parser *parser)
{
    CtlCommand command = parser->options->command;
    char option[64], problem[128];
    for (int i = 0; i < OPTION_COUNT; i++)
        if (parser->seen & (1U << i) && !(option_table[i].commands & COMMAND_BIT(command))) {
            snprintf(option, sizeof(option), "--%s", option_table[i].name);
            list_commands(option_table[i].commands, problem, sizeof(problem));
            return refuse(parser, option, problem);
        }
    if (parser->options->json && command == CTL_METRICS)
        return refuse_value(parser, OPTION_OUTPUT, "json", "expected text for metrics");
    if (parser->options->svg && command != CTL_TIMELINE)
        return refuse(parser, "--output=svg", "goes with timeline only");
    if (command == CTL_TIMELINE &&
        (parser->options->by == CALENDAR_WEEK || parser->options->by == CALENDAR_YEAR))
        return refuse_value(parser, OPTION_BY, calendar_unit_name(parser->options->by),
                            "expected day or month for timeline");
    return 0;
}

static int read_time(Parser *parser, const char *where, const char *text, usec_t *ret_usec)
{
    if (text && when_parse(text, parser->now_usec, parser->options->utc, ret_usec) < 0)
        return error_set(parser->error, CTL_EXIT_ARGUMENTS, EINVAL,
                         "%s: \"%.200s\": expected a time such as \"2026-11-22 13:00\", 13:00, yesterday or "
                         "\"2h ago\"",
                         where, text);
    return 0;
}

/* Of what is still to come there is no record. */
static int read_past(Parser *parser, const char *where, const char *text, usec_t *ret_usec)
{
    int r = read_time(parser, where, text, ret_usec);
    if (r == 0 && text && *ret_usec > parser->now_usec)
        return error_set(parser->error, CTL_EXIT_ARGUMENTS, EINVAL,
                         "%s: \"%.200s\" is still to come; expected a time that has passed", where, text);
    return r;
}

static int read_times(Parser *parser)
{
    CtlOptions *options = parser->options;
    int r = read_past(parser, "--since", parser->since, &options->since_usec);
    if (r == 0)
        r = read_time(parser, "--until", parser->until, &options->until_usec);
    if (r == 0 && parser->since && options->since_usec > options->until_usec)
        return error_set(parser->error, CTL_EXIT_ARGUMENTS, EINVAL,
                         "--since: \"%.200s\" is after --until; expected a time before it", parser->since);
    return r == 0 && parser->time[0] ? read_past(parser, "explain", parser->time, &options->time_usec) : r;
}

/* Their times are of the zone that is known only now. */
static int read_exclusions(Parser *parser)
{
    CtlOptions *options = parser->options;
    if (!parser->exclude)
        return 0;
    options->exclusions = calloc(options->n_exclusions, sizeof(*options->exclusions));
    if (!options->exclusions)
        return out_of_memory(parser->error);
    for (size_t i = 0; i < options->n_exclusions; i++)
        if (exclusion_parse(parser->exclude[i], parser->now_usec, options->utc, &options->exclusions[i]) < 0)
            return refuse_value(parser, OPTION_EXCLUDE, parser->exclude[i],
                                "expected \"TIME..TIME\", \"02:00..04:00\" or \"Mon..Fri 22:00..02:00\"");
    return 0;
}

static int check_thresholds(Parser *parser)
{
    const CtlOptions *options = parser->options;
    if (options->warning_usec == USEC_INFINITY || options->warning_usec <= options->critical_usec)
        return 0;
    return refuse(parser, "--warning", "longer than --critical, and would never be reported");
}

static int find_state_dir(Parser *parser)
{
    char **target = &parser->options->state_dir;
    if (*target && parser->user)
        return refuse(parser, "--user", "not with --state-dir, which names another directory");
    if (*target)
        return 0;
    int r = state_directory_default(!parser->user, target);
    if (r == -ENOENT)
        return error_set(parser->error, EXIT_FAILURE, ENOENT,
                         "--user: neither $XDG_STATE_HOME nor $HOME is an absolute path");
    return r < 0 ? out_of_memory(parser->error) : 0;
}

static int complete(Parser *parser)
{
    int r = check_known(parser);
    if (r == 0)
        r = check_thresholds(parser);
    if (r == 0)
        r = read_times(parser);
    if (r == 0)
        r = read_exclusions(parser);
    return r == 0 ? find_state_dir(parser) : r;
}

/* The command that stands behind an argument that was refused. */
static void find_meant(Parser *parser, int argc, char *argv[])
{
    for (int i = optind; i < argc && !parser->command_given; i++) {
        int command = find_command(argv[i]);
        parser->command_given = command >= 0;
        if (parser->command_given)
            parser->options->command = (CtlCommand)command;
    }
}

static int parse(Parser *parser, int argc, char *argv[])
{
    CtlOptions *ret = parser->options;
    *ret = (CtlOptions){
        .warning_usec = USEC_INFINITY,
        .critical_usec = USEC_INFINITY,
        .since_usec = USEC_INFINITY,
        .until_usec = USEC_INFINITY,
        .time_usec = USEC_INFINITY,
    };
    int r = take_arguments(parser, argc, argv);
    if (r < 0)
        find_meant(parser, argc, argv);
    if (r < 0 || ret->command == CTL_HELP || ret->command == CTL_VERSION)
        return r;
    if (!ret->causes_given)
        ret->causes = CTL_ALL_CAUSES;
    return complete(parser);
}

int ctl_options_parse(int argc, char *argv[], usec_t now_usec, CtlOptions *ret, Error *ret_error)
{
    Parser parser = { .options = ret, .error = ret_error, .now_usec = now_usec };
    int r = parse(&parser, argc, argv);
    free(parser.exclude);
    return r;
}

void ctl_options_done(CtlOptions *options)
{
    free(options->state_dir);
    free(options->exclusions);
    *options = (CtlOptions){ 0 };
}

const char *ctl_command_name(CtlCommand command)
{
    return command_names[command];
}

void ctl_options_print_help(void)
{
    fputs("heartbeatctl - what a heartbeat says of a host: is it alive, when was it not, why\n"
          "\n"
          "heartbeatctl [status]         is it alive: state, last beat, last gap\n"
          "heartbeatctl check            the same in one line, for monitoring\n"
          "heartbeatctl gaps             when it was not, and why: a table\n"
          "heartbeatctl explain [TIME]   the last gap, or what was at TIME, in sentences\n"
          "heartbeatctl report           availability of the host, coverage of the pulse\n"
          "heartbeatctl timeline         the same as a picture: a row for each day or month\n"
          "heartbeatctl metrics          figures of the record for Prometheus\n"
          "\n"
          "  --output=FORMAT       text or json; timeline: also svg; metrics: text only\n"
          "  --state-dir=DIR       where the record is (" LOCALSTATE_DIR "/lib/heartbeatd)\n"
          "  --user                read one's own: below $XDG_STATE_HOME or ~/.local/state\n"
          "  --utc                 times in UTC, both read and written\n"
          "  --help, --version\n"
          "\n"
          "check:\n"
          "  -w, --warning=SPAN    warn above this age of the last beat (2 intervals + 1s)\n"
          "  -c, --critical=SPAN   alarm above this one (3 intervals + 1s)\n"
          "\n"
          "gaps, report, timeline:\n"
          "  --since=TIME          from then on\n"
          "  --until=TIME          up to then\n"
          "\n"
          "gaps:\n"
          "  --cause=CAUSE[,...]   these only; output-failed and clock-step, which are no\n"
          "                        gaps, are listed on request\n"
          "\n"
          "report, timeline:\n"
          "  --by=UNIT             a row for each day, month; report: also week, year\n"
          "\n"
          "report:\n"
          "  --exclude=SPAN        leave out TIME..TIME, \"Mon..Fri 22:00..02:00\", or of\n"
          "                        each day \"02:00..03:00\"; may be repeated\n"
          "\n"
          "Exit status: 0 done, 1 no data or failed, 2 bad arguments. status: 0 alive or\n"
          "late, 1 gone, 3 stopped or never ran, 4 silent or unreadable. check: 0 OK,\n"
          "1 WARNING, 2 CRITICAL, 3 UNKNOWN.\n"
          "Manual: heartbeatctl(1)\n",
          stdout);
}

void ctl_options_print_version(void)
{
    puts("heartbeatctl " VERSION);
}
