/*
 * Questions to the API server with a bound on how many are open at once.
 *
 * Those beyond the bound wait in order, up to a second bound; the time-out counts from the asking, so that a slow API server
 * makes all of them fail in time instead of piling up.  Everything happens on the client's loop.
 */
#ifndef CORE_REVIEW_H
#define CORE_REVIEW_H

#include "kube/client.h"

struct review_lane;

struct review_limits {
    unsigned max_open;
    unsigned max_waiting; /* beyond: fails at once with THROTTLED */
    int64_t timeout_us;
};

/* `client` is borrowed until review_lane_free; `limits` is copied. */
struct review_lane *review_lane_new(struct kube_client *client, const struct review_limits *limits);

/* Forgets what is open: no callback follows.  NULL is allowed. */
void review_lane_free(struct review_lane *lane);

/*
 * Creates `body` (taken) in the collection `r`.
 *
 * fn is called once, never from inside, with the answer borrowed for the call.  Errors: as kube_call_start,
 * and TIMEOUT, THROTTLED.
 */
void review_create(struct review_lane *lane, const struct kube_resource *r, json_t *body,
                   kube_done_fn *fn, void *cookie);

/* Reads one object; as review_create. */
void review_read(struct review_lane *lane, const struct kube_resource *r, struct str ns,
                 struct str name, kube_done_fn *fn, void *cookie);

struct review_counts {
    uint64_t asked;
    uint64_t failed;
};

/* Questions sent and failed so far. */
struct review_counts review_counts(const struct review_lane *lane);

#endif
