/*
 * Field numbers of the messages that clients send as protobuf: facts of the published Kubernetes API
 * (generated.proto of k8s.io/api), for the kinds typed clients create.
 *
 * Status messages are left out: a server does not read them from a client.
 */
#include "apiserver/proto_priv.h"

#define F(number, type, name)                                                                      \
    {                                                                                              \
        number, PROTO_##type, name, NULL                                                           \
    }
#define M(number, type, name, message)                                                             \
    {                                                                                              \
        number, PROTO_##type, name, &message                                                       \
    }
#define MESSAGE(fields)                                                                            \
    {                                                                                              \
        fields, ARRAY_LEN(fields)                                                                  \
    }

/* clang-format off */
static const struct proto_field OWNER_REFERENCE_FIELDS[] = {
    F(5, STRING, "apiVersion"),
    F(1, STRING, "kind"),
    F(3, STRING, "name"),
    F(4, STRING, "uid"),
    F(6, BOOL, "controller"),
    F(7, BOOL, "blockOwnerDeletion"),
};
static const struct proto_message OWNER_REFERENCE = MESSAGE(OWNER_REFERENCE_FIELDS);

static const struct proto_field OBJECT_META_FIELDS[] = {
    F(1, STRING, "name"),
    F(2, STRING, "generateName"),
    F(3, STRING, "namespace"),
    F(4, STRING, "selfLink"),
    F(5, STRING, "uid"),
    F(6, STRING, "resourceVersion"),
    F(7, INT, "generation"),
    F(8, TIME, "creationTimestamp"),
    F(9, TIME, "deletionTimestamp"),
    F(10, INT, "deletionGracePeriodSeconds"),
    F(11, MAP_STRING, "labels"),
    F(12, MAP_STRING, "annotations"),
    M(13, MESSAGES, "ownerReferences", OWNER_REFERENCE),
    F(14, STRINGS, "finalizers"),
};
static const struct proto_message OBJECT_META = MESSAGE(OBJECT_META_FIELDS);

static const struct proto_field NAMESPACE_SPEC_FIELDS[] = {
    F(1, STRINGS, "finalizers"),
};
static const struct proto_message NAMESPACE_SPEC = MESSAGE(NAMESPACE_SPEC_FIELDS);

static const struct proto_field NAMESPACE_FIELDS[] = {
    M(1, MESSAGE, "metadata", OBJECT_META),
    M(2, MESSAGE, "spec", NAMESPACE_SPEC),
};
static const struct proto_message NAMESPACE = MESSAGE(NAMESPACE_FIELDS);

static const struct proto_field SECRET_FIELDS[] = {
    M(1, MESSAGE, "metadata", OBJECT_META),
    F(5, BOOL, "immutable"),
    F(2, MAP_BYTES, "data"),
    F(4, MAP_STRING, "stringData"),
    F(3, STRING, "type"),
};
static const struct proto_message SECRET = MESSAGE(SECRET_FIELDS);

static const struct proto_field CONFIG_MAP_FIELDS[] = {
    M(1, MESSAGE, "metadata", OBJECT_META),
    F(4, BOOL, "immutable"),
    F(2, MAP_STRING, "data"),
    F(3, MAP_BYTES, "binaryData"),
};
static const struct proto_message CONFIG_MAP = MESSAGE(CONFIG_MAP_FIELDS);

static const struct proto_field OBJECT_REFERENCE_FIELDS[] = {
    F(1, STRING, "kind"),
    F(2, STRING, "namespace"),
    F(3, STRING, "name"),
    F(4, STRING, "uid"),
    F(5, STRING, "apiVersion"),
    F(6, STRING, "resourceVersion"),
    F(7, STRING, "fieldPath"),
};
static const struct proto_message OBJECT_REFERENCE = MESSAGE(OBJECT_REFERENCE_FIELDS);

static const struct proto_field LOCAL_OBJECT_REFERENCE_FIELDS[] = {
    F(1, STRING, "name"),
};
static const struct proto_message LOCAL_OBJECT_REFERENCE = MESSAGE(LOCAL_OBJECT_REFERENCE_FIELDS);

static const struct proto_field SERVICE_ACCOUNT_FIELDS[] = {
    M(1, MESSAGE, "metadata", OBJECT_META),
    M(2, MESSAGES, "secrets", OBJECT_REFERENCE),
    M(3, MESSAGES, "imagePullSecrets", LOCAL_OBJECT_REFERENCE),
    F(4, KEPT_BOOL, "automountServiceAccountToken"),
};
static const struct proto_message SERVICE_ACCOUNT = MESSAGE(SERVICE_ACCOUNT_FIELDS);

static const struct proto_field SERVICE_PORT_FIELDS[] = {
    F(1, STRING, "name"),
    F(2, STRING, "protocol"),
    F(6, STRING, "appProtocol"),
    F(3, INT, "port"),
    F(4, INT_OR_STRING, "targetPort"),
    F(5, INT, "nodePort"),
};
static const struct proto_message SERVICE_PORT = MESSAGE(SERVICE_PORT_FIELDS);

static const struct proto_field CLIENT_IPCONFIG_FIELDS[] = {
    F(1, INT, "timeoutSeconds"),
};
static const struct proto_message CLIENT_IPCONFIG = MESSAGE(CLIENT_IPCONFIG_FIELDS);

static const struct proto_field SESSION_AFFINITY_CONFIG_FIELDS[] = {
    M(1, MESSAGE, "clientIP", CLIENT_IPCONFIG),
};
static const struct proto_message SESSION_AFFINITY_CONFIG = MESSAGE(SESSION_AFFINITY_CONFIG_FIELDS);

static const struct proto_field SERVICE_SPEC_FIELDS[] = {
    M(1, MESSAGES, "ports", SERVICE_PORT),
    F(2, MAP_STRING, "selector"),
    F(3, STRING, "clusterIP"),
    F(18, STRINGS, "clusterIPs"),
    F(4, STRING, "type"),
    F(5, STRINGS, "externalIPs"),
    F(7, STRING, "sessionAffinity"),
    F(8, STRING, "loadBalancerIP"),
    F(9, STRINGS, "loadBalancerSourceRanges"),
    F(10, STRING, "externalName"),
    F(11, STRING, "externalTrafficPolicy"),
    F(12, INT, "healthCheckNodePort"),
    F(13, BOOL, "publishNotReadyAddresses"),
    M(14, MESSAGE, "sessionAffinityConfig", SESSION_AFFINITY_CONFIG),
    F(19, STRINGS, "ipFamilies"),
    F(17, STRING, "ipFamilyPolicy"),
    F(20, BOOL, "allocateLoadBalancerNodePorts"),
    F(21, STRING, "loadBalancerClass"),
    F(22, STRING, "internalTrafficPolicy"),
    F(23, STRING, "trafficDistribution"),
};
static const struct proto_message SERVICE_SPEC = MESSAGE(SERVICE_SPEC_FIELDS);

static const struct proto_field SERVICE_FIELDS[] = {
    M(1, MESSAGE, "metadata", OBJECT_META),
    M(2, MESSAGE, "spec", SERVICE_SPEC),
};
static const struct proto_message SERVICE = MESSAGE(SERVICE_FIELDS);

static const struct proto_field EVENT_SOURCE_FIELDS[] = {
    F(1, STRING, "component"),
    F(2, STRING, "host"),
};
static const struct proto_message EVENT_SOURCE = MESSAGE(EVENT_SOURCE_FIELDS);

static const struct proto_field EVENT_SERIES_FIELDS[] = {
    F(1, INT, "count"),
    F(2, MICROTIME, "lastObservedTime"),
};
static const struct proto_message EVENT_SERIES = MESSAGE(EVENT_SERIES_FIELDS);

static const struct proto_field EVENT_FIELDS[] = {
    M(1, MESSAGE, "metadata", OBJECT_META),
    M(2, MESSAGE, "involvedObject", OBJECT_REFERENCE),
    F(3, STRING, "reason"),
    F(4, STRING, "message"),
    M(5, MESSAGE, "source", EVENT_SOURCE),
    F(6, TIME, "firstTimestamp"),
    F(7, TIME, "lastTimestamp"),
    F(8, INT, "count"),
    F(9, STRING, "type"),
    F(10, MICROTIME, "eventTime"),
    M(11, MESSAGE, "series", EVENT_SERIES),
    F(12, STRING, "action"),
    M(13, MESSAGE, "related", OBJECT_REFERENCE),
    F(14, STRING, "reportingComponent"),
    F(15, STRING, "reportingInstance"),
};
static const struct proto_message EVENT = MESSAGE(EVENT_FIELDS);

static const struct proto_field BOUND_OBJECT_REFERENCE_FIELDS[] = {
    F(1, STRING, "kind"),
    F(2, STRING, "apiVersion"),
    F(3, STRING, "name"),
    F(4, STRING, "uid"),
};
static const struct proto_message BOUND_OBJECT_REFERENCE = MESSAGE(BOUND_OBJECT_REFERENCE_FIELDS);

static const struct proto_field TOKEN_REQUEST_SPEC_FIELDS[] = {
    F(1, STRINGS, "audiences"),
    F(4, INT, "expirationSeconds"),
    M(3, MESSAGE, "boundObjectRef", BOUND_OBJECT_REFERENCE),
};
static const struct proto_message TOKEN_REQUEST_SPEC = MESSAGE(TOKEN_REQUEST_SPEC_FIELDS);

static const struct proto_field TOKEN_REQUEST_FIELDS[] = {
    M(1, MESSAGE, "metadata", OBJECT_META),
    M(2, MESSAGE, "spec", TOKEN_REQUEST_SPEC),
};
static const struct proto_message TOKEN_REQUEST = MESSAGE(TOKEN_REQUEST_FIELDS);

static const struct proto_field TOKEN_REVIEW_SPEC_FIELDS[] = {
    F(1, STRING, "token"),
    F(2, STRINGS, "audiences"),
};
static const struct proto_message TOKEN_REVIEW_SPEC = MESSAGE(TOKEN_REVIEW_SPEC_FIELDS);

static const struct proto_field TOKEN_REVIEW_FIELDS[] = {
    M(1, MESSAGE, "metadata", OBJECT_META),
    M(2, MESSAGE, "spec", TOKEN_REVIEW_SPEC),
};
static const struct proto_message TOKEN_REVIEW = MESSAGE(TOKEN_REVIEW_FIELDS);

static const struct proto_field SELF_SUBJECT_REVIEW_FIELDS[] = {
    M(1, MESSAGE, "metadata", OBJECT_META),
};
static const struct proto_message SELF_SUBJECT_REVIEW = MESSAGE(SELF_SUBJECT_REVIEW_FIELDS);

static const struct proto_field RESOURCE_ATTRIBUTES_FIELDS[] = {
    F(1, STRING, "namespace"),
    F(2, STRING, "verb"),
    F(3, STRING, "group"),
    F(4, STRING, "version"),
    F(5, STRING, "resource"),
    F(6, STRING, "subresource"),
    F(7, STRING, "name"),
};
static const struct proto_message RESOURCE_ATTRIBUTES = MESSAGE(RESOURCE_ATTRIBUTES_FIELDS);

static const struct proto_field NON_RESOURCE_ATTRIBUTES_FIELDS[] = {
    F(1, STRING, "path"),
    F(2, STRING, "verb"),
};
static const struct proto_message NON_RESOURCE_ATTRIBUTES = MESSAGE(NON_RESOURCE_ATTRIBUTES_FIELDS);

static const struct proto_field SUBJECT_ACCESS_REVIEW_SPEC_FIELDS[] = {
    M(1, MESSAGE, "resourceAttributes", RESOURCE_ATTRIBUTES),
    M(2, MESSAGE, "nonResourceAttributes", NON_RESOURCE_ATTRIBUTES),
    F(3, STRING, "user"),
    F(4, STRINGS, "groups"),
    F(5, MAP_LIST, "extra"),
    F(6, STRING, "uid"),
};
static const struct proto_message SUBJECT_ACCESS_REVIEW_SPEC = MESSAGE(SUBJECT_ACCESS_REVIEW_SPEC_FIELDS);

static const struct proto_field SUBJECT_ACCESS_REVIEW_FIELDS[] = {
    M(1, MESSAGE, "metadata", OBJECT_META),
    M(2, MESSAGE, "spec", SUBJECT_ACCESS_REVIEW_SPEC),
};
static const struct proto_message SUBJECT_ACCESS_REVIEW = MESSAGE(SUBJECT_ACCESS_REVIEW_FIELDS);

static const struct proto_field SELF_SUBJECT_ACCESS_REVIEW_SPEC_FIELDS[] = {
    M(1, MESSAGE, "resourceAttributes", RESOURCE_ATTRIBUTES),
    M(2, MESSAGE, "nonResourceAttributes", NON_RESOURCE_ATTRIBUTES),
};
static const struct proto_message SELF_SUBJECT_ACCESS_REVIEW_SPEC = MESSAGE(SELF_SUBJECT_ACCESS_REVIEW_SPEC_FIELDS);

static const struct proto_field SELF_SUBJECT_ACCESS_REVIEW_FIELDS[] = {
    M(1, MESSAGE, "metadata", OBJECT_META),
    M(2, MESSAGE, "spec", SELF_SUBJECT_ACCESS_REVIEW_SPEC),
};
static const struct proto_message SELF_SUBJECT_ACCESS_REVIEW = MESSAGE(SELF_SUBJECT_ACCESS_REVIEW_FIELDS);

static const struct proto_field LOCAL_SUBJECT_ACCESS_REVIEW_FIELDS[] = {
    M(1, MESSAGE, "metadata", OBJECT_META),
    M(2, MESSAGE, "spec", SUBJECT_ACCESS_REVIEW_SPEC),
};
static const struct proto_message LOCAL_SUBJECT_ACCESS_REVIEW = MESSAGE(LOCAL_SUBJECT_ACCESS_REVIEW_FIELDS);

static const struct proto_field SELF_SUBJECT_RULES_REVIEW_SPEC_FIELDS[] = {
    F(1, STRING, "namespace"),
};
static const struct proto_message SELF_SUBJECT_RULES_REVIEW_SPEC = MESSAGE(SELF_SUBJECT_RULES_REVIEW_SPEC_FIELDS);

static const struct proto_field SELF_SUBJECT_RULES_REVIEW_FIELDS[] = {
    M(1, MESSAGE, "metadata", OBJECT_META),
    M(2, MESSAGE, "spec", SELF_SUBJECT_RULES_REVIEW_SPEC),
};
static const struct proto_message SELF_SUBJECT_RULES_REVIEW = MESSAGE(SELF_SUBJECT_RULES_REVIEW_FIELDS);

static const struct proto_field POLICY_RULE_FIELDS[] = {
    F(1, STRINGS, "verbs"),
    F(2, STRINGS, "apiGroups"),
    F(3, STRINGS, "resources"),
    F(4, STRINGS, "resourceNames"),
    F(5, STRINGS, "nonResourceURLs"),
};
static const struct proto_message POLICY_RULE = MESSAGE(POLICY_RULE_FIELDS);

static const struct proto_field ROLE_FIELDS[] = {
    M(1, MESSAGE, "metadata", OBJECT_META),
    M(2, MESSAGES, "rules", POLICY_RULE),
};
static const struct proto_message ROLE = MESSAGE(ROLE_FIELDS);

static const struct proto_field SUBJECT_FIELDS[] = {
    F(1, STRING, "kind"),
    F(2, STRING, "apiGroup"),
    F(3, STRING, "name"),
    F(4, STRING, "namespace"),
};
static const struct proto_message SUBJECT = MESSAGE(SUBJECT_FIELDS);

static const struct proto_field ROLE_REF_FIELDS[] = {
    F(1, STRING, "apiGroup"),
    F(2, STRING, "kind"),
    F(3, STRING, "name"),
};
static const struct proto_message ROLE_REF = MESSAGE(ROLE_REF_FIELDS);

static const struct proto_field ROLE_BINDING_FIELDS[] = {
    M(1, MESSAGE, "metadata", OBJECT_META),
    M(2, MESSAGES, "subjects", SUBJECT),
    M(3, MESSAGE, "roleRef", ROLE_REF),
};
static const struct proto_message ROLE_BINDING = MESSAGE(ROLE_BINDING_FIELDS);

static const struct proto_field LABEL_SELECTOR_REQUIREMENT_FIELDS[] = {
    F(1, STRING, "key"),
    F(2, STRING, "operator"),
    F(3, STRINGS, "values"),
};
static const struct proto_message LABEL_SELECTOR_REQUIREMENT = MESSAGE(LABEL_SELECTOR_REQUIREMENT_FIELDS);

static const struct proto_field LABEL_SELECTOR_FIELDS[] = {
    F(1, MAP_STRING, "matchLabels"),
    M(2, MESSAGES, "matchExpressions", LABEL_SELECTOR_REQUIREMENT),
};
static const struct proto_message LABEL_SELECTOR = MESSAGE(LABEL_SELECTOR_FIELDS);

static const struct proto_field AGGREGATION_RULE_FIELDS[] = {
    M(1, MESSAGES, "clusterRoleSelectors", LABEL_SELECTOR),
};
static const struct proto_message AGGREGATION_RULE = MESSAGE(AGGREGATION_RULE_FIELDS);

static const struct proto_field CLUSTER_ROLE_FIELDS[] = {
    M(1, MESSAGE, "metadata", OBJECT_META),
    M(2, MESSAGES, "rules", POLICY_RULE),
    M(3, MESSAGE, "aggregationRule", AGGREGATION_RULE),
};
static const struct proto_message CLUSTER_ROLE = MESSAGE(CLUSTER_ROLE_FIELDS);

static const struct proto_field CLUSTER_ROLE_BINDING_FIELDS[] = {
    M(1, MESSAGE, "metadata", OBJECT_META),
    M(2, MESSAGES, "subjects", SUBJECT),
    M(3, MESSAGE, "roleRef", ROLE_REF),
};
static const struct proto_message CLUSTER_ROLE_BINDING = MESSAGE(CLUSTER_ROLE_BINDING_FIELDS);

static const struct proto_field LEASE_SPEC_FIELDS[] = {
    F(1, STRING, "holderIdentity"),
    F(2, INT, "leaseDurationSeconds"),
    F(3, MICROTIME, "acquireTime"),
    F(4, MICROTIME, "renewTime"),
    F(5, INT, "leaseTransitions"),
    F(6, STRING, "strategy"),
    F(7, STRING, "preferredHolder"),
};
static const struct proto_message LEASE_SPEC = MESSAGE(LEASE_SPEC_FIELDS);

static const struct proto_field LEASE_FIELDS[] = {
    M(1, MESSAGE, "metadata", OBJECT_META),
    M(2, MESSAGE, "spec", LEASE_SPEC),
};
static const struct proto_message LEASE = MESSAGE(LEASE_FIELDS);

static const struct proto_field PRECONDITIONS_FIELDS[] = {
    F(1, STRING, "uid"),
    F(2, STRING, "resourceVersion"),
};
static const struct proto_message PRECONDITIONS = MESSAGE(PRECONDITIONS_FIELDS);

static const struct proto_field DELETE_OPTIONS_FIELDS[] = {
    F(1, INT, "gracePeriodSeconds"),
    M(2, MESSAGE, "preconditions", PRECONDITIONS),
    F(3, BOOL, "orphanDependents"),
    F(4, STRING, "propagationPolicy"),
    F(5, STRINGS, "dryRun"),
    F(6, BOOL, "ignoreStoreReadErrorWithClusterBreakingPotential"),
};
static const struct proto_message DELETE_OPTIONS = MESSAGE(DELETE_OPTIONS_FIELDS);

const struct proto_root proto_roots[] = {
    {STR_INIT("v1"), STR_INIT("Namespace"), &NAMESPACE},
    {STR_INIT("v1"), STR_INIT("Secret"), &SECRET},
    {STR_INIT("v1"), STR_INIT("ConfigMap"), &CONFIG_MAP},
    {STR_INIT("v1"), STR_INIT("ServiceAccount"), &SERVICE_ACCOUNT},
    {STR_INIT("v1"), STR_INIT("Service"), &SERVICE},
    {STR_INIT("v1"), STR_INIT("Event"), &EVENT},
    {STR_INIT("authentication.k8s.io/v1"), STR_INIT("TokenRequest"), &TOKEN_REQUEST},
    {STR_INIT("authentication.k8s.io/v1"), STR_INIT("TokenReview"), &TOKEN_REVIEW},
    {STR_INIT("authentication.k8s.io/v1"), STR_INIT("SelfSubjectReview"), &SELF_SUBJECT_REVIEW},
    {STR_INIT("authorization.k8s.io/v1"), STR_INIT("SubjectAccessReview"), &SUBJECT_ACCESS_REVIEW},
    {STR_INIT("authorization.k8s.io/v1"), STR_INIT("SelfSubjectAccessReview"), &SELF_SUBJECT_ACCESS_REVIEW},
    {STR_INIT("authorization.k8s.io/v1"), STR_INIT("LocalSubjectAccessReview"), &LOCAL_SUBJECT_ACCESS_REVIEW},
    {STR_INIT("authorization.k8s.io/v1"), STR_INIT("SelfSubjectRulesReview"), &SELF_SUBJECT_RULES_REVIEW},
    {STR_INIT("rbac.authorization.k8s.io/v1"), STR_INIT("Role"), &ROLE},
    {STR_INIT("rbac.authorization.k8s.io/v1"), STR_INIT("RoleBinding"), &ROLE_BINDING},
    {STR_INIT("rbac.authorization.k8s.io/v1"), STR_INIT("ClusterRole"), &CLUSTER_ROLE},
    {STR_INIT("rbac.authorization.k8s.io/v1"), STR_INIT("ClusterRoleBinding"), &CLUSTER_ROLE_BINDING},
    {STR_INIT("coordination.k8s.io/v1"), STR_INIT("Lease"), &LEASE},
    {STR_INIT("v1"), STR_INIT("DeleteOptions"), &DELETE_OPTIONS},
};
/* clang-format on */

const size_t proto_roots_len = ARRAY_LEN(proto_roots);
