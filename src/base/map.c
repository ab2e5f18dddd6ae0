/*
 * Open addressing with linear probing.
 *
 * A slot holds the whole hash beside the key, so a lookup compares keys only when all 64 bits agree, and
 * growth needs no rehashing.  A removed entry leaves a marker in its slot (so that iteration may remove
 * what it just returned); markers are swept when the table is rebuilt, at three quarters full.
 */
#include "base/map.h"

#include <string.h>

enum { MAP_FIRST_SLOTS = 8 };

struct map_slot {
    uint64_t hash;
    char *key;
    size_t key_len;
    void *value; /* NULL: free (key NULL) or removed (key &removed_key) */
};

struct map {
    struct map_slot *slots;
    size_t mask;  /* number of slots - 1; 0 while there are none */
    size_t len;   /* entries */
    size_t taken; /* entries and removed markers */
};

static char removed_key;

struct map *map_new(void)
{
    return NEW(struct map);
}

void map_free(struct map *m)
{
    if (!m)
        return;
    for (size_t i = 0; m->slots && i <= m->mask; i++) {
        if (m->slots[i].value)
            free(m->slots[i].key);
    }
    free(m->slots);
    free(m);
}

void map_free_with(struct map *m, void (*fn)(void *value))
{
    struct map_iter it = {0};
    void *value;

    if (!m)
        return;
    while ((value = map_next(m, &it)))
        fn(value);
    map_free(m);
}

static struct map_slot *map_find(const struct map *m, uint64_t hash, struct str key)
{
    struct map_slot *s;

    for (size_t i = hash & m->mask;; i = (i + 1) & m->mask) {
        s = &m->slots[i];
        if (s->value && s->hash == hash && s->key_len == key.n &&
            (key.n == 0 || memcmp(s->key, key.p, key.n) == 0))
            return s;
        if (!s->key)
            return NULL;
    }
}

void *map_get(const struct map *m, struct str key)
{
    struct map_slot *s;

    if (m->len == 0)
        return NULL;
    s = map_find(m, str_hash(key), key);
    return s ? s->value : NULL;
}

/* The first slot on the way of `hash` that holds no entry. */
static struct map_slot *map_vacancy(const struct map *m, uint64_t hash)
{
    size_t i = hash & m->mask;

    while (m->slots[i].value)
        i = (i + 1) & m->mask;
    return &m->slots[i];
}

/* Rebuilds the table so that one more entry fits, with at most half of the slots in use. */
static void map_rebuild(struct map *m)
{
    struct map old = *m;
    size_t count = MAP_FIRST_SLOTS;

    while (count < (m->len + 1) * 2)
        count *= 2;
    m->slots = xcalloc(count, sizeof(*m->slots));
    m->mask = count - 1;
    m->taken = m->len;
    for (size_t i = 0; old.slots && i <= old.mask; i++) {
        if (old.slots[i].value)
            *map_vacancy(m, old.slots[i].hash) = old.slots[i];
    }
    free(old.slots);
}

static void map_insert(struct map *m, uint64_t hash, struct str key, void *value)
{
    struct map_slot *s;

    if (!m->slots || (m->taken + 1) * 4 > (m->mask + 1) * 3)
        map_rebuild(m);
    s = map_vacancy(m, hash);
    if (!s->key)
        m->taken++;
    *s = (struct map_slot){.hash = hash, .key = str_dup(key), .key_len = key.n, .value = value};
    m->len++;
}

void *map_put(struct map *m, struct str key, void *value)
{
    uint64_t hash = str_hash(key);
    struct map_slot *s = m->slots ? map_find(m, hash, key) : NULL;
    void *old;

    ASSERT(value);
    if (!s) {
        map_insert(m, hash, key, value);
        return NULL;
    }
    old = s->value;
    s->value = value;
    return old;
}

void *map_del(struct map *m, struct str key)
{
    struct map_slot *s;
    void *old;

    if (m->len == 0)
        return NULL;
    s = map_find(m, str_hash(key), key);
    if (!s)
        return NULL;
    old = s->value;
    free(s->key);
    *s = (struct map_slot){.key = &removed_key};
    m->len--;
    return old;
}

size_t map_len(const struct map *m)
{
    return m->len;
}

void *map_next(const struct map *m, struct map_iter *it)
{
    while (m->slots && it->i <= m->mask) {
        const struct map_slot *s = &m->slots[it->i++];

        if (s->value) {
            it->key = str_n(s->key, s->key_len);
            return s->value;
        }
    }
    it->key = STR_NONE;
    return NULL;
}
