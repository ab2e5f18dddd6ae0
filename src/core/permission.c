/*
 * Namespaces share 4,096 counters by hash: two that meet in one only ask once more than needed.
 */
#include "core/permission.h"

#include "base/list.h"
#include "base/map.h"
#include "base/time.h"
#include "core/lru.h"
#include "kube/object.h"

#define NS_SLOTS 4096u
#define SETTLE_KEEP_US (100 * TIME_US_PER_MS)
#define MAX_REPEATS 2

const struct permission_rules PERMISSION_RULES_DEFAULT = {
    .allow_keep_us = 10 * TIME_US_PER_S,
    .deny_keep_us = 2 * TIME_US_PER_S,
    .settle_us = 2 * TIME_US_PER_S,
    .max_entries = 262144,
};

struct verdict_owned {
    struct permission_verdict view; /* first: permission_unref converts back */
    atomic_uint refs;
    char *text; /* key and reason */
};

/* A counter and when it was last raised. */
struct version {
    atomic_uint_fast64_t number;
    int64_t raised_us; /* loop only */
};

struct permission_service {
    struct loop *loop;
    struct review_lane *lane;
    struct permission_rules rules;
    struct lru *verdicts;
    struct map *asking;
    struct version all;
    struct version ns[NS_SLOTS];
};

struct waiter {
    struct list link;
    permission_done_fn *fn;
    void *cookie;
};

/* An open question. */
struct asking {
    struct permission_service *service;
    struct arena *arena;
    struct str key;
    struct identity *id;
    struct permission_action action;
    unsigned ns_slot;
    unsigned repeats;
    int64_t started_us;
    uint64_t global_version, ns_version; /* when it was started */
    struct list waiters;
};

static uint64_t number_of(const struct version *v)
{
    return atomic_load_explicit(&v->number, memory_order_acquire);
}

struct permission_verdict *permission_ref(struct permission_verdict *v)
{
    struct verdict_owned *o = CONTAINER_OF(v, struct verdict_owned, view);

    atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
    return v;
}

void permission_unref(struct permission_verdict *v)
{
    struct verdict_owned *o;

    if (!v)
        return;
    o = CONTAINER_OF(v, struct verdict_owned, view);
    if (atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) != 1)
        return;
    free(o->text);
    free(o);
}

static void verdict_release(void *value)
{
    permission_unref(value);
}

struct str permission_key(struct arena *a, const struct identity *id,
                          const struct permission_action *action)
{
    const struct str parts[] = {
        str_n(id->print, sizeof(id->print)),
        action->verb,
        action->group,
        action->resource,
        action->subresource,
        action->ns,
        action->name,
    };
    size_t n = 0;
    char *p, *end;

    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        n += parts[i].n + 1;
    p = end = arena_alloc(a, n);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (parts[i].n)
            memcpy(end, parts[i].p, parts[i].n);
        end += parts[i].n;
        *end++ = '\n'; /* in no name */
    }
    return str_n(p, n);
}

struct permission_service *permission_service_new(struct loop *l, struct review_lane *lane,
                                                  const struct permission_rules *rules)
{
    struct permission_service *s = NEW(struct permission_service);

    s->loop = l;
    s->lane = lane;
    s->rules = *rules;
    s->verdicts = lru_new(rules->max_entries, verdict_release);
    s->asking = map_new();
    s->all.raised_us = INT64_MIN / 2;
    for (unsigned i = 0; i < NS_SLOTS; i++)
        s->ns[i].raised_us = INT64_MIN / 2;
    return s;
}

static void asking_finish(struct asking *q, int rc, struct permission_verdict *v,
                          const struct err *err)
{
    map_del(q->service->asking, q->key);
    LIST_EACH(it, &q->waiters)
    {
        struct waiter *w = LIST_ENTRY(it, struct waiter, link);

        list_remove(&w->link);
        w->fn(w->cookie, rc, v, err);
        free(w);
    }
    identity_unref(q->id);
    arena_free(q->arena);
}

void permission_service_free(struct permission_service *s)
{
    struct map_iter it = {0};
    struct asking *q;
    struct err err;

    if (!s)
        return;
    err_set(&err, ERR_CANCELLED, "shutting down");
    while ((q = map_next(s->asking, &it)))
        asking_finish(q, -ERR_CANCELLED, NULL, &err);
    lru_free(s->verdicts);
    map_free(s->asking);
    free(s);
}

bool permission_is_current(const struct permission_service *s, const struct permission_verdict *v,
                           int64_t now_us)
{
    return now_us < v->until_us && v->global_version == number_of(&s->all) &&
           v->ns_version == number_of(&s->ns[v->ns_slot]);
}

/* The SubjectAccessReview that asks. */
static json_t *review_of(const struct asking *q)
{
    json_t *review = kobj_new(&KUBE_SUBJECTACCESSREVIEWS, STR_NONE, STR_NONE);
    json_t *spec = json_clone(q->id->spec);
    json_t *attributes = json_object_at(spec, "resourceAttributes");

    json_set_str(attributes, "verb", q->action.verb);
    json_set_str(attributes, "group", q->action.group);
    json_set_str(attributes, "resource", q->action.resource);
    if (q->action.subresource.n)
        json_set_str(attributes, "subresource", q->action.subresource);
    json_set_str(attributes, "namespace", q->action.ns);
    json_set_str(attributes, "name", q->action.name);
    json_set(review, "spec", spec);
    return review;
}

static struct permission_verdict *verdict_new(const struct asking *q, const json_t *status)
{
    struct verdict_owned *o = NEW(struct verdict_owned);
    struct str reason = json_str(status, "reason");

    atomic_init(&o->refs, 1);
    o->text = xmalloc(q->key.n + reason.n + 1);
    memcpy(o->text, q->key.p, q->key.n);
    if (reason.n)
        memcpy(o->text + q->key.n, reason.p, reason.n);
    o->view = (struct permission_verdict){
        .allowed = json_bool(status, "allowed", false) && !json_bool(status, "denied", false),
        .key = str_n(o->text, q->key.n),
        .reason = str_n(o->text + q->key.n, reason.n),
        .global_version = number_of(&q->service->all),
        .ns_version = number_of(&q->service->ns[q->ns_slot]),
        .ns_slot = q->ns_slot,
    };
    return &o->view;
}

/* How long an answer may be kept: the end of its life on the loop's clock. */
static int64_t keep_until(const struct asking *q, bool allowed)
{
    const struct permission_service *s = q->service;
    int64_t raised_us = MAX(s->all.raised_us, s->ns[q->ns_slot].raised_us);
    int64_t now_us = loop_now_us(s->loop);

    if (q->global_version != number_of(&s->all) || q->ns_version != number_of(&s->ns[q->ns_slot]))
        return raised_us + SETTLE_KEEP_US;
    if (q->started_us < raised_us + s->rules.settle_us)
        return now_us + SETTLE_KEEP_US;
    return now_us + (allowed ? s->rules.allow_keep_us : s->rules.deny_keep_us);
}

static void asking_start(struct asking *q);

static void on_review(void *cookie, int rc, json_t *answer, const struct err *err)
{
    struct asking *q = cookie;
    struct permission_service *s = q->service;
    struct permission_verdict *v;
    struct err why;

    if (rc < 0) {
        err_set(&why, ERR_UNAVAILABLE, "%s", err->msg);
        asking_finish(q, -ERR_UNAVAILABLE, NULL, &why);
        return;
    }
    v = verdict_new(q, json_at(answer, "status", NULL));
    v->until_us = keep_until(q, v->allowed);
    if (v->until_us <= loop_now_us(s->loop)) {
        /* Permissions changed while the review was under way, too long ago to use its answer. */
        permission_unref(v);
        if (q->repeats++ < MAX_REPEATS) {
            asking_start(q);
            return;
        }
        err_set(&why, ERR_UNAVAILABLE, "permissions keep changing while they are reviewed");
        asking_finish(q, -ERR_UNAVAILABLE, NULL, &why);
        return;
    }
    lru_put(s->verdicts, v->key, permission_ref(v));
    asking_finish(q, 0, v, NULL);
    permission_unref(v);
}

static void asking_start(struct asking *q)
{
    q->started_us = loop_now_us(q->service->loop);
    q->global_version = number_of(&q->service->all);
    q->ns_version = number_of(&q->service->ns[q->ns_slot]);
    review_create(q->service->lane, &KUBE_SUBJECTACCESSREVIEWS, review_of(q), on_review, q);
}

static unsigned slot_of(struct str ns)
{
    return (unsigned)(str_hash(ns) % NS_SLOTS);
}

static struct asking *asking_new(struct permission_service *s, struct identity *id,
                                 const struct permission_action *action)
{
    struct arena *a = arena_new();
    struct asking *q = ARENA_NEW(a, struct asking);

    q->service = s;
    q->arena = a;
    q->id = identity_ref(id);
    q->action = (struct permission_action){
        .verb = arena_str(a, action->verb),
        .group = arena_str(a, action->group),
        .resource = arena_str(a, action->resource),
        .subresource = arena_str(a, action->subresource),
        .ns = arena_str(a, action->ns),
        .name = arena_str(a, action->name),
    };
    q->key = permission_key(a, id, &q->action);
    q->ns_slot = slot_of(action->ns);
    list_init(&q->waiters);
    map_put(s->asking, q->key, q);
    return q;
}

static void asking_join(struct asking *q, permission_done_fn *fn, void *cookie)
{
    struct waiter *w = NEW(struct waiter);

    w->fn = fn;
    w->cookie = cookie;
    list_append(&q->waiters, &w->link);
}

void permission_ask(struct permission_service *s, struct identity *id,
                    const struct permission_action *action, permission_done_fn *fn, void *cookie)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct str key = permission_key(a, id, action);
    struct permission_verdict *v = lru_get(s->verdicts, key);
    struct asking *q;

    if (v && permission_is_current(s, v, loop_now_us(s->loop))) {
        permission_ref(v);
        fn(cookie, 0, v, NULL);
        permission_unref(v);
        return;
    }
    q = map_get(s->asking, key);
    if (q) {
        asking_join(q, fn, cookie);
        return;
    }
    q = asking_new(s, id, action);
    asking_join(q, fn, cookie);
    asking_start(q);
}

void permission_touch(struct permission_service *s, struct str ns)
{
    struct version *v = str_is_empty(ns) ? &s->all : &s->ns[slot_of(ns)];

    v->raised_us = loop_now_us(s->loop);
    atomic_fetch_add_explicit(&v->number, 1, memory_order_release);
}

size_t permission_count(const struct permission_service *s)
{
    return lru_len(s->verdicts);
}
