/*
 * The commands `run`, `wait` and `stop`.
 *
 * A detached run is a child that reports through a pipe: one line is the error, the end without a line means
 * ready.
 */
#include "supervisor/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/secret.h"
#include "base/time.h"
#include "core/setting.h"
#include "kube/config.h"
#include "net/tcp.h"
#include "supervisor/run.h"

#define POLL_US 10000 /* how often wait and stop look */

static const struct option RUN_ROWS[] = {
    OPTION_ROW(struct run_options, data_dir, .name = "data-dir", .type = OPTION_STRING,
               .arg = "DIR",
               .help = "Everything is kept here; default $XDG_STATE_HOME/connectors."),
    OPTION_ROW(struct run_options, apiserver_listen, .name = "apiserver-listen",
               .type = OPTION_STRING, .dflt = "127.0.0.1:6443", .arg = "HOST:PORT",
               .help = "Address of the API server; port 0 takes a free one."),
    OPTION_ROW(struct run_options, proxy_listen, .name = "proxy-listen", .type = OPTION_STRING,
               .dflt = "127.0.0.1:8480", .arg = "HOST:PORT",
               .help = "Address of the proxy; port 0 takes a free one."),
    OPTION_ROW(
        struct run_options, allow_destinations, .name = "allow-destination", .type = OPTION_LIST,
        .arg = "CIDR[:PORT]", .check = setting_check_range,
        .help = "A refused destination that Connectors may use all the same; loopback always is."),
    OPTION_ROW(struct run_options, detach, .name = "detach", .letter = 'd', .type = OPTION_BOOL,
               .help = "Return when everything is ready and go on in the background."),
    OPTION_ROW(struct run_options, log_level, .name = "log-level", .type = OPTION_ENUM,
               .dflt = "info", .choices = LOG_LEVEL_NAMES,
               .help = "Most verbose level written to DATA-DIR/log."),
};

static const struct option_set RUN_OPTIONS = {
    .command = "connectors run",
    .summary = "Starts API server, controller and proxy on this machine.",
    .rows = RUN_ROWS,
    .count = ARRAY_LEN(RUN_ROWS),
};

struct wait_options {
    const char *data_dir;
    int64_t timeout_us;
};

static const struct option WAIT_ROWS[] = {
    OPTION_ROW(struct wait_options, data_dir, .name = "data-dir", .type = OPTION_STRING,
               .arg = "DIR",
               .help = "The data directory of the run; default $XDG_STATE_HOME/connectors."),
    OPTION_ROW(struct wait_options, timeout_us, .name = "timeout", .type = OPTION_DURATION_US,
               .dflt = "60s", .arg = "DURATION", .help = "How long to wait at most."),
};

static const struct option_set WAIT_OPTIONS = {
    .command = "connectors wait",
    .summary = "Waits until `connectors run` is ready.",
    .rows = WAIT_ROWS,
    .count = ARRAY_LEN(WAIT_ROWS),
};

static const struct option_set STOP_OPTIONS = {
    .command = "connectors stop",
    .summary = "Ends `connectors run` and waits until everything is gone.",
    .rows = WAIT_ROWS,
    .count = ARRAY_LEN(WAIT_ROWS),
};

static int exit_with(int rc, const struct err *err)
{
    if (rc == -ERR_CANCELLED)
        return 0; /* --help */
    fprintf(stderr, "connectors: %s\n", err->msg);
    return err_exit_code(rc);
}

/* Replaces port 0 by a free one, so that a restarted component comes back where it was. */
static int fix_port(struct arena *a, const char **listen, struct err *err)
{
    char text[ADDR_TEXT_BYTES];
    struct addr at;
    int fd CLEANUP(fd_closep) = -1;
    int rc;

    if (addr_parse(str_c(*listen), &at) < 0)
        return err_set(err, ERR_USAGE, "'%s' is not HOST:PORT with an IP address", *listen);
    rc = tcp_listen(&at, false, &fd, err);
    if (rc == 0)
        rc = tcp_local_addr(fd, &at);
    if (rc < 0)
        return rc;
    *listen = arena_cstr(a, str_c(addr_format(&at, text)));
    return 0;
}

struct reporter {
    const struct layout *layout;
    int pipe; /* of a detached run, or -1 */
};

static void on_run_ready(void *cookie)
{
    struct reporter *p = cookie;

    if (p->pipe >= 0) {
        close(TAKE_FD(p->pipe));
        return;
    }
    printf("Connectors is ready.  In another terminal:\n\n  export KUBECONFIG=%s\n"
           "  connectors get connectorclasses\n\nCtrl-C ends it.\n",
           p->layout->kubeconfig);
    fflush(stdout);
}

/* Runs in this process until it is told to stop. */
static int run_here(struct run_options *o, const struct layout *layout, int pipe)
{
    struct reporter p = {.layout = layout, .pipe = pipe};
    struct arena *a CLEANUP(arena_freep) = arena_new();
    int lock CLEANUP(fd_closep) = -1;
    struct err err = {0};
    int rc = layout_make(layout, &err);

    if (rc == 0)
        rc = layout_lock(layout, &lock, &err);
    if (rc == 0)
        rc = fix_port(a, &o->apiserver_listen, &err);
    if (rc == 0)
        rc = fix_port(a, &o->proxy_listen, &err);
    if (rc == 0)
        rc = run_supervise(o, layout, on_run_ready, &p, &err);
    if (rc == 0)
        return 0;
    if (p.pipe < 0)
        return exit_with(rc, &err);
    log_error("Run failed", LOG_ERR(&err));
    dprintf(p.pipe, "%s", err.msg);
    return err_exit_code(rc);
}

/* The background half: its own session, stderr into the log directory. */
static int run_detached(struct run_options *o, const struct layout *layout, int pipe)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC), log_fd = -1;

    setsid();
    if (null_fd >= 0) {
        /* Nothing is opened in a directory where somebody else could have put a link. */
        if (layout_make(layout, NULL) == 0)
            log_fd = open(layout_path(a, layout->log, "run.jsonl"),
                          O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
        dup2(null_fd, STDIN_FILENO);
        dup2(null_fd, STDOUT_FILENO);
        dup2(log_fd >= 0 ? log_fd : null_fd, STDERR_FILENO);
    }
    return run_here(o, layout, pipe);
}

/* The foreground half: waits for the word of the other; on failure its exit code is ours. */
static int await_detached(const struct layout *layout, pid_t pid, int pipe)
{
    char text[ERR_MSG_BYTES];
    size_t n = 0;
    ssize_t got;
    int status;

    while (n < sizeof(text) - 1 && (got = read(pipe, text + n, sizeof(text) - 1 - n)) > 0)
        n += (size_t)got;
    text[n] = '\0';
    if (n > 0) {
        fprintf(stderr, "connectors: %s\n", text);
        return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    }
    if (access(layout->endpoints, R_OK) != 0) {
        fprintf(stderr, "connectors: run ended before it was ready; see %s\n", layout->log);
        return 1;
    }
    printf(
        "Connectors is ready.\n\n  export KUBECONFIG=%s\n\n`connectors stop --data-dir %s` ends it.\n",
        layout->kubeconfig, layout->dir.p);
    return 0;
}

/* Starts the run in a process of its own and returns when it is ready. */
static int run_in_background(struct run_options *o, const struct layout *layout)
{
    struct err err = {0};
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return exit_with(err_errno(&err, errno, "make a pipe"), &err);
    pid = fork();
    if (pid < 0)
        return exit_with(err_errno(&err, errno, "start in the background"), &err);
    if (pid == 0) {
        close(ends[0]);
        return run_detached(o, layout, ends[1]);
    }
    close(ends[1]);
    return await_detached(layout, pid, ends[0]);
}

int supervisor_run_main(int argc, char **argv)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct run_options o = {0};
    struct layout layout;
    struct err err = {0};
    int rc = option_parse(&RUN_OPTIONS, argc, argv, &o, &err), code;

    if (rc >= 0 && o.allow_destinations.n > RUN_MAX_DESTINATIONS)
        rc = err_set(&err, ERR_USAGE, "--allow-destination: more than %d are given",
                     RUN_MAX_DESTINATIONS);
    if (rc >= 0) {
        secret_harden_process();
        log_init("run", (enum log_level)o.log_level);
        layout_init(&layout, a, kube_data_dir(a, o.data_dir));
        code = o.detach ? run_in_background(&o, &layout) : run_here(&o, &layout, -1);
    } else {
        code = exit_with(rc, &err);
    }
    option_fini(&RUN_OPTIONS, &o);
    return code;
}

int supervisor_wait_main(int argc, char **argv)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct wait_options o = {0};
    struct layout layout;
    struct err err = {0};
    int64_t deadline;
    int rc = option_parse(&WAIT_OPTIONS, argc, argv, &o, &err);

    if (rc < 0)
        return exit_with(rc, &err);
    layout_init(&layout, a, kube_data_dir(a, o.data_dir));
    deadline = time_mono_us() + o.timeout_us;
    while (access(layout.endpoints, R_OK) != 0 || layout_owner(&layout) == 0) {
        if (time_mono_us() > deadline) {
            rc = err_set(&err, ERR_TIMEOUT,
                         "no run in '%s' is ready; start one with `connectors run`", layout.dir.p);
            return exit_with(rc, &err);
        }
        usleep(POLL_US);
    }
    return 0;
}

int supervisor_stop_main(int argc, char **argv)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct wait_options o = {0};
    struct layout layout;
    struct err err = {0};
    int64_t deadline;
    pid_t pid;
    int rc = option_parse(&STOP_OPTIONS, argc, argv, &o, &err);

    if (rc < 0)
        return exit_with(rc, &err);
    layout_init(&layout, a, kube_data_dir(a, o.data_dir));
    pid = layout_owner(&layout);
    if (pid == 0) {
        printf("Nothing runs in '%s'\n", layout.dir.p);
        return 0;
    }
    if (kill(pid, SIGTERM) < 0 && errno != ESRCH)
        return exit_with(err_errno(&err, errno, "end process %d", (int)pid), &err);
    deadline = time_mono_us() + o.timeout_us;
    while (layout_owner(&layout) != 0) {
        if (time_mono_us() > deadline)
            return exit_with(err_set(&err, ERR_TIMEOUT, "process %d has not ended yet", (int)pid),
                             &err);
        usleep(POLL_US);
    }
    return 0;
}
