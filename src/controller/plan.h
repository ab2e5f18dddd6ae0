/*
 * What is asked of a tool, decided once from a Connector, its class and its Secrets: at most two requests.
 *
 * A plan is immutable and reference-counted.  Whether a credential goes along is decided here and only here:
 * never with a liveness probe, and with an auth probe only to one of the Connector's own addresses.
 */
#ifndef CONTROLLER_PLAN_H
#define CONTROLLER_PLAN_H

#include "core/address.h"
#include "core/connector.h"
#include "core/credential.h"
#include "http/message.h"
#include "net/tls.h"

/* How an answer is judged. */
enum plan_rule {
    PLAN_LIVENESS, /* 2xx, 3xx, 401, 403 */
    PLAN_AUTH,     /* 2xx */
    PLAN_API,      /* 200 */
    PLAN_CONNECT,  /* a TCP connection; nothing is sent */
};

struct plan_request {
    bool is_set;
    enum plan_rule rule;
    bool https;
    struct str host;
    uint16_t port;
    struct str authority;
    struct str method, target;
    struct http_headers headers;   /* without the credential */
    struct credential *credential; /* or NULL; owned by the plan */
    struct tls_client *tls;        /* or NULL, then https fails; owned by the plan */
    bool follows_redirects;
    bool is_own; /* an address of this installation: the destination policy does not apply */
};

#define PLAN_REQUESTS 2

struct plan {
    struct str fingerprint; /* equal ones ask the same */
    struct plan_request requests[PLAN_REQUESTS];
    bool is_eager; /* failures are tried again soon instead of later and later */
};

/* What a Connector's plan is made of; everything is borrowed. */
struct plan_parts {
    struct str fingerprint;
    const struct connector *connector;
    const struct connector_class *cls;
    const struct class_auth *auth; /* or NULL */
    struct credential *credential; /* or NULL: no auth probe that would need one is made */
    struct tls_client *tls;        /* or NULL */
    struct str api_url;            /* of the class's API; empty: none */
    bool has_auth;                 /* the auth probe is wanted */
};

/*
 * Plans the probes of a Connector: request 0 is its liveness, request 1 its authentication.
 * Errors: INVALID when the class's probe makes no URL with the Connector's address.
 */
int plan_for_connector(const struct plan_parts *parts, struct plan **ret_plan,
                       struct err *err) MUST_USE;

/* An address of a class to connect to. */
struct plan_address {
    struct str url; /* empty: none */
    bool is_own;
};

/* Plans the connections of a class: request 0 to its API, request 1 to its proxy.  Errors: INVALID URLs. */
int plan_for_class(struct str fingerprint, const struct plan_address addresses[PLAN_REQUESTS],
                   struct plan **ret_plan, struct err *err) MUST_USE;

struct plan *plan_ref(struct plan *p);
void plan_unref(struct plan *p); /* NULL is allowed */

DEFINE_CLEANUP(plan_unrefp, struct plan *, plan_unref)

#endif
