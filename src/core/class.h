/*
 * The typed view of a ConnectorClass object, as far as it is needed without expressions: auth types, probes
 * with literal paths, and where proxy and API are.
 *
 * Immutable and reference-counted; safe to share between threads.
 */
#ifndef CORE_CLASS_H
#define CORE_CLASS_H

#include "codec/json.h"

/* spec.auth.types[] */
struct class_auth {
    struct str name;
    struct str secret_type;
    bool optional;
    struct str *keys; /* required Secret keys of a custom type: params without default */
    size_t key_count;
};

struct class_header {
    struct str name, value;
};

/* A probe of kind `http` or `api`. */
struct class_probe {
    bool is_api;
    struct str path;   /* absolute on the host */
    struct str method; /* GET or POST */
    struct str host;   /* empty: the address's */
    struct str scheme; /* empty: the address's */
    bool disable_redirect;
    struct class_header *headers;
    size_t header_count;
    bool needs_expression; /* a template or CEL in it: cannot be run without the engines */
};

struct class_auth_probe {
    struct str auth_name;
    struct class_probe probe;
};

/* spec.proxy or spec.api: a Service reference and/or a URI. */
struct class_service {
    bool present;
    struct str ns, name, kind; /* name empty: no reference */
    struct str scheme;         /* "http" or "https" */
    struct str uri;            /* absolute URL, or a path prefix behind a reference */
};

struct connector_class {
    struct str name, uid, rv;
    int64_t generation;
    struct class_auth *auths;
    size_t auth_count;
    bool has_liveness;
    struct class_probe liveness;
    struct class_auth_probe *auth_probes;
    size_t auth_probe_count;
    struct class_service proxy;
    struct class_service api;
    bool resolver_path;              /* annotation proxy-resolver: path */
    struct str *required_extensions; /* names without a default */
    size_t required_extension_count;
};

/* Builds the view.  Errors: INVALID with the field path and the rule. */
int class_parse(const json_t *object, struct connector_class **ret_class, struct err *err) MUST_USE;

struct connector_class *class_ref(struct connector_class *c);
void class_unref(struct connector_class *c); /* NULL is allowed */

/* The auth type of that name, or NULL; with an empty name the class's only type. */
const struct class_auth *class_auth_find(const struct connector_class *c, struct str name);

/* The auth probe of that auth type, or NULL. */
const struct class_probe *class_auth_probe_find(const struct connector_class *c,
                                                struct str auth_name);

/* Whether the class's proxy is the built-in one (the Service connectors-proxy-service). */
bool class_uses_builtin_proxy(const struct connector_class *c, struct str system_ns);

DEFINE_CLEANUP(class_unrefp, struct connector_class *, class_unref)

#endif
