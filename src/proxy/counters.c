/*
 * Sums and the Prometheus text format (version 0.0.4).
 */
#include "proxy/counters.h"

#include "base/mem.h"

/* Upper bounds of the buckets. */
static const int64_t BOUNDS_US[COUNTERS_BUCKETS] = {
    100,   250,    500,    1000,    2500,     5000,     10000,
    50000, 100000, 500000, 1000000, 10000000, 60000000, 600000000,
};

static const struct {
    const char *name;
    const char *labels; /* or NULL */
    const char *type;
    const char *help; /* NULL: another row of the metric before */
} PLAIN[COUNTERS_PLAIN] = {
    [COUNT_BYTES_IN] = {"connectors_proxy_received_bytes_total", NULL, "counter",
                        "Body bytes that clients sent."},
    [COUNT_BYTES_OUT] = {"connectors_proxy_sent_bytes_total", NULL, "counter",
                         "Body bytes that clients got."},
    [COUNT_IDENTITY_HITS] = {"connectors_proxy_identity_lookups_total", "result=\"hit\"", "counter",
                             "Tokens looked up by workers."},
    [COUNT_IDENTITY_MISSES] = {"connectors_proxy_identity_lookups_total", "result=\"miss\"",
                               "counter", NULL},
    [COUNT_PERMISSION_HITS] = {"connectors_proxy_permission_lookups_total", "result=\"hit\"",
                               "counter", "Permissions looked up by workers."},
    [COUNT_PERMISSION_MISSES] = {"connectors_proxy_permission_lookups_total", "result=\"miss\"",
                                 "counter", NULL},
    [COUNT_INJECTED_BASIC] = {"connectors_proxy_injected_total", "method=\"basic\"", "counter",
                              "Requests sent to tools, by how the credential was added."},
    [COUNT_INJECTED_BEARER] = {"connectors_proxy_injected_total", "method=\"bearer\"", "counter",
                               NULL},
    [COUNT_INJECTED_NONE] = {"connectors_proxy_injected_total", "method=\"none\"", "counter", NULL},
    [COUNT_ACTIVE] = {"connectors_proxy_active_requests", NULL, "gauge", "Requests being served."},
    [COUNT_CONNECTIONS] = {"connectors_proxy_client_connections", NULL, "gauge",
                           "Open client connections."},
    [COUNT_POOLED] = {"connectors_proxy_pooled_connections", NULL, "gauge",
                      "Idle connections to tools."},
};

static const char *const MODES[MODE_COUNT] = {"reverse", "forward"};

void counters_observe(struct counters_histogram *h, int64_t us)
{
    unsigned i = 0;

    while (i < COUNTERS_BUCKETS && us > BOUNDS_US[i])
        i++;
    counters_add(&h->buckets[i], 1);
    counters_add(&h->sum_us, (uint64_t)(us > 0 ? us : 0));
}

static uint64_t load(const atomic_uint_fast64_t *c)
{
    return atomic_load_explicit(c, memory_order_relaxed);
}

static void add_head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void format_plain(struct counters *const *workers, size_t count, struct buf *out)
{
    for (unsigned i = 0; i < COUNTERS_PLAIN; i++) {
        uint64_t sum = 0;

        for (size_t w = 0; w < count; w++)
            sum += load(&workers[w]->plain[i]);
        if (PLAIN[i].help)
            add_head(out, PLAIN[i].name, PLAIN[i].type, PLAIN[i].help);
        if (PLAIN[i].labels)
            buf_addf(out, "%s{%s} %llu\n", PLAIN[i].name, PLAIN[i].labels, (unsigned long long)sum);
        else
            buf_addf(out, "%s %llu\n", PLAIN[i].name, (unsigned long long)sum);
    }
}

static void format_requests(struct counters *const *workers, size_t count, struct buf *out)
{
    add_head(out, "connectors_proxy_requests_total", "counter", "Requests by mode and status.");
    for (unsigned m = 0; m < MODE_COUNT; m++)
        for (unsigned s = 0; s < COUNTERS_STATUS_MAX; s++) {
            uint64_t sum = 0;

            for (size_t w = 0; w < count; w++)
                sum += load(&workers[w]->requests[m][s]);
            if (sum)
                buf_addf(out, "connectors_proxy_requests_total{mode=\"%s\",code=\"%u\"} %llu\n",
                         MODES[m], s, (unsigned long long)sum);
        }
}

static void format_refused(struct counters *const *workers, size_t count, struct buf *out)
{
    add_head(out, "connectors_proxy_refused_total", "counter", "Requests the proxy refused.");
    for (unsigned r = 1; r < REFUSAL_COUNT; r++) {
        uint64_t sum = 0;

        for (size_t w = 0; w < count; w++)
            sum += load(&workers[w]->refused[r]);
        buf_addf(out, "connectors_proxy_refused_total{reason=\"%s\"} %llu\n",
                 refusal_reason((enum refusal)r), (unsigned long long)sum);
    }
}

/* One histogram; `offset` is its place in struct counters. */
static void format_histogram(struct counters *const *workers, size_t count, size_t offset,
                             const char *name, struct buf *out)
{
    uint64_t so_far = 0, sum_us = 0;

    for (unsigned i = 0; i <= COUNTERS_BUCKETS; i++) {
        for (size_t w = 0; w < count; w++) {
            const struct counters_histogram *h = (const void *)((const char *)workers[w] + offset);

            so_far += load(&h->buckets[i]);
            if (i == 0)
                sum_us += load(&h->sum_us);
        }
        if (i < COUNTERS_BUCKETS)
            buf_addf(out, "%s_bucket{le=\"%g\"} %llu\n", name, (double)BOUNDS_US[i] / 1e6,
                     (unsigned long long)so_far);
        else
            buf_addf(out, "%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)so_far);
    }
    buf_addf(out, "%s_sum %.6f\n%s_count %llu\n", name, (double)sum_us / 1e6, name,
             (unsigned long long)so_far);
}

void counters_format(struct counters *const *workers, size_t count, struct buf *out)
{
    format_requests(workers, count, out);
    format_refused(workers, count, out);
    format_plain(workers, count, out);
    add_head(out, "connectors_proxy_request_duration_seconds", "histogram",
             "Time from a request's head to the end of its answer.");
    format_histogram(workers, count, offsetof(struct counters, total),
                     "connectors_proxy_request_duration_seconds", out);
    add_head(out, "connectors_proxy_added_duration_seconds", "histogram",
             "Time before a request was sent to its tool.");
    format_histogram(workers, count, offsetof(struct counters, added),
                     "connectors_proxy_added_duration_seconds", out);
}

/* --- of one Connector */

struct slot {
    _Alignas(64) atomic_uint_fast64_t classes[COUNTERS_CLASSES];
};

struct counters_connector {
    struct slot *slots;
    unsigned workers;
    atomic_uint refs;
};

struct counters_connector *counters_connector_new(unsigned workers)
{
    struct counters_connector *c = NEW(struct counters_connector);

    c->slots = aligned_alloc(64, mem_product(workers, sizeof(struct slot)));
    ASSERT(c->slots);
    memset(c->slots, 0, workers * sizeof(struct slot));
    c->workers = workers;
    atomic_init(&c->refs, 1);
    return c;
}

struct counters_connector *counters_connector_ref(struct counters_connector *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void counters_connector_unref(struct counters_connector *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    free(c->slots);
    free(c);
}

void counters_connector_add(struct counters_connector *c, unsigned worker, int status)
{
    unsigned class = (unsigned)status / 100;

    counters_add(&c->slots[worker].classes[class < COUNTERS_CLASSES ? class : 0], 1);
}

void counters_connector_sum(const struct counters_connector *c, uint64_t ret_sums[COUNTERS_CLASSES])
{
    for (unsigned i = 0; i < COUNTERS_CLASSES; i++) {
        ret_sums[i] = 0;
        for (unsigned w = 0; w < c->workers; w++)
            ret_sums[i] += load(&c->slots[w].classes[i]);
    }
}
