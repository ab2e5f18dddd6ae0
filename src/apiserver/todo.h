/*
 * What a controller still has to look at: a set of keys, looked at once each from the loop, again later when that
 * failed.
 *
 * Adding a key twice before it is looked at is once.  A bounded number of keys is looked at in one iteration of the
 * loop.  Writes that looking starts are tracked: each has a tag (usually the uid of its object) under which at most one is
 * in flight; when it is done its key is looked at again.
 */
#ifndef APISERVER_TODO_H
#define APISERVER_TODO_H

#include "apiserver/registry.h"
#include "base/map.h"
#include "ev/loop.h"

typedef void todo_fn(void *cookie, struct str key);

struct todo {
    struct loop *loop;
    struct map *now, *later;
    struct loop_task task;
    struct loop_timer timer;
    todo_fn *fn;
    void *cookie;
    struct map *writes; /* in flight, by tag */
};

struct todo_write {
    struct todo *todo;
    struct registry_op *op; /* set by who starts it */
    char *key, *tag;
};

/* Starts an empty set; fn(cookie, key) looks at a key and may add keys. */
void todo_init(struct todo *t, struct loop *loop, todo_fn *fn, void *cookie);

/* Forgets everything; writes in flight go on unobserved. */
void todo_fini(struct todo *t);

/* Looks at the key at the end of this iteration or soon after. */
void todo_add(struct todo *t, struct str key);

/* Whether a write with this tag is in flight. */
bool todo_is_busy(const struct todo *t, struct str tag);

/* Writes in flight. */
size_t todo_writes(const struct todo *t);

/* Registers a write (none with this tag is in flight): the cookie for todo_on_written. */
struct todo_write *todo_track(struct todo *t, struct str key, struct str tag);

/* Ends a write: the key is looked at again, later when the write failed for another reason than that the object
 * changed or is gone. */
void todo_on_written(void *cookie, const struct registry_result *result);

#endif
