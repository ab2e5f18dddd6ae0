/*
 * Intrusive doubly linked lists.
 *
 * A `struct list` is both the head and a member's link.  A head is initialised to point at itself; a
 * member that is in no list may be zero or self-linked, and list_remove leaves it self-linked, so
 * removing twice is harmless.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>

#include "base/cc.h"

struct list {
    struct list *next;
    struct list *prev;
};

static inline void list_init(struct list *l)
{
    l->next = l;
    l->prev = l;
}

static inline bool list_is_empty(const struct list *l)
{
    return !l->next || l->next == l;
}

/* Puts `item` behind the last member of `head`. */
static inline void list_append(struct list *head, struct list *item)
{
    item->prev = head->prev;
    item->next = head;
    head->prev->next = item;
    head->prev = item;
}

/* Puts `item` before the first member of `head`. */
static inline void list_prepend(struct list *head, struct list *item)
{
    list_append(head->next, item);
}

/* Takes `item` out of whatever list it is in. */
static inline void list_remove(struct list *item)
{
    if (item->next) {
        item->next->prev = item->prev;
        item->prev->next = item->next;
    }
    list_init(item);
}

/* The first member, or NULL. */
static inline struct list *list_first(const struct list *head)
{
    return list_is_empty(head) ? NULL : head->next;
}

#define LIST_ENTRY(ptr, type, member) CONTAINER_OF(ptr, type, member)

/* Walks all members as `it`; `it` itself may be removed (its successor is read beforehand). */
#define LIST_EACH(it, head)                                                                        \
    for (struct list *it = (head)->next, *it##_next = it->next; it != (head);                      \
         it = it##_next, it##_next = it->next)

#endif
