/*
 * Leader election as in client-go's leaderelection: one Lease, optimistic updates, and other holders'
 * renewals timed by our own clock from when we first saw them, so that clocks need not agree.
 *
 *      CANDIDATE ── lease free, expired or ours, and our update went through ──> LEADING
 *          ^                                                                       │
 *          └───────────── not renewed for RENEW_DEADLINE since its beginning ──────┘
 *
 * A round is: read the Lease (the leader writes the one it knows without reading), decide, write.  Rounds
 * begin every RETRY; the time that counts for the leader is when its last successful write was sent, which
 * is before anybody else could see it.
 */
#include "kube/leader.h"

#include "base/log.h"
#include "base/time.h"
#include "crypto/random.h"
#include "kube/kube_priv.h"
#include "kube/object.h"

#define LEASE_S 15
#define RENEW_DEADLINE_US (10 * TIME_US_PER_S)
#define RETRY_US (2 * TIME_US_PER_S)
#define ROUND_TIMEOUT_US (5 * TIME_US_PER_S)
#define RELEASE_TIMEOUT_US (1 * TIME_US_PER_S)

enum { LEADER_PATH_MAX_BYTES = 4096 };

struct leader {
    struct kube_client *client;
    struct loop *loop;
    struct arena *arena;
    struct leader_spec spec;
    struct kube_call *call;
    struct loop_timer retry;
    struct loop_timer deadline; /* until when the lease must be renewed */
    struct loop_task stopped;
    json_t *lease;       /* as last seen; NULL: not yet, or a write failed */
    json_t *observed;    /* its spec when it last changed */
    int64_t observed_us; /* when that was, on our clock */
    int64_t round_us;    /* when the write of this round was sent */
    int64_t renewed_us;  /* round_us of the last success */
    bool is_leading;
    void (*on_stopped)(void *cookie);
    void *stopped_cookie;
};

static void round_begin(void *cookie);

static json_t *spec_of(const json_t *lease)
{
    return json_object_get(lease, "spec");
}

static void observe(struct leader *l, json_t *lease)
{
    json_t *spec = spec_of(lease);

    json_incref(lease);
    json_decref(l->lease);
    l->lease = lease;
    if (l->observed && json_equal(l->observed, spec))
        return;
    json_decref(l->observed);
    l->observed = spec ? json_incref(spec) : json_object();
    l->observed_us = loop_now_us(l->loop);
}

static void set_leading(struct leader *l, bool leading)
{
    if (l->is_leading == leading)
        return;
    l->is_leading = leading;
    log_info(leading ? "Became leader" : "Lost leadership", LOG_S("lease", l->spec.name),
             LOG_S("identity", l->spec.identity));
    l->spec.on_change(l->spec.cookie, leading);
}

/* Before the next round: candidates spread out, the leader keeps its beat. */
static void round_end(struct leader *l, bool leading)
{
    int64_t delay = RETRY_US;

    if (!leading)
        delay += (int64_t)random_below(RETRY_US);
    loop_timer_start(l->loop, &l->retry, delay, round_begin, l);
}

static void on_deadline(void *cookie)
{
    struct leader *l = cookie;

    if (l->call)
        kube_call_cancel(TAKE(l->call));
    json_decref(TAKE(l->lease));
    round_end(l, false);
    set_leading(l, false);
}

static void renewed(struct leader *l)
{
    l->renewed_us = l->round_us;
    loop_timer_start(l->loop, &l->deadline,
                     l->renewed_us + RENEW_DEADLINE_US - loop_now_us(l->loop), on_deadline, l);
    round_end(l, true);
    set_leading(l, true);
}

static void round_failed(struct leader *l, const struct err *err)
{
    /* What we know may be out of date: the next round reads first. */
    json_decref(TAKE(l->lease));
    if (err && err->code != ERR_CONFLICT && err->code != ERR_EXISTS)
        log_warn("Leader election round failed", LOG_S("lease", l->spec.name), LOG_ERR(err));
    round_end(l, l->is_leading);
}

static void on_written(void *cookie, int rc, json_t *answer, const struct err *err)
{
    struct leader *l = cookie;

    l->call = NULL;
    if (rc < 0 || !answer) {
        round_failed(l, err);
        return;
    }
    observe(l, answer);
    renewed(l);
}

/* PUT to the Lease, or POST to the collection. */
static void write_lease(struct leader *l, json_t *lease, bool is_new, int64_t timeout_us,
                        kube_done_fn *fn)
{
    struct buf path = BUF_INIT(LEADER_PATH_MAX_BYTES);
    struct kube_request r = {
        .method = is_new ? "POST" : "PUT",
        .body = lease,
        .timeout_us = timeout_us,
    };

    kube_path(&path, &KUBE_LEASES, l->spec.ns, is_new ? STR_NONE : l->spec.name, STR_NONE);
    r.path = buf_str(&path);
    l->round_us = loop_now_us(l->loop);
    l->call = kube_call_start(l->client, &r, fn, l);
    buf_fini(&path);
    json_decref(lease);
}

static bool is_holder(const struct leader *l)
{
    return str_eq(json_str(spec_of(l->lease), "holderIdentity"), l->spec.identity);
}

/* A copy of the Lease (or a new one) that names us. */
static json_t *claim(const struct leader *l)
{
    json_t *lease =
        l->lease ? json_clone(l->lease) : kobj_new(&KUBE_LEASES, l->spec.ns, l->spec.name);
    json_t *spec = json_object_at(lease, "spec");
    int64_t transitions = json_int(spec, "leaseTransitions", 0);
    char now[TIME_RFC3339_BYTES];

    time_format_us(loop_wall_us(l->loop), now);
    if (l->lease && !is_holder(l))
        transitions++;
    if (!l->lease || !is_holder(l))
        json_set_str(spec, "acquireTime", str_c(now));
    json_set_str(spec, "holderIdentity", l->spec.identity);
    json_set_str(spec, "renewTime", str_c(now));
    json_set(spec, "leaseDurationSeconds", json_integer(LEASE_S));
    json_set(spec, "leaseTransitions", json_integer(transitions));
    return lease;
}

/* Whether somebody else holds the Lease and may still believe so. */
static bool is_taken(const struct leader *l)
{
    int64_t seconds = json_int(spec_of(l->lease), "leaseDurationSeconds", LEASE_S);

    seconds = MIN(MAX(seconds, INT64_C(1)), INT64_C(3600));
    return json_str(spec_of(l->lease), "holderIdentity").n > 0 && !is_holder(l) &&
           l->observed_us + seconds * TIME_US_PER_S > loop_now_us(l->loop);
}

static void on_read(void *cookie, int rc, json_t *answer, const struct err *err)
{
    struct leader *l = cookie;

    l->call = NULL;
    if (rc == -ERR_NOTFOUND) {
        json_decref(TAKE(l->lease));
        write_lease(l, claim(l), true, ROUND_TIMEOUT_US, on_written);
        return;
    }
    if (rc < 0 || !answer) {
        round_failed(l, err);
        return;
    }
    observe(l, answer);
    if (is_taken(l)) {
        /* A leader sees here that it was deposed, e.g. by an edited Lease. */
        loop_timer_cancel(l->loop, &l->deadline);
        round_end(l, false);
        set_leading(l, false);
        return;
    }
    write_lease(l, claim(l), false, ROUND_TIMEOUT_US, on_written);
}

static void round_begin(void *cookie)
{
    struct leader *l = cookie;
    struct buf path = BUF_INIT(LEADER_PATH_MAX_BYTES);
    struct kube_request r = {.method = "GET", .timeout_us = ROUND_TIMEOUT_US};

    if (l->is_leading && l->lease) {
        write_lease(l, claim(l), false, ROUND_TIMEOUT_US, on_written);
        return;
    }
    kube_path(&path, &KUBE_LEASES, l->spec.ns, l->spec.name, STR_NONE);
    r.path = buf_str(&path);
    l->call = kube_call_start(l->client, &r, on_read, l);
    buf_fini(&path);
}

struct leader *leader_start(struct kube_client *c, const struct leader_spec *spec)
{
    struct leader *l = NEW(struct leader);

    l->client = c;
    l->loop = kube_client_loop(c);
    l->arena = arena_new();
    l->spec = *spec;
    l->spec.ns = arena_str(l->arena, spec->ns);
    l->spec.name = arena_str(l->arena, spec->name);
    l->spec.identity = arena_str(l->arena, spec->identity);
    loop_timer_start(l->loop, &l->retry, 0, round_begin, l);
    return l;
}

static void leader_end(void *cookie)
{
    struct leader *l = cookie;
    void (*on_stopped)(void *cookie) = l->on_stopped;
    void *stopped_cookie = l->stopped_cookie;

    json_decref(l->lease);
    json_decref(l->observed);
    arena_free(l->arena);
    free(l);
    if (on_stopped)
        on_stopped(stopped_cookie);
}

static void on_released(void *cookie, int rc, json_t *answer, const struct err *err)
{
    struct leader *l = cookie;

    if (rc < 0)
        log_warn("Lease not given back", LOG_S("lease", l->spec.name), LOG_ERR(err));
    l->call = NULL;
    leader_end(l);
}

/* The Lease as a successor finds it free at once. */
static json_t *release(const struct leader *l)
{
    json_t *lease = claim(l);
    json_t *spec = spec_of(lease);

    json_set_str(spec, "holderIdentity", STR(""));
    json_set(spec, "leaseDurationSeconds", json_integer(1));
    return lease;
}

void leader_stop(struct leader *l, void (*on_stopped)(void *cookie), void *cookie)
{
    l->on_stopped = on_stopped;
    l->stopped_cookie = cookie;
    loop_timer_cancel(l->loop, &l->retry);
    loop_timer_cancel(l->loop, &l->deadline);
    if (l->call)
        kube_call_cancel(TAKE(l->call));
    if (l->is_leading && l->lease) {
        l->is_leading = false;
        write_lease(l, release(l), false, RELEASE_TIMEOUT_US, on_released);
        return;
    }
    l->is_leading = false;
    loop_defer(l->loop, &l->stopped, leader_end, l);
}

bool leader_is_leading(const struct leader *l)
{
    return l->is_leading && loop_now_us(l->loop) < l->renewed_us + RENEW_DEADLINE_US;
}
