/*
 * Leader election by a coordination.k8s.io Lease, as client-go does it: lease 15 s, renew deadline 10 s,
 * retry 2 s.
 *
 * A leader that cannot renew within the deadline stops leading before the lease can be taken by another;
 * on_change(false) is then called and the caller must stop acting.  Released on stop, so that a successor
 * need not wait.
 */
#ifndef KUBE_LEADER_H
#define KUBE_LEADER_H

#include "kube/client.h"

struct leader;

struct leader_spec {
    struct str ns, name; /* of the Lease */
    struct str identity; /* unique per process */
    void (*on_change)(void *cookie, bool leading);
    void *cookie;
};

/* Starts as a candidate; copies the spec's strings.  Context: loop, as everything here. */
struct leader *leader_start(struct kube_client *c, const struct leader_spec *spec);

/*
 * Gives the lease back (best effort, at most 1 s, on the loop) and calls on_stopped when it is gone.
 *
 * on_change is not called any more: who leads stops acting before this.
 */
void leader_stop(struct leader *l, void (*on_stopped)(void *cookie), void *cookie);

bool leader_is_leading(const struct leader *l);

#endif
