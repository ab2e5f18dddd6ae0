/*
 * Which resources an API server serves, for commands that take any kind.
 */
#ifndef KUBE_DISCOVERY_H
#define KUBE_DISCOVERY_H

#include "kube/client.h"

struct discovery;

/* Reads /api/v1 and all preferred group versions.  Blocking.  Errors as kube_do. */
int discovery_load(struct kube_client *c, struct discovery **ret_discovery,
                   struct err *err) MUST_USE;
void discovery_free(struct discovery *d); /* NULL is allowed */

/* By apiVersion and kind (of a manifest); NULL when unknown.  Borrowed. */
const struct kube_resource *discovery_by_kind(const struct discovery *d, struct str api_version,
                                              struct str kind);

/* By what a person types: plural, singular, short name or kind, with ".group" allowed; ASCII case ignored. */
const struct kube_resource *discovery_by_name(const struct discovery *d, struct str name);

DEFINE_CLEANUP(discovery_freep, struct discovery *, discovery_free)

#endif
