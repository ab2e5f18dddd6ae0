/*
 * What the files of the CustomResourceDefinition kind share: crd.c (rows of the resource table), crd_validate.c
 * (what a definition may say), crd_status.c (conditions and deletion).
 */
#ifndef APISERVER_CRD_PRIV_H
#define APISERVER_CRD_PRIV_H

#include "apiserver/crd.h"
#include "apiserver/registry.h"
#include "base/map.h"
#include "ev/loop.h"

#define CRD_GROUP "apiextensions.k8s.io"
#define CRD_FINALIZER "customresourcecleanup.apiextensions.k8s.io"

struct crds {
    struct apiserver *server;
    struct registry_listener objects; /* sees the last object of a deleted definition go */
    struct map *pending;              /* names of definitions to look at, to themselves */
    struct loop_task task;            /* looks at them */
    struct loop_timer retry;
    size_t deleting; /* definitions that wait for their objects to go */
};

/* The row of the CustomResourceDefinition kind itself. */
const struct kind *crd_kind(const struct apiserver *server);

/* Looks at a definition soon: names, conditions, deletion. */
void crd_status_enqueue(struct crds *c, struct str name);

/* Starts listening to deletions of custom objects. */
void crd_status_start(struct crds *c);

/* Stops looking; the registry, and with it the listening, has ended before. */
void crd_status_stop(struct crds *c);

/* Checks a definition; `old` is NULL on create. */
void crd_validate(const struct kind_request *r, const json_t *object, const json_t *old,
                  struct field_errors *errors);

/* Whether a condition of the definition is True. */
bool crd_is_true(const json_t *crd, const char *condition);

#endif
