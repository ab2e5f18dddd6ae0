/*
 * Paths of resources, and what may stand in them.
 */
#include "kube/resource.h"

#include "unit.h"

static bool path_is(const struct kube_resource *r, const char *const parts[3], const char *want)
{
    struct buf b = BUF_INIT(4096);
    bool ok;

    kube_path(&b, r, str_c(parts[0]), str_c(parts[1]), str_c(parts[2]));
    ok = CHECK_STR(buf_str(&b), want);
    buf_fini(&b);
    return ok;
}

#define PATH(r, ns, name, sub, want) path_is(&r, (const char *const[]){ns, name, sub}, want)

TEST(resource_paths)
{
    PATH(KUBE_SECRETS, "a", "b", "", "/api/v1/namespaces/a/secrets/b");
    PATH(KUBE_SECRETS, "a", "", "", "/api/v1/namespaces/a/secrets");
    PATH(KUBE_SECRETS, "", "", "", "/api/v1/secrets");
    PATH(KUBE_NAMESPACES, "", "x", "", "/api/v1/namespaces/x");
    PATH(KUBE_SERVICEACCOUNTS, "a", "b", "token", "/api/v1/namespaces/a/serviceaccounts/b/token");
    PATH(KUBE_CONNECTORS, "a", "b", "status",
         "/apis/connectors.alauda.io/v1alpha1/namespaces/a/connectors/b/status");
    PATH(KUBE_CONNECTORCLASSES, "", "git", "",
         "/apis/connectors.alauda.io/v1alpha1/connectorclasses/git");
    PATH(KUBE_TOKENREVIEWS, "", "", "", "/apis/authentication.k8s.io/v1/tokenreviews");
}

TEST(resource_path_ignores_namespace_of_cluster_kind)
{
    PATH(KUBE_CONNECTORCLASSES, "a", "git", "",
         "/apis/connectors.alauda.io/v1alpha1/connectorclasses/git");
}

TEST(resource_path_encodes_names)
{
    PATH(KUBE_SECRETS, "a", "../../x", "", "/api/v1/namespaces/a/secrets/..%2F..%2Fx");
    PATH(KUBE_CLUSTERROLES, "", "system:a?b", "",
         "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Aa%3Fb");
}

TEST(resource_api_version)
{
    struct arena *a = arena_new();

    CHECK_STR(kube_api_version(a, &KUBE_PODS), "v1");
    CHECK_STR(kube_api_version(a, &KUBE_LEASES), "coordination.k8s.io/v1");
    arena_free(a);
}
