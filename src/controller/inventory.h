/*
 * What the controller knows of the cluster: Connectors, classes, Secrets, Services, Pod records of
 * `connectors exec`, and who refers to whom.
 *
 * A change is told as the keys of those objects that must be looked at again.  Only Secrets that a Connector
 * refers to keep their data; one that becomes interesting later is read once more.
 */
#ifndef CONTROLLER_INVENTORY_H
#define CONTROLLER_INVENTORY_H

#include "kube/controller.h"

struct inventory;

/* Called on the loop. */
struct inventory_ops {
    void (*on_connector)(void *cookie, struct kube_key key);
    void (*on_class)(void *cookie, struct kube_key key);
    void (*on_exec_pod)(void *cookie, struct kube_key key);
    void (*on_synced)(void *cookie); /* once: all first lists are complete */
};

/* Starts watching; borrows all arguments until inventory_free.  Context: loop. */
struct inventory *inventory_new(struct kube_client *c, const struct inventory_ops *ops,
                                void *cookie);

/* Stops watching.  No worker may use it any more.  NULL is allowed.  Context: loop. */
void inventory_free(struct inventory *v);

bool inventory_is_synced(const struct inventory *v);

/* The longest time since the server was heard for one of the collections. */
int64_t inventory_age_us(const struct inventory *v);

/* Tells every known key again (after becoming leader).  Context: loop. */
void inventory_tell_all(struct inventory *v);

/* New references, or NULL.  Thread-safe. */
json_t *inventory_connector(struct inventory *v, struct kube_key key) MUST_USE;
json_t *inventory_class(struct inventory *v, struct str name) MUST_USE;
json_t *inventory_service(struct inventory *v, struct kube_key key) MUST_USE;
json_t *inventory_exec_pod(struct inventory *v, struct kube_key key) MUST_USE;

/*
 * A Secret with its data, read from the server when it is not in the store.
 * Returns 0 and a new reference, -ERR_NOTFOUND, or what reading it reports.
 * Context: any thread but the loop's; may block.
 */
int inventory_secret(struct inventory *v, struct kube_key key, json_t **ret_secret,
                     struct err *err) MUST_USE;

#endif
