/*
 * Start: listener, destination policy, client, prober, watches, election; then the loop.
 * End:   workers ended ─> probes ended ─> lease given back ─> watches ─> client ─> loop.
 *
 * Nothing is changed in the cluster before all first lists are complete and the lease is ours.
 */
#include "controller/controller_run.h"

#include <signal.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/time.h"
#include "controller/classes.h"
#include "controller/connectors.h"
#include "controller/execpods.h"
#include "controller/plane.h"
#include "core/admin.h"
#include "crypto/random.h"
#include "ev/signals.h"
#include "kube/leader.h"
#include "net/tcp.h"

#define LEASE_NAME STR("connectors-controller")
#define PROBES_PER_HOST 32
#define PROBES_TOTAL 256
#define PROBE_INTERVAL_MAX_US (300 * TIME_US_PER_S)
#define READY_AGE_US (120 * TIME_US_PER_S) /* older: not ready */
#define STOP_STEP_US (20 * TIME_US_PER_MS)

enum { CLASSES, CONNECTORS, EXEC_PODS, KINDS };

static const struct {
    const char *name;
    reconcile_fn *reconcile;
} KIND[KINDS] = {
    [CLASSES] = {"connectorclasses", classes_reconcile},
    [CONNECTORS] = {"connectors", connectors_reconcile},
    [EXEC_PODS] = {"exec-pods", execpods_reconcile},
};

/* A reconciler and its figures. */
struct worker {
    struct plane *plane;
    reconcile_fn *reconcile;
    struct controller *controller;
    atomic_ullong runs, errors;
};

struct control {
    const struct settings *settings;
    struct arena *arena;
    struct loop *loop;
    struct kube_config *config;
    struct plane plane;
    struct pool *pool;
    struct worker workers[KINDS];
    struct dns *dns;
    struct http_client *http;
    struct destination_policy *policy;
    struct probe_site probe_site;
    struct leader *leader;
    struct signals *signals;
    struct admin *admin;
    int admin_fd;
    struct addr admin_addr;
    bool is_leading; /* or there is no election */
    bool is_acting;
    bool is_stopping;
};

/* --- readiness, metrics */

static bool is_ready(void *cookie, struct buf *why)
{
    const struct control *c = cookie;

    if (c->is_stopping)
        buf_add_c(why, "shutting down\n");
    else if (!inventory_is_synced(c->plane.inventory))
        buf_add_c(why, "the first lists from the API server are not complete\n");
    else if (inventory_age_us(c->plane.inventory) > READY_AGE_US)
        buf_add_c(why, "the API server was not heard for too long\n");
    return why->len == 0;
}

static void format_workers(const struct control *c, struct buf *out)
{
    static const char *const figures[][3] = {
        {"queue_depth", "gauge", "Keys that wait or are worked on."},
        {"reconciles_total", "counter", "Reconciles done."},
        {"reconcile_errors_total", "counter", "Reconciles that failed and are tried again."},
    };

    for (size_t f = 0; f < ARRAY_LEN(figures); f++) {
        buf_addf(out, "# HELP connectors_controller_%s %s\n# TYPE connectors_controller_%s %s\n",
                 figures[f][0], figures[f][2], figures[f][0], figures[f][1]);
        for (int i = 0; i < KINDS; i++) {
            const struct worker *w = &c->workers[i];
            unsigned long long values[] = {controller_depth(w->controller), atomic_load(&w->runs),
                                           atomic_load(&w->errors)};

            buf_addf(out, "connectors_controller_%s{kind=\"%s\"} %llu\n", figures[f][0],
                     KIND[i].name, values[f]);
        }
    }
}

static void metrics(void *cookie, struct buf *out)
{
    const struct control *c = cookie;
    struct prober_counts counts = prober_count(c->plane.prober);

    format_workers(c, out);
    buf_addf(out,
             "# HELP connectors_controller_probes_total Probes done, by result.\n"
             "# TYPE connectors_controller_probes_total counter\n"
             "connectors_controller_probes_total{result=\"succeeded\"} %llu\n"
             "connectors_controller_probes_total{result=\"failed\"} %llu\n"
             "# HELP connectors_controller_probes Probes now, by state.\n"
             "# TYPE connectors_controller_probes gauge\n"
             "connectors_controller_probes{state=\"running\"} %zu\n"
             "connectors_controller_probes{state=\"waiting\"} %zu\n"
             "# HELP connectors_controller_leader Whether this process acts.\n"
             "# TYPE connectors_controller_leader gauge\nconnectors_controller_leader %d\n",
             (unsigned long long)counts.succeeded, (unsigned long long)counts.failed,
             counts.running, counts.waiting, (int)c->is_acting);
}

static const struct admin_ops ADMIN_OPS = {.is_ready = is_ready, .metrics = metrics};

/* --- acting */

static int reconcile(void *cookie, struct kube_key key, struct arena *a,
                     struct reconcile_result *ret, struct err *err)
{
    struct worker *w = cookie;
    int rc = w->reconcile(w->plane, key, a, ret, err);

    atomic_fetch_add_explicit(&w->runs, 1, memory_order_relaxed);
    if (rc < 0)
        atomic_fetch_add_explicit(&w->errors, 1, memory_order_relaxed);
    return rc;
}

/* Begins or stops to act, as lists, lease and signals want it. */
static void settle(struct control *c)
{
    bool acts = c->is_leading && !c->is_stopping && c->plane.inventory &&
                inventory_is_synced(c->plane.inventory);

    if (acts == c->is_acting)
        return;
    c->is_acting = acts;
    for (int i = 0; i < KINDS; i++)
        controller_enable(c->workers[i].controller, acts);
    prober_enable(c->plane.prober, acts);
    if (acts)
        inventory_tell_all(c->plane.inventory);
}

static void on_leader(void *cookie, bool leading)
{
    struct control *c = cookie;

    c->is_leading = leading;
    settle(c);
}

/* Keys are dropped while another process acts: all are told again when we begin. */
static void add(struct control *c, int kind, struct kube_key key)
{
    if (c->is_acting)
        controller_add(c->workers[kind].controller, key);
}

static void on_connector(void *cookie, struct kube_key key)
{
    add(cookie, CONNECTORS, key);
}

static void on_class(void *cookie, struct kube_key key)
{
    add(cookie, CLASSES, key);
}

static void on_exec_pod(void *cookie, struct kube_key key)
{
    add(cookie, EXEC_PODS, key);
}

/* A class's key has no namespace. */
static void on_probed(void *cookie, struct kube_key key)
{
    add(cookie, key.ns.n ? CONNECTORS : CLASSES, key);
}

/* Says that everything is up, in the log and in the address file. */
static void on_synced(void *cookie)
{
    struct control *c = cookie;
    char address[ADDR_TEXT_BYTES];
    struct str text;
    struct err err;

    addr_format_local(&c->admin_addr, address);
    log_info("Watching", LOG_C("metrics", address), LOG_I("workers", c->settings->workers));
    settle(c);
    if (!c->settings->address_file)
        return;
    text = arena_fmt(c->arena, "{\"metrics\":\"http://%s\"}\n", address);
    if (fd_write_file(c->settings->address_file, text, 0600, &err) < 0)
        log_error("Cannot write address file", LOG_ERR(&err));
}

static const struct inventory_ops INVENTORY_OPS = {
    .on_connector = on_connector,
    .on_class = on_class,
    .on_exec_pod = on_exec_pod,
    .on_synced = on_synced,
};

static void on_signal(void *cookie, int signo)
{
    struct control *c = cookie;

    if ((signo != SIGTERM && signo != SIGINT) || c->is_stopping)
        return;
    log_info("Shutting down");
    c->is_stopping = true;
    settle(c);
    loop_stop(c->loop);
}

/* --- the start */

static int open_listener(struct control *c, struct err *err)
{
    int rc;

    if (addr_parse(str_c(c->settings->metrics_listen), &c->admin_addr) < 0)
        return err_set(err, ERR_USAGE, "--metrics-listen must be IP:PORT");
    rc = tcp_listen(&c->admin_addr, false, &c->admin_fd, err);
    if (rc < 0)
        return err_wrap(err, rc, "--metrics-listen");
    if (tcp_local_addr(c->admin_fd, &c->admin_addr) < 0)
        return err_set(err, ERR_IO, "--metrics-listen: the kernel does not tell the port");
    return 0;
}

static int protect(struct control *c, const struct url *url, const char *what, struct err *err)
{
    int rc =
        destination_policy_protect_host(c->policy, arena_cstr(c->arena, url->host), url->port, err);

    return rc < 0 ? err_wrap(err, rc, "%s", what) : 0;
}

/* Addresses of our own and the API server's are no tool's, whatever a Connector says. */
static int make_policy(struct control *c, struct err *err)
{
    struct str proxy = str_c(c->settings->proxy_address);
    struct url url;
    int rc;

    c->policy = destination_policy_new();
    VEC_EACH(&c->settings->allow_destinations, range)
    {
        rc = destination_policy_allow(c->policy, str_c(*range), err);
        if (rc < 0)
            return err_wrap(err, rc, "--allow-destination");
    }
    destination_policy_protect(c->policy, &c->admin_addr);
    if (proxy.n && url_parse(proxy, &url, NULL) == 0) {
        rc = protect(c, &url, "--proxy-address", err);
        if (rc < 0)
            return rc;
    }
    return protect(c, &c->config->url, "API server", err);
}

static void make_site(struct control *c)
{
    struct address_site *site = &c->plane.site;

    site->cluster_domain = str_c(c->settings->cluster_domain);
    site->system_ns = str_c(c->settings->system_ns);
    site->proxy_address = str_c(c->settings->proxy_address);
    while (str_ends(site->proxy_address, STR("/")))
        site->proxy_address.n--;
}

static void make_prober(struct control *c)
{
    struct http_client_limits limits = HTTP_CLIENT_LIMITS_DEFAULT;

    limits.max_idle = 1; /* a probe needs its connection once */
    limits.idle_timeout_us = TIME_US_PER_S;
    c->http = http_client_new(c->loop, c->dns, &limits);
    c->probe_site = (struct probe_site){
        .loop = c->loop,
        .dns = c->dns,
        .client = c->http,
        .policy = c->policy,
        .timeout_us = c->settings->probe_timeout_us,
    };
    c->plane.prober = prober_new(&c->probe_site, &(struct prober_rules){
                                                     .per_host = PROBES_PER_HOST,
                                                     .total = PROBES_TOTAL,
                                                     .interval_us = c->settings->probe_interval_us,
                                                     .max_interval_us = PROBE_INTERVAL_MAX_US,
                                                     .on_result = on_probed,
                                                     .cookie = c,
                                                 });
}

static void make_workers(struct control *c)
{
    unsigned count = (unsigned)c->settings->workers;

    c->pool = pool_new("reconcile", count);
    for (int i = 0; i < KINDS; i++) {
        struct worker *w = &c->workers[i];

        w->plane = &c->plane;
        w->reconcile = KIND[i].reconcile;
        w->controller = controller_new(c->loop, c->pool,
                                       &(struct controller_spec){
                                           .name = KIND[i].name,
                                           .reconcile = reconcile,
                                           .cookie = w,
                                           .workers = count,
                                       });
    }
}

static void start_election(struct control *c)
{
    char uuid[RANDOM_UUID_BYTES], host[256] = "";

    if (!c->settings->leader_elect) {
        c->is_leading = true;
        return;
    }
    if (gethostname(host, sizeof(host) - 1) < 0)
        host[0] = '\0';
    c->leader = leader_start(c->plane.client,
                             &(struct leader_spec){
                                 .ns = c->plane.site.system_ns,
                                 .name = LEASE_NAME,
                                 .identity = arena_fmt(c->arena, "%s_%s", host, random_uuid(uuid)),
                                 .on_change = on_leader,
                                 .cookie = c,
                             });
}

static int start(struct control *c, struct err *err)
{
    struct kube_config_where where = {.path = c->settings->kubeconfig};
    int rc = kube_config_load(&where, &c->config, err);

    if (rc == 0)
        rc = open_listener(c, err);
    if (rc == 0)
        rc = make_policy(c, err);
    if (rc == 0)
        rc = kube_client_new(c->loop, c->config, "connectors-controller", &c->plane.client, err);
    if (rc == 0)
        rc = dns_new(c->loop, &c->dns, err);
    if (rc < 0)
        return rc;

    make_site(c);
    c->plane.trusts = trusts_new();
    c->plane.events = event_recorder_new(c->plane.client, "connectors-controller");
    make_prober(c);
    make_workers(c);
    c->plane.inventory = inventory_new(c->plane.client, &INVENTORY_OPS, c);
    c->admin = admin_new(c->loop, TAKE_FD(c->admin_fd), &ADMIN_OPS, c);
    c->signals = signals_new(c->loop, on_signal, c);
    start_election(c);
    return 0;
}

/* --- the end */

static void on_released(void *cookie)
{
    *(bool *)cookie = true;
}

/* Also undoes a start that failed half-way. */
static void stop(struct control *c)
{
    bool is_released = c->leader == NULL;

    for (int i = 0; i < KINDS; i++)
        controller_free(c->workers[i].controller);
    pool_free(c->pool);
    prober_free(c->plane.prober);
    if (c->leader)
        leader_stop(c->leader, on_released, &is_released);
    while (!is_released)
        loop_step(c->loop, STOP_STEP_US);
    signals_free(c->signals);
    admin_free(c->admin);
    inventory_free(c->plane.inventory);
    event_recorder_free(c->plane.events);
    kube_client_free(c->plane.client);
    http_client_free(c->http);
    dns_free(c->dns);
    trusts_free(c->plane.trusts);
    destination_policy_free(c->policy);
    loop_free(c->loop);
    kube_config_free(c->config);
    fd_closep(&c->admin_fd);
    arena_free(c->arena);
}

int controller_run(const struct settings *settings, struct err *err)
{
    struct control *c = NEW(struct control);
    int rc;

    c->settings = settings;
    c->arena = arena_new();
    c->loop = c->plane.loop = loop_new(NULL);
    c->admin_fd = -1;
    rc = start(c, err);
    if (rc == 0)
        loop_run(c->loop);
    stop(c);
    if (rc == 0)
        log_info("Stopped");
    free(c);
    return rc;
}
