/*
 * The verbs on objects, as the REST layer and the server's own controllers use them.
 *
 * Reads are answered at once from the watch cache.  Writes run through one state machine: find the
 * existing object → make the new one → prepare, default, prune, validate → admission → storage → apply to the cache
 * → answer; a conflict goes back to the start unless the caller named a resourceVersion.  Objects handed
 * out are frozen: clone before changing.
 *
 * Context: the loop thread.  on_done of a write comes exactly once, never from inside the call.
 */
#ifndef APISERVER_REGISTRY_H
#define APISERVER_REGISTRY_H

#include "apiserver/kind.h"
#include "apiserver/status.h"
#include "base/list.h"

struct registry;
struct registry_op;

enum registry_fields { REGISTRY_FIELDS_IGNORE, REGISTRY_FIELDS_WARN, REGISTRY_FIELDS_STRICT };

/* Names what a write is about.  Strings are copied. */
struct registry_request {
    const struct kind *kind;
    struct str ns;
    struct str name; /* may be empty on create */
    struct str
        subresource; /* "", "status", or another one that only the server uses ("finalize") */
    const struct user *user; /* copied; NULL: the server itself */
    bool dry_run;
    enum registry_fields fields; /* what happens to unknown fields: 0 drops them silently */
};

struct registry_result {
    int rc;               /* 0 or a negative code */
    const json_t *status; /* rc < 0, or a delete that removed the object: a metav1.Status */
    const json_t
        *object; /* rc 0: the object as stored (with resourceVersion) or as a dry run made it */
    bool created;
    const json_t *warnings; /* array of strings, may be empty */
};

/* Everything is borrowed for the call. */
typedef void registry_done_fn(void *cookie, const struct registry_result *result);

/*
 * Makes the new object from the existing one: sets *ret_updated to a new value (never changes `old`), or
 * returns a negative code with a Status.  Called again after a conflict.  When `old` is NULL the object does
 * not exist; only asked when change->may_create.
 */
typedef int registry_change_fn(void *cookie, const json_t *old, json_t **ret_updated,
                               json_t **ret_status);

struct registry_change {
    registry_change_fn *fn;
    void *cookie;
    void (*free)(void *cookie); /* may be NULL */
    bool may_create;            /* PUT on a name that does not exist creates */
};

enum registry_propagation {
    REGISTRY_PROPAGATE_BACKGROUND, /* dependents are collected later (the default) */
    REGISTRY_PROPAGATE_FOREGROUND, /* finalizer foregroundDeletion until dependents are gone */
    REGISTRY_PROPAGATE_ORPHAN,     /* finalizer orphan until dependents are released */
};

struct registry_deletion {
    struct str uid;              /* precondition, or empty */
    struct str resource_version; /* precondition, or empty */
    enum registry_propagation propagation;
};

/* A registry over the cache, storage and kinds of `server`. */
struct registry *registry_new(struct apiserver *server);

/*
 * Ends the life of all operations: each on_done is called with -ERR_CANCELLED, what storage already has is
 * written without anyone being told, and operations begun later never run.
 */
void registry_stop(struct registry *r);

/* Storage is closed.  NULL is allowed. */
void registry_free(struct registry *r);

/* The object as of now, borrowed until control returns to the loop, or NULL. */
const json_t *registry_get(const struct registry *r, const struct kind *k, struct str ns,
                           struct str name);

typedef bool registry_each_fn(void *cookie, const json_t *object); /* false stops the walk */

/* Calls fn for each object of the kind in name order; an empty `ns` means all namespaces.  fn must not write
 * synchronously to the cache (registry writes are asynchronous, so starting them is fine). */
void registry_each(const struct registry *r, const struct kind *k, struct str ns,
                   registry_each_fn *fn, void *cookie);

/* Creates `object` (its reference is taken). */
struct registry_op *registry_create(struct registry *r, const struct registry_request *req,
                                    json_t *object, registry_done_fn *on_done, void *cookie);

/* Changes an object; retried on conflict when the new object names no resourceVersion. */
struct registry_op *registry_update(struct registry *r, const struct registry_request *req,
                                    const struct registry_change *change, registry_done_fn *on_done,
                                    void *cookie);

/* Deletes an object, or marks it when finalizers hold it. */
struct registry_op *registry_delete(struct registry *r, const struct registry_request *req,
                                    const struct registry_deletion *deletion,
                                    registry_done_fn *on_done, void *cookie);

/* Nobody waits for the result any more: the write goes on, on_done is not called. */
void registry_abandon(struct registry_op *op);

/*
 * A controller's subscription: `old` NULL when created, `now` NULL when removed.  The memory is the
 * owner's; called after the commit, in revision order, on the loop.
 */
struct registry_listener {
    struct list link;
    struct str group, plural; /* plural empty: every kind */
    void (*on_change)(void *cookie, const struct kind *k, const json_t *old, const json_t *now);
    void *cookie;
};

/* Subscribes, and reports every object that exists now as created (from inside the call). */
void registry_listen(struct registry *r, struct registry_listener *l);

/* Ends a subscription; allowed inside on_change. */
void registry_unlisten(struct registry *r, struct registry_listener *l);

#endif
