/*
 * Keeps ServiceAccount `default` and ConfigMap `kube-root-ca.crt` in every namespace that is not going.
 */
#include "apiserver/accounts.h"

#include "apiserver/registry.h"
#include "apiserver/server.h"
#include "apiserver/todo.h"
#include "kube/object.h"

#define ACCOUNT STR("default")
#define ROOT_CA STR("kube-root-ca.crt")

struct accounts {
    struct apiserver *server;
    struct registry_listener namespaces, accounts, configmaps;
    struct todo todo; /* of namespace names */
};

static const struct kind *core(const struct accounts *a, struct str plural)
{
    return kinds_find(a->server->kinds, STR_NONE, STR("v1"), plural);
}

static void on_namespace(void *cookie, const struct kind *k, const json_t *old, const json_t *now)
{
    struct accounts *a = cookie;

    if (now && !old)
        todo_add(&a->todo, kobj_name(now));
}

static void on_account(void *cookie, const struct kind *k, const json_t *old, const json_t *now)
{
    struct accounts *a = cookie;

    if (!now && str_eq(kobj_name(old), ACCOUNT))
        todo_add(&a->todo, kobj_ns(old));
}

static void on_configmap(void *cookie, const struct kind *k, const json_t *old, const json_t *now)
{
    struct accounts *a = cookie;
    const json_t *o = now ? now : old;

    if (str_eq(kobj_name(o), ROOT_CA))
        todo_add(&a->todo, kobj_ns(o));
}

/* Starts a creation unless one is in flight; the tag is "<what>/<namespace>". */
static void create(struct accounts *a, const struct kind *k, json_t *object)
{
    struct str ns = kobj_ns(object);
    struct registry_request req = {.kind = k, .ns = ns, .name = kobj_name(object)};
    char tag[320];
    int n = snprintf(tag, sizeof(tag), "%" STR_FMT "/%" STR_FMT, STR_ARG(k->plural), STR_ARG(ns));

    if (n < 0 || (size_t)n >= sizeof(tag) || todo_is_busy(&a->todo, str_n(tag, (size_t)n))) {
        json_decref(object);
        return;
    }
    struct todo_write *w = todo_track(&a->todo, ns, str_n(tag, (size_t)n));
    w->op = registry_create(a->server->registry, &req, object, todo_on_written, w);
}

static void set_ca(const struct accounts *a, json_t *object)
{
    json_t *values = json_object();

    json_set_str(values, "ca.crt", a->server->conf.ca_pem);
    json_set(object, "data", values);
}

static int change_ca(void *cookie, const json_t *old, json_t **ret_updated, json_t **ret_status)
{
    *ret_updated = json_clone(old);
    set_ca(cookie, *ret_updated);
    return 0;
}

static void update_ca(struct accounts *a, const json_t *old)
{
    struct registry_request req = {
        .kind = core(a, STR("configmaps")), .ns = kobj_ns(old), .name = kobj_name(old)};
    struct registry_change change = {.fn = change_ca, .cookie = a};

    if (str_eq(json_str_at(old, "data", "ca.crt", NULL), a->server->conf.ca_pem) ||
        todo_is_busy(&a->todo, kobj_uid(old)))
        return;
    struct todo_write *w = todo_track(&a->todo, req.ns, kobj_uid(old));
    w->op = registry_update(a->server->registry, &req, &change, todo_on_written, w);
}

static void ensure_ca(struct accounts *a, struct str ns)
{
    const struct kind *k = core(a, STR("configmaps"));
    const json_t *old = registry_get(a->server->registry, k, ns, ROOT_CA);

    if (!a->server->conf.ca_pem.n)
        return;
    if (old) {
        update_ca(a, old);
        return;
    }
    json_t *object = kobj_new(&KUBE_CONFIGMAPS, ns, ROOT_CA);
    kobj_set_annotation(
        object, "kubernetes.io/description",
        STR("Contains a CA bundle that can be used to verify the API server when using internal "
            "endpoints such as the internal service IP or kubernetes.default.svc. No other usage is "
            "guaranteed across distributions of Kubernetes clusters."));
    set_ca(a, object);
    create(a, k, object);
}

static void look(void *cookie, struct str ns)
{
    struct accounts *a = cookie;
    const struct kind *k = core(a, STR("serviceaccounts"));
    const json_t *o = registry_get(a->server->registry, core(a, STR("namespaces")), STR_NONE, ns);

    if (!o || kobj_is_deleting(o))
        return;
    if (!registry_get(a->server->registry, k, ns, ACCOUNT))
        create(a, k, kobj_new(&KUBE_SERVICEACCOUNTS, ns, ACCOUNT));
    ensure_ca(a, ns);
}

static void subscribe(struct accounts *a, struct registry_listener *l, struct str plural,
                      void (*fn)(void *, const struct kind *, const json_t *, const json_t *))
{
    l->plural = plural;
    l->on_change = fn;
    l->cookie = a;
    registry_listen(a->server->registry, l);
}

struct accounts *accounts_new(struct apiserver *server)
{
    struct accounts *a = NEW(struct accounts);

    a->server = server;
    todo_init(&a->todo, server->loop, look, a);
    subscribe(a, &a->namespaces, STR("namespaces"), on_namespace);
    subscribe(a, &a->accounts, STR("serviceaccounts"), on_account);
    subscribe(a, &a->configmaps, STR("configmaps"), on_configmap);
    return a;
}

void accounts_free(struct accounts *a)
{
    if (!a)
        return;
    registry_unlisten(a->server->registry, &a->namespaces);
    registry_unlisten(a->server->registry, &a->accounts);
    registry_unlisten(a->server->registry, &a->configmaps);
    todo_fini(&a->todo);
    free(a);
}
