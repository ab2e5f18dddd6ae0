/*
 * A hash map whose values are linked in the order of their last use.  The key stands behind the entry, so
 * that an entry that is evicted can be found in the map.
 */
#include "core/lru.h"

#include "base/list.h"
#include "base/map.h"

struct lru_entry {
    struct list link;
    void *value;
    size_t key_bytes;
    char key[];
};

struct lru {
    struct map *map;
    struct list used; /* the most recently used first */
    size_t max;
    void (*release)(void *value);
};

struct lru *lru_new(size_t max, void (*release)(void *value))
{
    struct lru *t = NEW(struct lru);

    ASSERT(max > 0);
    t->map = map_new();
    list_init(&t->used);
    t->max = max;
    t->release = release;
    return t;
}

static void entry_drop(struct lru *t, struct lru_entry *e)
{
    void *value = e->value;

    map_del(t->map, str_n(e->key, e->key_bytes));
    list_remove(&e->link);
    free(e);
    t->release(value);
}

void lru_free(struct lru *t)
{
    if (!t)
        return;
    LIST_EACH(it, &t->used)
    entry_drop(t, LIST_ENTRY(it, struct lru_entry, link));
    map_free(t->map);
    free(t);
}

void *lru_get(struct lru *t, struct str key)
{
    struct lru_entry *e = map_get(t->map, key);

    if (!e)
        return NULL;
    if (t->used.next != &e->link) {
        list_remove(&e->link);
        list_prepend(&t->used, &e->link);
    }
    return e->value;
}

void lru_put(struct lru *t, struct str key, void *value)
{
    struct lru_entry *e = map_get(t->map, key);

    if (e) {
        void *old = e->value;

        e->value = value;
        list_remove(&e->link);
        list_prepend(&t->used, &e->link);
        t->release(old);
        return;
    }
    if (map_len(t->map) >= t->max)
        entry_drop(t, LIST_ENTRY(t->used.prev, struct lru_entry, link));

    e = xmalloc(sizeof(*e) + key.n);
    *e = (struct lru_entry){.value = value, .key_bytes = key.n};
    if (key.n)
        memcpy(e->key, key.p, key.n);
    list_prepend(&t->used, &e->link);
    map_put(t->map, key, e);
}

void lru_del(struct lru *t, struct str key)
{
    struct lru_entry *e = map_get(t->map, key);

    if (e)
        entry_drop(t, e);
}

size_t lru_len(const struct lru *t)
{
    return map_len(t->map);
}
