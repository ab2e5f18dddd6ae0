/*
 * Connectors: their labels, their conditions, their addresses, their Service.
 */
#ifndef CONTROLLER_CONNECTORS_H
#define CONTROLLER_CONNECTORS_H

#include "kube/controller.h"

/* A reconcile_fn whose cookie is the struct plane. */
int connectors_reconcile(void *cookie, struct kube_key key, struct arena *a,
                         struct reconcile_result *ret, struct err *err) MUST_USE;

#endif
