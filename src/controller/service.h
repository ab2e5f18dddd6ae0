/*
 * Service c-{name}: the DNS name under which a Connector's clients reach the class's proxy on a cluster.
 *
 * It is an ExternalName owned by the Connector.  A Service of that name that the Connector does not own is left
 * alone.
 */
#ifndef CONTROLLER_SERVICE_H
#define CONTROLLER_SERVICE_H

#include "controller/plane.h"
#include "core/connector.h"

struct service_result {
    bool is_ok;
    const char *reason; /* CamelCase, when not */
    struct str message; /* in the arena */
};

/*
 * The DNS name that c-{name} of a Connector of this class stands for: that of the class's proxy Service, or the
 * host of its URI.  Empty when there is none to stand for.
 */
struct str service_target(struct arena *a, const struct address_site *site,
                          const struct connector_class *cls);

/* Whether `service` is owned by `connector` (an object). */
bool service_is_owned(const json_t *service, const json_t *connector);

/* A Service as it should be: owner, label, ExternalName. */
json_t *service_make(struct arena *a, const json_t *connector, struct str target) MUST_USE;

/*
 * Makes the Connector's Service as it should be.  Blocking.
 * Returns 0 with *ret_result, or a failure that is worth another try.
 */
int service_ensure(const struct plane *p, struct arena *a, const json_t *connector,
                   struct str target, struct service_result *ret_result, struct err *err) MUST_USE;

/* Deletes the Connector's Service if there is one and it is ours.  Blocking. */
int service_remove(const struct plane *p, struct arena *a, const json_t *connector,
                   struct err *err) MUST_USE;

#endif
