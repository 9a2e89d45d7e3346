/* SPDX-License-Identifier: MIT */
/* --record-exit. */

#include "daemon/record-exit.h"

#include <stdio.h>
#include <string.h>

#include "daemon/exit.h"
#include "store/history.h"
#include "store/identity.h"
#include "store/lock.h"
#include "store/recall.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/number.h"

static int append(const char *state_dir, const Past *past, const ExitRecord *record)
{
    Event event;
    event_init(&event, EVENT_EXIT);
    event.realtime_usec = clock_usec(CLOCK_REALTIME);
    event.boottime_usec = clock_usec(CLOCK_BOOTTIME);
    memcpy(event.boot, past->pulse.boot, sizeof(event.boot));
    memcpy(event.run, past->pulse.run, sizeof(event.run));
    event.exit = *record;
    cleanup_close int fd = history_open(state_dir);
    int r = fd < 0 ? fd : history_append(fd, &event);
    if (r == 0 && fdatasync(fd) < 0)
        r = -errno;
    return r < 0 ? r : 1;
}

/* Whether the record is of a run of this boot that nothing is known of yet. A start that failed before its
 * first beat has left none, and what is there is then of a run before it: of another boot, or with an end. */
static bool is_open(const Past *past)
{
    char boot[BOOT_ID_LENGTH + 1];
    return past->readable && !past->stopped && !past->exited && identity_boot(boot) == 0 &&
           strcmp(boot, past->pulse.boot) == 0;
}

int record_exit(const char *state_dir, const ExitRecord *record)
{
    char machine[MACHINE_LENGTH + 1];
    Past past;
    RecallTrouble trouble;
    pid_t holder;
    cleanup_free char *path = lock_path(state_dir);
    if (!path)
        return -ENOMEM;
    identity_machine(machine);
    recall_past(state_dir, machine, &past, &trouble);
    if (!is_open(&past))
        return 0;
    cleanup(lock_releasep) int lock = lock_acquire(path, &holder);
    if (lock < 0)
        return lock == -EBUSY ? 0 : lock;
    recall_past(state_dir, machine, &past, &trouble); /* now that nobody else writes */
    return is_open(&past) ? append(state_dir, &past, record) : 0;
}

static void take(const char *variable, char *ret, size_t size)
{
    const char *value = getenv(variable);
    snprintf(ret, size, "%s", value ? value : "");
}

/* Whether a start was refused. No run ends with these: what the state directory has is of one before it. */
static bool is_refusal(const ExitRecord *record)
{
    static const int refusals[] = { EXIT_ARGUMENTS, EXIT_PRIVILEGE, EXIT_CONFIG, EXIT_RUNNING };
    const char *end = record->status + strlen(record->status);
    uint64_t status;
    if (strcmp(record->code, "exited") != 0 || number_take(record->status, end, &status) != end)
        return false;
    for (size_t i = 0; i < ELEMENTSOF(refusals); i++)
        if (status == (uint64_t)refusals[i])
            return true;
    return false;
}

int record_exit_from_environment(const Options *options, const Places *places)
{
    Settings settings = { 0 };
    ExitRecord record;
    Error error;
    take("SERVICE_RESULT", record.result, sizeof(record.result));
    take("EXIT_CODE", record.code, sizeof(record.code));
    take("EXIT_STATUS", record.status, sizeof(record.status));
    if (!record.code[0] || is_refusal(&record)) /* empty: refused before there was a process */
        return EXIT_SUCCESS;
    int r = options_load_state_dir(options, places, &settings, &error);
    if (r < 0)
        log_warning("%s; the end of the service is not recorded", error.text);
    else if ((r = record_exit(settings.state_dir, &record)) < 0)
        log_warning("%s: %s; the end of the service is not recorded", settings.state_dir, strerror(-r));
    settings_done(&settings);
    return EXIT_SUCCESS;
}
