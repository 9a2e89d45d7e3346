/* SPDX-License-Identifier: MIT */
/* What can be set. */

#include "daemon/settings.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "build-config.h"
#include "core/bytes.h"
#include "core/message.h"
#include "core/timespan.h"
#include "daemon/exit.h"
#include "daemon/metrics.h"
#include "util/text.h"

#define DEFAULT_MESSAGE "heartbeat %n"
#define DEFAULT_HISTORY_MAX_BYTES (UINT64_C(4) << 20)

static int replace_string(char **target, const char *value)
{
    char *copy = value ? strdup(value) : NULL;
    if (value && !copy)
        return -ENOMEM;
    free(*target);
    *target = copy;
    return 0;
}

static int set_interval(Settings *settings, const char *value)
{
    usec_t usec = 0;
    if (value && (timespan_parse(value, &usec) < 0 || usec < INTERVAL_MIN_USEC || usec > INTERVAL_MAX_USEC))
        return -EINVAL;
    settings->interval_usec = usec;
    return 0;
}

static int set_message(Settings *settings, const char *value)
{
    if (!value)
        return replace_string(&settings->message, NULL);
    if (value[0] == '\0' || message_check(value) < 0)
        return -EINVAL;
    /* Escaped now and not at each beat, and so that settings_print() can write it on one line.
     * message_check() saw to it that what is to be shown is short; each byte of that stems from two of the
     * template at most, as in %%. */
    char escaped[2 * MESSAGE_MAX + 1];
    text_escape(value, strlen(value), escaped, sizeof(escaped));
    return replace_string(&settings->message, escaped);
}

/* Whether a path can be shown, and written into a file and read back, as it is. */
static bool is_printable(const char *path)
{
    return text_escape(path, strlen(path), NULL, 0) == strlen(path);
}

static void forget_outputs(Settings *settings)
{
    for (size_t i = 0; i < settings->n_outputs; i++)
        free(settings->outputs[i]);
    free(settings->outputs);
    free(settings->stdout_where);
    settings->stdout_where = NULL;
    settings->outputs = NULL;
    settings->n_outputs = 0;
}

static int add_output(Settings *settings, const char *value)
{
    if (!value) {
        forget_outputs(settings);
        return 0;
    }
    if (!output_name_is_valid(value) || !is_printable(value))
        return -EINVAL;
    for (size_t i = 0; i < settings->n_outputs; i++)
        if (strcmp(settings->outputs[i], value) == 0)
            return 0;
    char **grown = realloc(settings->outputs, (settings->n_outputs + 1) * sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    settings->outputs = grown;
    char *name = strdup(value);
    if (!name)
        return -ENOMEM;
    settings->outputs[settings->n_outputs++] = name;
    return 0;
}

static int set_format(Settings *settings, const char *value)
{
    if (!value)
        settings->format = FORMAT_UNSET;
    else if (strcmp(value, "full") == 0)
        settings->format = FORMAT_FULL;
    else if (strcmp(value, "plain") == 0)
        settings->format = FORMAT_PLAIN;
    else
        return -EINVAL;
    return 0;
}

static int set_log_every(Settings *settings, const char *value)
{
    usec_t usec = 0;
    if (value && (timespan_parse(value, &usec) < 0 || usec > LOG_EVERY_MAX_USEC))
        return -EINVAL;
    settings->log_every_usec = usec;
    return 0;
}

static const char *const sync_names[] = { [SYNC_BEAT] = "beat", [SYNC_GAP] = "gap", [SYNC_NEVER] = "never" };

static int set_sync(Settings *settings, const char *value)
{
    int r = value ? text_find(sync_names + 1, ELEMENTSOF(sync_names) - 1, value) : 0;
    if (r < 0)
        return r;
    settings->sync = value ? (Sync)(r + 1) : SYNC_UNSET;
    return 0;
}

static int set_history_max(Settings *settings, const char *value)
{
    uint64_t bytes = 0;
    if (value &&
        (bytes_parse(value, &bytes) < 0 || bytes < HISTORY_MAX_MIN_BYTES || bytes > HISTORY_MAX_MAX_BYTES))
        return -EINVAL;
    settings->history_max_bytes = bytes;
    return 0;
}

/* With room for the name under which they are written first. */
static int set_metrics(Settings *settings, const char *value)
{
    if (!value)
        return replace_string(&settings->metrics, NULL);
    size_t length = strlen(value), suffix = strlen(METRICS_SUFFIX), room = strlen(".new");
    const char *slash = strrchr(value, '/');
    if (value[0] != '/' || length + room >= PATH_MAX || !is_printable(value) || strlen(slash + 1) <= suffix ||
        strlen(slash + 1) + room > NAME_MAX || strcmp(value + length - suffix, METRICS_SUFFIX) != 0)
        return -EINVAL;
    return replace_string(&settings->metrics, value);
}

static int set_state_dir(Settings *settings, const char *value)
{
    /* Room for the name of a file in it. */
    if (value && (value[0] != '/' || strlen(value) >= PATH_MAX - NAME_MAX || !is_printable(value)))
        return -EINVAL;
    return replace_string(&settings->state_dir, value);
}

const Setting settings_table[] = {
    { "Interval", "interval", "a time span from 10ms to 1d, such as 10s or 1min 30s", PATH_NO, set_interval },
    { "Message", "message",
      "1 to 1024 bytes of UTF-8 (when filled in) in which a % begins one of %n %t %H %b %u %%", PATH_NO,
      set_message },
    { "Output", "output",
      "journal, stdout, syslog or the path of a file (absolute; on the command line ./NAME will do)",
      PATH_WITH_SLASH, add_output },
    { "Format", "format", "full or plain", PATH_NO, set_format },
    { "LogEvery", "log-every", "a time span to 1y, such as 1h; 0 for each message", PATH_NO, set_log_every },
    { "Sync", "sync", "beat, gap or never", PATH_NO, set_sync },
    { "HistoryMax", "history-max", "a size from 64K to 1G, such as 4M", PATH_NO, set_history_max },
    { "Metrics", "metrics", "the absolute path of a file whose name ends in " METRICS_SUFFIX, PATH_ALWAYS,
      set_metrics },
    { "StateDir", "state-dir", "the absolute path of a directory", PATH_ALWAYS, set_state_dir },
};
const size_t settings_count = ELEMENTSOF(settings_table);

int setting_apply(const Setting *setting, Settings *settings, const char *value, const char *where,
                  int exit_code, Error *ret_error)
{
    int r = setting->set(settings, value);
    if (r == 0 && setting->set == add_output && value && strcmp(value, "stdout") == 0)
        r = replace_string(&settings->stdout_where, where);
    if (r == -ENOMEM)
        return error_set(ret_error, EXIT_FAILURE, ENOMEM, "%s: out of memory", where);
    if (r < 0)
        return error_set(ret_error, exit_code, -r, "%s: \"%.200s%s\": expected %s", where, value,
                         strlen(value) > 200 ? "..." : "", setting->expected);
    return 0;
}

void settings_done(Settings *settings)
{
    forget_outputs(settings);
    free(settings->message);
    free(settings->metrics);
    free(settings->state_dir);
    *settings = (Settings){ 0 };
}

static const char *default_output(const Places *places, bool as_daemon)
{
    if (as_daemon)
        return places->log_file;
    if (places->on_journal)
        return output_journal_supported ? "journal" : "stdout";
    /* Whoever made a place for logs and connected nothing means the messages to go there. */
    return places->log_dir_given && places->stdout_is_null ? places->log_file : "stdout";
}

int settings_complete(Settings *settings, const Places *places, bool as_daemon, Error *ret_error)
{
    bool need_output = settings->n_outputs == 0, need_state_dir = !settings->state_dir;
    if (!places->state_dir && (need_state_dir || (need_output && as_daemon && !places->log_file)))
        return error_set(ret_error, EXIT_CONFIG, ENOENT,
                         "no state directory: neither $XDG_STATE_HOME nor $HOME is set; expected %s",
                         need_state_dir ? "--state-dir=DIR" : "--output=PATH");
    int r = 0;
    if (settings->interval_usec == 0)
        settings->interval_usec = DEFAULT_INTERVAL_SEC * USEC_PER_SEC;
    if (settings->format == FORMAT_UNSET)
        settings->format = FORMAT_FULL;
    if (settings->sync == SYNC_UNSET)
        settings->sync = SYNC_BEAT;
    if (settings->history_max_bytes == 0)
        settings->history_max_bytes = DEFAULT_HISTORY_MAX_BYTES;
    if (!settings->message)
        r = replace_string(&settings->message, DEFAULT_MESSAGE);
    if (r == 0 && need_output)
        r = add_output(settings, default_output(places, as_daemon));
    if (r == 0 && need_state_dir)
        r = replace_string(&settings->state_dir, places->state_dir);
    return r < 0 ? error_set(ret_error, EXIT_FAILURE, -r, "default settings: %s", strerror(-r)) : 0;
}

/* Quoted where the reader would otherwise take blanks or quotes away. */
static void print_value(const char *key, const char *value)
{
    size_t length = strlen(value);
    bool quote = value[0] == ' ' || value[0] == '"' || (length > 0 && value[length - 1] == ' ');
    printf("%s=%s%s%s\n", key, quote ? "\"" : "", value, quote ? "\"" : "");
}

void settings_print(const Settings *settings)
{
    char interval[TIMESPAN_TEXT_MAX], log_every[TIMESPAN_TEXT_MAX], history_max[BYTES_TEXT_MAX];
    puts("[Heartbeat]");
    print_value("Interval", timespan_format(settings->interval_usec, interval));
    print_value("Message", settings->message);
    for (size_t i = 0; i < settings->n_outputs; i++)
        print_value("Output", settings->outputs[i]);
    print_value("Format", settings->format == FORMAT_PLAIN ? "plain" : "full");
    print_value("LogEvery", timespan_format(settings->log_every_usec, log_every));
    print_value("Sync", sync_names[settings->sync]);
    print_value("HistoryMax", bytes_format(settings->history_max_bytes, history_max));
    print_value("Metrics", settings->metrics ? settings->metrics : "");
    print_value("StateDir", settings->state_dir);
}
