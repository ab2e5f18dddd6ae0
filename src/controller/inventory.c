/*
 * Reflectors and two indexes.
 *
 * Secrets are watched only once all Connectors are known, so that the first list already keeps what is needed.
 * Secrets read later sit in `fetched`, each beside the version of the trimmed object it stands for: the next
 * event of the watch, which then keeps the data, takes its place.
 */
#include "controller/inventory.h"

#include <pthread.h>

#include "controller/links.h"
#include "core/labels.h"
#include "core/secretkeep.h"
#include "kube/object.h"

struct fetched {
    json_t *secret;
    char *version; /* of the trimmed object */
};

struct inventory {
    struct kube_client *client;
    const struct inventory_ops *ops;
    void *cookie;
    struct reflector *connectors, *classes, *secrets, *services, *exec_pods;
    struct links *by_class;  /* name -> Connectors */
    struct links *by_secret; /* "ns/name" -> Connectors */
    bool is_synced;
    pthread_mutex_t lock;
    struct map *fetched; /* under the lock: "ns/name" -> struct fetched */
};

static struct kube_key key_of(const json_t *object)
{
    return (struct kube_key){.ns = kobj_ns(object), .name = kobj_name(object)};
}

static struct kube_key key_split(struct str text)
{
    struct kube_key key = {.ns = str_cut(&text, '/')};

    key.name = text;
    return key;
}

static struct str key_join(struct arena *a, struct str ns, struct str name)
{
    if (name.n == 0)
        return STR_NONE;
    return arena_fmt(a, "%" STR_FMT "/%" STR_FMT, STR_ARG(ns), STR_ARG(name));
}

static void tell_connector(void *cookie, struct str member)
{
    struct inventory *v = cookie;

    v->ops->on_connector(v->cookie, key_split(member));
}

/* --- Connectors */

static void link_connector(struct inventory *v, const json_t *object, bool is_there)
{
    void (*change)(struct links * l, struct str key, struct str member) =
        is_there ? links_add : links_del;
    struct arena *a CLEANUP(arena_freep) = arena_new();
    const json_t *spec = json_at(object, "spec", NULL);
    struct str ns = kobj_ns(object), member = kobj_key(a, object);
    struct str secret_ns = json_str_at(spec, "auth", "secretRef", "namespace", NULL);
    struct str secret = json_str_at(spec, "auth", "secretRef", "name", NULL);
    struct str ca = json_str_at(spec, "caCertSecretRef", "name", NULL);

    change(v->by_class, json_str(spec, "connectorClassName"), member);
    change(v->by_secret, key_join(a, secret_ns.n ? secret_ns : ns, secret), member);
    change(v->by_secret, key_join(a, ns, ca), member);
}

static bool has_same(const json_t *old, const json_t *now, const char *member)
{
    const json_t *a = json_at(old, "metadata", member, NULL);
    const json_t *b = json_at(now, "metadata", member, NULL);

    return a == b || (a && b && json_equal(a, b));
}

/* Whether the difference is more than one of the status. */
static bool is_spec_news(const json_t *old, const json_t *now)
{
    if (!old || !now || kobj_generation(now) == 0)
        return true;
    return kobj_generation(old) != kobj_generation(now) || !str_eq(kobj_uid(old), kobj_uid(now)) ||
           kobj_is_deleting(old) != kobj_is_deleting(now) || !has_same(old, now, "labels") ||
           !has_same(old, now, "annotations");
}

/*
 * As is_spec_news, or the status is another one.  Mostly that is our own write coming back, and nothing is left to do;
 * but a reconcile that saw an older object may have found its answer already there and have written nothing.
 */
static bool is_news(const json_t *old, const json_t *now)
{
    return is_spec_news(old, now) ||
           !json_equal(json_object_get(old, "status"), json_object_get(now, "status"));
}

static void on_connector(void *cookie, const json_t *old, const json_t *now)
{
    struct inventory *v = cookie;

    if (!is_news(old, now))
        return;
    if (old)
        link_connector(v, old, false);
    if (now)
        link_connector(v, now, true);
    v->ops->on_connector(v->cookie, key_of(now ? now : old));
}

/* --- classes */

/* What the Connectors of a class take from its status. */
static bool has_other_proxy(const json_t *old, const json_t *now)
{
    static const char *const members[] = {"status", "reason"};

    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (!str_eq(json_str(kobj_condition(old, "ProxyReady"), members[i]),
                    json_str(kobj_condition(now, "ProxyReady"), members[i])))
            return true;
    return false;
}

static void on_class(void *cookie, const json_t *old, const json_t *now)
{
    struct inventory *v = cookie;
    struct kube_key key = key_of(now ? now : old);
    bool is_changed = is_spec_news(old, now);

    if (is_news(old, now))
        v->ops->on_class(v->cookie, key);
    if (is_changed || has_other_proxy(old, now))
        links_each(v->by_class, key.name, tell_connector, v);
}

/* --- Secrets */

static void fetched_free(void *value)
{
    struct fetched *f = value;

    if (!f)
        return;
    json_decref(f->secret);
    free(f->version);
    free(f);
}

static void trim_secret(void *cookie, json_t *object)
{
    struct inventory *v = cookie;
    struct arena *a CLEANUP(arena_freep) = arena_new();

    secretkeep_trim(object, links_has(v->by_secret, kobj_key(a, object)));
}

static void on_secret(void *cookie, const json_t *old, const json_t *now)
{
    struct inventory *v = cookie;
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct str key = kobj_key(a, now ? now : old);

    pthread_mutex_lock(&v->lock);
    fetched_free(map_del(v->fetched, key));
    pthread_mutex_unlock(&v->lock);
    links_each(v->by_secret, key, tell_connector, v);
}

/* The data that was read for the trimmed object of that version, as a new reference, or NULL. */
static json_t *fetched_get(struct inventory *v, struct str key, struct str version)
{
    const struct fetched *f;
    json_t *secret = NULL;

    pthread_mutex_lock(&v->lock);
    f = map_get(v->fetched, key);
    if (f && str_eq_c(version, f->version))
        secret = json_incref(f->secret);
    pthread_mutex_unlock(&v->lock);
    return secret;
}

static void fetched_put(struct inventory *v, struct str key, struct str version, json_t *secret)
{
    struct fetched *f = NEW(struct fetched);

    f->secret = json_incref(secret);
    f->version = str_dup(version);
    pthread_mutex_lock(&v->lock);
    fetched_free(map_put(v->fetched, key, f));
    pthread_mutex_unlock(&v->lock);
}

int inventory_secret(struct inventory *v, struct kube_key key, json_t **ret_secret, struct err *err)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    json_t *known JSON_OWNED = reflector_get_ref(v->secrets, key.ns, key.name);
    struct str text = key_join(a, key.ns, key.name);
    json_t *secret;
    int rc;

    if (known && !secretkeep_is_trimmed(known)) {
        *ret_secret = TAKE(known);
        return 0;
    }
    secret = known ? fetched_get(v, text, kobj_rv(known)) : NULL;
    if (!secret) {
        rc = kube_get(v->client, &KUBE_SECRETS, key.ns, key.name, &secret, err);
        if (rc < 0)
            return rc;
        if (known)
            fetched_put(v, text, kobj_rv(known), secret);
    }
    *ret_secret = secret;
    return 0;
}

/* --- Services and Pods */

static void on_service(void *cookie, const json_t *old, const json_t *now)
{
    struct inventory *v = cookie;
    struct kube_key key = key_of(now ? now : old);

    if (!str_starts(key.name, STR("c-")))
        return;
    key.name = str_skip(key.name, 2);
    if (reflector_get(v->connectors, key.ns, key.name))
        v->ops->on_connector(v->cookie, key);
}

static void on_exec_pod(void *cookie, const json_t *old, const json_t *now)
{
    struct inventory *v = cookie;

    v->ops->on_exec_pod(v->cookie, key_of(now ? now : old));
}

/* --- the start */

static void on_synced(void *cookie)
{
    struct inventory *v = cookie;

    if (!v->secrets && reflector_is_synced(v->connectors)) {
        v->secrets = reflector_start(v->client, &(struct reflector_spec){
                                                    .resource = &KUBE_SECRETS,
                                                    .field_selector = SECRETKEEP_FIELDS,
                                                    .trim = trim_secret,
                                                    .on_change = on_secret,
                                                    .on_synced = on_synced,
                                                    .cookie = v,
                                                });
        return;
    }
    if (v->is_synced || !v->secrets || !reflector_is_synced(v->secrets) ||
        !reflector_is_synced(v->classes) || !reflector_is_synced(v->services) ||
        !reflector_is_synced(v->exec_pods))
        return;
    v->is_synced = true;
    v->ops->on_synced(v->cookie);
}

struct inventory *inventory_new(struct kube_client *c, const struct inventory_ops *ops,
                                void *cookie)
{
    struct inventory *v = NEW(struct inventory);
    struct reflector_spec spec = {.on_synced = on_synced, .cookie = v};

    v->client = c;
    v->ops = ops;
    v->cookie = cookie;
    v->by_class = links_new();
    v->by_secret = links_new();
    v->fetched = map_new();
    pthread_mutex_init(&v->lock, NULL);

    spec.resource = &KUBE_CONNECTORS;
    spec.on_change = on_connector;
    v->connectors = reflector_start(c, &spec);
    spec.resource = &KUBE_CONNECTORCLASSES;
    spec.on_change = on_class;
    v->classes = reflector_start(c, &spec);
    spec.resource = &KUBE_SERVICES;
    spec.on_change = on_service;
    spec.label_selector = STR(LABEL_MANAGED_BY "=" MANAGED_BY_VALUE);
    v->services = reflector_start(c, &spec);
    spec.resource = &KUBE_PODS;
    spec.on_change = on_exec_pod;
    spec.label_selector = STR(LABEL_EXEC);
    spec.metadata_only = true;
    v->exec_pods = reflector_start(c, &spec);
    return v;
}

void inventory_free(struct inventory *v)
{
    if (!v)
        return;
    reflector_stop(v->exec_pods);
    reflector_stop(v->services);
    reflector_stop(v->secrets);
    reflector_stop(v->classes);
    reflector_stop(v->connectors);
    map_free_with(v->fetched, fetched_free);
    links_free(v->by_class);
    links_free(v->by_secret);
    pthread_mutex_destroy(&v->lock);
    free(v);
}

bool inventory_is_synced(const struct inventory *v)
{
    return v->is_synced;
}

int64_t inventory_age_us(const struct inventory *v)
{
    const struct reflector *all[] = {v->connectors, v->classes, v->secrets, v->services,
                                     v->exec_pods};
    int64_t age_us = 0;

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i])
            age_us = MAX(age_us, reflector_age_us(all[i]));
    return age_us;
}

static void tell_collection(struct inventory *v, struct reflector *r,
                            void (*fn)(void *cookie, struct kube_key key))
{
    struct map_iter it = {0};
    const json_t *object;

    while ((object = reflector_next(r, &it)))
        fn(v->cookie, key_of(object));
}

void inventory_tell_all(struct inventory *v)
{
    tell_collection(v, v->classes, v->ops->on_class);
    tell_collection(v, v->connectors, v->ops->on_connector);
    tell_collection(v, v->exec_pods, v->ops->on_exec_pod);
}

json_t *inventory_connector(struct inventory *v, struct kube_key key)
{
    return reflector_get_ref(v->connectors, key.ns, key.name);
}

json_t *inventory_class(struct inventory *v, struct str name)
{
    return reflector_get_ref(v->classes, STR_NONE, name);
}

json_t *inventory_service(struct inventory *v, struct kube_key key)
{
    return reflector_get_ref(v->services, key.ns, key.name);
}

json_t *inventory_exec_pod(struct inventory *v, struct kube_key key)
{
    return reflector_get_ref(v->exec_pods, key.ns, key.name);
}
