/*
 * What ends cached decisions: Pods and ServiceAccounts that go, and changes of roles and bindings.
 *
 * Watched without their content; each event ends identities (core/identity) or voids verdicts
 * (core/permission).
 */
#ifndef PROXY_REVOKE_H
#define PROXY_REVOKE_H

#include "core/identity.h"
#include "core/permission.h"
#include "kube/client.h"

struct revoke;

/* Starts watching; everything is borrowed.  The services may be set later by revoke_serve. */
struct revoke *revoke_new(struct kube_client *client);

/* From now on events go to these services. */
void revoke_serve(struct revoke *r, struct identity_service *identities,
                  struct permission_service *permissions);

/* NULL is allowed. */
void revoke_free(struct revoke *r);

/* Fits struct identity_rules: whether the Pod is known, with this uid, and has not ended. */
bool revoke_is_pod_live(void *revoke, struct str ns, struct str name, struct str uid);

/* Whether all first lists are complete. */
bool revoke_is_synced(const struct revoke *r);

/* Time since the API server last confirmed the least recently confirmed collection. */
int64_t revoke_age_us(const struct revoke *r);

#endif
