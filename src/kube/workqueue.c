/*
 * Queue, dirty set, processing set and delays: flags and links of one item per key.
 */
#include "kube/workqueue.h"

#include "base/map.h"

struct workqueue {
    struct map *items;
    struct list ready;
    struct list wishes;
    struct heap due;
    size_t ready_len;
    size_t processing_len;
};

struct workqueue *workqueue_new(void)
{
    struct workqueue *q = NEW(struct workqueue);

    q->items = map_new();
    list_init(&q->ready);
    list_init(&q->wishes);
    return q;
}

void workqueue_free(struct workqueue *q)
{
    if (!q)
        return;
    map_free_with(q->items, free);
    heap_fini(&q->due);
    free(q);
}

static struct workqueue_item *item_new(struct kube_key key)
{
    size_t n = key.ns.n + 1 + key.name.n;
    struct workqueue_item *item = xcalloc(1, sizeof(*item) + n);

    item->key_len = n;
    if (key.ns.n)
        memcpy(item->key_bytes, key.ns.p, key.ns.n);
    item->key_bytes[key.ns.n] = '/';
    if (key.name.n)
        memcpy(item->key_bytes + key.ns.n + 1, key.name.p, key.name.n);
    item->key.ns = str_n(item->key_bytes, key.ns.n);
    item->key.name = str_n(item->key_bytes + key.ns.n + 1, key.name.n);
    list_init(&item->link);
    list_init(&item->wish);
    return item;
}

static struct workqueue_item *item_of(struct workqueue *q, struct kube_key key)
{
    struct workqueue_item *fresh = item_new(key);
    struct str k = str_n(fresh->key_bytes, fresh->key_len);
    struct workqueue_item *item = map_get(q->items, k);

    if (item) {
        free(fresh);
        return item;
    }
    map_put(q->items, k, fresh);
    return fresh;
}

static void make_ready(struct workqueue *q, struct workqueue_item *item)
{
    list_append(&q->ready, &item->link);
    q->ready_len++;
}

static void add_item(struct workqueue *q, struct workqueue_item *item)
{
    if (item->is_dirty)
        return;
    item->is_dirty = true;
    /* What is in work is queued again by workqueue_done. */
    if (!item->is_processing)
        make_ready(q, item);
}

void workqueue_add(struct workqueue *q, struct kube_key key)
{
    add_item(q, item_of(q, key));
}

void workqueue_add_after(struct workqueue *q, struct kube_key key, int64_t delay_us)
{
    struct workqueue_item *item = item_of(q, key);

    if (delay_us <= 0) {
        add_item(q, item);
        return;
    }
    if (list_is_empty(&item->wish)) {
        list_append(&q->wishes, &item->wish);
        item->wish_us = delay_us;
    }
    item->wish_us = MIN(item->wish_us, delay_us);
}

struct workqueue_item *workqueue_get(struct workqueue *q)
{
    struct list *first = list_first(&q->ready);
    struct workqueue_item *item;

    if (!first)
        return NULL;
    item = LIST_ENTRY(first, struct workqueue_item, link);
    list_remove(&item->link);
    list_remove(&item->wish);
    heap_remove(&q->due, &item->due);
    q->ready_len--;
    q->processing_len++;
    item->is_dirty = false;
    item->is_processing = true;
    return item;
}

void workqueue_done(struct workqueue *q, struct workqueue_item *item)
{
    ASSERT(item->is_processing);
    item->is_processing = false;
    q->processing_len--;
    if (item->is_dirty) {
        make_ready(q, item);
        return;
    }
    if (!list_is_empty(&item->wish) || heap_has(&item->due))
        return;
    map_del(q->items, str_n(item->key_bytes, item->key_len));
    free(item);
}

int64_t workqueue_settle(struct workqueue *q, int64_t now_us)
{
    struct heap_item *first;

    LIST_EACH(it, &q->wishes)
    {
        struct workqueue_item *item = LIST_ENTRY(it, struct workqueue_item, wish);
        int64_t at;

        list_remove(&item->wish);
        if (__builtin_add_overflow(now_us, item->wish_us, &at))
            at = INT64_MAX - 1;
        if (heap_has(&item->due) && item->due.key <= at)
            continue;
        heap_remove(&q->due, &item->due);
        heap_add(&q->due, &item->due, at);
    }
    while ((first = heap_min(&q->due)) && first->key <= now_us) {
        heap_remove(&q->due, first);
        add_item(q, CONTAINER_OF(first, struct workqueue_item, due));
    }
    return first ? first->key : INT64_MAX;
}

bool workqueue_has_wishes(const struct workqueue *q)
{
    return !list_is_empty(&q->wishes);
}

size_t workqueue_ready(const struct workqueue *q)
{
    return q->ready_len;
}

size_t workqueue_processing(const struct workqueue *q)
{
    return q->processing_len;
}
