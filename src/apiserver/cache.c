/*
 * Skip lists of entries, a ring of events, watchers.
 *
 * The heights of skip list towers come from a cheap generator: the order of keys is not the peer's
 * secret to exploit, since its expected cost does not depend on the keys.
 */
#include "apiserver/cache.h"

#include "base/mem.h"
#include "base/vec.h"

#define TOWER_MAX 20
/* A JSON tree takes several times its text: tables, nodes, allocator overhead. */
#define TREE_BYTES_PER_TEXT_BYTE 6
#define EVENT_BASE_BYTES 256

struct node {
    struct cache_entry entry; /* first: entries are handed out by address */
    unsigned height;
    struct node *next[];
};

struct cache_shelf {
    char *prefix;
    size_t len;
    uint64_t rev;
    unsigned height;
    struct node *head[TOWER_MAX];
    struct list watchers;
};

struct cache {
    struct map *shelves; /* prefix -> shelf */
    uint64_t rev;
    uint64_t floor;
    uint64_t seed;
    /* ring of events, oldest at `first` */
    struct cache_event **ring;
    size_t ring_cap, first, count;
    size_t bytes, max_bytes;
};

struct cache *cache_new(uint64_t history_events, uint64_t history_bytes)
{
    struct cache *c = NEW(struct cache);

    c->shelves = map_new();
    c->ring_cap = MAX(history_events, (uint64_t)1);
    c->ring = xcalloc(c->ring_cap, sizeof(*c->ring));
    c->max_bytes = history_bytes;
    c->seed = 0x9e3779b97f4a7c15u;
    return c;
}

static void free_node(struct node *n)
{
    json_decref(n->entry.object);
    free((char *)n->entry.key.p);
    free(n);
}

static void free_shelf(void *value)
{
    struct cache_shelf *s = value;
    struct node *n = s->head[0];

    while (n) {
        struct node *next = n->next[0];
        free_node(n);
        n = next;
    }
    free(s->prefix);
    free(s);
}

static void drop_oldest(struct cache *c)
{
    struct cache_event *e = c->ring[c->first];

    c->ring[c->first] = NULL;
    c->first = (c->first + 1) % c->ring_cap;
    c->count--;
    c->bytes -= e->charge;
    c->floor = e->rev;
    cache_event_unref(e);
}

void cache_free(struct cache *c)
{
    if (!c)
        return;
    while (c->count)
        drop_oldest(c);
    map_free_with(c->shelves, free_shelf);
    free(c->ring);
    free(c);
}

void cache_set_floor(struct cache *c, uint64_t rev)
{
    c->floor = MAX(c->floor, rev);
}

uint64_t cache_rev(const struct cache *c)
{
    return c->rev;
}

void cache_set_rev(struct cache *c, uint64_t rev)
{
    c->rev = MAX(c->rev, rev);
}

uint64_t cache_floor(const struct cache *c)
{
    return c->floor;
}

struct cache_shelf *cache_shelf(struct cache *c, struct str prefix)
{
    struct cache_shelf *s = map_get(c->shelves, prefix);

    if (s)
        return s;
    s = NEW(struct cache_shelf);
    s->prefix = str_dup(prefix);
    s->height = 1;
    list_init(&s->watchers);
    map_put(c->shelves, prefix, s);
    return s;
}

size_t cache_shelf_len(const struct cache_shelf *s)
{
    return s->len;
}

uint64_t cache_shelf_rev(const struct cache_shelf *s)
{
    return s->rev;
}

/* The links that lead to the first node not below `key`, one for each level. */
static struct node *find_links(const struct cache_shelf *s, struct str key,
                               struct node **links[TOWER_MAX])
{
    struct node **level = (struct node **)s->head;

    for (unsigned h = s->height; h-- > 0;) {
        while (level[h] && str_cmp(level[h]->entry.key, key) < 0)
            level = level[h]->next;
        if (links)
            links[h] = &level[h];
    }
    return level[0];
}

static unsigned random_height(struct cache *c)
{
    unsigned h = 1;

    c->seed ^= c->seed << 13;
    c->seed ^= c->seed >> 7;
    c->seed ^= c->seed << 17;
    for (uint64_t bits = c->seed; (bits & 3) == 0 && h < TOWER_MAX; bits >>= 2)
        h++;
    return h;
}

static void insert_node(struct cache *c, struct cache_shelf *s, struct node **links[TOWER_MAX],
                        struct cache_entry entry)
{
    unsigned height = random_height(c);
    struct node *n = xmalloc(sizeof(*n) + height * sizeof(n->next[0]));

    while (s->height < height) {
        links[s->height] = &s->head[s->height];
        s->height++;
    }
    n->entry = entry;
    n->entry.key = str_n(str_dup(entry.key), entry.key.n);
    n->height = height;
    for (unsigned h = 0; h < height; h++) {
        n->next[h] = *links[h];
        *links[h] = n;
    }
    s->len++;
}

static void remove_node(struct cache_shelf *s, struct node **links[TOWER_MAX], struct node *n)
{
    for (unsigned h = 0; h < n->height; h++)
        *links[h] = n->next[h];
    s->len--;
    free_node(n);
}

const struct cache_entry *cache_seek(const struct cache_shelf *s, struct str key)
{
    struct node *n = find_links(s, key, NULL);

    return n ? &n->entry : NULL;
}

const struct cache_entry *cache_find(const struct cache_shelf *s, struct str key)
{
    struct node *n = find_links(s, key, NULL);

    return n && str_eq(n->entry.key, key) ? &n->entry : NULL;
}

const struct cache_entry *cache_next(const struct cache_entry *e)
{
    const struct node *n = CONTAINER_OF(e, struct node, entry);

    return n->next[0] ? &n->next[0]->entry : NULL;
}

/* The part of a key that names its shelf: "/registry/<group>/<plural>/". */
static struct str key_prefix(struct str key)
{
    size_t slashes = 0;

    for (size_t i = 0; i < key.n; i++)
        if (key.p[i] == '/' && ++slashes == 4)
            return str_head(key, i + 1);
    return key;
}

static void set_revision(json_t *object, uint64_t rev)
{
    char text[24];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)rev);
    json_set_str(json_object_at(object, "metadata"), "resourceVersion", str_c(text));
}

static struct cache_event *new_event(struct cache_shelf *s, struct str key, uint64_t rev,
                                     json_t *object, size_t bytes)
{
    struct cache_event *e = xmalloc(sizeof(*e) + key.n);

    *e = (struct cache_event){
        .refs = 1,
        .rev = rev,
        .shelf = s,
        .key = str_n(e + 1, key.n),
        .object = json_incref(object),
        .body = BUF_INIT(BUF_NO_LIMIT),
        .charge = EVENT_BASE_BYTES + bytes * TREE_BYTES_PER_TEXT_BYTE,
    };
    memcpy(e + 1, key.p, key.n);
    return e;
}

static void remember(struct cache *c, struct cache_event *e)
{
    if (e->rev <= c->floor) { /* start-up: older than what compaction left whole */
        cache_event_unref(e);
        return;
    }
    while (c->count && (c->count == c->ring_cap || c->bytes + e->charge > c->max_bytes))
        drop_oldest(c);
    c->ring[(c->first + c->count) % c->ring_cap] = e;
    c->count++;
    c->bytes += e->charge;
}

struct cache_event *cache_apply(struct cache *c, struct str key, uint64_t rev, bool is_delete,
                                json_t *object, size_t bytes)
{
    struct cache_shelf *s = cache_shelf(c, key_prefix(key));
    struct node **links[TOWER_MAX];
    struct node *n = find_links(s, key, links);

    if (n && !str_eq(n->entry.key, key))
        n = NULL;
    c->rev = rev;
    if (is_delete && !n) {
        json_decref(object);
        return NULL;
    }
    set_revision(object, rev);
    struct cache_event *e = new_event(s, key, rev, object, bytes);
    e->type = is_delete ? CACHE_DELETED : n ? CACHE_MODIFIED : CACHE_ADDED;
    e->old = n ? json_incref(n->entry.object) : NULL;
    s->rev = rev;
    if (is_delete) {
        remove_node(s, links, n);
        json_decref(object);
    } else if (n) {
        json_decref(n->entry.object);
        n->entry.object = object;
        n->entry.rev = rev;
    } else {
        insert_node(c, s, links, (struct cache_entry){key, object, rev});
    }
    cache_event_ref(e); /* the caller's borrow outlives a full ring */
    remember(c, e);
    return e;
}

void cache_publish(struct cache *c, struct cache_event *e)
{
    LIST_EACH(it, &e->shelf->watchers)
    {
        struct cache_watcher *w = LIST_ENTRY(it, struct cache_watcher, link);
        w->on_event(w->cookie, e);
    }
}

void cache_watch(struct cache_shelf *s, struct cache_watcher *w)
{
    list_append(&s->watchers, &w->link);
}

void cache_unwatch(struct cache_watcher *w)
{
    list_remove(&w->link);
}

/* Index in the ring of the first event above `rev`. */
static size_t ring_seek(const struct cache *c, uint64_t rev)
{
    size_t lo = 0, hi = c->count;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (c->ring[(c->first + mid) % c->ring_cap]->rev <= rev)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

int cache_replay(const struct cache *c, const struct cache_shelf *s, uint64_t rev,
                 cache_watch_fn *fn, void *cookie)
{
    if (rev < c->floor)
        return -ERR_GONE;
    for (size_t i = ring_seek(c, rev); i < c->count; i++) {
        struct cache_event *e = c->ring[(c->first + i) % c->ring_cap];
        if (e->shelf == s)
            fn(cookie, e);
    }
    return 0;
}

struct cache_event *cache_event_ref(struct cache_event *e)
{
    e->refs++;
    return e;
}

void cache_event_unref(struct cache_event *e)
{
    if (--e->refs > 0)
        return;
    json_decref(e->object);
    json_decref(e->old);
    buf_fini(&e->body);
    free(e);
}

struct str cache_event_body(struct cache_event *e)
{
    if (!e->body.len)
        json_format(e->object, &e->body);
    return buf_str(&e->body);
}
