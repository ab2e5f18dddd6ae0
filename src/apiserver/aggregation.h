/*
 * Aggregated ClusterRoles: their rules are those of the ClusterRoles whose labels they select.
 */
#ifndef APISERVER_AGGREGATION_H
#define APISERVER_AGGREGATION_H

struct apiserver;
struct aggregation;

/* Subscribes and starts. */
struct aggregation *aggregation_new(struct apiserver *server);

/* NULL is allowed. */
void aggregation_free(struct aggregation *a);

#endif
