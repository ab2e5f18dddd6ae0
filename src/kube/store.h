/*
 * The objects of one collection, by namespace and name.
 *
 * Changed on its loop only; the loop reads without a lock, other threads read through store_get_ref and
 * store_snapshot, which take it.  Objects are frozen once they are in.
 */
#ifndef KUBE_STORE_H
#define KUBE_STORE_H

#include "base/map.h"
#include "codec/json.h"

/* The longest namespace (63) and name (253) an API server accepts, and the slash. */
#define STORE_KEY_BYTES (63 + 1 + 253)

struct store;

struct store_entry {
    json_t *object;
    uint64_t seen; /* the list that named it last */
};

/* Returns an empty store. */
struct store *store_new(void);
void store_free(struct store *s);

/* Whether such an object can be stored at all. */
bool store_is_key(struct str ns, struct str name);

/* Borrowed until the next change, or NULL.  Context: loop. */
struct store_entry *store_find(const struct store *s, struct str ns, struct str name);

/* Puts `object` (taken); returns the one it replaces, which is the caller's, or NULL.  Context: loop. */
json_t *store_put(struct store *s, struct str ns, struct str name, json_t *object,
                  uint64_t seen) MUST_USE;

/* Removes; returns the object, which is the caller's, or NULL.  Context: loop. */
json_t *store_del(struct store *s, struct str ns, struct str name) MUST_USE;

/* Removes the next object that list `seen` did not name; NULL at the end.  Context: loop. */
json_t *store_sweep_next(struct store *s, struct map_iter *it, uint64_t seen) MUST_USE;

/* Walks all objects.  Context: loop. */
const json_t *store_next(const struct store *s, struct map_iter *it);

/* A new reference, or NULL.  Thread-safe. */
json_t *store_get_ref(struct store *s, struct str ns, struct str name) MUST_USE;

/* New references to all objects as a JSON array.  Thread-safe. */
json_t *store_snapshot(struct store *s) MUST_USE;

#endif
