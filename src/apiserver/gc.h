/*
 * Garbage collection by ownerReferences: what has no owner left goes, in the three propagation policies of
 * the API (background, foreground, orphan).
 */
#ifndef APISERVER_GC_H
#define APISERVER_GC_H

struct apiserver;
struct gc;

/* Subscribes and starts. */
struct gc *gc_new(struct apiserver *server);

/* NULL is allowed. */
void gc_free(struct gc *g);

#endif
