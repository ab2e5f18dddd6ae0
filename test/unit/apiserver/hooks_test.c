/*
 * Rules of the built-in kinds, privilege escalation and access reviews, on a whole server.
 */
#include "apiserver/hooks.h"

#include "kube/object.h"
#include "unit.h"
#include "world.h"

struct row {
    const char *object;
    enum err_code code;
    const char *why;
};

static void check_rows(struct world *w, const struct user *user, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int rc = world_create(w, user, rows[i].object);
        if (!CHECK_INT(rc, -(int)rows[i].code) || !CHECK_STR(world_message(w), rows[i].why))
            fprintf(stderr, "  for %s\n", rows[i].object);
    }
}

#define SECRET(rest)                                                                               \
    "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: default}, " rest "}"
#define POD(rest)                                                                                  \
    "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: default}, spec: {" rest "}}"

TEST(hooks_secrets)
{
    static const struct row ROWS[] = {
        {SECRET("data: {a: '!canary'}"), ERR_INVALID,
         "Secret \"s\" is invalid: data[a]: Invalid value: \"<secret contents redacted>\": illegal base64 data"},
        {SECRET("data: {'a b': eA==}"), ERR_INVALID,
         "Secret \"s\" is invalid: data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric "
         "characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "
         "'[-._a-zA-Z0-9]+')"},
        {SECRET("type: kubernetes.io/basic-auth, data: {x: eA==}"), ERR_INVALID,
         "Secret \"s\" is invalid: [data[username]: Required value, data[password]: Required value]"},
        {SECRET("type: kubernetes.io/tls, data: {tls.crt: eA==}"), ERR_INVALID,
         "Secret \"s\" is invalid: data[tls.key]: Required value"},
        {SECRET("type: kubernetes.io/ssh-auth"), ERR_INVALID,
         "Secret \"s\" is invalid: data[ssh-privatekey]: Required value"},
        {SECRET("type: kubernetes.io/dockerconfigjson, data: {.dockerconfigjson: eA==}"),
         ERR_INVALID,
         "Secret \"s\" is invalid: data[.dockerconfigjson]: Invalid value: \"<secret contents redacted>\": not a JSON "
         "object"},
        {SECRET("type: kubernetes.io/service-account-token"), ERR_INVALID,
         "Secret \"s\" is invalid: metadata.annotations[kubernetes.io/service-account.name]: Required value"},
        {SECRET("data: {a: 1}"), ERR_INVALID,
         "Secret \"s\" is invalid: data.a: Invalid value: \"integer\": data.a in body must be of type string: "
         "\"integer\""},
    };
    struct world w;

    world_init(&w);
    check_rows(&w, NULL, ROWS, ARRAY_LEN(ROWS));
    CHECK_OK(
        world_create(&w, NULL, SECRET("data: {a: eA==, b: null}, stringData: {b: '1', a: z}")));
    CHECK_STR(json_str_at(w.object, "data", "a", NULL), "eg==");
    CHECK_STR(json_str_at(w.object, "data", "b", NULL), "MQ==");
    CHECK(json_object_get(w.object, "stringData") == NULL);
    CHECK_STR(json_str(w.object, "type"), "Opaque");
    CHECK_ERR(world_patch(&w, "v1", "Secret", "default", "s", "{type: x}"), ERR_INVALID);
    CHECK_STR(world_message(&w),
              "Secret \"s\" is invalid: type: Invalid value: \"x\": field is immutable");
    CHECK_OK(world_patch(&w, "v1", "Secret", "default", "s", "{immutable: true}"));
    CHECK_ERR(world_patch(&w, "v1", "Secret", "default", "s", "{data: {a: eA==}}"), ERR_INVALID);
    CHECK_ERR(world_patch(&w, "v1", "Secret", "default", "s", "{immutable: false}"), ERR_INVALID);
    CHECK_OK(world_patch(&w, "v1", "Secret", "default", "s", "{metadata: {labels: {a: b}}}"));
    world_fini(&w);
}

TEST(hooks_configmaps)
{
    static const struct row ROWS[] = {
        {"{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: default}, data: {a: x}, binaryData: {a: eA==}}",
         ERR_INVALID,
         "ConfigMap \"c\" is invalid: data[a]: Invalid value: \"a\": duplicate of key present in binaryData"},
        {"{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: default}, data: {'..': x}}",
         ERR_INVALID,
         "ConfigMap \"c\" is invalid: data[..]: Invalid value: \"..\": must not be '..'"},
        {"{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: nowhere}}", ERR_NOTFOUND,
         "namespaces \"nowhere\" not found"},
    };
    struct world w;

    world_init(&w);
    check_rows(&w, NULL, ROWS, ARRAY_LEN(ROWS));
    world_fini(&w);
}

TEST(hooks_pods)
{
    static const struct row ROWS[] = {
        {POD(""), ERR_INVALID, "Pod \"p\" is invalid: spec.containers: Required value"},
        {POD("containers: [{name: a}]"), ERR_INVALID,
         "Pod \"p\" is invalid: spec.containers[0].image: Required value"},
        {POD("containers: [{name: a, image: i}, {name: a, image: i}]"), ERR_INVALID,
         "Pod \"p\" is invalid: spec.containers[1].name: Duplicate value: \"a\""},
        {POD("containers: [{name: a, image: i}], serviceAccountName: nobody"), ERR_FORBIDDEN,
         "pods \"p\" is forbidden: error looking up service account default/nobody: serviceaccount \"nobody\" not found"},
        {POD("containers: [{name: a, image: i}], nodeName: node1, schedulingGates: [{name: g}]"),
         ERR_INVALID,
         "Pod \"p\" is invalid: spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"},
    };
    struct world w;

    world_init(&w);
    check_rows(&w, NULL, ROWS, ARRAY_LEN(ROWS));
    CHECK_OK(world_create(&w, NULL,
                          POD("containers: [{name: a, image: i}], schedulingGates: [{name: g}]")));
    CHECK_STR(json_str_at(w.object, "spec", "serviceAccountName", NULL), "default");
    CHECK_STR(json_str_at(w.object, "status", "phase", NULL), "Pending");
    CHECK_STR(
        json_str(json_array_get(json_at(w.object, "status", "conditions", NULL), 0), "reason"),
        "SchedulingGated");
    CHECK_ERR(world_patch(&w, "v1", "Pod", "default", "p", "{spec: {serviceAccountName: other}}"),
              ERR_INVALID);
    CHECK_ERR(world_patch(&w, "v1", "Pod", "default", "p", "{spec: {hostNetwork: true}}"),
              ERR_INVALID);
    CHECK_ERR(world_patch(&w, "v1", "Pod", "default", "p",
                          "{spec: {schedulingGates: [{name: g}, {name: h}]}}"),
              ERR_INVALID);
    CHECK_OK(world_patch(&w, "v1", "Pod", "default", "p", "{spec: {schedulingGates: null}}"));
    CHECK_OK(world_patch(&w, "v1", "Pod", "default", "p",
                         "{spec: {containers: [{name: a, image: j}]}}"));
    world_fini(&w);
}

#define RBAC "apiVersion: rbac.authorization.k8s.io/v1, "
#define META "metadata: {name: x, namespace: default}, "

TEST(hooks_roles)
{
    static const struct row ROWS[] = {
        {"{" RBAC "kind: Role, " META "rules: [{apiGroups: [''], resources: [pods]}]}", ERR_INVALID,
         "Role.rbac.authorization.k8s.io \"x\" is invalid: [rules[0].verbs: Required value, rules[0].verbs: Required value: "
         "verbs must contain at least one value]"},
        {"{" RBAC "kind: Role, " META "rules: [{resources: [pods], verbs: [get]}]}", ERR_INVALID,
         "Role.rbac.authorization.k8s.io \"x\" is invalid: rules[0].apiGroups: Required value: resource rules must supply at "
         "least one api group"},
        {"{" RBAC "kind: Role, " META "rules: [{nonResourceURLs: [/x], verbs: [get]}]}",
         ERR_INVALID,
         "Role.rbac.authorization.k8s.io \"x\" is invalid: rules[0].nonResourceURLs: Invalid value: [\"/x\"]: namespaced rules "
         "cannot apply to non-resource URLs"},
        {"{" RBAC "kind: RoleBinding, " META "roleRef: {kind: Robot, name: r}}", ERR_INVALID,
         "RoleBinding.rbac.authorization.k8s.io \"x\" is invalid: roleRef.kind: Unsupported value: \"Robot\": supported "
         "values: \"Role\", \"ClusterRole\""},
        {"{" RBAC "kind: ClusterRoleBinding, metadata: {name: x}, roleRef: {kind: Role, name: r}}",
         ERR_INVALID,
         "ClusterRoleBinding.rbac.authorization.k8s.io \"x\" is invalid: roleRef.kind: Unsupported value: \"Role\": supported "
         "values: \"ClusterRole\""},
        {"{" RBAC
         "kind: ClusterRoleBinding, metadata: {name: x}, roleRef: {kind: ClusterRole, name: r}, subjects: [{kind: "
         "ServiceAccount, name: a}]}",
         ERR_INVALID,
         "ClusterRoleBinding.rbac.authorization.k8s.io \"x\" is invalid: subjects[0].namespace: Required value"},
        {"{" RBAC
         "kind: ClusterRoleBinding, metadata: {name: x}, roleRef: {kind: ClusterRole, name: r}, subjects: [{kind: "
         "Robot, name: a}]}",
         ERR_INVALID,
         "ClusterRoleBinding.rbac.authorization.k8s.io \"x\" is invalid: subjects[0].kind: Unsupported value: \"Robot\": "
         "supported values: \"ServiceAccount\", \"User\", \"Group\""},
    };
    struct world w;

    world_init(&w);
    check_rows(&w, NULL, ROWS, ARRAY_LEN(ROWS));
    CHECK_OK(world_create(&w, NULL,
                          "{" RBAC "kind: RoleBinding, " META "roleRef: {kind: Role, name: r}}"));
    CHECK_STR(json_str_at(w.object, "roleRef", "apiGroup", NULL), "rbac.authorization.k8s.io");
    CHECK_ERR(world_patch(&w, "rbac.authorization.k8s.io/v1", "RoleBinding", "default", "x",
                          "{roleRef: {name: s}}"),
              ERR_INVALID);
    world_fini(&w);
}

/* Alice may write roles and bindings and read pods; nothing else. */
static void give_alice(struct world *w)
{
    CHECK_OK(world_create(
        w, NULL,
        "{" RBAC "kind: Role, metadata: {name: alice, namespace: default}, rules: [{apiGroups: "
        "[rbac.authorization.k8s.io], resources: [roles, rolebindings], verbs: [create, update]}, "
        "{apiGroups: [''], resources: [pods], verbs: [get]}]}"));
    CHECK_OK(world_create(
        w, NULL,
        "{" RBAC
        "kind: RoleBinding, metadata: {name: alice, namespace: default}, roleRef: {kind: Role, "
        "name: alice}, subjects: [{kind: User, name: alice}]}"));
}

TEST(hooks_prevent_escalation)
{
    static const struct row ROWS[] = {
        {"{" RBAC "kind: Role, " META
         "rules: [{apiGroups: [''], resources: [pods], verbs: [get, list]}]}",
         ERR_FORBIDDEN,
         "roles.rbac.authorization.k8s.io \"x\" is forbidden: user \"alice\" (groups=[\"dev\" \"system:authenticated\"]) is "
         "attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"pods\"], "
         "Verbs:[\"list\"]}"},
        {"{" RBAC "kind: Role, " META
         "rules: [{apiGroups: ['*'], resources: [pods], verbs: [get]}]}",
         ERR_FORBIDDEN,
         "roles.rbac.authorization.k8s.io \"x\" is forbidden: user \"alice\" (groups=[\"dev\" \"system:authenticated\"]) is "
         "attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"*\"], Resources:[\"pods\"], "
         "Verbs:[\"get\"]}"},
        {"{" RBAC "kind: RoleBinding, " META
         "roleRef: {kind: ClusterRole, name: view}, subjects: [{kind: User, name: a}]}",
         ERR_FORBIDDEN, NULL},
        {"{" RBAC "kind: RoleBinding, " META
         "roleRef: {kind: ClusterRole, name: cluster-admin}, subjects: [{kind: User, "
         "name: alice}]}",
         ERR_FORBIDDEN, NULL},
        {"{" RBAC "kind: RoleBinding, " META
         "roleRef: {kind: Role, name: missing}, subjects: [{kind: User, name: alice}]}",
         ERR_NOTFOUND, "roles.rbac.authorization.k8s.io \"missing\" not found"},
    };
    struct world w;

    world_init(&w);
    const struct user *alice = world_user(&w, "alice", "dev");
    const struct user *root = world_user(&w, "root", "system:masters");
    give_alice(&w);
    world_settle(&w);
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        CHECK_ERR(world_create(&w, alice, ROWS[i].object), ROWS[i].code);
        if (ROWS[i].why)
            CHECK_STR(world_message(&w), ROWS[i].why);
    }
    CHECK_OK(world_create(&w, alice,
                          "{" RBAC "kind: Role, " META
                          "rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}"));
    CHECK_OK(world_create(&w, alice,
                          "{" RBAC "kind: RoleBinding, " META
                          "roleRef: {kind: Role, name: x}, subjects: [{kind: User, name: "
                          "bob}]}"));
    CHECK_OK(world_create(
        &w, root,
        "{" RBAC
        "kind: RoleBinding, metadata: {name: z, namespace: default}, roleRef: {kind: ClusterRole, "
        "name: cluster-admin}, subjects: [{kind: User, name: bob}]}"));
    /* `bind` and `escalate` are the two ways around. */
    CHECK_OK(world_create(
        &w, NULL,
        "{" RBAC "kind: Role, metadata: {name: free, namespace: default}, rules: [{apiGroups: "
        "[rbac.authorization.k8s.io], resources: [clusterroles], resourceNames: [view], verbs: [bind]}, "
        "{apiGroups: [rbac.authorization.k8s.io], resources: [roles], resourceNames: [yy], verbs: "
        "[escalate]}]}"));
    CHECK_OK(world_create(
        &w, NULL,
        "{" RBAC
        "kind: RoleBinding, metadata: {name: free, namespace: default}, roleRef: {kind: Role, name: "
        "free}, subjects: [{kind: Group, name: dev}]}"));
    CHECK_OK(world_create(
        &w, alice,
        "{" RBAC
        "kind: RoleBinding, metadata: {name: v, namespace: default}, roleRef: {kind: ClusterRole, "
        "name: view}, subjects: [{kind: User, name: a}]}"));
    CHECK_ERR(
        world_create(
            &w, alice,
            "{" RBAC
            "kind: RoleBinding, metadata: {name: e, namespace: default}, roleRef: {kind: ClusterRole, "
            "name: edit}, subjects: [{kind: User, name: a}]}"),
        ERR_FORBIDDEN);
    CHECK_OK(world_create(
        &w, alice,
        "{" RBAC
        "kind: Role, metadata: {name: yy, namespace: default}, rules: [{apiGroups: ['*'], resources: "
        "['*'], verbs: ['*']}]}"));
    world_fini(&w);
}

static bool may(struct world *w, const struct user *u, const char *verb, const char *resource,
                const char *ns, struct str *ret_reason)
{
    struct authz_attributes at = {
        .verb = str_c(verb), .resource = str_c(resource), .ns = str_c(ns), .version = STR("v1")};

    return authz_allows(w->server->authz, u, &at, w->arena, ret_reason);
}

#define STRONG(meta)                                                                               \
    "{" RBAC "kind: ClusterRole, metadata: {name: strong" meta                                     \
    "}, rules: [{apiGroups: [''], resources: [secrets], "                                          \
    "verbs: [get]}]}"
#define LABEL ", labels: {rbac.authorization.k8s.io/aggregate-to-view: 'true'}"

TEST(hooks_prevent_escalation_by_labels)
{
    struct world w;

    world_init(&w);
    const struct user *alice = world_user(&w, "alice", "dev");
    CHECK_OK(world_create(&w, NULL, STRONG("")));
    CHECK_OK(world_update(&w, alice, STRONG("")));
    CHECK_OK(world_update(&w, alice, STRONG(", finalizers: [x/y]")));
    CHECK_ERR(world_update(&w, alice, STRONG(LABEL)), ERR_FORBIDDEN);
    CHECK_OK(world_update(&w, world_user(&w, "root", "system:masters"), STRONG(LABEL)));
    world_fini(&w);
}

TEST(hooks_bindings_take_effect_at_once)
{
    struct world w;
    struct str reason;

    world_init(&w);
    const struct user *alice = world_user(&w, "alice", "dev");
    CHECK(!may(&w, alice, "get", "pods", "default", &reason));
    CHECK_STR(reason, "");
    give_alice(&w);
    CHECK(may(&w, alice, "get", "pods", "default", &reason));
    CHECK_STR(reason,
              "RBAC: allowed by RoleBinding \"alice/default\" of Role \"alice\" to User \"alice\"");
    CHECK(!may(&w, alice, "get", "pods", "kube-system", &reason));
    CHECK(!may(&w, alice, "get", "pods", "", &reason));
    CHECK(!may(&w, alice, "list", "pods", "default", &reason));
    CHECK(!may(&w, world_user(&w, "bob", "alice"), "get", "pods", "default", &reason));
    world_reopen(&w);
    CHECK(may(&w, alice, "get", "pods", "default", &reason));
    CHECK_OK(world_delete(&w, "rbac.authorization.k8s.io/v1", "RoleBinding", "default", "alice",
                          REGISTRY_PROPAGATE_BACKGROUND));
    CHECK(!may(&w, alice, "get", "pods", "default", &reason));
    CHECK(may(&w, world_user(&w, "x", "system:masters"), "any", "thing", "", &reason));
    CHECK(!may(&w, world_user(&w, "system:masters", "x"), "any", "thing", "", &reason));
    world_fini(&w);
}

TEST(hooks_answer_reviews)
{
    static const struct row BAD[] = {
        {"{apiVersion: authorization.k8s.io/v1, kind: SubjectAccessReview, spec: {user: a}}",
         ERR_INVALID,
         "SubjectAccessReview.authorization.k8s.io \"\" is invalid: spec.resourceAttributes: Invalid value: null: exactly one "
         "of nonResourceAttributes or resourceAttributes must be specified"},
        {"{apiVersion: authorization.k8s.io/v1, kind: SubjectAccessReview, spec: {resourceAttributes: {verb: get}}}",
         ERR_INVALID,
         "SubjectAccessReview.authorization.k8s.io \"\" is invalid: spec.user: Invalid value: \"\": at least one of user or "
         "group must be specified"},
        {"{apiVersion: authorization.k8s.io/v1, kind: LocalSubjectAccessReview, metadata: {namespace: default}, spec: {user: a, "
         "resourceAttributes: {verb: get, namespace: other}}}",
         ERR_INVALID,
         "LocalSubjectAccessReview.authorization.k8s.io \"\" is invalid: spec.resourceAttributes.namespace: Invalid value: "
         "\"other\": must match metadata.namespace"},
        {"{apiVersion: authorization.k8s.io/v1, kind: SelfSubjectRulesReview, spec: {}}",
         ERR_BADREQUEST, "no namespace on request"},
        {"{apiVersion: authentication.k8s.io/v1, kind: TokenReview, spec: {}}", ERR_BADREQUEST,
         "token is required for TokenReview in authentication"},
    };
    struct world w;

    world_init(&w);
    const struct user *alice = world_user(&w, "alice", "dev");
    give_alice(&w);
    check_rows(&w, alice, BAD, ARRAY_LEN(BAD));
    CHECK_OK(world_answer(
        &w, alice,
        "{apiVersion: authorization.k8s.io/v1, kind: SelfSubjectAccessReview, spec: {resourceAttributes: "
        "{verb: get, resource: pods, namespace: default}}}"));
    CHECK(json_bool(json_object_get(w.object, "status"), "allowed", false));
    CHECK_OK(world_answer(
        &w, alice,
        "{apiVersion: authorization.k8s.io/v1, kind: SubjectAccessReview, spec: {user: mallory, groups: "
        "[alice], resourceAttributes: {verb: get, resource: pods, namespace: default}}}"));
    CHECK(!json_bool(json_object_get(w.object, "status"), "allowed", true));
    CHECK_OK(world_answer(
        &w, alice,
        "{apiVersion: authorization.k8s.io/v1, kind: SelfSubjectRulesReview, spec: {namespace: default}}"));
    CHECK(json_array_size(json_at(w.object, "status", "resourceRules", NULL)) >= 2);
    CHECK_OK(
        world_answer(&w, alice, "{apiVersion: authentication.k8s.io/v1, kind: SelfSubjectReview}"));
    CHECK_STR(json_str_at(w.object, "status", "userInfo", "username", NULL), "alice");
    CHECK_OK(world_answer(
        &w, alice, "{apiVersion: authentication.k8s.io/v1, kind: TokenReview, spec: {token: x}}"));
    CHECK(!json_bool(json_object_get(w.object, "status"), "authenticated", false));
    world_fini(&w);
}
