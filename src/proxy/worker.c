/*
 * The thread's life:
 *
 *      worker_start ──> loop_run ──(worker_drain)──> no listener, idle connections closed
 *                                                      └─(last connection gone or time up)─> loop ends
 */
#include "proxy/worker.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "crypto/random.h"
#include "proxy/request.h"

#define IDENTITIES_MAX ((size_t)65536)
#define VERDICTS_MAX ((size_t)65536)
#define TICK_US (1 * TIME_US_PER_S)
#define DRAIN_TICK_US (20 * TIME_US_PER_MS)

static void release_identity(void *value)
{
    identity_unref(value);
}

static void release_verdict(void *value)
{
    permission_unref(value);
}

static void release_target(void *value)
{
    target_unref(value);
}

static struct http_limits server_limits(const struct settings *s, unsigned workers)
{
    struct http_limits limits = HTTP_LIMITS_DEFAULT;

    limits.head_bytes = s->header_bytes;
    limits.target_bytes = s->uri_bytes;
    limits.header_count = s->header_count;
    limits.head_timeout_us = s->header_timeout_us;
    limits.idle_timeout_us = s->idle_timeout_us;
    limits.stream_timeout_us = s->stream_timeout_us;
    limits.tls_timeout_us = s->tls_timeout_us;
    limits.max_connections = (unsigned)((s->max_connections + workers - 1) / workers);
    return limits;
}

static struct http_client_limits client_limits(const struct settings *s)
{
    struct http_client_limits limits = HTTP_CLIENT_LIMITS_DEFAULT;

    limits.response_timeout_us = s->response_timeout_us;
    limits.stream_timeout_us = s->stream_timeout_us;
    return limits;
}

int worker_new(struct site *site, unsigned index, int listen_fd, struct worker **ret_worker,
               struct err *err)
{
    const struct http_limits server = server_limits(site->settings, site->worker_count);
    const struct http_client_limits client = client_limits(site->settings);
    struct worker *w = NEW(struct worker);
    int rc;

    w->site = site;
    w->index = index;
    w->listen_fd = listen_fd;
    w->loop = loop_new(NULL);
    rc = dns_new(w->loop, &w->dns, err);
    if (rc < 0) {
        loop_free(w->loop);
        free(w);
        return rc;
    }
    w->client = http_client_new(w->loop, w->dns, &client);
    w->server = http_server_new(w->loop, &server, &REQUEST_SERVER_OPS, w);
    w->targets = map_new();
    w->identities = lru_new(IDENTITIES_MAX, release_identity);
    w->verdicts = lru_new(VERDICTS_MAX, release_verdict);
    w->counters = NEW(struct counters);
    w->ring = site->audit ? audit_ring_new(site->audit) : NULL;
    random_bytes(w->random, sizeof(w->random));
    w->random[0] |= 1;
    *ret_worker = w;
    return 0;
}

static void sample(struct worker *w)
{
    atomic_store_explicit(&w->counters->plain[COUNT_CONNECTIONS],
                          http_server_connections(w->server), memory_order_relaxed);
    atomic_store_explicit(&w->counters->plain[COUNT_POOLED], http_client_idle(w->client),
                          memory_order_relaxed);
}

static void on_tick(void *cookie)
{
    struct worker *w = cookie;

    sample(w);
    if (w->is_draining && http_server_connections(w->server) == 0) {
        loop_stop(w->loop);
        return;
    }
    loop_timer_start(w->loop, &w->tick, w->is_draining ? DRAIN_TICK_US : TICK_US, on_tick, w);
}

static void on_deadline(void *cookie)
{
    struct worker *w = cookie;

    log_warn("Closed streams that did not finish in time",
             LOG_I("connections", http_server_connections(w->server)));
    loop_stop(w->loop);
}

/* What the thread does when its loop has ended: objects die on the thread that used them. */
static void worker_clear(struct worker *w)
{
    loop_timer_cancel(w->loop, &w->tick);
    loop_timer_cancel(w->loop, &w->deadline);
    http_server_free(w->server);
    w->server = NULL;
    http_client_free(w->client);
    w->client = NULL;
    dns_free(w->dns);
    w->dns = NULL;
    lru_free(w->identities);
    lru_free(w->verdicts);
    map_free_with(w->targets, release_target);
    w->identities = w->verdicts = NULL;
    w->targets = NULL;
}

static void *worker_run(void *cookie)
{
    struct worker *w = cookie;
    char name[16];

    snprintf(name, sizeof(name), "worker-%u", w->index);
    pthread_setname_np(pthread_self(), name);
    http_server_listen(w->server, TAKE_FD(w->listen_fd), NULL);
    loop_timer_start(w->loop, &w->tick, TICK_US, on_tick, w);
    loop_run(w->loop);
    worker_clear(w);
    loop_post(w->site->control, &w->task, w->on_drained, w->cookie);
    return NULL;
}

void worker_start(struct worker *w, void (*on_drained)(void *cookie), void *cookie)
{
    w->on_drained = on_drained;
    w->cookie = cookie;
    ASSERT(pthread_create(&w->thread, NULL, worker_run, w) == 0);
}

struct swap {
    struct loop_task task;
    struct worker *worker;
    struct target *target; /* NULL: gone */
    size_t key_bytes;
    char key[];
};

/* Idle connections of a Connector that changed are of no use any more. */
static void forget_connections(struct worker *w, struct str key)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();

    http_client_forget(w->client, binding_prefix(a, key));
}

static void on_swap(void *cookie)
{
    struct swap *s = cookie;
    struct worker *w = s->worker;
    struct str key = str_n(s->key, s->key_bytes);
    struct target *old;

    if (!w->targets) { /* the thread has ended */
        target_unref(s->target);
        free(s);
        return;
    }
    old = s->target ? map_put(w->targets, key, s->target) : map_del(w->targets, key);
    if (old) {
        target_unref(old);
        forget_connections(w, key);
    }
    free(s);
}

void worker_set_target(struct worker *w, struct str key, struct target *t)
{
    struct swap *s = xmalloc(sizeof(*s) + key.n);

    *s = (struct swap){.worker = w, .target = t ? target_ref(t) : NULL, .key_bytes = key.n};
    memcpy(s->key, key.p, key.n);
    loop_post(w->loop, &s->task, on_swap, s);
}

struct notice {
    struct loop_task task;
    struct worker *worker;
};

static void on_ready(void *cookie)
{
    struct notice *n = cookie;

    n->worker->is_ready = true;
    free(n);
}

static void on_drain(void *cookie)
{
    struct notice *n = cookie;
    struct worker *w = n->worker;

    free(n);
    if (!w->server || w->is_draining)
        return;
    w->is_draining = true;
    http_server_drain(w->server);
    loop_timer_start(w->loop, &w->deadline, w->site->settings->drain_timeout_us, on_deadline, w);
    loop_timer_start(w->loop, &w->tick, 0, on_tick, w);
}

static void notify(struct worker *w, loop_fn *fn)
{
    struct notice *n = NEW(struct notice);

    n->worker = w;
    loop_post(w->loop, &n->task, fn, n);
}

void worker_set_ready(struct worker *w)
{
    notify(w, on_ready);
}

void worker_drain(struct worker *w)
{
    notify(w, on_drain);
}

void worker_join(struct worker *w)
{
    pthread_join(w->thread, NULL);
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    if (w->server)
        worker_clear(w);
    loop_free(w->loop);
    if (w->listen_fd >= 0)
        close(w->listen_fd);
    free(w->counters);
    free(w);
}

struct target *worker_target(const struct worker *w, struct str key)
{
    return map_get(w->targets, key);
}

/* xorshift128+ (Vigna 2017). */
uint64_t worker_random(struct worker *w)
{
    uint64_t a = w->random[0], b = w->random[1];

    w->random[0] = b;
    a ^= a << 23;
    w->random[1] = a ^ b ^ (a >> 17) ^ (b >> 26);
    return w->random[1] + b;
}
