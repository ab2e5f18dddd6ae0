/*
 * One reconcile of a Connector: what was read, and the object as it shall be.  Each aspect of the status has a
 * function that adds its condition; none of them writes.
 */
#ifndef CONTROLLER_LOOK_H
#define CONTROLLER_LOOK_H

#include "controller/condition.h"
#include "core/connector.h"
#include "core/secretrule.h"

struct look {
    const struct plane *plane;
    struct kube_key key;
    struct arena *arena;
    const json_t *old; /* as it was read */
    json_t *now;       /* a copy that is changed */
    struct connector *connector;
    json_t *class_object; /* NULL: there is none */
    struct connector_class *cls;
    const struct class_auth *auth; /* or NULL */
    const char *blocked;           /* reason why the class's rules do not hold, or NULL */
    json_t *secret;                /* or NULL */
    bool has_secret;               /* SecretReady is True and there is one */
    bool is_secret_ready;
    struct str ca_version; /* of the CA Secret in use, or empty */
    struct buf ca_pem;
    int64_t requeue_us; /* 0: none */
};

/* Frees what the fields own. */
void look_fini(struct look *k);

/* ConnectorClassReady; fills connector, class_object, cls, auth, blocked. */
void look_class(struct look *k);

/* SecretReady; fills secret.  Blocking.  Errors: what reading the Secret reports. */
int look_secret(struct look *k, struct err *err) MUST_USE;

/* CACertReady; fills ca_version and ca_pem.  As look_secret. */
int look_ca(struct look *k, struct err *err) MUST_USE;

/* LivenessReady and AuthReady, from the prober, which gets the plan if it has another. */
void look_probes(struct look *k);

/* ProxyServiceReady and status.proxy; keeps the Service.  Blocking. */
int look_proxy(struct look *k, struct err *err) MUST_USE;

#endif
