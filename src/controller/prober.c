/*
 * Slots, hosts and the turn-taking between them.
 *
 * Workers change slots under the lock and leave them in a list of dirty ones; the loop takes them from there.
 * What runs is the loop's alone.  A slot is freed by the loop only.
 */
#include "controller/prober.h"

#include <pthread.h>

#include "base/time.h"
#include "crypto/random.h"

#define EAGER_FIRST_US (1 * TIME_US_PER_S)
#define MAX_DOUBLINGS 16u

struct host {
    char *name; /* "host:port" */
    unsigned running;
    struct list waiting; /* slots */
    struct list ready;   /* among the hosts that may start one */
};

struct slot {
    struct prober *prober;
    struct kube_key key; /* points into `name` */
    struct str name;     /* "ns/name" */
    /* Under the lock: */
    struct plan *plan; /* NULL: removed */
    struct probe_verdict verdicts[PLAN_REQUESTS];
    bool is_known;
    bool is_first;
    struct list dirty;
    /* The loop's: */
    struct plan *current; /* of the round under way, or NULL */
    struct probe_verdict now[PLAN_REQUESTS];
    size_t index; /* request of the round */
    struct probe *probe;
    struct host *host; /* where it waits or runs */
    struct list waiting;
    struct loop_timer timer;
    unsigned failures;
};

struct prober {
    const struct probe_site *site;
    struct prober_rules rules;
    struct map *hosts;
    struct list ready; /* hosts */
    struct prober_counts counts;
    pthread_mutex_t lock;
    /* Under the lock: */
    struct map *slots;
    struct list dirty;
    bool is_enabled;
    bool is_posted;
    struct loop_task settle;
};

static void round_begin(void *cookie);
static void round_next(struct slot *s);

/* --- hosts: who may start */

static struct host *host_get(struct prober *p, const struct plan_request *r)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct str name = arena_fmt(a, "%" STR_FMT ":%u", STR_ARG(r->host), (unsigned)r->port);
    struct host *h = map_get(p->hosts, name);

    if (h)
        return h;
    h = NEW(struct host);
    h->name = str_dup(name);
    list_init(&h->waiting);
    map_put(p->hosts, name, h);
    return h;
}

/* Puts a host that may start something into the line, or forgets one that nobody needs. */
static void host_settle(struct prober *p, struct host *h)
{
    bool wants = !list_is_empty(&h->waiting) && h->running < p->rules.per_host;

    if (wants && list_is_empty(&h->ready))
        list_append(&p->ready, &h->ready);
    if (!wants)
        list_remove(&h->ready);
    if (h->running == 0 && list_is_empty(&h->waiting)) {
        map_del(p->hosts, str_c(h->name));
        free(h->name);
        free(h);
    }
}

static void on_probe(void *cookie, const struct probe_verdict *verdict);

static void dispatch(struct prober *p)
{
    struct list *first;

    while (p->counts.running < p->rules.total && (first = list_first(&p->ready))) {
        struct host *h = LIST_ENTRY(first, struct host, ready);
        struct slot *s = LIST_ENTRY(list_first(&h->waiting), struct slot, waiting);

        list_remove(&s->waiting);
        p->counts.waiting--;
        p->counts.running++;
        h->running++;
        s->probe = probe_start(p->site, s->current, &s->current->requests[s->index], on_probe, s);
        list_remove(&h->ready); /* to the end of the line */
        host_settle(p, h);
    }
}

static void leave_host(struct slot *s)
{
    struct prober *p = s->prober;
    struct host *h = TAKE(s->host);

    if (!h)
        return;
    if (s->probe) {
        s->probe = NULL;
        h->running--;
        p->counts.running--;
    } else {
        list_remove(&s->waiting);
        p->counts.waiting--;
    }
    host_settle(p, h);
}

/* --- rounds */

static int64_t jittered(int64_t us)
{
    int64_t tenth = us / 10;

    return us - tenth + (int64_t)random_below((uint64_t)(2 * tenth) + 1);
}

static int64_t pause_us(const struct slot *s, bool is_eager)
{
    const struct prober_rules *rules = &s->prober->rules;
    unsigned doublings = MIN(s->failures ? s->failures - 1 : 0, MAX_DOUBLINGS);
    int64_t first_us = rules->interval_us, last_us = rules->interval_us;

    if (s->failures == 0)
        return jittered(rules->interval_us);
    if (is_eager)
        first_us = MIN(EAGER_FIRST_US, first_us);
    else
        last_us = MAX(last_us, rules->max_interval_us);
    return jittered(MIN(first_us << doublings, last_us));
}

static void round_end(struct slot *s)
{
    struct prober *p = s->prober;
    struct plan *plan = TAKE(s->current);
    bool is_ok = true;

    for (size_t i = 0; i < PLAN_REQUESTS; i++)
        is_ok = is_ok && (!plan->requests[i].is_set || s->now[i].is_ok);
    s->failures = is_ok ? 0 : s->failures + 1;
    loop_timer_start(p->site->loop, &s->timer, pause_us(s, plan->is_eager), round_begin, s);

    pthread_mutex_lock(&p->lock);
    if (s->plan == plan) {
        memcpy(s->verdicts, s->now, sizeof(s->now));
        s->is_known = true;
    }
    pthread_mutex_unlock(&p->lock);
    plan_unref(plan);
    p->rules.on_result(p->rules.cookie, s->key);
}

/* A tool that could not be reached is not asked a second time in the same round. */
static bool is_answered(const struct slot *s, size_t index)
{
    const struct plan_request *r = &s->current->requests[index];
    const struct plan_request *before = index ? &s->current->requests[index - 1] : NULL;

    return before && before->is_set && !s->now[index - 1].is_reached && before->https == r->https &&
           before->port == r->port && str_eq(before->host, r->host);
}

static void round_next(struct slot *s)
{
    const struct plan_request *requests = s->current->requests;

    for (; s->index < PLAN_REQUESTS; s->index++) {
        if (!requests[s->index].is_set)
            continue;
        if (!is_answered(s, s->index))
            break;
        s->now[s->index] = s->now[s->index - 1];
    }
    if (s->index == PLAN_REQUESTS) {
        round_end(s);
        return;
    }
    s->host = host_get(s->prober, &requests[s->index]);
    list_append(&s->host->waiting, &s->waiting);
    s->prober->counts.waiting++;
    host_settle(s->prober, s->host);
}

static void on_probe(void *cookie, const struct probe_verdict *verdict)
{
    struct slot *s = cookie;
    struct prober *p = s->prober;

    if (verdict->is_ok)
        p->counts.succeeded++;
    else
        p->counts.failed++;
    s->now[s->index++] = *verdict;
    leave_host(s);
    round_next(s);
    dispatch(p);
}

static void round_begin(void *cookie)
{
    struct slot *s = cookie;
    struct prober *p = s->prober;

    pthread_mutex_lock(&p->lock);
    s->current = s->plan ? plan_ref(s->plan) : NULL;
    pthread_mutex_unlock(&p->lock);
    if (!s->current)
        return;
    memset(s->now, 0, sizeof(s->now));
    s->index = 0;
    round_next(s);
    dispatch(p);
}

static void round_abort(struct slot *s)
{
    struct probe *probe = s->probe;

    leave_host(s);
    if (probe)
        probe_cancel(probe);
    loop_timer_cancel(s->prober->site->loop, &s->timer);
    plan_unref(TAKE(s->current));
}

/* --- slots */

static struct slot *slot_new(struct prober *p, struct str name)
{
    struct slot *s = NEW(struct slot);
    struct str rest;

    s->prober = p;
    s->name = str_n(str_dup(name), name.n);
    rest = s->name;
    s->key.ns = str_cut(&rest, '/');
    s->key.name = rest;
    s->is_first = true;
    map_put(p->slots, name, s);
    return s;
}

/* Holds the lock (or is alone). */
static void slot_free(struct slot *s)
{
    map_del(s->prober->slots, s->name);
    list_remove(&s->dirty);
    plan_unref(s->plan);
    free((void *)s->name.p);
    free(s);
}

/* The loop's share of what workers did to one slot. */
static void apply(struct prober *p, struct slot *s)
{
    bool is_gone;

    round_abort(s);
    s->failures = 0;
    pthread_mutex_lock(&p->lock);
    is_gone = !s->plan;
    if (is_gone)
        slot_free(s);
    pthread_mutex_unlock(&p->lock);
    if (!is_gone)
        round_begin(s);
}

static void on_settle(void *cookie)
{
    struct prober *p = cookie;
    struct list *first;

    pthread_mutex_lock(&p->lock);
    p->is_posted = false;
    while ((first = list_first(&p->dirty))) {
        list_remove(first);
        pthread_mutex_unlock(&p->lock);
        apply(p, LIST_ENTRY(first, struct slot, dirty));
        pthread_mutex_lock(&p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    dispatch(p);
}

/* Holds the lock. */
static void mark_dirty(struct slot *s)
{
    struct prober *p = s->prober;

    if (list_is_empty(&s->dirty))
        list_append(&p->dirty, &s->dirty);
    if (p->is_posted)
        return;
    p->is_posted = true;
    loop_post(p->site->loop, &p->settle, on_settle, p);
}

static struct str name_of(struct arena *a, struct kube_key key)
{
    return arena_fmt(a, "%" STR_FMT "/%" STR_FMT, STR_ARG(key.ns), STR_ARG(key.name));
}

enum prober_state prober_find(struct prober *p, struct kube_key key, struct str fingerprint,
                              struct probe_verdict ret_verdicts[PLAN_REQUESTS], bool *ret_is_first)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    enum prober_state state = PROBER_OTHER;
    const struct slot *s;

    *ret_is_first = true;
    pthread_mutex_lock(&p->lock);
    s = map_get(p->slots, name_of(a, key));
    if (s && s->plan) {
        bool is_same = str_eq(s->plan->fingerprint, fingerprint);

        *ret_is_first = is_same && s->is_first;
        if (is_same)
            state = s->is_known ? PROBER_KNOWN : PROBER_ASKING;
        if (state == PROBER_KNOWN)
            memcpy(ret_verdicts, s->verdicts, sizeof(s->verdicts));
    }
    pthread_mutex_unlock(&p->lock);
    return state;
}

void prober_set(struct prober *p, struct kube_key key, struct plan *plan)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct str name = name_of(a, key);
    struct slot *s;

    pthread_mutex_lock(&p->lock);
    if (p->is_enabled) {
        s = map_get(p->slots, name);
        if (!s)
            s = slot_new(p, name);
        else if (s->plan)
            s->is_first = false;
        plan_unref(s->plan);
        s->plan = plan_ref(plan);
        s->is_known = false;
        mark_dirty(s);
    }
    pthread_mutex_unlock(&p->lock);
}

void prober_remove(struct prober *p, struct kube_key key)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct slot *s;

    pthread_mutex_lock(&p->lock);
    s = map_get(p->slots, name_of(a, key));
    if (s) {
        plan_unref(TAKE(s->plan));
        mark_dirty(s);
    }
    pthread_mutex_unlock(&p->lock);
}

struct prober *prober_new(const struct probe_site *site, const struct prober_rules *rules)
{
    struct prober *p = NEW(struct prober);

    p->site = site;
    p->rules = *rules;
    p->hosts = map_new();
    p->slots = map_new();
    list_init(&p->ready);
    list_init(&p->dirty);
    pthread_mutex_init(&p->lock, NULL);
    return p;
}

void prober_enable(struct prober *p, bool enabled)
{
    struct map_iter it = {0};
    struct slot *s;

    pthread_mutex_lock(&p->lock);
    p->is_enabled = enabled;
    while (!enabled && (s = map_next(p->slots, &it))) {
        round_abort(s);
        slot_free(s);
    }
    pthread_mutex_unlock(&p->lock);
}

void prober_free(struct prober *p)
{
    if (!p)
        return;
    prober_enable(p, false);
    /* A posted task cannot be taken back. */
    while (p->is_posted)
        loop_step(p->site->loop, 0);
    map_free(p->slots);
    map_free(p->hosts);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

struct prober_counts prober_count(struct prober *p)
{
    struct prober_counts counts = p->counts;

    pthread_mutex_lock(&p->lock);
    counts.slots = map_len(p->slots);
    pthread_mutex_unlock(&p->lock);
    return counts;
}
