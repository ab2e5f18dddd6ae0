/*
 * CustomResourceDefinitions: each served version becomes a row of the resource table.
 */
#ifndef APISERVER_CRD_H
#define APISERVER_CRD_H

#include "apiserver/kind.h"

struct crds;

/* Made before the store is loaded, whose definitions become rows. */
struct crds *crd_new(struct apiserver *server);

/* NULL is allowed. */
void crd_free(struct crds *c);

/* Hooks of the CustomResourceDefinition kind (prepare, validate, after_commit adds and removes rows; the conditions
 * NamesAccepted and Established are set through the registry). */
extern const struct kind_hooks crd_hooks;

#endif
