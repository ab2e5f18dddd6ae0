/*
 * Roles and bindings: validation, defaults, and that nobody grants what he does not have
 * (k8s.io/kubernetes/pkg/registry/rbac).
 *
 * Who writes a role must hold all its rules, or the verb `escalate` on it; who binds one must hold them, or the verb
 * `bind` on it.  system:masters and the server itself are free.
 */
#include "apiserver/hooks.h"

#include "apiserver/authz_priv.h"
#include "apiserver/meta.h"
#include "apiserver/rbac.h"
#include "apiserver/server.h"
#include "apiserver/status.h"
#include "kube/object.h"
#include "lang/selector.h"

static struct str sub_path(const struct kind_request *r, const char *list, size_t i,
                           const char *member)
{
    return arena_fmt(r->arena, "%s[%zu].%s", list, i, member);
}

/* --- roles */

static void check_rule(const struct kind_request *r, const json_t *rule, size_t i,
                       struct field_errors *errors)
{
    const json_t *urls = json_object_get(rule, "nonResourceURLs");
    bool resource = json_array_size(json_object_get(rule, "apiGroups")) ||
                    json_array_size(json_object_get(rule, "resources")) ||
                    json_array_size(json_object_get(rule, "resourceNames"));

    if (!json_array_size(json_object_get(rule, "verbs")))
        field_errors_add(errors, FIELD_REQUIRED, sub_path(r, "rules", i, "verbs"), NULL,
                         "verbs must contain at least one value");
    if (json_array_size(urls)) {
        if (r->kind->namespaced)
            field_errors_add(errors, FIELD_INVALID, sub_path(r, "rules", i, "nonResourceURLs"),
                             urls, "namespaced rules cannot apply to non-resource URLs");
        if (resource)
            field_errors_add(errors, FIELD_INVALID, sub_path(r, "rules", i, "nonResourceURLs"),
                             urls,
                             "rules cannot apply to both regular resources and non-resource URLs");
        return;
    }
    if (!json_array_size(json_object_get(rule, "apiGroups")))
        field_errors_add(errors, FIELD_REQUIRED, sub_path(r, "rules", i, "apiGroups"), NULL,
                         "resource rules must supply at least one api group");
    if (!json_array_size(json_object_get(rule, "resources")))
        field_errors_add(errors, FIELD_REQUIRED, sub_path(r, "rules", i, "resources"), NULL,
                         "resource rules must supply at least one resource");
}

static void check_aggregation(const struct kind_request *r, const json_t *object,
                              struct field_errors *errors)
{
    const json_t *rule = json_object_get(object, "aggregationRule");
    const json_t *selectors = json_object_get(rule, "clusterRoleSelectors");
    size_t i;
    json_t *v;

    if (!json_is_object(rule))
        return;
    if (!json_array_size(selectors))
        field_errors_add(errors, FIELD_REQUIRED, STR("aggregationRule.clusterRoleSelectors"), NULL,
                         "at least one clusterRoleSelector required if aggregationRule is non-nil");
    json_array_foreach((json_t *)selectors, i, v)
    {
        struct selector *s CLEANUP(selector_freep) = NULL;
        if (selector_from_json(v, &s, NULL) < 0)
            field_errors_add(errors, FIELD_INVALID,
                             arena_fmt(r->arena, "aggregationRule.clusterRoleSelectors[%zu]", i), v,
                             "invalid label selector.");
    }
}

static void role_validate(const struct kind_request *r, const json_t *object, const json_t *old,
                          struct field_errors *errors)
{
    size_t i;
    json_t *rule;

    json_array_foreach(json_object_get(object, "rules"), i, rule) check_rule(r, rule, i, errors);
    check_aggregation(r, object, errors);
}

/* Whether the user holds a verb on the object itself, such as `escalate` or `bind`. */
static bool holds_verb(const struct kind_request *r, struct str verb, struct str resource,
                       struct str ns, struct str name)
{
    struct authz_attributes at = {.verb = verb,
                                  .group = STR(RBAC_GROUP),
                                  .version = STR("v1"),
                                  .resource = resource,
                                  .ns = ns,
                                  .name = name};

    return authz_allows(r->server->authz, r->user, &at, r->arena, NULL);
}

static int cmp_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static int refuse_escalation(const struct kind_request *r, struct str name, const json_t *missing,
                             json_t **ret_status)
{
    struct buf text CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);
    size_t n = json_array_size(missing);
    struct str *lines = ARENA_ARRAY(r->arena, struct str, n);

    buf_addf(&text, "user \"%" STR_FMT "\" (groups=[", STR_ARG(r->user->name));
    for (size_t i = 0; i < r->user->group_count; i++)
        buf_addf(&text, "%s\"%" STR_FMT "\"", i ? " " : "", STR_ARG(r->user->groups[i]));
    buf_add_c(&text, "]) is attempting to grant RBAC permissions not currently held:\n");
    for (size_t i = 0; i < n; i++) {
        struct buf line CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);
        rbac_rule_format(json_array_get(missing, i), &line);
        lines[i] = arena_str(r->arena, buf_str(&line));
    }
    qsort(lines, n, sizeof(*lines), cmp_text);
    for (size_t i = 0; i < n; i++)
        buf_addf(&text, "%s%" STR_FMT, i ? "\n" : "", STR_ARG(lines[i]));
    return status_forbidden(ret_status, r->kind, name, buf_str(&text));
}

static int check_covered(const struct kind_request *r, struct str name, const json_t *wanted,
                         json_t **ret_status)
{
    json_t *held JSON_OWNED = authz_rules(r->server->authz, r->user, r->ns);
    json_t *missing JSON_OWNED = json_array();

    if (rbac_rules_too_many(held, wanted))
        return status_set(ret_status, ERR_TOOBIG,
                          "the rules have too many combinations to compare with those you hold: "
                          "use several smaller roles");
    if (rbac_rules_cover(held, wanted, missing))
        return 0;
    return refuse_escalation(r, name, missing, ret_status);
}

static bool is_free(const struct kind_request *r)
{
    return !r->user || authz_is_master(r->user);
}

static bool is_same(const json_t *object, const json_t *old, const char *member)
{
    const json_t *a = json_object_get(object, member), *b = json_object_get(old, member);

    return a == b || (a && b && json_equal(a, b));
}

/* An object without what the garbage collector and the server itself change. */
static json_t *granting_part(const json_t *object)
{
    static const char *const OTHER[] = {"ownerReferences", "finalizers", "resourceVersion",
                                        "generation", "managedFields"};
    json_t *o = json_clone(object);

    for (size_t i = 0; i < ARRAY_LEN(OTHER); i++)
        json_del(json_object_get(o, "metadata"), OTHER[i]);
    return o;
}

/* Whether an update changes nothing that could grant.  Labels could: aggregation goes by them. */
static bool grants_nothing(const json_t *object, const json_t *old)
{
    json_t *now JSON_OWNED = granting_part(object);
    json_t *was JSON_OWNED = old ? granting_part(old) : NULL;

    return was && json_equal(now, was);
}

/* Everything there is: what an aggregation rule may bring later. */
static json_t *full_rights(void)
{
    return json_pack("[{s:[s],s:[s],s:[s]},{s:[s],s:[s]}]", "apiGroups", "*", "resources", "*",
                     "verbs", "*", "nonResourceURLs", "*", "verbs", "*");
}

static int role_check(const struct kind_request *r, const json_t *object, const json_t *old,
                      json_t **ret_status)
{
    struct str name = kobj_name(object);

    if (is_free(r) || grants_nothing(object, old) ||
        holds_verb(r, STR("escalate"), r->kind->plural, r->ns, name))
        return 0;
    if (json_is_object(json_object_get(object, "aggregationRule"))) {
        json_t *held JSON_OWNED = authz_rules(r->server->authz, r->user, r->ns);
        json_t *all JSON_OWNED = full_rights();
        if (!rbac_rules_cover(held, all, NULL))
            return status_forbidden(
                ret_status, r->kind, name,
                STR("must have cluster-admin privileges to use the aggregationRule"));
    }
    return check_covered(r, name, json_object_get(object, "rules"), ret_status);
}

const struct kind_hooks hooks_role = {.validate = role_validate, .check = role_check};
const struct kind_hooks hooks_clusterrole = {.validate = role_validate, .check = role_check};

/* --- bindings */

static void binding_defaults(json_t *object)
{
    json_t *ref = json_object_get(object, "roleRef");
    size_t i;
    json_t *s;

    if (json_is_object(ref) && !json_str(ref, "apiGroup").n)
        json_set_str(ref, "apiGroup", STR(RBAC_GROUP));
    json_array_foreach(json_object_get(object, "subjects"), i, s)
    {
        struct str kind = json_str(s, "kind");
        bool person = str_eq(kind, STR("User")) || str_eq(kind, STR("Group"));
        if (person && json_is_object(s) && !json_str(s, "apiGroup").n)
            json_set_str(s, "apiGroup", STR(RBAC_GROUP));
    }
}

static void binding_create(const struct kind_request *r, json_t *object)
{
    binding_defaults(object);
}

static void binding_update(const struct kind_request *r, json_t *object, const json_t *old)
{
    binding_defaults(object);
}

static void check_role_ref(const struct kind_request *r, const json_t *ref,
                           struct field_errors *errors)
{
    static const char *const GROUPS[] = {RBAC_GROUP, NULL};
    static const char *const KINDS[] = {"Role", "ClusterRole", NULL};
    struct str kind = json_str(ref, "kind");
    bool known =
        str_eq(kind, STR("ClusterRole")) || (r->kind->namespaced && str_eq(kind, STR("Role")));

    if (!str_eq(json_str(ref, "apiGroup"), STR(RBAC_GROUP)))
        field_errors_unsupported(errors, STR("roleRef.apiGroup"), json_str(ref, "apiGroup"),
                                 GROUPS);
    if (!known)
        field_errors_unsupported(errors, STR("roleRef.kind"), kind,
                                 r->kind->namespaced ? KINDS : KINDS + 1);
    if (!json_str(ref, "name").n)
        field_errors_add(errors, FIELD_REQUIRED, STR("roleRef.name"), NULL, NULL);
    else
        meta_validate_name(KIND_NAME_PATH_SEGMENT, STR("roleRef.name"), json_str(ref, "name"),
                           errors);
}

static void check_account(const struct kind_request *r, const json_t *s, size_t i,
                          struct field_errors *errors)
{
    static const char *const NO_GROUP[] = {"", NULL};

    if (json_str(s, "name").n)
        meta_validate_name(KIND_NAME_SUBDOMAIN, sub_path(r, "subjects", i, "name"),
                           json_str(s, "name"), errors);
    if (json_str(s, "apiGroup").n)
        field_errors_unsupported(errors, sub_path(r, "subjects", i, "apiGroup"),
                                 json_str(s, "apiGroup"), NO_GROUP);
    if (!r->kind->namespaced && !json_str(s, "namespace").n)
        field_errors_add(errors, FIELD_REQUIRED, sub_path(r, "subjects", i, "namespace"), NULL,
                         NULL);
}

static void check_subject(const struct kind_request *r, const json_t *s, size_t i,
                          struct field_errors *errors)
{
    static const char *const GROUPS[] = {RBAC_GROUP, NULL};
    static const char *const KINDS[] = {"ServiceAccount", "User", "Group", NULL};
    struct str kind = json_str(s, "kind");

    if (!json_str(s, "name").n)
        field_errors_add(errors, FIELD_REQUIRED, sub_path(r, "subjects", i, "name"), NULL, NULL);
    if (str_eq(kind, STR("ServiceAccount")))
        check_account(r, s, i, errors);
    else if (!str_eq(kind, STR("User")) && !str_eq(kind, STR("Group")))
        field_errors_unsupported(errors, sub_path(r, "subjects", i, "kind"), kind, KINDS);
    else if (!str_eq(json_str(s, "apiGroup"), STR(RBAC_GROUP)))
        field_errors_unsupported(errors, sub_path(r, "subjects", i, "apiGroup"),
                                 json_str(s, "apiGroup"), GROUPS);
}

static void binding_validate(const struct kind_request *r, const json_t *object, const json_t *old,
                             struct field_errors *errors)
{
    const json_t *ref = json_object_get(object, "roleRef");
    size_t i;
    json_t *s;

    check_role_ref(r, ref, errors);
    json_array_foreach(json_object_get(object, "subjects"), i, s) check_subject(r, s, i, errors);
    if (old && !is_same(object, old, "roleRef"))
        field_errors_add(errors, FIELD_INVALID, STR("roleRef"), ref, "cannot change roleRef");
}

static int binding_check(const struct kind_request *r, const json_t *object, const json_t *old,
                         json_t **ret_status)
{
    const json_t *ref = json_object_get(object, "roleRef");
    bool cluster = str_eq(json_str(ref, "kind"), STR("ClusterRole"));
    struct str name = json_str(ref, "name");

    if (is_free(r) || grants_nothing(object, old) ||
        holds_verb(r, STR("bind"), cluster ? STR("clusterroles") : STR("roles"), r->ns, name))
        return 0;
    const json_t *rules = authz_role_rules(r->server->authz, ref, r->ns);
    if (!rules) {
        const struct kind *k = kinds_find(r->server->kinds, STR(RBAC_GROUP), STR("v1"),
                                          cluster ? STR("clusterroles") : STR("roles"));
        return status_not_found(ret_status, k, name);
    }
    return check_covered(r, kobj_name(object), rules, ret_status);
}

const struct kind_hooks hooks_rolebinding = {
    .prepare_create = binding_create,
    .prepare_update = binding_update,
    .validate = binding_validate,
    .check = binding_check,
};
const struct kind_hooks hooks_clusterrolebinding = {
    .prepare_create = binding_create,
    .prepare_update = binding_update,
    .validate = binding_validate,
    .check = binding_check,
};
