/*
 * Kinds of the Kubernetes API that our code names: group, version, plural, kind, scope.
 *
 * A resource is a constant; paths are built from it.  Kinds that are known at run time only (what a user
 * applies) come from discovery (kube/discovery.h) in the same form.
 */
#ifndef KUBE_RESOURCE_H
#define KUBE_RESOURCE_H

#include "base/arena.h"
#include "base/buf.h"

struct kube_resource {
    struct str group; /* empty: core */
    struct str version;
    struct str plural;
    struct str kind;
    bool namespaced;
};

extern const struct kube_resource KUBE_NAMESPACES, KUBE_SECRETS, KUBE_CONFIGMAPS,
    KUBE_SERVICEACCOUNTS, KUBE_SERVICES, KUBE_PODS, KUBE_EVENTS, KUBE_LEASES, KUBE_ROLES,
    KUBE_ROLEBINDINGS, KUBE_CLUSTERROLES, KUBE_CLUSTERROLEBINDINGS, KUBE_CRDS, KUBE_TOKENREVIEWS,
    KUBE_SUBJECTACCESSREVIEWS, KUBE_SELFSUBJECTACCESSREVIEWS, KUBE_CONNECTORS,
    KUBE_CONNECTORCLASSES, KUBE_ACCESSPOLICIES, KUBE_ACCESSREQUESTS, KUBE_RESOURCEINTERFACES;

/*
 * Appends the path of a collection or object: "/api/v1/namespaces/ns/secrets/name/status".
 * `ns`, `name` and `subresource` may be empty; names are percent-encoded.
 */
void kube_path(struct buf *out, const struct kube_resource *r, struct str ns, struct str name,
               struct str subresource);

/* "v1" or "group/version". */
struct str kube_api_version(struct arena *a, const struct kube_resource *r);

#endif
