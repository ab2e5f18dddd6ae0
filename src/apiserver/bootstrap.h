/*
 * Objects that every installation has: the system's namespaces, default roles and bindings.
 *
 * Missing ones are made at every start; a ClusterRole that lacks a rule of this version gets it, unless its annotation
 * rbac.authorization.kubernetes.io/autoupdate says "false".  What else people changed stays.
 */
#ifndef APISERVER_BOOTSTRAP_H
#define APISERVER_BOOTSTRAP_H

struct apiserver;
struct bootstrap;

/* Starts; on_done(cookie) comes once from the loop when everything exists. */
struct bootstrap *bootstrap_start(struct apiserver *server, void (*on_done)(void *cookie),
                                  void *cookie);

/* Stops waiting.  NULL is allowed. */
void bootstrap_free(struct bootstrap *b);

#endif
