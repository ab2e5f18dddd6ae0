/*
 * Accessors for API objects as generic JSON trees (what client-go calls unstructured).
 *
 * Absent, null and empty stay apart in the tree; the accessors return STR_NONE for what is absent.  An object
 * from a store is shared and frozen: clone before changing.
 */
#ifndef KUBE_OBJECT_H
#define KUBE_OBJECT_H

#include "codec/json.h"
#include "kube/resource.h"

struct str kobj_name(const json_t *o);
struct str kobj_ns(const json_t *o);
struct str kobj_uid(const json_t *o);
struct str kobj_rv(const json_t *o);
struct str kobj_kind(const json_t *o);
struct str kobj_api_version(const json_t *o);
int64_t kobj_generation(const json_t *o);

/* The value under `key`; STR_NONE when absent. */
struct str kobj_label(const json_t *o, const char *key);
struct str kobj_annotation(const json_t *o, const char *key);

bool kobj_is_deleting(const json_t *o);
bool kobj_has_finalizer(const json_t *o, const char *name);

/* A new object with apiVersion, kind and metadata.{namespace,name} (ns may be empty). */
json_t *kobj_new(const struct kube_resource *r, struct str ns, struct str name) MUST_USE;

/* Sets a label or annotation, making the maps as needed. */
void kobj_set_label(json_t *o, const char *key, struct str value);
void kobj_set_annotation(json_t *o, const char *key, struct str value);

/* "namespace/name", or "name" for cluster-scoped objects, into the arena. */
struct str kobj_key(struct arena *a, const json_t *o);

/* An ownerReference to `owner` with controller and blockOwnerDeletion set. */
json_t *kobj_owner_ref(const json_t *owner) MUST_USE;

/* A condition as resources.md has it.  `reason` and `message` may be empty; severity NULL: none. */
struct kube_condition {
    const char *type;
    const char *status; /* "True", "False", "Unknown" */
    struct str reason;
    struct str message;
    const char *severity;  /* "Info" or NULL */
    int64_t probe_wall_us; /* lastProbeTime; 0: none */
};

/*
 * Sets a condition in status.conditions (made as needed); lastTransitionTime moves only when status
 * changes.  Returns whether anything but lastProbeTime changed.
 */
bool kobj_set_condition(json_t *o, const struct kube_condition *c, int64_t wall_us);

/* The condition object of that type, borrowed, or NULL. */
json_t *kobj_condition(const json_t *o, const char *type);

/* Derives the top-level Ready condition from the others (resources.md). */
bool kobj_set_ready(json_t *o, int64_t wall_us);

#endif
