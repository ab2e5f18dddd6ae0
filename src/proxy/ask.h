/*
 * Questions of a worker to the services on the control loop, and their answers, as messages.
 *
 *   worker ──loop_post──> control: identity_ask / permission_ask ──loop_post──> worker: callback
 *
 * A question outlives the request that asked it: cancelled, its answer is dropped when it comes back.
 */
#ifndef PROXY_ASK_H
#define PROXY_ASK_H

#include "proxy/worker.h"

struct ask;

/* As identity_done_fn, on the worker's loop. */
struct ask *ask_identity(struct worker *w, const uint8_t mac[IDENTITY_MAC_BYTES], struct str token,
                         identity_done_fn *fn, void *cookie);

/* As permission_done_fn, on the worker's loop. */
struct ask *ask_permission(struct worker *w, struct identity *id,
                           const struct permission_action *action, permission_done_fn *fn,
                           void *cookie);

/* The callback does not come.  NULL is allowed. */
void ask_cancel(struct ask *ask);

#endif
