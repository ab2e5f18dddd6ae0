/*
 * A time limit that moves with every request but seldom touches the timer heap.
 *
 * Moving the limit later is one store: the timer that is already running fires early, sees that the limit
 * has moved, and starts again.  Only a limit earlier than the running timer restarts it.
 */
#ifndef HTTP_DEADLINE_H
#define HTTP_DEADLINE_H

#include "ev/loop.h"

#define DEADLINE_NEVER INT64_MAX

/* The memory is the owner's, zeroed before deadline_init. */
struct deadline {
    struct loop *loop;
    struct loop_timer timer;
    int64_t at_us;    /* the limit, on the loop's monotonic clock */
    int64_t timer_us; /* when the running timer fires */
    loop_fn *fn;
    void *cookie;
};

/* Prepares a limit that calls fn(cookie) on `l` when it is reached; none is set yet. */
void deadline_init(struct deadline *d, struct loop *l, loop_fn *fn, void *cookie);

/* Sets the limit to `at_us`, or to none with DEADLINE_NEVER. */
void deadline_set(struct deadline *d, int64_t at_us);

/* Forgets the limit and stops the timer. */
void deadline_fini(struct deadline *d);

#endif
