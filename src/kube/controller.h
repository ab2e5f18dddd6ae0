/*
 * Level-based reconcilers: a work queue of names, a bounded set of workers, back-off.
 *
 * A reconciler gets a key, reads the stores, and makes the world agree; it is safe to run twice and after a
 * crash at any line.  One key is never reconciled by two workers at once; adding it meanwhile runs it again
 * afterwards.  Failures come back with exponential back-off (5 ms doubling to 5 min, plus jitter);
 * `requeue_after_us` asks for another run later, and the earliest of such wishes wins.
 */
#ifndef KUBE_CONTROLLER_H
#define KUBE_CONTROLLER_H

#include "ev/pool.h"
#include "kube/reflector.h"

struct kube_key {
    struct str ns; /* empty: cluster-scoped */
    struct str name;
};

struct reconcile_result {
    int64_t requeue_after_us; /* 0: when something changes */
};

/* Returns 0, or <0 to be called again with back-off.  Runs on a worker thread; `a` dies with the call. */
typedef int reconcile_fn(void *cookie, struct kube_key key, struct arena *a,
                         struct reconcile_result *ret, struct err *err);

struct controller;

struct controller_spec {
    const char *name; /* in logs and metrics */
    reconcile_fn *reconcile;
    void *cookie;
    unsigned workers; /* at once, at most */
};

/* Starts idle: keys are kept and none is run before controller_enable.  `pool` is shared and borrowed. */
struct controller *controller_new(struct loop *l, struct pool *pool,
                                  const struct controller_spec *spec);

/* Waits for running reconciles and frees.  Context: loop thread, not inside a callback of it. */
void controller_free(struct controller *c);

/* Begins (leader) or stops (no longer leader) running reconciles.  Context: loop. */
void controller_enable(struct controller *c, bool enabled);

/* Queues a key.  Thread-safe. */
void controller_add(struct controller *c, struct kube_key key);

/* Queues a key to be run after a delay unless it is run earlier.  Thread-safe. */
void controller_add_after(struct controller *c, struct kube_key key, int64_t delay_us);

/* Queued and running keys (for tests and metrics).  Thread-safe. */
size_t controller_depth(struct controller *c);

#endif
