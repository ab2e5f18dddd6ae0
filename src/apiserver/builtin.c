/*
 * The resource table's constant rows.
 */
#include "apiserver/builtin.h"

#include "apiserver/columns.h"
#include "apiserver/crd.h"
#include "apiserver/hooks.h"
#include "apiserver/schema.h"
#include "apiserver/tokens.h"
#include "codec/yaml.h"

#define RBAC_GROUP STR_INIT("rbac.authorization.k8s.io")
#define AUTHN_GROUP STR_INIT("authentication.k8s.io")
#define AUTHZ_GROUP STR_INIT("authorization.k8s.io")
#define V1 STR_INIT("v1")

#define NAMES(k, s, p)                                                                             \
    .kind = STR_INIT(k), .singular = STR_INIT(s), .plural = STR_INIT(p),                           \
    .list_kind = STR_INIT(k "List")
#define SHORT(list) .short_names = (list), .short_name_count = ARRAY_LEN(list)
#define FIELDS(list) .fields = (list), .field_count = ARRAY_LEN(list)
#define MERGE(list) .merge = (list), .merge_count = ARRAY_LEN(list)
#define MERGE_META                                                                                 \
    {"metadata.ownerReferences", "uid"},                                                           \
    {                                                                                              \
        "metadata.finalizers", NULL                                                                \
    }
#define NO_COLLECTION_DELETE (KIND_VERBS_ALL & ~(unsigned)KIND_DELETE_COLLECTION)

static const struct str SHORT_NS[] = {STR_INIT("ns")};
static const struct str SHORT_CM[] = {STR_INIT("cm")};
static const struct str SHORT_SA[] = {STR_INIT("sa")};
static const struct str SHORT_SVC[] = {STR_INIT("svc")};
static const struct str SHORT_PO[] = {STR_INIT("po")};
static const struct str SHORT_EV[] = {STR_INIT("ev")};
static const struct str SHORT_CRD[] = {STR_INIT("crd"), STR_INIT("crds")};
static const struct str CATEGORY_ALL[] = {STR_INIT("all")};
static const struct str CATEGORY_API[] = {STR_INIT("api-extensions")};

static const struct kind_field NAMESPACE_FIELDS[] = {{"status.phase", NULL}};
static const struct kind_field SECRET_FIELDS[] = {{"type", NULL}};
static const struct kind_field SERVICE_FIELDS[] = {{"spec.clusterIP", NULL}, {"spec.type", NULL}};
static const struct kind_field POD_FIELDS[] = {
    {"spec.nodeName", NULL},
    {"spec.restartPolicy", NULL},
    {"spec.schedulerName", NULL},
    {"spec.serviceAccountName", NULL},
    {"status.phase", NULL},
    {"status.podIP", NULL},
    {"status.nominatedNodeName", NULL},
};
static const struct kind_field EVENT_FIELDS[] = {
    {"involvedObject.kind", NULL},
    {"involvedObject.namespace", NULL},
    {"involvedObject.name", NULL},
    {"involvedObject.uid", NULL},
    {"involvedObject.apiVersion", NULL},
    {"involvedObject.resourceVersion", NULL},
    {"involvedObject.fieldPath", NULL},
    {"reason", NULL},
    {"reportingComponent", NULL},
    {"source", "source.component"},
    {"type", NULL},
};

static const struct jsonpatch_list META_MERGE[] = {MERGE_META};
static const struct jsonpatch_list NAMESPACE_MERGE[] = {MERGE_META, {"status.conditions", "type"}};
static const struct jsonpatch_list SERVICEACCOUNT_MERGE[] = {
    MERGE_META, {"secrets", "name"}, {"imagePullSecrets", "name"}};
static const struct jsonpatch_list SERVICE_MERGE[] = {
    MERGE_META, {"spec.ports", "port"}, {"status.conditions", "type"}};

#define CONTAINER_MERGE(path)                                                                      \
    {path, "name"}, {path ".env", "name"}, {path ".ports", "containerPort"},                       \
        {path ".volumeMounts", "mountPath"},                                                       \
    {                                                                                              \
        path ".volumeDevices", "devicePath"                                                        \
    }

static const struct jsonpatch_list POD_MERGE[] = {
    MERGE_META,
    CONTAINER_MERGE("spec.containers"),
    CONTAINER_MERGE("spec.initContainers"),
    CONTAINER_MERGE("spec.ephemeralContainers"),
    {"spec.volumes", "name"},
    {"spec.imagePullSecrets", "name"},
    {"spec.hostAliases", "ip"},
    {"spec.schedulingGates", "name"},
    {"spec.topologySpreadConstraints", "topologyKey"},
    {"spec.resourceClaims", "name"},
    {"status.conditions", "type"},
    {"status.podIPs", "ip"},
};

static const struct kind_subresource SERVICEACCOUNT_SUBS[] = {
    {STR_INIT("token"), AUTHN_GROUP, V1, STR_INIT("TokenRequest"), tokens_answer},
};

struct builtin {
    struct kind row;
    const struct columns *columns;
};

static const struct builtin ROWS[] = {
    {.columns = &columns_namespace,
     .row = {.version = V1,
             NAMES("Namespace", "namespace", "namespaces"),
             SHORT(SHORT_NS),
             .has_status = true,
             .name_rule = KIND_NAME_LABEL,
             .verbs = NO_COLLECTION_DELETE,
             FIELDS(NAMESPACE_FIELDS),
             MERGE(NAMESPACE_MERGE),
             .hooks = &hooks_namespace}},
    {.columns = &columns_secret,
     .row = {.version = V1,
             NAMES("Secret", "secret", "secrets"),
             .namespaced = true,
             .is_sealed = true,
             .verbs = KIND_VERBS_ALL,
             FIELDS(SECRET_FIELDS),
             MERGE(META_MERGE),
             .hooks = &hooks_secret}},
    {.columns = &columns_configmap,
     .row = {.version = V1,
             NAMES("ConfigMap", "configmap", "configmaps"),
             SHORT(SHORT_CM),
             .namespaced = true,
             .verbs = KIND_VERBS_ALL,
             MERGE(META_MERGE),
             .hooks = &hooks_configmap}},
    {.columns = &columns_serviceaccount,
     .row = {.version = V1,
             NAMES("ServiceAccount", "serviceaccount", "serviceaccounts"),
             SHORT(SHORT_SA),
             .namespaced = true,
             .verbs = KIND_VERBS_ALL,
             MERGE(SERVICEACCOUNT_MERGE),
             .subresources = SERVICEACCOUNT_SUBS,
             .subresource_count = ARRAY_LEN(SERVICEACCOUNT_SUBS),
             .hooks = &hooks_serviceaccount}},
    {.columns = &columns_service,
     .row = {.version = V1,
             NAMES("Service", "service", "services"),
             SHORT(SHORT_SVC),
             .categories = CATEGORY_ALL,
             .category_count = 1,
             .namespaced = true,
             .has_status = true,
             .name_rule = KIND_NAME_LABEL_1035,
             .verbs = KIND_VERBS_ALL,
             FIELDS(SERVICE_FIELDS),
             MERGE(SERVICE_MERGE),
             .hooks = &hooks_service}},
    {.columns = &columns_pod,
     .row = {.version = V1,
             NAMES("Pod", "pod", "pods"),
             SHORT(SHORT_PO),
             .categories = CATEGORY_ALL,
             .category_count = 1,
             .namespaced = true,
             .has_status = true,
             .has_generation = true,
             .verbs = KIND_VERBS_ALL,
             FIELDS(POD_FIELDS),
             MERGE(POD_MERGE),
             .hooks = &hooks_pod}},
    {.columns = &columns_event,
     .row = {.version = V1,
             NAMES("Event", "event", "events"),
             SHORT(SHORT_EV),
             .namespaced = true,
             .verbs = KIND_VERBS_ALL,
             FIELDS(EVENT_FIELDS),
             MERGE(META_MERGE),
             .hooks = &hooks_event}},
    {.columns = &columns_lease,
     .row = {.group = STR_INIT("coordination.k8s.io"),
             .version = V1,
             NAMES("Lease", "lease", "leases"),
             .namespaced = true,
             .verbs = KIND_VERBS_ALL,
             MERGE(META_MERGE),
             .hooks = &hooks_lease}},
    {.columns = &columns_role,
     .row = {.group = RBAC_GROUP,
             .version = V1,
             NAMES("Role", "role", "roles"),
             .namespaced = true,
             .name_rule = KIND_NAME_PATH_SEGMENT,
             .verbs = KIND_VERBS_ALL,
             MERGE(META_MERGE),
             .hooks = &hooks_role}},
    {.columns = &columns_binding,
     .row = {.group = RBAC_GROUP,
             .version = V1,
             NAMES("RoleBinding", "rolebinding", "rolebindings"),
             .namespaced = true,
             .name_rule = KIND_NAME_PATH_SEGMENT,
             .verbs = KIND_VERBS_ALL,
             MERGE(META_MERGE),
             .hooks = &hooks_rolebinding}},
    {.columns = &columns_role,
     .row = {.group = RBAC_GROUP,
             .version = V1,
             NAMES("ClusterRole", "clusterrole", "clusterroles"),
             .name_rule = KIND_NAME_PATH_SEGMENT,
             .verbs = KIND_VERBS_ALL,
             MERGE(META_MERGE),
             .hooks = &hooks_clusterrole}},
    {.columns = &columns_binding,
     .row = {.group = RBAC_GROUP,
             .version = V1,
             NAMES("ClusterRoleBinding", "clusterrolebinding", "clusterrolebindings"),
             .name_rule = KIND_NAME_PATH_SEGMENT,
             .verbs = KIND_VERBS_ALL,
             MERGE(META_MERGE),
             .hooks = &hooks_clusterrolebinding}},
    {.columns = &columns_crd,
     .row = {.group = STR_INIT("apiextensions.k8s.io"),
             .version = V1,
             NAMES("CustomResourceDefinition", "customresourcedefinition",
                   "customresourcedefinitions"),
             SHORT(SHORT_CRD),
             .categories = CATEGORY_API,
             .category_count = 1,
             .has_status = true,
             .has_generation = true,
             .verbs = KIND_VERBS_ALL,
             MERGE(META_MERGE),
             .hooks = &crd_hooks}},
    {.row = {.group = AUTHN_GROUP,
             .version = V1,
             NAMES("TokenReview", "tokenreview", "tokenreviews"),
             .verbs = KIND_CREATE,
             .hooks = &hooks_tokenreview}},
    {.row = {.group = AUTHN_GROUP,
             .version = V1,
             NAMES("SelfSubjectReview", "selfsubjectreview", "selfsubjectreviews"),
             .verbs = KIND_CREATE,
             .hooks = &hooks_selfsubjectreview}},
    {.row = {.group = AUTHZ_GROUP,
             .version = V1,
             NAMES("SubjectAccessReview", "subjectaccessreview", "subjectaccessreviews"),
             .verbs = KIND_CREATE,
             .hooks = &hooks_subjectaccessreview}},
    {.row = {.group = AUTHZ_GROUP,
             .version = V1,
             NAMES("SelfSubjectAccessReview", "selfsubjectaccessreview",
                   "selfsubjectaccessreviews"),
             .verbs = KIND_CREATE,
             .hooks = &hooks_selfsubjectaccessreview}},
    {.row = {.group = AUTHZ_GROUP,
             .version = V1,
             NAMES("LocalSubjectAccessReview", "localsubjectaccessreview",
                   "localsubjectaccessreviews"),
             .namespaced = true,
             .verbs = KIND_CREATE,
             .hooks = &hooks_localsubjectaccessreview}},
    {.row = {.group = AUTHZ_GROUP,
             .version = V1,
             NAMES("SelfSubjectRulesReview", "selfsubjectrulesreview", "selfsubjectrulesreviews"),
             .verbs = KIND_CREATE,
             .hooks = &hooks_selfsubjectrulesreview}},
};

/* The schema in kinds/<plural>.yaml, or NULL when there is none. */
static struct schema *load_schema(struct str plural)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct field_errors errors CLEANUP(field_errors_fini);
    struct str path = arena_fmt(a, "%" STR_FMT ".yaml", STR_ARG(plural));
    const struct embed_file *f = KIND_FILES;
    json_t *openapi JSON_OWNED = NULL;
    struct schema *schema = NULL;

    field_errors_init(&errors, a);
    while (f->path && !str_eq_c(path, f->path))
        f++;
    if (!f->path)
        return NULL;
    ASSERT(yaml_parse(f->body, &openapi, NULL) == 0);
    ASSERT(schema_compile(openapi, STR(""), &errors, &schema) == 0);
    return schema;
}

void builtin_add(struct kinds *ks)
{
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct kind row = ROWS[i].row;
        if (ROWS[i].columns) {
            row.columns = ROWS[i].columns->p;
            row.column_count = ROWS[i].columns->n;
        }
        row.schema = load_schema(row.plural);
        kinds_add(ks, &row);
    }
}
