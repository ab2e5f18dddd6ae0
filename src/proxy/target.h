/*
 * A Connector as the request path sees it: resolved, immutable, shared between threads.
 *
 *   Connector + ConnectorClass + Secret + CA Secret ──(target_new, control loop)──> target
 *
 * It is either ready, and then holds everything a request needs, or it says which condition is missing.
 * Whenever one of the objects changes a new one replaces it; requests under way keep theirs.
 */
#ifndef PROXY_TARGET_H
#define PROXY_TARGET_H

#include "core/credential.h"
#include "proxy/binding.h"
#include "proxy/counters.h"

struct target {
    struct str key; /* "namespace/name" */
    struct str uid;
    struct connector *connector;   /* NULL: its spec cannot be read */
    struct credential *credential; /* NULL: none, and none is needed */
    struct binding *bindings;      /* the address, then the extensions; none when not ready */
    size_t binding_count;
    const char *condition; /* that is not met, e.g. "SecretReady"; NULL: ready */
    struct str reason, message;
    struct counters_connector *counters;
};

/* What a target is made of; all borrowed. */
struct target_parts {
    struct str key, uid;
    struct connector *connector;   /* or NULL, with `error` */
    struct connector_class *class; /* or NULL: not there, or with `error` invalid */
    const struct err *error;       /* why the connector or class cannot be used; or NULL */
    const json_t *secret;          /* or NULL */
    bool is_secret_awaited;        /* it exists, its content is being read */
    struct tls_client *tls;        /* or NULL: no CA pool could be made */
    struct str trust;              /* names the CA pool */
    struct counters_connector *counters;
};

/* Resolves; the caller owns the first reference. */
struct target *target_new(const struct target_parts *parts);

struct target *target_ref(struct target *t);
void target_unref(struct target *t); /* NULL is allowed */

#endif
