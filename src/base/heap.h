/*
 * An intrusive binary min-heap, ordered by an int64_t key.
 *
 * Members know their place, so removal is O(log n) without a search.  Used for timers and delayed work.
 * Not thread-safe.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>

#include "base/mem.h"

struct heap_item {
    int64_t key;
    size_t pos; /* place in the heap + 1; 0 while in none */
};

struct heap {
    struct heap_item **items;
    size_t len, cap;
};

/* Frees the array, not the members. */
void heap_fini(struct heap *h);

/* Adds `item` (in no heap) with this key. */
void heap_add(struct heap *h, struct heap_item *item, int64_t key);

/* Takes `item` out; nothing happens when it is in none. */
void heap_remove(struct heap *h, struct heap_item *item);

/* The member with the smallest key, or NULL. */
static inline struct heap_item *heap_min(const struct heap *h)
{
    return h->len ? h->items[0] : NULL;
}

static inline bool heap_has(const struct heap_item *item)
{
    return item->pos != 0;
}

#endif
