/*
 * The namespace controller.
 *
 *   namespace marked, or a change inside of one that is marked or gone ─> look: delete what is left;
 *   nothing left ─> finalize
 *
 * Deletions in flight are tracked by uid, so that looking again does not ask twice.
 */
#include "apiserver/nslife.h"

#include "apiserver/registry.h"
#include "apiserver/server.h"
#include "apiserver/todo.h"
#include "kube/object.h"

#define IN_FLIGHT_MAX 512

struct nslife {
    struct apiserver *server;
    struct registry_listener listener;
    struct todo todo; /* of namespace names */
};

static const struct kind *namespaces(const struct nslife *n)
{
    return kinds_find(n->server->kinds, STR_NONE, STR("v1"), STR("namespaces"));
}

static const json_t *find_namespace(const struct nslife *n, struct str name)
{
    return registry_get(n->server->registry, namespaces(n), STR_NONE, name);
}

static void on_change(void *cookie, const struct kind *k, const json_t *old, const json_t *now)
{
    struct nslife *n = cookie;
    const json_t *object = now ? now : old;
    struct str ns = kobj_ns(object);

    if (!k->namespaced) {
        bool is_ns = !k->group.n && str_eq(k->plural, STR("namespaces"));
        if (is_ns && (!now || kobj_is_deleting(now)))
            todo_add(&n->todo, kobj_name(object));
        return;
    }
    const json_t *o = find_namespace(n, ns);
    if (!o || kobj_is_deleting(o))
        todo_add(&n->todo, ns);
}

struct sweep {
    struct nslife *n;
    const struct kind *kind;
    size_t left;
};

static bool sweep_object(void *cookie, const json_t *object)
{
    struct sweep *s = cookie;
    struct nslife *n = s->n;
    struct str uid = kobj_uid(object);
    struct registry_request req = {
        .kind = s->kind, .ns = kobj_ns(object), .name = kobj_name(object)};
    struct registry_deletion deletion = {.uid = uid};

    s->left++;
    if (kobj_is_deleting(object) || todo_is_busy(&n->todo, uid))
        return true;
    if (todo_writes(&n->todo) >= IN_FLIGHT_MAX)
        return false;
    struct todo_write *w = todo_track(&n->todo, req.ns, uid);
    w->op = registry_delete(n->server->registry, &req, &deletion, todo_on_written, w);
    return true;
}

/* Deletes what is in the namespace; returns how much was seen. */
static size_t sweep(struct nslife *n, struct str ns)
{
    struct sweep s = {.n = n};

    for (size_t i = 0; (s.kind = kinds_at(n->server->kinds, i)); i++) {
        const struct kind *k = s.kind;
        bool first = kinds_find_any(n->server->kinds, k->group, k->plural) == k;
        if (k->namespaced && first && (k->verbs & KIND_DELETE))
            registry_each(n->server->registry, k, ns, sweep_object, &s);
    }
    return s.left;
}

static int drop_finalizer(void *cookie, const json_t *old, json_t **ret_updated,
                          json_t **ret_status)
{
    json_t *now = json_clone(old);
    json_t *list = json_at(now, "spec", "finalizers", NULL);

    for (size_t i = json_array_size(list); i-- > 0;) {
        if (str_eq(json_str_of(json_array_get(list, i)), STR("kubernetes")))
            json_array_remove(list, i);
    }
    *ret_updated = now;
    return 0;
}

static void finalize(struct nslife *n, struct str name)
{
    struct registry_request req = {
        .kind = namespaces(n), .name = name, .subresource = STR("finalize")};
    struct registry_change change = {.fn = drop_finalizer};
    struct todo_write *w;

    if (todo_is_busy(&n->todo, name))
        return;
    w = todo_track(&n->todo, name, name);
    w->op = registry_update(n->server->registry, &req, &change, todo_on_written, w);
}

static void look(void *cookie, struct str name)
{
    struct nslife *n = cookie;
    const json_t *ns = find_namespace(n, name);

    if (ns && !kobj_is_deleting(ns))
        return;
    size_t left = sweep(n, name);
    if (ns && !left && json_array_size(json_at(ns, "spec", "finalizers", NULL)))
        finalize(n, name);
}

struct nslife *nslife_new(struct apiserver *server)
{
    struct nslife *n = NEW(struct nslife);

    n->server = server;
    todo_init(&n->todo, server->loop, look, n);
    n->listener.on_change = on_change;
    n->listener.cookie = n;
    registry_listen(server->registry, &n->listener);
    return n;
}

void nslife_free(struct nslife *n)
{
    if (!n)
        return;
    registry_unlisten(n->server->registry, &n->listener);
    todo_fini(&n->todo);
    free(n);
}
