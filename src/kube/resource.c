/*
 * The resources our code names, as one table of constants, and the paths built from them.
 *
 * Adding a kind is one row here and one name in the header.
 */
#include "kube/resource.h"

#include "codec/url.h"

#define CORE ""
#define RBAC "rbac.authorization.k8s.io"
#define AUTHN "authentication.k8s.io"
#define AUTHZ "authorization.k8s.io"
#define OURS "connectors.alauda.io"

#define RESOURCE(var, group_, version_, plural_, kind_, namespaced_)                               \
    const struct kube_resource var = {STR_INIT(group_), STR_INIT(version_), STR_INIT(plural_),     \
                                      STR_INIT(kind_), namespaced_};

RESOURCE(KUBE_NAMESPACES, CORE, "v1", "namespaces", "Namespace", false)
RESOURCE(KUBE_SECRETS, CORE, "v1", "secrets", "Secret", true)
RESOURCE(KUBE_CONFIGMAPS, CORE, "v1", "configmaps", "ConfigMap", true)
RESOURCE(KUBE_SERVICEACCOUNTS, CORE, "v1", "serviceaccounts", "ServiceAccount", true)
RESOURCE(KUBE_SERVICES, CORE, "v1", "services", "Service", true)
RESOURCE(KUBE_PODS, CORE, "v1", "pods", "Pod", true)
RESOURCE(KUBE_EVENTS, CORE, "v1", "events", "Event", true)
RESOURCE(KUBE_LEASES, "coordination.k8s.io", "v1", "leases", "Lease", true)
RESOURCE(KUBE_ROLES, RBAC, "v1", "roles", "Role", true)
RESOURCE(KUBE_ROLEBINDINGS, RBAC, "v1", "rolebindings", "RoleBinding", true)
RESOURCE(KUBE_CLUSTERROLES, RBAC, "v1", "clusterroles", "ClusterRole", false)
RESOURCE(KUBE_CLUSTERROLEBINDINGS, RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", false)
RESOURCE(KUBE_CRDS, "apiextensions.k8s.io", "v1", "customresourcedefinitions",
         "CustomResourceDefinition", false)
RESOURCE(KUBE_TOKENREVIEWS, AUTHN, "v1", "tokenreviews", "TokenReview", false)
RESOURCE(KUBE_SUBJECTACCESSREVIEWS, AUTHZ, "v1", "subjectaccessreviews", "SubjectAccessReview",
         false)
RESOURCE(KUBE_SELFSUBJECTACCESSREVIEWS, AUTHZ, "v1", "selfsubjectaccessreviews",
         "SelfSubjectAccessReview", false)
RESOURCE(KUBE_CONNECTORS, OURS, "v1alpha1", "connectors", "Connector", true)
RESOURCE(KUBE_CONNECTORCLASSES, OURS, "v1alpha1", "connectorclasses", "ConnectorClass", false)
RESOURCE(KUBE_ACCESSPOLICIES, OURS, "v1alpha1", "accesspolicies", "AccessPolicy", true)
RESOURCE(KUBE_ACCESSREQUESTS, OURS, "v1alpha1", "accessrequests", "AccessRequest", true)
RESOURCE(KUBE_RESOURCEINTERFACES, OURS, "v1alpha1", "resourceinterfaces", "ResourceInterface",
         false)

static void add_segment(struct buf *out, struct str s)
{
    buf_add_char(out, '/');
    url_encode(out, s, "");
}

/* lint: prefix: paths are the first thing everybody builds from a resource */
void kube_path(struct buf *out, const struct kube_resource *r, struct str ns, struct str name,
               struct str subresource)
{
    if (r->group.n) {
        buf_add_c(out, "/apis");
        add_segment(out, r->group);
    } else {
        buf_add_c(out, "/api");
    }
    add_segment(out, r->version);
    if (r->namespaced && ns.n) {
        buf_add_c(out, "/namespaces");
        add_segment(out, ns);
    }
    add_segment(out, r->plural);
    if (name.n)
        add_segment(out, name);
    if (subresource.n)
        add_segment(out, subresource);
}

/* lint: prefix: see kube_path */
struct str kube_api_version(struct arena *a, const struct kube_resource *r)
{
    if (!r->group.n)
        return r->version;
    return arena_fmt(a, "%" STR_FMT "/%" STR_FMT, STR_ARG(r->group), STR_ARG(r->version));
}
