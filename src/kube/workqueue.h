/*
 * The queue under a controller: keys that are dirty, in work, or due later (client-go's workqueue).
 *
 * A key is in the queue at most once; one that is added while it is in work is queued again when that work
 * is done.  Delays are given relative and become points in time at the next workqueue_settle, because only
 * the loop knows the time.  No locks and no clock here: the controller has both.
 */
#ifndef KUBE_WORKQUEUE_H
#define KUBE_WORKQUEUE_H

#include "base/heap.h"
#include "base/list.h"
#include "kube/controller.h"

struct workqueue;

struct workqueue_item {
    struct kube_key key; /* points into this object */
    unsigned failures;   /* of runs, in a row; the controller's */
    bool is_dirty;       /* wants to run */
    bool is_processing;
    struct list link; /* ready */
    struct list wish; /* delays that were not settled yet */
    int64_t wish_us;  /* the delay wished for */
    struct heap_item due;
    size_t key_len;
    char key_bytes[]; /* "ns/name" */
};

/* Returns an empty queue. */
struct workqueue *workqueue_new(void);
void workqueue_free(struct workqueue *q);

/* Makes a key want to run now. */
void workqueue_add(struct workqueue *q, struct kube_key key);

/* Makes a key want to run after a delay unless it runs before; of several wishes the earliest counts. */
void workqueue_add_after(struct workqueue *q, struct kube_key key, int64_t delay_us);

/* Takes the next ready key into work, or returns NULL; wishes it had are fulfilled by that. */
struct workqueue_item *workqueue_get(struct workqueue *q);

/* Ends the work on a key; the item is gone when nothing is wanted of it any more. */
void workqueue_done(struct workqueue *q, struct workqueue_item *item);

/* Queues what is due; returns when the next key is due, or INT64_MAX. */
int64_t workqueue_settle(struct workqueue *q, int64_t now_us);

/* Whether there are delays that workqueue_settle has not seen. */
bool workqueue_has_wishes(const struct workqueue *q);

/* Keys ready to be taken. */
size_t workqueue_ready(const struct workqueue *q);

/* Keys in work. */
size_t workqueue_processing(const struct workqueue *q);

#endif
