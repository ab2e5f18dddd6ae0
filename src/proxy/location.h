/*
 * The Location header of a reverse answer: what lies under the tool's address is said in terms of the proxy.
 */
#ifndef PROXY_LOCATION_H
#define PROXY_LOCATION_H

#include "core/connector.h"

/* How the client reached the Connector. */
struct location_base {
    struct str origin; /* "http://host[:port]" that the client used */
    struct str
        path; /* what stands before the tool's own path, e.g. "/namespaces/ns/connectors/c"; may be empty */
};

/*
 * Rewrites `location` when it lies at or under `address`: an absolute URL of the same origin, or an absolute path.
 * Returns the new value in the arena, or STR_NONE when the old one is to be passed on.
 */
struct str location_rewrite(struct arena *a, const struct connector_address *address,
                            const struct location_base *base, struct str location);

#endif
