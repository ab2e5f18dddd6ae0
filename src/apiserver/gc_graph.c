/*
 * Owners and dependents, kept in step with the registry.
 */
#include "apiserver/gc_priv.h"

#include "apiserver/server.h"
#include "kube/object.h"

static const json_t *references(const json_t *object)
{
    return json_at(object, "metadata", "ownerReferences", NULL);
}

/* Appends the item of an object. */
static void format_item(struct buf *out, const struct kind *k, struct str ns, struct str name)
{
    buf_addf(out, "%" STR_FMT "\n%" STR_FMT "\n%" STR_FMT "\n%" STR_FMT, STR_ARG(k->group),
             STR_ARG(k->plural), STR_ARG(ns), STR_ARG(name));
}

bool gc_graph_find(const struct gc *g, struct str item, struct gc_object *ret_object)
{
    struct str group = str_cut(&item, '\n');
    struct str plural = str_cut(&item, '\n');
    struct str ns = str_cut(&item, '\n');

    ret_object->kind = kinds_find_any(g->server->kinds, group, plural);
    if (!ret_object->kind)
        return false;
    ret_object->object = registry_get(g->server->registry, ret_object->kind, ns, item);
    return ret_object->object != NULL;
}

bool gc_graph_is_held(const json_t *object, const char *finalizer)
{
    return kobj_is_deleting(object) && kobj_has_finalizer(object, finalizer);
}

enum gc_owner gc_graph_owner(const struct gc *g, const json_t *reference, struct str ns,
                             struct gc_object *ret_owner)
{
    const struct kind *k = kinds_find_kind(g->server->kinds, json_str(reference, "apiVersion"),
                                           json_str(reference, "kind"));

    if (!k || !(k->verbs & KIND_GET) || (k->namespaced && !ns.n))
        return GC_OWNER_UNKNOWN;
    const json_t *o = registry_get(g->server->registry, k, k->namespaced ? ns : STR_NONE,
                                   json_str(reference, "name"));
    if (!o || !str_eq(kobj_uid(o), json_str(reference, "uid")))
        return GC_OWNER_ABSENT;
    *ret_owner = (struct gc_object){k, o};
    return gc_graph_is_held(o, GC_FOREGROUND) ? GC_OWNER_WAITING : GC_OWNER_SOLID;
}

const struct map *gc_graph_dependents(const struct gc *g, struct str uid)
{
    return map_get(g->dependents, uid);
}

static void link_owner(struct gc *g, struct str uid, struct str item)
{
    struct map *items = map_get(g->dependents, uid);

    if (!items) {
        items = map_new();
        map_put(g->dependents, uid, items);
    }
    map_put(items, item, g);
}

static void unlink_owner(struct gc *g, struct str uid, struct str item)
{
    struct map *items = map_get(g->dependents, uid);

    if (!items)
        return;
    map_del(items, item);
    if (map_len(items) == 0) {
        map_del(g->dependents, uid);
        map_free(items);
    }
}

static void add_object(struct gc *g, const struct gc_object *o)
{
    struct buf item CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);

    format_item(&item, o->kind, kobj_ns(o->object), kobj_name(o->object));
    todo_add(&g->todo, buf_str(&item));
}

/* Owners that wait for this object to go or to let them go. */
static void wake_owners(struct gc *g, const json_t *object)
{
    size_t i;
    json_t *ref;

    json_array_foreach((json_t *)references(object), i, ref)
    {
        struct gc_object owner;
        enum gc_owner state = gc_graph_owner(g, ref, kobj_ns(object), &owner);
        if (state == GC_OWNER_WAITING ||
            (state == GC_OWNER_SOLID && gc_graph_is_held(owner.object, GC_ORPHAN)))
            add_object(g, &owner);
    }
}

static void wake_dependents(struct gc *g, struct str uid)
{
    const struct map *items = gc_graph_dependents(g, uid);
    struct map_iter it = {0};

    while (items && map_next(items, &it))
        todo_add(&g->todo, it.key);
}

static bool is_same(const json_t *a, const json_t *b)
{
    return a == b || (a && b && json_equal(a, b));
}

static void relink(struct gc *g, struct str item, const json_t *old, const json_t *now)
{
    size_t i;
    json_t *ref;

    json_array_foreach((json_t *)references(old), i, ref)
        unlink_owner(g, json_str(ref, "uid"), item);
    json_array_foreach((json_t *)references(now), i, ref) link_owner(g, json_str(ref, "uid"), item);
}

void gc_graph_on_change(void *cookie, const struct kind *k, const json_t *old, const json_t *now)
{
    struct gc *g = cookie;
    const json_t *object = now ? now : old;
    struct buf item CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);
    bool moved = !is_same(references(old), references(now));
    bool held = now && (gc_graph_is_held(now, GC_FOREGROUND) || gc_graph_is_held(now, GC_ORPHAN));

    if (!now) {
        wake_dependents(g, kobj_uid(old));
        map_del(g->swept, kobj_uid(old));
    }
    if (!references(object) && !references(old) && !held)
        return;
    format_item(&item, k, kobj_ns(object), kobj_name(object));
    if (moved || !now)
        relink(g, buf_str(&item), old, now);
    if (old && (moved || !now))
        wake_owners(g, old);
    if (now && (held || references(now)))
        todo_add(&g->todo, buf_str(&item));
}
