/*
 * What kube-controller-manager does for an installation without nodes: namespace deletion, garbage
 * collection by ownerReferences, ServiceAccount `default`, ConfigMap kube-root-ca.crt, Event expiry, bootstrap objects
 * (namespaces, RBAC roles), ClusterRole aggregation.
 */
#ifndef APISERVER_CONTROLLERS_H
#define APISERVER_CONTROLLERS_H

struct apiserver;
struct controllers;

/* Subscribes and starts; on_ready(cookie) comes once from the loop when the bootstrap objects exist. */
struct controllers *controllers_new(struct apiserver *server, void (*on_ready)(void *cookie),
                                    void *cookie);

/* NULL is allowed. */
void controllers_free(struct controllers *c);

#endif
