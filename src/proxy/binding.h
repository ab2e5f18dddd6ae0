/*
 * Where a credential goes: decided once, carried to the end.
 *
 * A binding names one address of one Connector with one credential and one pool of trusted CAs.  It is
 * made when the Connector is resolved; a request gets one and everything later takes it from there.  The pool
 * key holds all of it, so that no upstream connection is ever shared across Connectors, credentials, CA pools
 * or TLS names.
 */
#ifndef PROXY_BINDING_H
#define PROXY_BINDING_H

#include "core/connector.h"
#include "net/tls.h"

struct binding {
    const struct connector_address *address;
    struct str connector_key; /* "namespace/name" */
    struct str connector_uid;
    struct str credential_version; /* empty: none */
    struct str trust;              /* names the CA pool; empty for http */
    struct tls_client *tls;        /* borrowed from the target; NULL: http */
    struct str tls_name;
    struct str authority; /* value of Host */
    struct str pool_key;
};

/* What a binding is made of, besides the address. */
struct binding_parts {
    const struct connector *connector;
    struct str credential_version;
    struct str trust;
    struct tls_client *tls;
};

/* Fills `b`; strings belong to `a` or to the connector.  For an http address trust and tls are left out. */
void binding_make(struct arena *a, const struct connector_address *address,
                  const struct binding_parts *parts, struct binding *ret_binding);

/* What all pool keys of one Connector start with. */
struct str binding_prefix(struct arena *a, struct str connector_key);

#endif
