/*
 * The identity of one `exec`: a Pod record that no node runs, and tokens bound to it.
 *
 * The record carries label connectors.alauda.io/exec and the time after which the controller deletes it, so a
 * killed `exec` leaves nothing behind.  Deleting it ends every token bound to it.
 */
#ifndef CLI_WORKLOAD_H
#define CLI_WORKLOAD_H

#include "base/secret.h"
#include "cli/session.h"

struct workload {
    struct session *session;
    struct arena *arena;
    const char *account;
    int64_t ttl_us;      /* wanted life of tokens */
    int64_t life_us;     /* life of the last token: the API server may give less */
    struct str pod_name; /* empty: none made */
    struct str pod_uid;
};

/* Makes the Pod record in the session's namespace.  Errors as kube_do. */
int workload_create(struct workload *w, struct err *err) MUST_USE;

/* Returns a new token of audience connectors-proxy bound to the Pod.  Errors as kube_do. */
int workload_token(struct workload *w, struct secret **ret_token, struct err *err) MUST_USE;

/* Moves the expiry of the Pod record to two token lives from now.  Errors as kube_do. */
int workload_extend(struct workload *w, struct err *err) MUST_USE;

/* Deletes the Pod record; nothing happens when there is none.  Errors as kube_do. */
int workload_delete(struct workload *w, struct err *err) MUST_USE;

#endif
