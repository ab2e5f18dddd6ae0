/*
 * Which Connectors refer to something: from a key (a class, a Secret) to a set of member keys.
 *
 * Belongs to one loop.
 */
#ifndef CONTROLLER_LINKS_H
#define CONTROLLER_LINKS_H

#include "base/str.h"

struct links;

/* Returns an empty table. */
struct links *links_new(void);

/* NULL is allowed. */
void links_free(struct links *l);

/* Says that `member` refers to `key`; both are copied.  An empty key is ignored. */
void links_add(struct links *l, struct str key, struct str member);

/* Takes that back; nothing happens when it was not said. */
void links_del(struct links *l, struct str key, struct str member);

/* Whether any member refers to `key`. */
bool links_has(const struct links *l, struct str key);

/* Calls `fn` for each member of `key`; it must not change the table. */
void links_each(const struct links *l, struct str key, void (*fn)(void *cookie, struct str member),
                void *cookie);

#endif
