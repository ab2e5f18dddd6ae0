/*
 * From a key to all entries that refer to it.
 *
 * An entry is in an index by a link of its own, at most once for each link.
 */
#ifndef PROXY_INDEX_H
#define PROXY_INDEX_H

#include "base/list.h"
#include "base/str.h"

struct index;

/* The memory is the owner's, zeroed before first use. */
struct index_link {
    struct list link;
    void *owner;
    char *key; /* NULL: in no index */
};

/* Returns an empty index. */
struct index *index_new(void);

/* No link may be in it any more.  NULL is allowed. */
void index_free(struct index *ix);

/* Puts `l` under `key` (copied), from wherever it was; an empty key only takes it out. */
void index_set(struct index *ix, struct index_link *l, struct str key, void *owner);

/* The links under `key`, or NULL when there are none.  Walk it with LIST_EACH and index_owner. */
struct list *index_get(const struct index *ix, struct str key);

/* The owner of a link found by index_get. */
static inline void *index_owner(struct list *link)
{
    return LIST_ENTRY(link, struct index_link, link)->owner;
}

#endif
