/*
 * The typed view of a Connector object: what the spec says, parsed once.
 *
 * Immutable and reference-counted; safe to share between threads.
 */
#ifndef CORE_CONNECTOR_H
#define CORE_CONNECTOR_H

#include "codec/json.h"
#include "codec/url.h"

/* One address a Connector stands for: `spec.address` or an extension. */
struct connector_address {
    struct str name; /* empty for spec.address */
    struct str text; /* as written */
    bool https;
    struct str host; /* normalized, see url_normalize_host */
    bool host_is_ip6;
    uint16_t port;
    struct str path; /* prefix without a final '/', may be empty */
};

struct connector {
    struct str ns, name, uid, rv;
    struct str key; /* "namespace/name" */
    int64_t generation;
    struct str class_name;
    struct connector_address address;
    struct connector_address *extensions;
    size_t extension_count;
    struct str auth_name;   /* empty: none given */
    struct str secret_ns;   /* defaults to ns */
    struct str secret_name; /* empty: no secretRef */
    struct str ca_secret_name;
};

/*
 * Builds the view.
 * Errors: INVALID with the field path and the rule, e.g. "spec.address: must be an absolute http or https URL".
 */
int connector_parse(const json_t *object, struct connector **ret_connector,
                    struct err *err) MUST_USE;

struct connector *connector_ref(struct connector *c);
void connector_unref(struct connector *c); /* NULL is allowed */

/* Parses one address.  `field` goes into the message.  Slices belong to `a`. */
int connector_address_parse(struct arena *a, const char *field, struct str text,
                            struct connector_address *ret_address, struct err *err) MUST_USE;

DEFINE_CLEANUP(connector_unrefp, struct connector *, connector_unref)

#endif
