/*
 * The run itself: one loop, three children, one worker thread for the blocking installation.
 */
#include "supervisor/run.h"

#include <errno.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/time.h"
#include "ev/pool.h"
#include "ev/signals.h"
#include "supervisor/child.h"
#include "supervisor/install.h"

#define RUN_MAGIC 0x57e34b02u
#define MAX_ARGS (32 + 2 * RUN_MAX_DESTINATIONS)

enum component { APISERVER, CONTROLLER, PROXY, COMPONENT_COUNT };

static const char *const COMPONENT_NAMES[COMPONENT_COUNT] = {"apiserver", "controller", "proxy"};

struct run {
    uint32_t magic;
    const struct run_options *options;
    const struct layout *layout;
    struct arena *arena;
    struct loop *loop;
    struct signals *signals;
    struct pool *pool;
    struct loop_io inotify;
    struct child *children[COMPONENT_COUNT];
    json_t *addresses[COMPONENT_COUNT];
    const char *args[COMPONENT_COUNT][MAX_ARGS];
    size_t arg_count[COMPONENT_COUNT];
    struct loop_task installed; /* posted by the worker */
    bool installing;
    bool ready;
    bool stopping;
    int stop_next; /* component whose stop is awaited */
    int rc;
    struct err *err;
    void (*on_ready)(void *cookie);
    void *cookie;
};

static void add_arg(struct run *r, enum component c, const char *name, const char *value)
{
    ASSERT(r->arg_count[c] + 3 <= MAX_ARGS);
    r->args[c][r->arg_count[c]++] = name;
    if (value)
        r->args[c][r->arg_count[c]++] = value;
}

static const char *in_run(struct run *r, const char *file)
{
    return layout_path(r->arena, r->layout->run, file);
}

static void begin_stop(struct run *r);

static void fail(struct run *r, int rc)
{
    if (r->rc == 0)
        r->rc = rc;
    begin_stop(r);
}

static const char *address(const struct run *r, enum component c, const char *member)
{
    return json_string_value(json_at(r->addresses[c], member, NULL));
}

/* Writes endpoints.json: keys only for components that run. */
static int write_endpoints(struct run *r, struct err *err)
{
    json_t *all JSON_OWNED = json_object();
    struct buf text = BUF_INIT(64 * 1024);
    json_t *metrics = json_object_at(all, "metrics");
    int rc;

    json_set_str(all, "apiserver", str_c(address(r, APISERVER, "apiserver")));
    json_set_str(all, "proxy", str_c(address(r, PROXY, "proxy")));
    for (int c = 0; c < COMPONENT_COUNT; c++)
        if (address(r, c, "metrics"))
            json_set_str(metrics, COMPONENT_NAMES[c], str_c(address(r, c, "metrics")));
    json_format(all, &text);
    buf_add_char(&text, '\n');
    rc = fd_write_file(r->layout->endpoints, buf_str(&text), 0600, err);
    buf_fini(&text);
    return rc;
}

static void on_component_ready(struct run *r)
{
    int rc;

    if (!child_is_ready(r->children[CONTROLLER]) || !child_is_ready(r->children[PROXY]))
        return;
    rc = write_endpoints(r, r->err);
    if (rc < 0) {
        fail(r, rc);
        return;
    }
    r->ready = true;
    log_info("Ready", LOG_C("apiserver", address(r, APISERVER, "apiserver")),
             LOG_C("proxy", address(r, PROXY, "proxy")),
             LOG_C("kubeconfig", r->layout->kubeconfig));
    r->on_ready(r->cookie);
}

/* A component came back, perhaps with another address for its metrics. */
static void on_component_back(struct run *r, const struct child *child)
{
    struct err err = {0};

    log_info("Component is ready again", LOG_C("name", child_name(child)));
    if (write_endpoints(r, &err) < 0)
        log_error("Failed to write endpoints", LOG_ERR(&err));
}

static void start_child(struct run *r, enum component c)
{
    int rc = child_start(r->children[c], r->err);

    if (rc < 0)
        fail(r, rc);
}

/* On the loop again, after the installation. */
static void on_installed(void *cookie)
{
    struct run *r = CAST(struct run, cookie, RUN_MAGIC);

    r->installing = false;
    if (r->stopping || r->rc < 0) {
        begin_stop(r);
        return;
    }
    start_child(r, CONTROLLER);
    if (!r->stopping)
        start_child(r, PROXY);
}

static int install(struct run *r, struct err *err)
{
    const struct install_identity identities[] = {
        {"connectors-controller", layout_path(r->arena, r->layout->pki, "controller.kubeconfig")},
        {"connectors-proxy", layout_path(r->arena, r->layout->pki, "proxy.kubeconfig")},
    };
    struct kube_config *config CLEANUP(kube_config_freep) = NULL;
    struct kube_thread *thread CLEANUP(kube_thread_stopp) = NULL;
    int rc = kube_config_load_file(r->layout->kubeconfig, &config, err);

    if (rc == 0)
        rc = kube_thread_start(config, "connectors-run", &thread, err);
    if (rc == 0)
        rc = install_objects(kube_thread_client(thread), err);
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(identities); i++)
        rc = install_identity(r->layout, &identities[i], time_wall_us(), err);
    return rc;
}

/* Worker thread: nothing else touches r->rc, r->err and r->arena meanwhile. */
static void install_job(void *cookie)
{
    struct run *r = CAST(struct run, cookie, RUN_MAGIC);

    r->rc = install(r, r->err);
    loop_post(r->loop, &r->installed, on_installed, r);
}

static void on_child_ready(void *cookie, struct child *child, const json_t *addresses)
{
    struct run *r = CAST(struct run, cookie, RUN_MAGIC);

    for (int c = 0; c < COMPONENT_COUNT; c++) {
        if (r->children[c] != child)
            continue;
        json_decref(r->addresses[c]);
        r->addresses[c] = json_clone(addresses);
    }
    if (r->stopping)
        return;
    if (r->ready) {
        on_component_back(r, child);
    } else if (child != r->children[APISERVER]) {
        on_component_ready(r);
    } else if (!r->installing && child_pid(r->children[CONTROLLER]) == 0) {
        r->installing = true;
        pool_submit(r->pool, install_job, r);
    }
}

static void on_child_failed(void *cookie, struct child *child, const char *why)
{
    struct run *r = CAST(struct run, cookie, RUN_MAGIC);

    if (!r->installing)
        fail(r, err_set(r->err, ERR_UNAVAILABLE, "%s did not start: %s", child_name(child), why));
}

static void stop_next(struct run *r)
{
    while (r->stop_next >= 0 && !r->children[r->stop_next])
        r->stop_next--;
    if (r->stop_next < 0)
        loop_stop(r->loop);
    else
        child_stop(r->children[r->stop_next]);
}

static void on_child_stopped(void *cookie, struct child *child)
{
    struct run *r = CAST(struct run, cookie, RUN_MAGIC);

    if (r->stop_next >= 0 && child == r->children[r->stop_next]) {
        r->stop_next--;
        stop_next(r);
    }
}

/* Ends everything in reverse order; while the worker installs, that is waited for first. */
static void begin_stop(struct run *r)
{
    bool first = !r->stopping;

    r->stopping = true;
    if (first)
        unlink(r->layout->endpoints);
    if (r->installing)
        return;
    if (r->stop_next == COMPONENT_COUNT) {
        r->stop_next = COMPONENT_COUNT - 1;
        stop_next(r);
    }
}

static void reap(struct run *r)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (int c = 0; c < COMPONENT_COUNT; c++)
            if (child_reap(r->children[c], pid, status))
                break;
}

static void on_signal(void *cookie, int signo)
{
    struct run *r = CAST(struct run, cookie, RUN_MAGIC);

    if (signo == SIGCHLD) {
        reap(r);
    } else if (signo == SIGTERM || signo == SIGINT) {
        log_info("Stopping");
        begin_stop(r);
    } else {
        for (int c = 0; c < COMPONENT_COUNT; c++)
            child_signal(r->children[c], signo);
    }
}

static void on_inotify(void *cookie, unsigned events)
{
    struct run *r = CAST(struct run, cookie, RUN_MAGIC);
    char discard[4096];

    (void)events;
    while (read(r->inotify.fd, discard, sizeof(discard)) > 0)
        continue;
    for (int c = 0; c < COMPONENT_COUNT; c++)
        child_check_address(r->children[c]);
}

static int watch_run_dir(struct run *r, struct err *err)
{
    int fd CLEANUP(fd_closep) = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    int rc;

    if (fd < 0 || inotify_add_watch(fd, r->layout->run, IN_MOVED_TO | IN_CLOSE_WRITE) < 0)
        return err_errno(err, errno, "watch '%s'", r->layout->run);
    rc = loop_io_add(r->loop, &r->inotify, fd, on_inotify, r);
    if (rc < 0)
        return err_set(err, ERR_IO, "watch '%s'", r->layout->run);
    (void)TAKE_FD(fd);
    return 0;
}

/* Options of the three components.  No secret is ever among them. */
static void make_args(struct run *r)
{
    const struct run_options *o = r->options;
    const char *proxy_url = arena_fmt(r->arena, "http://%s", o->proxy_listen).p;

    add_arg(r, APISERVER, "--data-dir", r->layout->dir.p);
    add_arg(r, APISERVER, "--listen", o->apiserver_listen);
    add_arg(r, CONTROLLER, "--kubeconfig",
            layout_path(r->arena, r->layout->pki, "controller.kubeconfig"));
    add_arg(r, CONTROLLER, "--proxy-address", proxy_url);
    /* The lock of the data directory makes it the only one; a lease would only delay a restart. */
    add_arg(r, CONTROLLER, "--no-leader-elect", NULL);
    add_arg(r, PROXY, "--kubeconfig", layout_path(r->arena, r->layout->pki, "proxy.kubeconfig"));
    add_arg(r, PROXY, "--listen", o->proxy_listen);
    add_arg(r, PROXY, "--proxy-address", proxy_url);
    add_arg(r, PROXY, "--audit-log", r->layout->audit);
    for (int c = CONTROLLER; c <= PROXY; c++) {
        add_arg(r, c, "--metrics-listen", "127.0.0.1:0");
        add_arg(r, c, "--allow-destination", "127.0.0.0/8");
        add_arg(r, c, "--allow-destination", "::1");
        for (size_t i = 0; i < o->allow_destinations.n; i++)
            add_arg(r, c, "--allow-destination", o->allow_destinations.p[i]);
    }
    for (int c = 0; c < COMPONENT_COUNT; c++) {
        add_arg(r, c, "--log-level", LOG_LEVEL_NAMES[o->log_level]);
        add_arg(r, c, "--address-file",
                in_run(r, arena_fmt(r->arena, "%s.json", COMPONENT_NAMES[c]).p));
    }
}

static void make_children(struct run *r)
{
    make_args(r);
    for (int c = 0; c < COMPONENT_COUNT; c++) {
        const char *log = arena_fmt(r->arena, "%s.jsonl", COMPONENT_NAMES[c]).p;
        const char *file = arena_fmt(r->arena, "%s.json", COMPONENT_NAMES[c]).p;

        r->children[c] =
            child_new(r->loop, &(struct child_spec){
                                   .name = COMPONENT_NAMES[c],
                                   .argv = r->args[c],
                                   .log_path = layout_path(r->arena, r->layout->log, log),
                                   .address_path = in_run(r, file),
                                   .stop_timeout_us = 35 * TIME_US_PER_S,
                                   .on_ready = on_child_ready,
                                   .on_failed = on_child_failed,
                                   .on_stopped = on_child_stopped,
                                   .cookie = r,
                               });
    }
}

static void run_fini(struct run *r)
{
    pool_free(r->pool);
    for (int c = 0; c < COMPONENT_COUNT; c++) {
        child_free(r->children[c]);
        json_decref(r->addresses[c]);
    }
    if (r->inotify.added) {
        loop_io_remove(r->loop, &r->inotify);
        close(r->inotify.fd);
    }
    signals_free(r->signals);
    loop_free(r->loop);
    arena_free(r->arena);
}

int run_supervise(const struct run_options *o, const struct layout *layout,
                  void (*on_ready)(void *cookie), void *cookie, struct err *err)
{
    struct err scratch = {0};
    struct run r = {
        .magic = RUN_MAGIC,
        .options = o,
        .layout = layout,
        .arena = arena_new(),
        .loop = loop_new(NULL),
        .stop_next = COMPONENT_COUNT,
        .err = err ? err : &scratch,
        .on_ready = on_ready,
        .cookie = cookie,
    };
    int rc;

    signals_block();
    r.signals = signals_new(r.loop, on_signal, &r);
    r.pool = pool_new("install", 1);
    make_children(&r);
    unlink(layout->endpoints);
    rc = watch_run_dir(&r, r.err);
    if (rc == 0)
        rc = child_start(r.children[APISERVER], r.err);
    if (rc == 0) {
        loop_run(r.loop);
        rc = r.rc;
    }
    unlink(layout->endpoints);
    run_fini(&r);
    return rc;
}
