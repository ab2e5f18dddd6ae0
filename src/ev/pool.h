/*
 * A bounded pool of threads for work that blocks (reconciles, file reading).
 *
 * Jobs run in the order of submission on whichever thread is free.  A job that has something to say to a
 * loop posts a task to it (loop_post).
 */
#ifndef EV_POOL_H
#define EV_POOL_H

#include "base/cc.h"

struct pool;

typedef void pool_fn(void *cookie);

/* Starts `threads` threads named `name` (15 characters at most are kept). */
struct pool *pool_new(const char *name, unsigned threads);

/* Waits until every submitted job has ended, then ends the threads.  NULL is allowed. */
void pool_free(struct pool *p);

/* Queues fn(cookie).  Thread-safe. */
void pool_submit(struct pool *p, pool_fn *fn, void *cookie);

#endif
