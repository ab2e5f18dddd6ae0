/*
 * A hash map from byte strings to pointers.
 *
 * Keys are copied; values are the caller's.  Open addressing with a keyed hash, so a peer cannot build
 * collisions.  `map_del` during iteration is allowed for the entry just returned; any other change ends
 * the iteration's validity.  Not thread-safe.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/mem.h"
#include "base/str.h"

struct map;

/* Returns an empty map. */
struct map *map_new(void);

/* Frees the map and its keys, not the values.  NULL is allowed. */
void map_free(struct map *m);

/* As map_free, and calls `fn` on each value first. */
void map_free_with(struct map *m, void (*fn)(void *value));

/* Returns the value, or NULL. */
void *map_get(const struct map *m, struct str key);

/* Stores `value` (not NULL) and returns the one it replaces, or NULL. */
void *map_put(struct map *m, struct str key, void *value);

/* Removes the key and returns its value, or NULL. */
void *map_del(struct map *m, struct str key);

/* Number of entries. */
size_t map_len(const struct map *m);

struct map_iter {
    size_t i;
    struct str key; /* of the entry just returned; valid until it is removed */
};

/* Walks all entries in no order: start with a zeroed `it`; returns the next value, or NULL at the end. */
void *map_next(const struct map *m, struct map_iter *it);

DEFINE_CLEANUP(map_freep, struct map *, map_free)

#endif
