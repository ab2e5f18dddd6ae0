/*
 * The service: one table of answers by HMAC, one of open questions, and an index from the uid of what an
 * identity rests on to the entries that do.
 *
 * An identity that leaves the table is ended, so that no thread goes on with one that nobody could end any
 * more.
 */
#include "core/identity.h"

#include "base/list.h"
#include "base/map.h"
#include "base/time.h"
#include "core/identity_priv.h"
#include "core/lru.h"
#include "crypto/hash.h"
#include "crypto/random.h"

#define REFUSAL_KEEP_US (1 * TIME_US_PER_S)
#define REFUSED_UIDS ((size_t)65536)

/* A place in the list of what rests on one uid. */
struct resting {
    struct list link;
    struct identity *id;
};

/* What is known about a token: an identity, or that it is refused. */
struct answer {
    struct identity *id; /* NULL: refused */
    int64_t until_us;    /* of a refusal */
    char *refusal;       /* why */
    struct identity_service *service;
    struct resting on_account, on_pod;
};

struct waiter {
    struct list link;
    identity_done_fn *fn;
    void *cookie;
};

/* An open question. */
struct asking {
    struct identity_service *service;
    uint8_t mac[IDENTITY_MAC_BYTES];
    struct secret *token;
    struct str audience;
    int64_t expires_wall_us;
    struct identity *found; /* while its Pod is looked for */
    struct list waiters;
};

struct identity_service {
    struct loop *loop;
    struct review_lane *lane;
    struct identity_rules rules;
    uint8_t key[32];
    struct lru *answers;
    struct map *asking;
    struct map *rests_on; /* uid -> struct list */
    struct lru *refused;  /* uids */
};

static struct str mac_str(const uint8_t mac[IDENTITY_MAC_BYTES])
{
    return str_n(mac, IDENTITY_MAC_BYTES);
}

/* Puts an identity into the list of a uid. */
static void rests_on_add(struct identity_service *s, struct str uid, struct identity *id,
                         struct resting *place)
{
    struct list *head;

    place->id = id;
    if (str_is_empty(uid))
        return;
    head = map_get(s->rests_on, uid);
    if (!head) {
        head = NEW(struct list);
        list_init(head);
        map_put(s->rests_on, uid, head);
    }
    list_append(head, &place->link);
}

static void rests_on_remove(struct identity_service *s, struct str uid, struct resting *place)
{
    struct list *head = str_is_empty(uid) ? NULL : map_get(s->rests_on, uid);

    list_remove(&place->link);
    if (head && list_is_empty(head))
        free(map_del(s->rests_on, uid));
}

static void answer_release(void *value)
{
    struct answer *a = value;

    if (a->id) {
        rests_on_remove(a->service, a->id->uid, &a->on_account);
        rests_on_remove(a->service, a->id->pod_uid, &a->on_pod);
        atomic_store_explicit(&a->id->ended, true, memory_order_release);
        identity_unref(a->id);
    }
    free(a->refusal);
    free(a);
}

static void refused_release(void *value)
{
    (void)value; /* the table itself */
}

struct identity_service *identity_service_new(struct loop *l, struct review_lane *lane,
                                              const struct identity_rules *rules)
{
    struct identity_service *s = NEW(struct identity_service);

    s->loop = l;
    s->lane = lane;
    s->rules = *rules;
    random_bytes(s->key, sizeof(s->key));
    s->answers = lru_new(rules->max_entries, answer_release);
    s->asking = map_new();
    s->rests_on = map_new();
    s->refused = lru_new(REFUSED_UIDS, refused_release);
    return s;
}

/* Ends a question: everybody who waits gets the outcome. */
static void asking_finish(struct asking *q, int rc, struct identity *id, const struct err *err)
{
    map_del(q->service->asking, mac_str(q->mac));
    LIST_EACH(it, &q->waiters)
    {
        struct waiter *w = LIST_ENTRY(it, struct waiter, link);

        list_remove(&w->link);
        w->fn(w->cookie, rc, id, err);
        free(w);
    }
    secret_unref(q->token);
    identity_unref(q->found);
    free(q);
}

void identity_service_free(struct identity_service *s)
{
    struct map_iter it = {0};
    struct asking *q;
    struct err err;

    if (!s)
        return;
    err_set(&err, ERR_CANCELLED, "shutting down");
    while ((q = map_next(s->asking, &it)))
        asking_finish(q, -ERR_CANCELLED, NULL, &err);
    lru_free(s->answers);
    lru_free(s->refused);
    map_free(s->asking);
    map_free_with(s->rests_on, free);
    mem_wipe(s->key, sizeof(s->key));
    free(s);
}

void identity_mac(const struct identity_service *s, struct str token,
                  uint8_t ret_mac[IDENTITY_MAC_BYTES])
{
    hash_hmac_sha256(str_n(s->key, sizeof(s->key)), token, ret_mac);
}

static bool is_refused(const struct identity_service *s, struct str uid)
{
    return uid.n > 0 && lru_get(s->refused, uid) != NULL;
}

/* The token is not good: remembered for a moment, so that a client that repeats it costs little. */
static void asking_refuse(struct asking *q, const struct err *err)
{
    struct answer *a = NEW(struct answer);

    a->service = q->service;
    a->until_us = loop_now_us(q->service->loop) + REFUSAL_KEEP_US;
    a->refusal = xstrdup(err->msg);
    lru_put(q->service->answers, mac_str(q->mac), a);
    asking_finish(q, -ERR_UNAUTH, NULL, err);
}

static void asking_fail(struct asking *q, const struct err *err)
{
    struct err why;

    err_set(&why, ERR_UNAVAILABLE, "%s", err->msg);
    asking_finish(q, -ERR_UNAVAILABLE, NULL, &why);
}

/* The token is good. */
static void asking_accept(struct asking *q)
{
    struct identity_service *s = q->service;
    struct identity *id = q->found;
    int64_t now_us = loop_now_us(s->loop), left_us = s->rules.keep_us;
    struct answer *a;
    struct err err;

    if (is_refused(s, id->pod_uid) || is_refused(s, id->uid)) {
        err_set(&err, ERR_UNAUTH, "the Pod or ServiceAccount of this token is gone");
        asking_refuse(q, &err);
        return;
    }
    if (q->expires_wall_us)
        left_us = MIN(left_us, q->expires_wall_us - loop_wall_us(s->loop));
    if (left_us <= 0) {
        err_set(&err, ERR_UNAUTH, "the token has expired");
        asking_refuse(q, &err);
        return;
    }
    id->until_us = now_us + left_us;

    a = NEW(struct answer);
    a->service = s;
    a->id = identity_ref(id);
    lru_put(s->answers, mac_str(q->mac), a);
    rests_on_add(s, id->uid, id, &a->on_account);
    rests_on_add(s, id->pod_uid, id, &a->on_pod);
    asking_finish(q, 0, id, NULL);
}

static void on_pod(void *cookie, int rc, json_t *pod, const struct err *err)
{
    struct asking *q = cookie;
    struct str phase = json_str_at(pod, "status", "phase", NULL);
    struct err why;

    if (rc < 0 && rc != -ERR_NOTFOUND) {
        asking_fail(q, err);
        return;
    }
    if (rc < 0 || !str_eq(json_str_at(pod, "metadata", "uid", NULL), q->found->pod_uid) ||
        str_eq(phase, STR("Succeeded")) || str_eq(phase, STR("Failed"))) {
        err_set(&why, ERR_UNAUTH, "Pod '%" STR_FMT "/%" STR_FMT "' of this token is gone",
                STR_ARG(q->found->pod_ns), STR_ARG(q->found->pod_name));
        asking_refuse(q, &why);
        return;
    }
    asking_accept(q);
}

static void on_review(void *cookie, int rc, json_t *answer, const struct err *err)
{
    struct asking *q = cookie;
    const struct identity_rules *rules = &q->service->rules;
    struct identity *id;
    struct err why;

    if (rc < 0) {
        asking_fail(q, err);
        return;
    }
    rc = identity_review_read(answer, q->audience, q->token, &q->found, &why);
    if (rc < 0) {
        asking_refuse(q, &why);
        return;
    }
    id = q->found;
    if (id->pod_uid.n && !is_refused(q->service, id->pod_uid) &&
        !rules->is_pod_live(rules->cookie, id->pod_ns, id->pod_name, id->pod_uid)) {
        review_read(q->service->lane, &KUBE_PODS, id->pod_ns, id->pod_name, on_pod, q);
        return;
    }
    asking_accept(q);
}

/* What can be said without asking: 0, or -ERR_UNAUTH. */
static int judge_claims(struct identity_service *s, const struct identity_claims *claims,
                        struct err *err)
{
    if (!claims->own_audience && !s->rules.accept_apiserver_audience)
        return err_set(err, ERR_UNAUTH, "the token was not issued for audience '%" STR_FMT "'",
                       STR_ARG(s->rules.audience));
    if (is_refused(s, claims->pod_uid))
        return err_set(err, ERR_UNAUTH, "the Pod of this token is gone");
    return 0;
}

static struct asking *asking_new(struct identity_service *s, const uint8_t mac[IDENTITY_MAC_BYTES],
                                 struct secret *token)
{
    struct asking *q = NEW(struct asking);

    q->service = s;
    memcpy(q->mac, mac, IDENTITY_MAC_BYTES);
    q->token = secret_ref(token);
    list_init(&q->waiters);
    map_put(s->asking, mac_str(mac), q);
    return q;
}

static void asking_join(struct asking *q, identity_done_fn *fn, void *cookie)
{
    struct waiter *w = NEW(struct waiter);

    w->fn = fn;
    w->cookie = cookie;
    list_append(&q->waiters, &w->link);
}

/* Answers from the table.  Returns whether it could. */
static bool answer_known(struct identity_service *s, const uint8_t mac[IDENTITY_MAC_BYTES],
                         identity_done_fn *fn, void *cookie)
{
    struct answer *a = lru_get(s->answers, mac_str(mac));
    int64_t now_us = loop_now_us(s->loop);

    if (!a)
        return false;
    if (a->id && identity_is_current(a->id, now_us)) {
        fn(cookie, 0, a->id, NULL);
        return true;
    }
    if (!a->id && now_us < a->until_us) {
        struct err why;

        err_set(&why, ERR_UNAUTH, "%s", a->refusal);
        fn(cookie, -ERR_UNAUTH, NULL, &why);
        return true;
    }
    lru_del(s->answers, mac_str(mac));
    return false;
}

void identity_ask(struct identity_service *s, const uint8_t mac[IDENTITY_MAC_BYTES],
                  struct secret *token, identity_done_fn *fn, void *cookie)
{
    struct asking *q;
    struct identity_claims claims;
    struct arena *a CLEANUP(arena_freep) = NULL;
    struct err err;

    if (answer_known(s, mac, fn, cookie))
        return;
    q = map_get(s->asking, mac_str(mac));
    if (q) {
        asking_join(q, fn, cookie);
        return;
    }

    q = asking_new(s, mac, token);
    asking_join(q, fn, cookie);
    a = arena_new();
    identity_claims_read(a, secret_expose(token), s->rules.audience, &claims);
    if (judge_claims(s, &claims, &err) < 0) {
        asking_refuse(q, &err);
        return;
    }
    q->audience = claims.own_audience ? s->rules.audience : STR_NONE;
    q->expires_wall_us = claims.expires_wall_us;
    review_create(s->lane, &KUBE_TOKENREVIEWS,
                  identity_review_new(secret_expose(token), q->audience), on_review, q);
}

void identity_refuse(struct identity_service *s, struct str uid)
{
    struct list *head;

    if (str_is_empty(uid))
        return;
    lru_put(s->refused, uid, s);
    head = map_get(s->rests_on, uid);
    if (!head)
        return;
    /* Ended, not removed: the table drops them when they are next asked for. */
    LIST_EACH(it, head)
    {
        struct resting *place = LIST_ENTRY(it, struct resting, link);

        atomic_store_explicit(&place->id->ended, true, memory_order_release);
        list_remove(&place->link);
    }
    free(map_del(s->rests_on, uid));
}

size_t identity_count(const struct identity_service *s)
{
    return lru_len(s->answers);
}
