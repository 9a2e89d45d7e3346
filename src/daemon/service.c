/* SPDX-License-Identifier: MIT */
/* The life of the daemon, from options to exit status. */

#include "daemon/service.h"

#include <string.h>
#include <sys/utsname.h>

#include "daemon/daemonize.h"
#include "daemon/exit.h"
#include "daemon/heart.h"
#include "daemon/pidfile.h"
#include "daemon/privileges.h"
#include "daemon/ready-fd.h"
#include "store/guard.h"
#include "store/identity.h"
#include "store/lock.h"
#include "util/env.h"
#include "util/log.h"

typedef struct Service {
    const Options *options;
    const Places *places;
    Settings settings;
    Supervisor supervisor;
    User user; /* name NULL: nobody to become */
    PidFile pid_file;
    int answer_fd; /* to the first process, -1 in the foreground and once it has its answer */
    bool waited;   /* this is the first process, which has its answer */
    int lock_fd;
    int ready_fd; /* 0: nobody waits there */
    SystemClocks clocks;
    Ledger ledger;
    Heart heart;
} Service;

static int prepare_message(const Settings *settings, Message *ret, Error *ret_error)
{
    struct utsname host;
    char boot_id[BOOT_ID_LENGTH + 1] = "";
    uname(&host);
    int r = message_needs_boot_id(settings->message) ? identity_boot(boot_id) : 0;
    if (r < 0)
        return error_set(ret_error, exit_code_for(-r), -r,
                         "the id of this boot cannot be read for %%b in the message: %s", strerror(-r));
    r = message_prepare(ret, settings->message, host.nodename, boot_id);
    if (r < 0)
        return error_set(ret_error, EXIT_CONFIG, -r,
                         "message \"%.200s\": longer than %d bytes with host name \"%s\"", settings->message,
                         MESSAGE_MAX, host.nodename);
    return 0;
}

/* Returns 0 with an array as long as settings has outputs, or -errno. */
static int open_outputs(const Settings *settings, Output ***ret, Error *ret_error)
{
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are what it holds */
    Output **outputs = calloc(settings->n_outputs, sizeof(*outputs));
    for (size_t i = 0; outputs && i < settings->n_outputs; i++) {
        outputs[i] = output_new(settings->outputs[i], settings->format);
        int r = outputs[i] ? output_open(outputs[i], ret_error)
                           : error_set(ret_error, EXIT_FAILURE, ENOMEM, "out of memory");
        if (r < 0) {
            outputs_free(outputs, i + 1);
            return r;
        }
    }
    *ret = outputs;
    return outputs ? 0 : error_set(ret_error, EXIT_FAILURE, ENOMEM, "out of memory");
}

/* Makes settings the ones that the heart beats by. All or nothing. */
static int apply_settings(Service *service, const Settings *settings, Error *ret_error)
{
    Heart *heart = &service->heart;
    Message message;
    Output **outputs = NULL;
    Metrics metrics = { 0 };
    int r =
        ledger_check_outputs(service->settings.state_dir, settings->outputs, settings->n_outputs, ret_error);
    if (r == 0)
        r = prepare_message(settings, &message, ret_error);
    if (r == 0)
        r = metrics_open(settings->metrics, settings->outputs, settings->n_outputs, &metrics, ret_error);
    if (r == 0)
        r = open_outputs(settings, &outputs, ret_error);
    if (r < 0) {
        metrics_close(&metrics);
        return r;
    }
    heart->message = message;
    heart->interval_usec = settings->interval_usec;
    heart->log_every_usec = settings->log_every_usec;
    service->ledger.sync = settings->sync;
    service->ledger.history_max_bytes = settings->history_max_bytes;
    heart_take_outputs(heart, outputs, settings->n_outputs);
    metrics_replace(&heart->metrics, &metrics);
    return 0;
}

static int reload(void *context)
{
    Service *service = context;
    Settings settings = { 0 };
    Error error;
    int r = options_load_settings(service->options, service->places, &settings, &error);
    if (r == 0 && strcmp(settings.state_dir, service->settings.state_dir) != 0)
        log_warning("StateDir=%s takes effect at the next start; ignoring it until then", settings.state_dir);
    if (r == 0)
        r = apply_settings(service, &settings, &error);
    if (r < 0)
        log_error("not reloaded, everything stays as it was: %s", error.text);
    else
        log_notice("reloaded");
    settings_done(&settings);
    return r;
}

static int refuse_second(const char *path, pid_t holder, Error *ret_error)
{
    if (holder > 0)
        return error_set(ret_error, EXIT_RUNNING, EBUSY, "already running with pid %lld (lock %s)",
                         (long long)holder, path);
    return error_set(ret_error, EXIT_RUNNING, EBUSY, "already running in another pid namespace (lock %s)",
                     path);
}

static int take_lock(Service *service, Error *ret_error)
{
    pid_t holder = 0;
    cleanup_free char *path = lock_path(service->settings.state_dir);
    if (!path)
        return error_set(ret_error, EXIT_FAILURE, ENOMEM, "out of memory");
    int fd = lock_acquire(path, &holder);
    if (fd == -EBUSY)
        return refuse_second(path, holder, ret_error);
    if (fd < 0)
        return error_set(ret_error, exit_code_for(-fd), -fd, "lock %s: %s%s", path,
                         fd == -EINVAL ? "expected a regular file" : guard_words(-fd),
                         fd == -ENOENT ? "; the state directory must exist" : "");
    service->lock_fd = fd;
    return 0;
}

/* A look at what is there before anything is touched or made: whether a daemon runs already, and whether a
 * directory that was named exists. Both are decided by take_lock(). */
static int look_at_state_dir(const Places *places, const char *state_dir, Error *ret_error)
{
    pid_t holder = 0;
    cleanup_free char *path = lock_path(state_dir);
    if (path && lock_query(path, &holder) > 0)
        return refuse_second(path, holder, ret_error);
    if (!places_is_default(places, state_dir) && access(state_dir, F_OK) < 0)
        return error_set(ret_error, exit_code_for(errno), errno, "state directory %s: %s", state_dir,
                         strerror(errno));
    return 0;
}

/* A supervisor that has none any more when it starts the service again must get beats all the same: OpenRC
 * 0.64 then has some other descriptor there. */
static void claim_ready_fd(Service *service)
{
    int fd = service->options->ready_fd;
    if (fd > 0 && ready_fd_claim(fd) == 0)
        service->ready_fd = fd;
    else if (fd > 0)
        log_warning("--ready-fd: \"%d\": is not open for writing; nobody is told when the daemon is ready",
                    fd);
}

static int out_of_order(Error *ret_error, int r, const char *what)
{
    return r < 0 ? error_set(ret_error, EXIT_FAILURE, -r, "%s: %s", what, strerror(-r)) : 0;
}

/* A manager that does not wait for the first beat (Type=simple) may ask for a reload at any moment. Before
 * the configuration is read; with --fork in the final process, which nobody knows before it has the lock. */
static int hold_reloads(Service *service, Error *ret_error)
{
    return out_of_order(ret_error, system_clocks_hold_hangup(&service->clocks), "signals");
}

/* It is emptied, and removed at the end. */
static int open_pid_file(Service *service, const char *path, Error *ret_error)
{
    if (ledger_owns(service->settings.state_dir, path))
        return error_set(
            ret_error, EXIT_ARGUMENTS, EINVAL,
            "--pid-file: \"%.200s\": is one of the daemon's own files of state; expected another file", path);
    return pidfile_open(&service->pid_file, path, ret_error);
}

/* What has to be done as the user who started it, and before any fork: everything that can be refused without
 * having begun. */
static int prepare(Service *service, Error *ret_error)
{
    const Options *options = service->options;
    claim_ready_fd(service);
    int r = options->fork ? 0 : hold_reloads(service, ret_error);
    if (r == 0)
        r = options_load_settings(options, service->places, &service->settings, ret_error);
    if (r == 0 && options->user)
        r = user_find(options->user, &service->user, ret_error);
    if (r == 0)
        r = look_at_state_dir(service->places, service->settings.state_dir, ret_error);
    if (r < 0)
        return r;

    const char *pid_path = options->pid_file ? options->pid_file : service->places->pid_file;
    uid_t uid = service->user.name ? service->user.uid : geteuid();
    gid_t gid = service->user.name ? service->user.gid : getegid();
    r = places_make(service->places, service->settings.state_dir, service->settings.outputs,
                    service->settings.n_outputs, uid, gid, ret_error);
    return r == 0 && options->fork && pid_path ? open_pid_file(service, pid_path, ret_error) : r;
}

/* Becomes the user, for good, and then reads the configuration as that user: what works now works at a
 * reload. */
static int become_user(Service *service, Error *ret_error)
{
    if (!service->user.name)
        return 0;
    int r = privileges_drop(&service->user, ret_error);
    if (r < 0)
        return r;
    settings_done(&service->settings);
    return options_load_settings(service->options, service->places, &service->settings, ret_error);
}

/* Says what was found that could not be used. */
static void report_trouble(const char *state_dir, const char *name, int trouble)
{
    if (trouble == -EBADMSG || trouble == -ENOTSUP || trouble == -EREMOTE)
        log_warning("%s/%s: %s; moved aside to %s.unreadable", state_dir, name,
                    trouble == -EBADMSG   ? "damaged"
                    : trouble == -ENOTSUP ? "written by a newer version"
                                          : "written on another machine",
                    name);
    else if (trouble < 0)
        log_warning("%s/%s: cannot be read: %s", state_dir, name, strerror(-trouble));
}

static int open_ledger(Service *service, Error *ret_error)
{
    const char *state_dir = service->settings.state_dir;
    RecallTrouble trouble = { 0 };
    int r = ledger_open(&service->ledger, state_dir, &service->clocks.clocks, &trouble, ret_error);
    report_trouble(state_dir, "pulse", trouble.pulse);
    report_trouble(state_dir, "history", trouble.history);
    if (trouble.bad_lines > 0)
        log_warning("%s/history: %" PRIu64 " line%s cannot be read and %s passed over", state_dir,
                    trouble.bad_lines, trouble.bad_lines == 1 ? "" : "s",
                    trouble.bad_lines == 1 ? "is" : "are");
    return r;
}

/* In the final process: up to the first beat. */
static int start(Service *service, Error *ret_error)
{
    int r = service->options->fork ? hold_reloads(service, ret_error) : 0;
    if (r == 0)
        r = become_user(service, ret_error);
    if (r == 0)
        r = take_lock(service, ret_error);
    if (r == 0)
        r = out_of_order(ret_error, system_clocks_open(&service->clocks), "clocks and signals");
    if (r == 0)
        r = apply_settings(service, &service->settings, ret_error);
    if (r == 0)
        r = open_ledger(service, ret_error); /* now that nothing is left that could be refused */
    if (r == 0)
        r = heart_start(&service->heart, ret_error);
    if (r < 0)
        return r;
    r = pidfile_write(&service->pid_file, getpid());
    return r < 0 ? error_set(ret_error, exit_code_for(-r), -r, "pid file %s: %s", service->pid_file.path,
                             strerror(-r))
                 : 0;
}

static void tell_ready(int fd)
{
    int r = ready_fd_tell(fd);
    if (r < 0)
        log_warning("descriptor %d of --ready-fd: %s; nobody learns from it that the daemon is ready", fd,
                    strerror(-r));
}

/* Tells whoever started the daemon that it beats. With --fork the words go to syslog(3) from now on. */
static int hand_over(Service *service, Error *ret_error)
{
    if (service->ready_fd > 0)
        tell_ready(service->ready_fd);
    if (!service->options->fork)
        return 0;
    int r = daemonize_answer(&service->answer_fd, EXIT_SUCCESS);
    log_to_syslog();
    return out_of_order(ret_error, r, "whoever started the daemon has given up waiting");
}

/* From the first beat to the last. */
static int work(Service *service, Error *ret_error)
{
    int r = start(service, ret_error);
    if (r == 0)
        r = hand_over(service, ret_error);
    return r < 0 ? r : out_of_order(ret_error, heart_run(&service->heart), "the loop ended");
}

static int fail(Service *service, const Error *error)
{
    log_error("%s", error->text);
    (void)supervisor_stopping(&service->supervisor, error);
    return error->exit_code;
}

static int live(Service *service, Error *error)
{
    if (work(service, error) < 0)
        return fail(service, error);
    (void)supervisor_stopping(&service->supervisor, NULL);
    heart_end(&service->heart);
    return EXIT_SUCCESS;
}

/* Forks, lives in the daemon, and waits for it in the first process. */
static int live_forked(Service *service, Error *error)
{
    int exit_code;
    env_forget_all(); /* it describes whoever started us; what mattered was read */
    int r = daemonize(&service->answer_fd, &exit_code);
    service->waited = r > 0;
    if (r > 0)
        return exit_code;
    if (r < 0) {
        log_error("cannot become a daemon: %s", strerror(-r));
        exit_code = EXIT_FAILURE;
    } else
        exit_code = live(service, error);
    return exit_code;
}

static void done(Service *service)
{
    heart_done(&service->heart);
    ledger_close(&service->ledger);
    system_clocks_close(&service->clocks);
    if (service->lock_fd >= 0)
        pidfile_remove(&service->pid_file); /* while the lock still keeps a successor from having one */
    else
        pidfile_abandon(&service->pid_file);
    lock_release(service->lock_fd);
    pidfile_close(&service->pid_file);
    supervisor_close(&service->supervisor);
    user_done(&service->user);
    settings_done(&service->settings);
}

static void open_supervisor(Service *service)
{
    int r = supervisor_open(&service->supervisor, service->options->fork);
    if (r == -EOPNOTSUPP)
        log_warning(
            "$NOTIFY_SOCKET is set, but this heartbeatd was built without libsystemd and cannot notify; ignoring it");
    else if (r < 0)
        log_warning("$NOTIFY_SOCKET: %s; expected an absolute path or an abstract name after @; ignoring it",
                    strerror(-r));
}

int service_run(const Options *options, const Places *places, Error *error)
{
    Service service = {
        .options = options,
        .places = places,
        .pid_file = PIDFILE_NONE,
        .answer_fd = -1,
        .lock_fd = -1,
        .clocks = SYSTEM_CLOCKS_NONE,
        .ledger = LEDGER_NONE,
    };
    int exit_code;

    service.heart = (Heart){ .clocks = &service.clocks.clocks,
                             .supervisor = &service.supervisor,
                             .ledger = &service.ledger,
                             .reload = reload,
                             .context = &service };
    open_supervisor(&service);
    if (prepare(&service, error) < 0)
        exit_code = fail(&service, error);
    else
        exit_code = options->fork ? live_forked(&service, error) : live(&service, error);
    done(&service);
    if (service.answer_fd >= 0) /* last, for the first process kills what is left after it */
        (void)daemonize_answer(&service.answer_fd, exit_code);
    else if (service.waited && exit_code != EXIT_SUCCESS)
        daemonize_release();
    return exit_code;
}

int service_refuse(const Options *options, const Error *error)
{
    Service service = { .options = options };
    if (options->command == COMMAND_RUN)
        (void)supervisor_open(&service.supervisor, options->fork); /* one line of complaint is enough */
    return fail(&service, error);
}
