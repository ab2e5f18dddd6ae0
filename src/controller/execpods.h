/*
 * Pod records of `connectors exec` that outlived their command: deleted once their expiry has passed.
 */
#ifndef CONTROLLER_EXECPODS_H
#define CONTROLLER_EXECPODS_H

#include "kube/controller.h"

/* A reconcile_fn whose cookie is the struct plane. */
int execpods_reconcile(void *cookie, struct kube_key key, struct arena *a,
                       struct reconcile_result *ret, struct err *err) MUST_USE;

#endif
