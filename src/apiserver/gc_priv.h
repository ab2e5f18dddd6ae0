/*
 * Items of the garbage collector and the graph of owners and dependents: gc_graph.c keeps it, gc.c acts on it.
 *
 * An item names an object: "group\nplural\nnamespace\nname".  The graph has, for each uid that some object
 * names as owner, the items of those objects.
 */
#ifndef APISERVER_GC_PRIV_H
#define APISERVER_GC_PRIV_H

#include "apiserver/gc.h"
#include "apiserver/registry.h"
#include "apiserver/todo.h"

#define GC_FOREGROUND "foregroundDeletion"
#define GC_ORPHAN "orphan"

struct gc {
    struct apiserver *server;
    struct registry_listener listener;
    struct todo todo;       /* of items */
    struct map *dependents; /* by owner's uid: maps of items */
    struct map *swept; /* uids of owners in foreground deletion whose dependents were all added */
};

/* An object as an item names it. */
struct gc_object {
    const struct kind *kind;
    const json_t *object; /* borrowed until control returns to the loop */
};

/* Finds what an item names; false when it is gone. */
bool gc_graph_find(const struct gc *g, struct str item, struct gc_object *ret_object);

/* What an owner reference of an object in `ns` leads to. */
enum gc_owner {
    GC_OWNER_UNKNOWN, /* the kind is not served, or cannot own: nothing is decided */
    GC_OWNER_ABSENT,  /* no object of this name with this uid */
    GC_OWNER_WAITING, /* it is being deleted in the foreground */
    GC_OWNER_SOLID,
};
enum gc_owner gc_graph_owner(const struct gc *g, const json_t *reference, struct str ns,
                             struct gc_object *ret_owner);

/* Whether the object is being deleted and has a finalizer. */
bool gc_graph_is_held(const json_t *object, const char *finalizer);

/* The items that name `uid` as owner, or NULL; borrowed until the next change. */
const struct map *gc_graph_dependents(const struct gc *g, struct str uid);

/* A listener's callback: keeps the graph and adds what must be looked at. */
void gc_graph_on_change(void *cookie, const struct kind *k, const json_t *old, const json_t *now);

#endif
