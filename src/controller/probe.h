/*
 * One probe under way: a request of a plan, its redirects, its deadline, its verdict.
 *
 * Redirects are followed five times at most and only on the same scheme, host and port, so that a credential
 * never leaves the origin it was decided for.  A verdict names a reason and a status code; nothing the tool
 * sent gets into it.
 */
#ifndef CONTROLLER_PROBE_H
#define CONTROLLER_PROBE_H

#include "controller/plan.h"
#include "core/destination.h"
#include "http/client.h"

#define PROBE_MESSAGE_BYTES 160

struct probe_verdict {
    bool is_ok;
    bool is_reached;    /* it makes sense to ask the same host something else */
    const char *reason; /* CamelCase */
    char message[PROBE_MESSAGE_BYTES];
    int64_t wall_us; /* when the probe ended */
};

/* What probes run on; borrowed while one runs. */
struct probe_site {
    struct loop *loop;
    struct dns *dns;
    struct http_client *client;
    struct destination_policy *policy;
    int64_t timeout_us; /* of a probe, redirects included */
};

struct probe;

typedef void probe_fn(void *cookie, const struct probe_verdict *verdict);

/* Starts a probe of one of the plan's requests; `fn` is called once, never from inside, and the probe is gone
 * then.  Takes a reference to `plan`. */
struct probe *probe_start(const struct probe_site *site, struct plan *plan,
                          const struct plan_request *request, probe_fn *fn, void *cookie);

/* Ends it; `fn` is not called. */
void probe_cancel(struct probe *p);

#endif
