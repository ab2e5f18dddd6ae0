/*
 * Which URLs a Connector has, and which Connector a request names.
 *
 *   host form:  http://c-{name}.{ns}.svc.{domain}
 *   path form:  {proxy}/namespaces/{ns}/connectors/{name}
 *
 * See resources.md (address resolution) and proxy.md (which Connector) of the product contract.
 */
#ifndef CORE_ADDRESS_H
#define CORE_ADDRESS_H

#include "core/class.h"

/* What an installation decides about addresses. */
struct address_site {
    struct str
        proxy_address; /* --proxy-address, absolute URL without final '/', or empty on clusters */
    struct str cluster_domain; /* "cluster.local" */
    struct str system_ns;
};

/*
 * The resolved address of a class's proxy or API: "http://{name}.{ns}.svc[/uri]", the URI itself, or, for the
 * built-in proxy with --proxy-address, that address.  Empty when the class has none.
 */
struct str address_of_service(struct arena *a, const struct address_site *site,
                              const struct class_service *service);

/* The proxy address of a Connector of this class; empty when the class has no proxy. */
struct str address_of_proxy(struct arena *a, const struct address_site *site,
                            const struct connector_class *cls, struct str ns, struct str name);

/* "/connectors/v1alpha1/{ns}/{name}/path". */
struct str address_of_api(struct arena *a, struct str ns, struct str name);

/* A Connector as a request names it; slices of the request. */
struct address_name {
    struct str ns, name;
};

/*
 * Reads "c-{connector}.{namespace}.svc[.{domain}]" from a host without port (any letter case).
 * Returns whether the host has that form; both names are checked to be DNS-1123 labels.
 */
bool address_from_host(struct str host, struct str cluster_domain, struct address_name *ret_name);

/*
 * Reads "/namespaces/{ns}/connectors/{name}[/rest][?query]" from an origin-form target.
 * Returns 1 and the rest (starting with '/', '?' or empty), 0 when the target has not that form, or
 * -ERR_INVALID when it starts like it but the names are not DNS-1123 labels.
 */
int address_from_path(struct str target, struct address_name *ret_name,
                      struct str *ret_rest) MUST_USE;

/* Whether `s` is a DNS-1123 label: 1–63 of a–z, 0–9, '-', not at the ends. */
bool address_is_label(struct str s);

#endif
