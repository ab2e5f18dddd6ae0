/*
 * Entries, indexes, and the resolution of what a change touches.
 *
 * Secrets are watched only once all Connectors are known, so that the first list already keeps what is needed;
 * until the first list of every collection is complete nothing is resolved.
 */
#include "proxy/view.h"

#include "base/log.h"
#include "core/secretkeep.h"
#include "kube/object.h"
#include "proxy/view_priv.h"

#define TLS_CLIENTS_MAX ((size_t)256)

/* --- resolving */

/* The class, Secret and CA certificates of a Connector.  Returns whether one of the Secrets is being read. */
static bool find_parts(struct view *v, const struct connector *c, struct target_parts *p,
                       const json_t **ret_ca)
{
    const struct class_slot *slot = map_get(v->class_slots, c->class_name);
    enum view_secret secret = VIEW_SECRET_ABSENT, ca = VIEW_SECRET_ABSENT;

    if (slot) {
        p->class = slot->class;
        p->error = slot->class ? NULL : &slot->error;
    }
    if (c->secret_name.n)
        secret = view_secret_find(v, c->secret_ns, c->secret_name, &p->secret);
    if (c->ca_secret_name.n)
        ca = view_secret_find(v, c->ns, c->ca_secret_name, ret_ca);
    p->is_secret_awaited = secret == VIEW_SECRET_AWAITED || secret == VIEW_SECRET_FAILED ||
                           ca == VIEW_SECRET_AWAITED || ca == VIEW_SECRET_FAILED;
    return secret == VIEW_SECRET_AWAITED || ca == VIEW_SECRET_AWAITED;
}

static void resolve(struct view *v, struct entry *e)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct target_parts p = {
        .key = e->key, .uid = e->uid, .connector = e->connector, .counters = e->counters};
    const json_t *ca = NULL;
    struct target *t;

    if (!v->is_synced)
        return;
    if (!e->connector)
        p.error = &e->error;
    /* What was in force stays so for the moment that reading another Secret takes. */
    else if (find_parts(v, e->connector, &p, &ca) && e->is_published)
        return;
    p.tls = view_secret_trust(v, a, ca, &p.trust);

    t = target_new(&p);
    e->is_published = true;
    log_debug("Resolved Connector", LOG_S("connector", t->key),
              LOG_C("missing", t->condition ? t->condition : ""), LOG_S("reason", t->reason));
    v->ops->on_target(v->cookie, e->key, t);
    target_unref(t);
}

static void resolve_list(struct view *v, struct list *links)
{
    if (!links)
        return;
    LIST_EACH(it, links)
    resolve(v, index_owner(it));
}

void view_resolve_secret(struct view *v, struct str key)
{
    resolve_list(v, index_get(v->by_secret, key));
}

/* --- Connectors */

static void set_links(struct view *v, struct entry *e)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    const struct connector *c = e->connector;
    struct str secret = STR_NONE, ca = STR_NONE;

    if (c && c->secret_name.n)
        secret =
            arena_fmt(a, "%" STR_FMT "/%" STR_FMT, STR_ARG(c->secret_ns), STR_ARG(c->secret_name));
    if (c && c->ca_secret_name.n)
        ca = arena_fmt(a, "%" STR_FMT "/%" STR_FMT, STR_ARG(c->ns), STR_ARG(c->ca_secret_name));
    index_set(v->by_class, &e->by_class, c ? c->class_name : STR_NONE, e);
    index_set(v->by_secret, &e->by_secret, secret, e);
    index_set(v->by_secret, &e->by_ca, ca, e);
}

static void entry_free(struct entry *e)
{
    connector_unref(TAKE(e->connector));
    set_links(e->view, e);
    counters_connector_unref(e->counters);
    free((void *)e->key.p);
    free((void *)e->uid.p);
    free(e);
}

static struct entry *entry_new(struct view *v, struct str key)
{
    struct entry *e = NEW(struct entry);

    e->view = v;
    e->key = str_n(str_dup(key), key.n);
    e->counters = counters_connector_new(v->workers);
    map_put(v->entries, key, e);
    return e;
}

static void entry_set(struct entry *e, const json_t *object)
{
    struct connector *c;
    struct str uid = kobj_uid(object);
    int rc;

    free((void *)e->uid.p);
    e->uid = str_n(str_dup(uid), uid.n);
    e->generation = kobj_generation(object);
    rc = connector_parse(object, &c, &e->error);
    connector_unref(e->connector);
    e->connector = rc == 0 ? c : NULL;
    set_links(e->view, e);
}

static void on_connector(void *cookie, const json_t *old, const json_t *now)
{
    struct view *v = cookie;
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct str key = kobj_key(a, now ? now : old);
    struct entry *e = map_get(v->entries, key);

    if (!now) {
        map_del(v->entries, key);
        if (e)
            entry_free(e);
        if (v->is_synced)
            v->ops->on_target(v->cookie, key, NULL);
        return;
    }
    /* Most changes are of the status, which says nothing new. */
    if (e && e->generation != 0 && e->generation == kobj_generation(now) &&
        str_eq(e->uid, kobj_uid(now)))
        return;
    if (!e)
        e = entry_new(v, key);
    entry_set(e, now);
    resolve(v, e);
}

static void trim_connector(void *cookie, json_t *object)
{
    json_t *metadata = json_at(object, "metadata", NULL);

    (void)cookie;
    if (metadata)
        json_del(metadata, "managedFields");
    json_del(object, "status");
}

/* --- ConnectorClasses */

static void class_slot_free(void *value)
{
    struct class_slot *slot = value;

    if (!slot)
        return;
    class_unref(slot->class);
    free(slot);
}

static void on_class(void *cookie, const json_t *old, const json_t *now)
{
    struct view *v = cookie;
    struct str name = kobj_name(now ? now : old);
    struct class_slot *slot;

    if (!now) {
        class_slot_free(map_del(v->class_slots, name));
    } else {
        slot = NEW(struct class_slot);
        if (class_parse(now, &slot->class, &slot->error) < 0)
            slot->class = NULL;
        class_slot_free(map_put(v->class_slots, name, slot));
    }
    resolve_list(v, index_get(v->by_class, name));
}

/* A status update of a class changes nothing here: with equal generations it is not reported further. */
static void on_class_change(void *cookie, const json_t *old, const json_t *now)
{
    if (old && now && kobj_generation(now) != 0 && kobj_generation(old) == kobj_generation(now) &&
        str_eq(kobj_uid(old), kobj_uid(now)))
        return;
    on_class(cookie, old, now);
}

/* --- the start */

static void sync_check(void *cookie)
{
    struct view *v = cookie;
    struct map_iter it = {0};
    struct entry *e;

    if (!v->secrets && reflector_is_synced(v->connectors)) {
        v->secrets = reflector_start(v->client, &(struct reflector_spec){
                                                    .resource = &KUBE_SECRETS,
                                                    .field_selector = SECRETKEEP_FIELDS,
                                                    .trim = view_secret_trim,
                                                    .on_change = view_secret_on_change,
                                                    .on_synced = sync_check,
                                                    .cookie = v,
                                                });
        return;
    }
    if (v->is_synced || !v->secrets || !reflector_is_synced(v->secrets) ||
        !reflector_is_synced(v->classes))
        return;
    v->is_synced = true;
    while ((e = map_next(v->entries, &it)))
        resolve(v, e);
    v->ops->on_synced(v->cookie);
}

static void release_tls_client(void *value)
{
    tls_client_unref(value);
}

static void load_roots(struct view *v)
{
    struct tls_trust *trust;
    struct err err;

    if (tls_trust_new(true, STR_NONE, &trust, &err) < 0) {
        log_warn("Cannot load the system's CA certificates; https tools cannot be verified",
                 LOG_ERR(&err));
        return;
    }
    if (tls_client_new(trust, STR_NONE, NULL, &v->roots, &err) < 0)
        log_warn("Cannot prepare TLS", LOG_ERR(&err));
    tls_trust_unref(trust);
}

struct view *view_new(struct kube_client *client, unsigned workers, const struct view_ops *ops,
                      void *cookie)
{
    struct view *v = NEW(struct view);

    v->client = client;
    v->workers = workers;
    v->ops = ops;
    v->cookie = cookie;
    v->entries = map_new();
    v->class_slots = map_new();
    v->by_class = index_new();
    v->by_secret = index_new();
    v->fetched = map_new();
    v->fetching = map_new();
    v->tls_clients = lru_new(TLS_CLIENTS_MAX, release_tls_client);
    load_roots(v);
    v->connectors = reflector_start(client, &(struct reflector_spec){
                                                .resource = &KUBE_CONNECTORS,
                                                .trim = trim_connector,
                                                .on_change = on_connector,
                                                .on_synced = sync_check,
                                                .cookie = v,
                                            });
    v->classes = reflector_start(client, &(struct reflector_spec){
                                             .resource = &KUBE_CONNECTORCLASSES,
                                             .on_change = on_class_change,
                                             .on_synced = sync_check,
                                             .cookie = v,
                                         });
    return v;
}

void view_free(struct view *v)
{
    struct map_iter it = {0};
    struct entry *e;

    if (!v)
        return;
    reflector_stop(v->connectors);
    reflector_stop(v->classes);
    reflector_stop(v->secrets);
    view_secret_fini(v);
    while ((e = map_next(v->entries, &it))) {
        map_del(v->entries, it.key);
        entry_free(e);
    }
    map_free(v->entries);
    map_free_with(v->class_slots, class_slot_free);
    index_free(v->by_class);
    index_free(v->by_secret);
    lru_free(v->tls_clients);
    tls_client_unref(v->roots);
    free(v);
}

bool view_is_synced(const struct view *v)
{
    return v->is_synced;
}

int64_t view_age_us(const struct view *v)
{
    int64_t age_us = MAX(reflector_age_us(v->connectors), reflector_age_us(v->classes));

    return v->secrets ? MAX(age_us, reflector_age_us(v->secrets)) : age_us;
}

size_t view_count(const struct view *v)
{
    return map_len(v->entries);
}

void view_format(const struct view *v, struct buf *out)
{
    static const char *const names[COUNTERS_CLASSES] = {NULL, NULL, "2xx", "3xx", "4xx", "5xx"};
    struct map_iter it = {0};
    const struct entry *e;

    buf_addf(
        out,
        "# HELP connectors_proxy_connectors Connectors known.\n"
        "# TYPE connectors_proxy_connectors gauge\nconnectors_proxy_connectors %zu\n"
        "# HELP connectors_proxy_connector_requests_total Requests by Connector and class of status.\n"
        "# TYPE connectors_proxy_connector_requests_total counter\n",
        map_len(v->entries));
    while ((e = map_next(v->entries, &it))) {
        uint64_t sums[COUNTERS_CLASSES];

        counters_connector_sum(e->counters, sums);
        for (unsigned i = 2; i < COUNTERS_CLASSES; i++)
            if (sums[i])
                buf_addf(out,
                         "connectors_proxy_connector_requests_total{connector=\"%" STR_FMT
                         "\",code=\"%s\"} %llu\n",
                         STR_ARG(e->key), names[i], (unsigned long long)sums[i]);
    }
}
