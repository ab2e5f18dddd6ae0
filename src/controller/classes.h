/*
 * ConnectorClasses: whether they make sense, where their API and proxy are, and whether those can be reached.
 */
#ifndef CONTROLLER_CLASSES_H
#define CONTROLLER_CLASSES_H

#include "kube/controller.h"

/* A reconcile_fn whose cookie is the struct plane. */
int classes_reconcile(void *cookie, struct kube_key key, struct arena *a,
                      struct reconcile_result *ret, struct err *err) MUST_USE;

#endif
