/*
 * The store of a reflector: a hash map of objects and the lock for readers of other threads.
 */
#include "kube/store.h"

#include <pthread.h>

struct store {
    struct map *entries;
    pthread_mutex_t lock; /* held to change, and to read from another thread */
};

struct store_key {
    char bytes[STORE_KEY_BYTES];
    struct str s;
};

bool store_is_key(struct str ns, struct str name)
{
    return name.n > 0 && name.n <= 253 && ns.n <= 63;
}

/* "ns/name"; for cluster-scoped objects "/name". */
static struct str make_key(struct store_key *key, struct str ns, struct str name)
{
    ASSERT(store_is_key(ns, name));
    if (ns.n)
        memcpy(key->bytes, ns.p, ns.n);
    key->bytes[ns.n] = '/';
    memcpy(key->bytes + ns.n + 1, name.p, name.n);
    key->s = str_n(key->bytes, ns.n + 1 + name.n);
    return key->s;
}

struct store *store_new(void)
{
    struct store *s = NEW(struct store);

    s->entries = map_new();
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

static void entry_free(void *value)
{
    struct store_entry *e = value;

    json_decref(e->object);
    free(e);
}

void store_free(struct store *s)
{
    if (!s)
        return;
    map_free_with(s->entries, entry_free);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

struct store_entry *store_find(const struct store *s, struct str ns, struct str name)
{
    struct store_key key;

    if (!store_is_key(ns, name))
        return NULL;
    return map_get(s->entries, make_key(&key, ns, name));
}

json_t *store_put(struct store *s, struct str ns, struct str name, json_t *object, uint64_t seen)
{
    struct store_key key;
    struct store_entry *e;
    json_t *old = NULL;

    make_key(&key, ns, name);
    pthread_mutex_lock(&s->lock);
    e = map_get(s->entries, key.s);
    if (!e) {
        e = NEW(struct store_entry);
        map_put(s->entries, key.s, e);
    }
    old = e->object;
    e->object = object;
    e->seen = seen;
    pthread_mutex_unlock(&s->lock);
    return old;
}

static json_t *del_key(struct store *s, struct str key)
{
    struct store_entry *e;
    json_t *old;

    pthread_mutex_lock(&s->lock);
    e = map_del(s->entries, key);
    pthread_mutex_unlock(&s->lock);
    if (!e)
        return NULL;
    old = e->object;
    free(e);
    return old;
}

json_t *store_del(struct store *s, struct str ns, struct str name)
{
    struct store_key key;

    if (!store_is_key(ns, name))
        return NULL;
    return del_key(s, make_key(&key, ns, name));
}

json_t *store_sweep_next(struct store *s, struct map_iter *it, uint64_t seen)
{
    struct store_entry *e;
    char key[STORE_KEY_BYTES];

    while ((e = map_next(s->entries, it))) {
        if (e->seen == seen)
            continue;
        /* The iterator's key goes with the entry. */
        memcpy(key, it->key.p, it->key.n);
        return del_key(s, str_n(key, it->key.n));
    }
    return NULL;
}

const json_t *store_next(const struct store *s, struct map_iter *it)
{
    const struct store_entry *e = map_next(s->entries, it);

    return e ? e->object : NULL;
}

json_t *store_get_ref(struct store *s, struct str ns, struct str name)
{
    struct store_entry *e;
    json_t *object;

    pthread_mutex_lock(&s->lock);
    e = store_find(s, ns, name);
    object = e ? json_incref(e->object) : NULL;
    pthread_mutex_unlock(&s->lock);
    return object;
}

json_t *store_snapshot(struct store *s)
{
    json_t *all = json_array();
    struct map_iter it = {0};
    struct store_entry *e;

    pthread_mutex_lock(&s->lock);
    while ((e = map_next(s->entries, &it)))
        json_array_append(all, e->object);
    pthread_mutex_unlock(&s->lock);
    return all;
}
