/*
 * Deletion of namespaces: empties a namespace that is being deleted, then takes off its finalizer
 * "kubernetes".
 *
 * Also sweeps what was created in a namespace at the moment it went.
 */
#ifndef APISERVER_NSLIFE_H
#define APISERVER_NSLIFE_H

struct apiserver;
struct nslife;

/* Subscribes and starts. */
struct nslife *nslife_new(struct apiserver *server);

/* NULL is allowed. */
void nslife_free(struct nslife *n);

#endif
