/*
 * Start: listeners, destination policy, services, workers, watches; then the loop.
 * End:   listeners closed ─> streams finished ─> worker threads ended ─> services ─> loops.
 *
 * Both listeners are open before anything else starts, so that a taken port is the first thing that is said.
 */
#include "proxy/control.h"

#include <signal.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/time.h"
#include "core/admin.h"
#include "crypto/random.h"
#include "ev/signals.h"
#include "proxy/revoke.h"
#include "proxy/view.h"
#include "proxy/worker.h"

#define TICK_US (1 * TIME_US_PER_S)
#define READY_AGE_US (120 * TIME_US_PER_S) /* older: not ready */
#define USE_AGE_US (300 * TIME_US_PER_S)   /* older: no credential is used */
#define IDENTITY_KEEP_US (60 * TIME_US_PER_S)
#define IDENTITIES_MAX ((size_t)262144)
#define WORKERS_MAX 256u

static const struct review_limits REVIEW_LIMITS = {
    .max_open = 64,
    .max_waiting = 4096,
    .timeout_us = 3 * TIME_US_PER_S,
};

struct control {
    const struct settings *settings;
    struct site site;
    struct loop *loop;
    struct kube_config *config;
    struct kube_client *client;
    struct review_lane *lane;
    struct view *view;
    struct revoke *revoke;
    struct admin *admin;
    struct signals *signals;
    struct worker *workers[WORKERS_MAX];
    struct counters *counters[WORKERS_MAX];
    int listen_fds[WORKERS_MAX];
    int admin_fd;
    struct addr listen_addr, admin_addr;
    unsigned running; /* worker threads */
    struct loop_timer tick;
    bool is_announced;
    bool is_stopping;
    struct arena *arena;
};

/* --- readiness, metrics */

static bool is_ready(void *cookie, struct buf *why)
{
    const struct control *c = cookie;

    if (c->is_stopping)
        buf_add_c(why, "shutting down\n");
    else if (!view_is_synced(c->view) || !revoke_is_synced(c->revoke))
        buf_add_c(why, "the first lists from the API server are not complete\n");
    else if (view_age_us(c->view) > READY_AGE_US || revoke_age_us(c->revoke) > READY_AGE_US)
        buf_add_c(why, "the API server was not heard for too long\n");
    return why->len == 0;
}

static void format_reviews(const struct control *c, struct buf *out)
{
    struct review_counts counts = review_counts(c->lane);

    buf_addf(out,
             "# HELP connectors_proxy_reviews_total Questions asked of the API server.\n"
             "# TYPE connectors_proxy_reviews_total counter\n"
             "connectors_proxy_reviews_total %llu\n"
             "# HELP connectors_proxy_review_errors_total Questions that were not answered.\n"
             "# TYPE connectors_proxy_review_errors_total counter\n"
             "connectors_proxy_review_errors_total %llu\n"
             "# HELP connectors_proxy_identities Tokens whose identity is remembered.\n"
             "# TYPE connectors_proxy_identities gauge\nconnectors_proxy_identities %zu\n"
             "# HELP connectors_proxy_permissions Permissions that are remembered.\n"
             "# TYPE connectors_proxy_permissions gauge\nconnectors_proxy_permissions %zu\n",
             (unsigned long long)counts.asked, (unsigned long long)counts.failed,
             identity_count(c->site.identities), permission_count(c->site.permissions));
    if (c->site.audit)
        buf_addf(out,
                 "# HELP connectors_proxy_audit_dropped_total Audit records that were lost.\n"
                 "# TYPE connectors_proxy_audit_dropped_total counter\n"
                 "connectors_proxy_audit_dropped_total %llu\n",
                 (unsigned long long)audit_dropped(c->site.audit));
}

static void metrics(void *cookie, struct buf *out)
{
    const struct control *c = cookie;

    counters_format(c->counters, c->site.worker_count, out);
    view_format(c->view, out);
    format_reviews(c, out);
}

static const struct admin_ops ADMIN_OPS = {.is_ready = is_ready, .metrics = metrics};

/* --- the view's targets to the workers */

static void on_target(void *cookie, struct str key, struct target *t)
{
    struct control *c = cookie;

    for (unsigned i = 0; i < c->site.worker_count; i++)
        worker_set_target(c->workers[i], key, t);
}

/*
 * Once all first lists are complete, those that end decisions included: lets the workers serve, and says so
 * in the log and in the address file.
 */
static void announce(struct control *c)
{
    char text[ADDR_TEXT_BYTES];
    const char *proxy, *admin;
    struct err err;
    struct str addresses;

    if (c->is_announced || !view_is_synced(c->view) || !revoke_is_synced(c->revoke))
        return;
    c->is_announced = true;
    for (unsigned i = 0; i < c->site.worker_count; i++)
        worker_set_ready(c->workers[i]);
    proxy = arena_fmt(c->arena, "http://%s", addr_format_local(&c->listen_addr, text)).p;
    admin = arena_fmt(c->arena, "http://%s", addr_format_local(&c->admin_addr, text)).p;
    log_info("Serving", LOG_C("proxy", proxy), LOG_C("metrics", admin),
             LOG_I("threads", c->site.worker_count), LOG_I("connectors", view_count(c->view)));
    if (!c->settings->address_file)
        return;
    addresses = arena_fmt(c->arena, "{\"proxy\":\"%s\",\"metrics\":\"%s\"}\n", proxy, admin);
    if (fd_write_file(c->settings->address_file, addresses, 0600, &err) < 0)
        log_error("Cannot write address file", LOG_ERR(&err));
}

static void on_synced(void *cookie)
{
    announce(cookie);
}

static const struct view_ops VIEW_OPS = {.on_target = on_target, .on_synced = on_synced};

static void on_tick(void *cookie)
{
    struct control *c = cookie;
    bool is_stale = view_is_synced(c->view) && view_age_us(c->view) > USE_AGE_US;

    if (is_stale != atomic_load(&c->site.is_stale)) {
        atomic_store(&c->site.is_stale, is_stale);
        log_warn(is_stale ? "Stopped using credentials: the API server was not heard for too long"
                          : "Using credentials again");
    }
    announce(c);
    loop_timer_start(c->loop, &c->tick, c->is_announced ? TICK_US : 20 * TIME_US_PER_MS, on_tick,
                     c);
}

/* --- the end */

static void on_worker_end(void *cookie)
{
    struct control *c = cookie;

    if (--c->running == 0)
        loop_stop(c->loop);
}

static void on_signal(void *cookie, int signo)
{
    struct control *c = cookie;

    if (signo == SIGHUP) {
        if (c->site.audit)
            audit_reopen(c->site.audit);
        return;
    }
    if ((signo != SIGTERM && signo != SIGINT) || c->is_stopping)
        return;
    log_info("Shutting down");
    c->is_stopping = true;
    for (unsigned i = 0; i < c->site.worker_count; i++)
        worker_drain(c->workers[i]);
}

/* --- the start */

static int open_listeners(struct control *c, struct err *err)
{
    const struct settings *s = c->settings;
    int rc;

    if (addr_parse(str_c(s->listen), &c->listen_addr) < 0 ||
        addr_parse(str_c(s->metrics_listen), &c->admin_addr) < 0)
        return err_set(err, ERR_USAGE, "--listen and --metrics-listen must be IP:PORT");
    for (unsigned i = 0; i < c->site.worker_count; i++) {
        rc = tcp_listen(&c->listen_addr, true, &c->listen_fds[i], err);
        if (rc < 0)
            return err_wrap(err, rc, "--listen");
        /* The first may have been given a port by the kernel; the others share it. */
        rc = tcp_local_addr(c->listen_fds[i], &c->listen_addr);
        if (rc < 0)
            return err_set(err, ERR_IO, "--listen: the kernel does not tell the port");
    }
    rc = tcp_listen(&c->admin_addr, false, &c->admin_fd, err);
    if (rc < 0)
        return err_wrap(err, rc, "--metrics-listen");
    if (tcp_local_addr(c->admin_fd, &c->admin_addr) < 0)
        return err_set(err, ERR_IO, "--metrics-listen: the kernel does not tell the port");
    return 0;
}

/* Addresses of our own and the API server's are no tool's, whatever a Connector says. */
static int make_policy(struct control *c, struct err *err)
{
    int rc;

    c->site.policy = destination_policy_new();
    VEC_EACH(&c->settings->allow_destinations, range)
    {
        rc = destination_policy_allow(c->site.policy, str_c(*range), err);
        if (rc < 0)
            return err_wrap(err, rc, "--allow-destination");
    }
    destination_policy_protect(c->site.policy, &c->listen_addr);
    destination_policy_protect(c->site.policy, &c->admin_addr);
    rc = destination_policy_protect_host(c->site.policy, arena_cstr(c->arena, c->config->url.host),
                                         c->config->url.port, err);
    return rc < 0 ? err_wrap(err, rc, "API server") : 0;
}

/* Reads --proxy-address: where we are, as clients see it. */
static void read_own_address(struct control *c)
{
    struct str text = str_c(c->settings->proxy_address);
    char *host = arena_alloc(c->arena, URL_MAX_HOST_BYTES + 1);
    struct url url;

    if (text.n == 0 || url_parse(text, &url, NULL) < 0 ||
        url_normalize_host(url.host, host, &c->site.own_host) < 0)
        return;
    c->site.own_port = url.port;
    while (str_ends(text, STR("/")))
        text.n--;
    c->site.proxy_base = text;
}

static void name_instance(struct control *c)
{
    uint32_t number;

    random_bytes(&number, sizeof(number));
    c->site.via = arena_fmt(c->arena, "1.1 connectors-%08x", (unsigned)number);
    c->site.instance = str_skip(c->site.via, 4);
}

static void start_services(struct control *c)
{
    struct permission_rules permission = PERMISSION_RULES_DEFAULT;
    struct identity_rules identity = {
        .audience = str_c(c->settings->audience),
        .accept_apiserver_audience = c->settings->accept_apiserver_audience,
        .keep_us = IDENTITY_KEEP_US,
        .max_entries = IDENTITIES_MAX,
        .is_pod_live = revoke_is_pod_live,
    };

    permission.settle_us = c->settings->settle_us;
    c->lane = review_lane_new(c->client, &REVIEW_LIMITS);
    c->revoke = revoke_new(c->client);
    identity.cookie = c->revoke;
    c->site.identities = identity_service_new(c->loop, c->lane, &identity);
    c->site.permissions = permission_service_new(c->loop, c->lane, &permission);
    revoke_serve(c->revoke, c->site.identities, c->site.permissions);
}

static int make_workers(struct control *c, struct err *err)
{
    for (unsigned i = 0; i < c->site.worker_count; i++) {
        int rc = worker_new(&c->site, i, TAKE_FD(c->listen_fds[i]), &c->workers[i], err);

        if (rc < 0)
            return err_wrap(err, rc, "start worker");
        c->counters[i] = c->workers[i]->counters;
    }
    return 0;
}

static int start(struct control *c, struct err *err)
{
    const struct settings *s = c->settings;
    struct kube_config_where where = {.path = s->kubeconfig};
    int rc;

    rc = kube_config_load(&where, &c->config, err);
    if (rc == 0)
        rc = open_listeners(c, err);
    if (rc == 0)
        rc = make_policy(c, err);
    if (rc == 0 && s->audit_log)
        rc = audit_open(s->audit_log, &c->site.audit, err);
    if (rc == 0)
        rc = kube_client_new(c->loop, c->config, "connectors-proxy", &c->client, err);
    if (rc == 0)
        rc = make_workers(c, err);
    if (rc < 0)
        return rc;

    read_own_address(c);
    name_instance(c);
    start_services(c);
    c->admin = admin_new(c->loop, TAKE_FD(c->admin_fd), &ADMIN_OPS, c);
    c->view = view_new(c->client, c->site.worker_count, &VIEW_OPS, c);
    c->signals = signals_new(c->loop, on_signal, c);
    for (unsigned i = 0; i < c->site.worker_count; i++)
        worker_start(c->workers[i], on_worker_end, c);
    c->running = c->site.worker_count;
    loop_timer_start(c->loop, &c->tick, 0, on_tick, c);
    return 0;
}

/* Also undoes a start that failed half-way. */
static void stop(struct control *c)
{
    signals_free(c->signals);
    loop_timer_cancel(c->loop, &c->tick);
    /* Questions that workers posted before they ended are taken in, then given up. */
    loop_step(c->loop, 0);
    review_lane_free(c->lane);
    identity_service_free(c->site.identities);
    permission_service_free(c->site.permissions);
    view_free(c->view);
    revoke_free(c->revoke);
    admin_free(c->admin);
    kube_client_free(c->client);
    for (unsigned i = 0; i < c->site.worker_count; i++)
        worker_free(c->workers[i]);
    audit_close(c->site.audit);
    destination_policy_free(c->site.policy);
    loop_free(c->loop);
    kube_config_free(c->config);
    for (unsigned i = 0; i < c->site.worker_count; i++)
        fd_closep(&c->listen_fds[i]);
    fd_closep(&c->admin_fd);
    free(c->site.active);
    arena_free(c->arena);
}

int control_run(const struct settings *settings, struct err *err)
{
    struct control *c = NEW(struct control);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int rc;

    c->settings = c->site.settings = settings;
    c->arena = arena_new();
    c->loop = c->site.control = loop_new(NULL);
    c->site.worker_count =
        settings->threads ? (unsigned)settings->threads : (unsigned)MAX(cores, 1L);
    c->site.active = xcalloc(SITE_SUBJECTS, sizeof(*c->site.active));
    c->site.worker_count = MIN(c->site.worker_count, WORKERS_MAX);
    c->admin_fd = -1;
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        c->listen_fds[i] = -1;

    rc = start(c, err);
    if (rc == 0) {
        loop_run(c->loop);
        for (unsigned i = 0; i < c->site.worker_count; i++)
            worker_join(c->workers[i]);
        log_info("Stopped");
    }
    stop(c);
    free(c);
    return rc;
}
