/*
 * The watch cache: every object of the store in memory, in key order, and a bounded history of events.
 *
 * A shelf holds the objects of one resource (all its versions) in a skip list ordered by key, so that pages, namespaces
 * and single objects are found in O(log n).  Changes arrive in revision order (cache_apply), after
 * their commit; each becomes an event, which goes to the shelf's watchers and into a ring from which a
 * watch may start later.  Objects are frozen once they are here.
 *
 * Context: the loop thread only.
 */
#ifndef APISERVER_CACHE_H
#define APISERVER_CACHE_H

#include "base/list.h"
#include "base/map.h"
#include "codec/json.h"

struct cache;
struct cache_shelf;

struct cache_entry {
    struct str key;
    json_t *object; /* with metadata.resourceVersion */
    uint64_t rev;
};

enum cache_event_type { CACHE_ADDED, CACHE_MODIFIED, CACHE_DELETED };

/* One change.  Reference-counted: a slow watcher keeps what it has not sent. */
struct cache_event {
    unsigned refs;
    enum cache_event_type type;
    uint64_t rev;
    struct cache_shelf *shelf;
    struct str key;
    json_t *object; /* the new state; for DELETED the last one, with the revision of the deletion */
    json_t *old;    /* the state before, or NULL */
    struct buf body; /* compact JSON of `object`, made when first asked for */
    size_t charge;   /* estimated memory */
};

typedef void cache_watch_fn(void *cookie, struct cache_event *e);

/* A watcher of one shelf; the memory is the owner's. */
struct cache_watcher {
    struct list link;
    cache_watch_fn *on_event; /* may remove this watcher, no other one */
    void *cookie;
};

/* Keeps at most so much history. */
struct cache *cache_new(uint64_t history_events, uint64_t history_bytes);

/* No watcher may be left.  NULL is allowed. */
void cache_free(struct cache *c);

/* Sets the revision up to which history is gone (start-up). */
void cache_set_floor(struct cache *c, uint64_t rev);

/*
 * Applies one committed change.  `object` (a reference is taken) must belong to nobody else; its
 * metadata.resourceVersion is set here.  For a deletion it is the last state; nothing happens when the key is
 * unknown.  `bytes` is the size of its encoded form.  Returns a reference to the event (NULL when
 * there was nothing to do).
 */
struct cache_event *cache_apply(struct cache *c, struct str key, uint64_t rev, bool is_delete,
                                json_t *object, size_t bytes);

/* Tells the watchers of the event's shelf. */
void cache_publish(struct cache *c, struct cache_event *e);

/* Revision of the last applied change. */
uint64_t cache_rev(const struct cache *c);

/* Advances the revision without a change (at start, when the newest rows were compacted). */
void cache_set_rev(struct cache *c, uint64_t rev);

/* Smallest revision from which a watch or an exact list can be served. */
uint64_t cache_floor(const struct cache *c);

/* The shelf for keys that start with `prefix` ("/registry/core/secrets/"); made when new. */
struct cache_shelf *cache_shelf(struct cache *c, struct str prefix);

/* Objects on a shelf. */
size_t cache_shelf_len(const struct cache_shelf *s);

/* Revision of the shelf's last change. */
uint64_t cache_shelf_rev(const struct cache_shelf *s);

/* The entry of a key, borrowed until the next change, or NULL. */
const struct cache_entry *cache_find(const struct cache_shelf *s, struct str key);

/* The first entry whose key is not below `key`, or NULL. */
const struct cache_entry *cache_seek(const struct cache_shelf *s, struct str key);

/* The next entry in key order, or NULL. */
const struct cache_entry *cache_next(const struct cache_entry *e);

/* Calls w->on_event for each later event of the shelf. */
void cache_watch(struct cache_shelf *s, struct cache_watcher *w);

/* Stops that; nothing happens when it was not started. */
void cache_unwatch(struct cache_watcher *w);

/* Calls fn for each remembered event of the shelf with a revision above `rev`, in order.  Returns 0, or
 * -ERR_GONE when history does not reach back so far. */
int cache_replay(const struct cache *c, const struct cache_shelf *s, uint64_t rev,
                 cache_watch_fn *fn, void *cookie) MUST_USE;

struct cache_event *cache_event_ref(struct cache_event *e);
void cache_event_unref(struct cache_event *e);

/* The object's compact JSON, shared by all who ask. */
struct str cache_event_body(struct cache_event *e);

#endif
