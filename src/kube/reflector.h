/*
 * Keeps a store in step with one collection of the API server: list (paged), then watch from there.
 *
 *      LIST ──> WATCH ──(closed in order)──> WATCH from the last resourceVersion
 *        ^        ├──(410 Gone)────────────> LIST
 *        └────────┴──(other failure)───────> BACKOFF ──> WATCH or LIST
 *
 * Watches ask for bookmarks and a random server-side time-out of 5–10 min.  No event or bookmark for
 * `stale_us` reconnects.  Handlers are told of differences only: a re-list is diffed against the store, so
 * a deletion missed during an outage is still reported.  Objects are immutable once stored.
 */
#ifndef KUBE_REFLECTOR_H
#define KUBE_REFLECTOR_H

#include "base/map.h"
#include "kube/client.h"

struct reflector;

struct reflector_spec {
    const struct kube_resource *resource;
    struct str ns;             /* empty: all */
    struct str field_selector; /* or empty */
    struct str label_selector; /* or empty */
    bool metadata_only;        /* PartialObjectMetadata */
    unsigned page_size;        /* 0: 500 */
    int64_t stale_us;          /* 0: 60 s */
    /* May shrink an object before it is stored (drop managedFields, unwanted Secret data): gets a value it
     * may change.  NULL: managedFields are dropped. */
    void (*trim)(void *cookie, json_t *object);
    /* old NULL: added; now NULL: deleted.  Both borrowed.  The store is already up to date. */
    void (*on_change)(void *cookie, const json_t *old, const json_t *now);
    void (*on_synced)(void *cookie); /* first complete list was delivered; may be NULL */
    void *cookie;
};

/* Starts; copies the spec.  Context: loop, as everything here but reflector_is_synced and _age_us. */
struct reflector *reflector_start(struct kube_client *c, const struct reflector_spec *spec);

/* Stops and frees the store.  NULL is allowed. */
void reflector_stop(struct reflector *r);

/* Whether a complete list was delivered.  Thread-safe. */
bool reflector_is_synced(const struct reflector *r);

/* Time since the server was last heard for this collection (event, bookmark or list).  Thread-safe. */
int64_t reflector_age_us(const struct reflector *r);

/* The stored object, borrowed until the loop runs on, or NULL. */
const json_t *reflector_get(const struct reflector *r, struct str ns, struct str name);

/* As reflector_get from any thread: a new reference, or NULL. */
json_t *reflector_get_ref(struct reflector *r, struct str ns, struct str name) MUST_USE;

/* Walks the store (start with a zeroed `it`).  Context: loop. */
const json_t *reflector_next(const struct reflector *r, struct map_iter *it);

/* New references to all objects, as a JSON array, from any thread. */
json_t *reflector_snapshot(struct reflector *r) MUST_USE;

#endif
