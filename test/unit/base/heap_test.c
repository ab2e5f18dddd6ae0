/*
 * The heap and the lists: order, removal from anywhere, members that are in none.
 */
#include "unit.h"

#include "base/heap.h"
#include "base/list.h"

enum { ITEMS = 500 };

static void drain_in_order(struct heap *h, size_t want)
{
    int64_t last = INT64_MIN;
    struct heap_item *item;
    size_t count = 0;

    while ((item = heap_min(h))) {
        CHECK(item->key >= last);
        last = item->key;
        heap_remove(h, item);
        CHECK(!heap_has(item));
        count++;
    }
    CHECK_INT(count, want);
}

TEST(heap_empty)
{
    struct heap h = {0};
    struct heap_item item = {0};

    CHECK(heap_min(&h) == NULL);
    heap_remove(&h, &item);
    heap_fini(&h);
}

TEST(heap_returns_in_order)
{
    struct heap_item items[ITEMS] = {0};
    struct heap h = {0};
    uint32_t random = 1;

    for (int i = 0; i < ITEMS; i++) {
        random = random * 1664525 + 1013904223;
        heap_add(&h, &items[i], (int64_t)(random >> 24) - 128);
    }
    drain_in_order(&h, ITEMS);
    heap_add(&h, &items[0], INT64_MAX);
    heap_add(&h, &items[1], INT64_MIN);
    CHECK(heap_min(&h) == &items[1]);
    drain_in_order(&h, 2);
    heap_fini(&h);
}

TEST(heap_removes_from_anywhere)
{
    struct heap_item items[ITEMS] = {0};
    struct heap h = {0};
    uint32_t random = 7;
    size_t len = 0;

    for (int step = 0; step < 20000; step++) {
        struct heap_item *item;

        random = random * 1664525 + 1013904223;
        item = &items[(random >> 8) % ITEMS];
        if (heap_has(item)) {
            heap_remove(&h, item);
            len--;
        } else {
            heap_add(&h, item, (int64_t)(random >> 20));
            len++;
        }
        CHECK_INT(h.len, len);
        for (size_t i = 1; step % 1000 == 0 && i < h.len; i++) {
            CHECK(h.items[(i - 1) / 2]->key <= h.items[i]->key);
            CHECK_INT(h.items[i]->pos, i + 1);
        }
    }
    drain_in_order(&h, len);
    heap_fini(&h);
}

static void add_twice(void *cookie)
{
    struct heap_item item = {0};

    heap_add(cookie, &item, 1);
    heap_add(cookie, &item, 2);
}

TEST(heap_adding_twice_ends_the_process)
{
    struct heap h = {0};

    CHECK_DIES(add_twice, &h);
    heap_fini(&h);
}

struct member {
    int n;
    struct list link;
};

TEST(list_keeps_order)
{
    struct member m[3] = {{.n = 1}, {.n = 2}, {.n = 3}};
    struct list head;
    int order = 0;

    list_init(&head);
    CHECK(list_is_empty(&head));
    CHECK(list_first(&head) == NULL);
    list_append(&head, &m[1].link);
    list_append(&head, &m[2].link);
    list_prepend(&head, &m[0].link);
    LIST_EACH(it, &head)
    {
        order = order * 10 + LIST_ENTRY(it, struct member, link)->n;
    }
    CHECK_INT(order, 123);
    CHECK(LIST_ENTRY(list_first(&head), struct member, link) == &m[0]);
}

TEST(list_removal_is_harmless_twice_and_while_walking)
{
    struct member m[3] = {{.n = 1}, {.n = 2}, {.n = 3}};
    struct list head;

    list_init(&head);
    list_remove(&m[0].link);
    CHECK(list_is_empty(&m[0].link));
    for (int i = 0; i < 3; i++)
        list_append(&head, &m[i].link);
    LIST_EACH(it, &head)
    {
        list_remove(it);
    }
    CHECK(list_is_empty(&head));
    list_remove(&m[1].link);
    CHECK(list_is_empty(&head));
}
