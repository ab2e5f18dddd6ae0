/*
 * The garbage collector: looks at items and does what their owners' state asks for
 * (k8s.io/kubernetes/pkg/controller/garbagecollector).
 *
 *   an object with owners      one solid owner: references to others that are absent or waiting are removed
 *                              none solid: it is deleted; in the foreground when a waiting owner asks and it
 *                              has dependents of its own
 *   deleted in the foreground  its dependents are looked at; the finalizer goes with the last blocking one
 *   deleted as "orphan"        its dependents lose their reference to it, then the finalizer goes
 *
 * Everything is read anew when an item is looked at; deletions name the uid they mean.
 */
#include "apiserver/gc.h"

#include "apiserver/gc_priv.h"
#include "apiserver/server.h"
#include "kube/object.h"

/* Which references of an object a write changes, and how. */
struct edit {
    struct gc *gc;
    char *ns;
    enum { EDIT_RELEASE, EDIT_PRUNE, EDIT_UNBLOCK, EDIT_FINALIZER } what;
    char *arg; /* RELEASE: uid; FINALIZER: name */
};

static void edit_free(void *cookie)
{
    struct edit *e = cookie;

    free(e->ns);
    free(e->arg);
    free(e);
}

static bool is_dropped(const struct edit *e, const json_t *ref)
{
    struct gc_object owner;

    if (e->what == EDIT_RELEASE)
        return str_eq(json_str(ref, "uid"), str_c(e->arg));
    enum gc_owner state = gc_graph_owner(e->gc, ref, str_c(e->ns), &owner);
    return state == GC_OWNER_ABSENT || state == GC_OWNER_WAITING;
}

static void edit_references(const struct edit *e, json_t *meta)
{
    json_t *list = json_object_get(meta, "ownerReferences");

    for (size_t i = json_array_size(list); i-- > 0;) {
        json_t *ref = json_array_get(list, i);
        if (e->what == EDIT_UNBLOCK)
            json_set(ref, "blockOwnerDeletion", json_false());
        else if (is_dropped(e, ref))
            json_array_remove(list, i);
    }
    if (list && !json_array_size(list))
        json_del(meta, "ownerReferences");
}

static void edit_finalizers(const struct edit *e, json_t *meta)
{
    json_t *list = json_object_get(meta, "finalizers");

    for (size_t i = json_array_size(list); i-- > 0;) {
        if (str_eq(json_str_of(json_array_get(list, i)), str_c(e->arg)))
            json_array_remove(list, i);
    }
}

static int apply_edit(void *cookie, const json_t *old, json_t **ret_updated, json_t **ret_status)
{
    const struct edit *e = cookie;
    json_t *now = json_clone(old);
    json_t *meta = json_object_get(now, "metadata");

    if (e->what == EDIT_FINALIZER)
        edit_finalizers(e, meta);
    else
        edit_references(e, meta);
    *ret_updated = now;
    return 0;
}

/* Starts an edit of `o`; `item` is looked at when it is done. */
static void start_edit(struct gc *g, struct str item, const struct gc_object *o, struct edit *e)
{
    struct registry_request req = {
        .kind = o->kind, .ns = kobj_ns(o->object), .name = kobj_name(o->object)};
    struct registry_change change = {.fn = apply_edit, .cookie = e, .free = edit_free};

    e->gc = g;
    e->ns = str_dup(req.ns);
    struct todo_write *w = todo_track(&g->todo, item, kobj_uid(o->object));
    w->op = registry_update(g->server->registry, &req, &change, todo_on_written, w);
}

static struct edit *new_edit(int what, struct str arg)
{
    struct edit *e = NEW(struct edit);

    e->what = what;
    e->arg = str_dup(arg);
    return e;
}

static void drop_finalizer(struct gc *g, struct str item, const struct gc_object *o,
                           const char *name)
{
    start_edit(g, item, o, new_edit(EDIT_FINALIZER, str_c(name)));
}

static void delete_object(struct gc *g, struct str item, const struct gc_object *o,
                          enum registry_propagation propagation)
{
    struct registry_request req = {
        .kind = o->kind, .ns = kobj_ns(o->object), .name = kobj_name(o->object)};
    struct registry_deletion deletion = {.uid = kobj_uid(o->object),
                                         .resource_version = kobj_rv(o->object),
                                         .propagation = propagation};
    struct todo_write *w = todo_track(&g->todo, item, kobj_uid(o->object));

    w->op = registry_delete(g->server->registry, &req, &deletion, todo_on_written, w);
}

/* A reference from another namespace means an owner that is not there: it holds nobody. */
static bool blocks(const struct gc *g, const json_t *dependent, struct str owner_uid)
{
    struct gc_object owner;
    size_t i;
    json_t *ref;

    json_array_foreach(json_at(dependent, "metadata", "ownerReferences", NULL), i, ref)
    {
        if (str_eq(json_str(ref, "uid"), owner_uid))
            return json_bool(ref, "blockOwnerDeletion", false) &&
                   gc_graph_owner(g, ref, kobj_ns(dependent), &owner) == GC_OWNER_WAITING;
    }
    return false;
}

/*
 * Adds all dependents once; those that come later are looked at by themselves.  After that only the question is left
 * whether one blocks, so that many dependents are not walked for each that goes.
 */
static void look_foreground(struct gc *g, struct str item, const struct gc_object *o)
{
    struct str uid = kobj_uid(o->object);
    const struct map *items = gc_graph_dependents(g, uid);
    bool swept = map_put(g->swept, uid, g) != NULL;
    struct map_iter it = {0};
    bool blocked = false;

    while (items && !(swept && blocked) && map_next(items, &it)) {
        struct gc_object d;
        if (!gc_graph_find(g, it.key, &d))
            continue;
        blocked |= blocks(g, d.object, uid);
        if (!kobj_is_deleting(d.object))
            todo_add(&g->todo, it.key);
    }
    if (!blocked)
        drop_finalizer(g, item, o, GC_FOREGROUND);
}

static void look_orphan(struct gc *g, struct str item, const struct gc_object *o)
{
    const struct map *items = gc_graph_dependents(g, kobj_uid(o->object));
    struct map_iter it = {0};
    bool left = false;

    while (items && map_next(items, &it)) {
        struct gc_object d;
        if (!gc_graph_find(g, it.key, &d))
            continue;
        left = true;
        if (!todo_is_busy(&g->todo, kobj_uid(d.object)))
            start_edit(g, item, &d, new_edit(EDIT_RELEASE, kobj_uid(o->object)));
    }
    if (!left)
        drop_finalizer(g, item, o, GC_ORPHAN);
}

/* Whether a dependent of the object is itself waiting for its dependents: a cycle that must be opened. */
static bool has_waiting_dependent(const struct gc *g, const json_t *object)
{
    const struct map *items = gc_graph_dependents(g, kobj_uid(object));
    struct map_iter it = {0};

    while (items && map_next(items, &it)) {
        struct gc_object d;
        if (gc_graph_find(g, it.key, &d) && gc_graph_is_held(d.object, GC_FOREGROUND))
            return true;
    }
    return false;
}

static bool blocks_any(const json_t *object)
{
    size_t i;
    json_t *ref;

    json_array_foreach(json_at(object, "metadata", "ownerReferences", NULL), i, ref)
    {
        if (json_bool(ref, "blockOwnerDeletion", false))
            return true;
    }
    return false;
}

static void delete_unowned(struct gc *g, struct str item, const struct gc_object *o, bool waiting)
{
    bool has_dependents = gc_graph_dependents(g, kobj_uid(o->object)) != NULL;

    if (waiting && has_dependents && has_waiting_dependent(g, o->object) && blocks_any(o->object))
        start_edit(g, item, o, new_edit(EDIT_UNBLOCK, STR_NONE));
    else if ((waiting && has_dependents) || kobj_has_finalizer(o->object, GC_FOREGROUND))
        delete_object(g, item, o, REGISTRY_PROPAGATE_FOREGROUND);
    else if (kobj_has_finalizer(o->object, GC_ORPHAN))
        delete_object(g, item, o, REGISTRY_PROPAGATE_ORPHAN);
    else
        delete_object(g, item, o, REGISTRY_PROPAGATE_BACKGROUND);
}

static void look_owned(struct gc *g, struct str item, const struct gc_object *o)
{
    size_t counts[GC_OWNER_SOLID + 1] = {0}, i;
    json_t *ref;

    json_array_foreach(json_at(o->object, "metadata", "ownerReferences", NULL), i, ref)
    {
        struct gc_object owner;
        counts[gc_graph_owner(g, ref, kobj_ns(o->object), &owner)]++;
    }
    size_t gone = counts[GC_OWNER_ABSENT] + counts[GC_OWNER_WAITING];
    if (!gone || counts[GC_OWNER_UNKNOWN])
        return;
    if (counts[GC_OWNER_SOLID])
        start_edit(g, item, o, new_edit(EDIT_PRUNE, STR_NONE));
    else
        delete_unowned(g, item, o, counts[GC_OWNER_WAITING] > 0);
}

static void look(void *cookie, struct str item)
{
    struct gc *g = cookie;
    struct gc_object o;

    if (!gc_graph_find(g, item, &o) || todo_is_busy(&g->todo, kobj_uid(o.object)))
        return;
    if (gc_graph_is_held(o.object, GC_ORPHAN))
        look_orphan(g, item, &o);
    else if (gc_graph_is_held(o.object, GC_FOREGROUND))
        look_foreground(g, item, &o);
    else if (!kobj_is_deleting(o.object))
        look_owned(g, item, &o);
}

struct gc *gc_new(struct apiserver *server)
{
    struct gc *g = NEW(struct gc);

    g->server = server;
    g->dependents = map_new();
    g->swept = map_new();
    todo_init(&g->todo, server->loop, look, g);
    g->listener.on_change = gc_graph_on_change;
    g->listener.cookie = g;
    registry_listen(server->registry, &g->listener);
    return g;
}

static void free_items(void *value)
{
    map_free(value);
}

void gc_free(struct gc *g)
{
    if (!g)
        return;
    registry_unlisten(g->server->registry, &g->listener);
    todo_fini(&g->todo);
    map_free_with(g->dependents, free_items);
    map_free(g->swept);
    free(g);
}
