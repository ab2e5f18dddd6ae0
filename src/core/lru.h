/*
 * A bounded table of remembered answers: byte-string keys, owned values, the longest unused one goes first.
 *
 * What a peer can make grow sits in one of these.  Not thread-safe; a table belongs to one loop.
 */
#ifndef CORE_LRU_H
#define CORE_LRU_H

#include "base/mem.h"
#include "base/str.h"

struct lru;

/* Returns a table of at most `max` (> 0) entries; `release` is called on each value that leaves it. */
struct lru *lru_new(size_t max, void (*release)(void *value));

/* Releases all values and frees the table.  NULL is allowed. */
void lru_free(struct lru *t);

/* The value, now the most recently used, borrowed until the table changes; or NULL. */
void *lru_get(struct lru *t, struct str key);

/* Stores `value` (taken); releases the one it replaces, or the longest unused one of a full table. */
void lru_put(struct lru *t, struct str key, void *value);

/* Releases the value of that key, if any. */
void lru_del(struct lru *t, struct str key);

/* Number of entries. */
size_t lru_len(const struct lru *t);

DEFINE_CLEANUP(lru_freep, struct lru *, lru_free)

#endif
