/*
 * The usual sift-up and sift-down over an array of pointers, each member told its new place.
 */
#include "base/heap.h"

void heap_fini(struct heap *h)
{
    free(h->items);
    *h = (struct heap){0};
}

static void heap_place(struct heap *h, size_t i, struct heap_item *item)
{
    h->items[i] = item;
    item->pos = i + 1;
}

static void heap_sift_up(struct heap *h, size_t i, struct heap_item *item)
{
    while (i > 0) {
        size_t parent = (i - 1) / 2;

        if (h->items[parent]->key <= item->key)
            break;
        heap_place(h, i, h->items[parent]);
        i = parent;
    }
    heap_place(h, i, item);
}

static void heap_sift_down(struct heap *h, size_t i, struct heap_item *item)
{
    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= h->len)
            break;
        if (child + 1 < h->len && h->items[child + 1]->key < h->items[child]->key)
            child++;
        if (item->key <= h->items[child]->key)
            break;
        heap_place(h, i, h->items[child]);
        i = child;
    }
    heap_place(h, i, item);
}

void heap_add(struct heap *h, struct heap_item *item, int64_t key)
{
    ASSERT(!heap_has(item));
    if (h->len == h->cap) {
        h->cap = h->cap ? h->cap * 2 : 16;
        h->items = xreallocarray(h->items, h->cap, sizeof(struct heap_item *));
    }
    item->key = key;
    heap_sift_up(h, h->len++, item);
}

void heap_remove(struct heap *h, struct heap_item *item)
{
    struct heap_item *last;
    size_t i;

    if (!heap_has(item))
        return;
    i = item->pos - 1;
    ASSERT(i < h->len && h->items[i] == item);
    item->pos = 0;
    last = h->items[--h->len];
    if (last == item)
        return;
    if (i > 0 && last->key < h->items[(i - 1) / 2]->key)
        heap_sift_up(h, i, last);
    else
        heap_sift_down(h, i, last);
}
