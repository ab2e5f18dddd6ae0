/*
 * Kinds that are answered instead of stored: TokenReview, SelfSubjectReview and the access reviews.
 *
 * Each answer is the object that was sent, with its status.  Texts and audience rules are those of
 * k8s.io/kubernetes/pkg/registry/{authentication,authorization}.
 */
#include "apiserver/hooks.h"

#include "apiserver/authz_priv.h"
#include "apiserver/rbac.h"
#include "apiserver/server.h"
#include "apiserver/status.h"
#include "apiserver/tokens.h"
#include "base/time.h"
#include "kube/object.h"

#define NAMES_MAX 256 /* audiences or groups that one review may name */

/* A copy of the object with an empty status, for the answer. */
static json_t *start_answer(const json_t *object, json_t **ret_status)
{
    json_t *o = json_clone(object);

    *ret_status = json_object();
    json_set(o, "status", *ret_status);
    return o;
}

/* The strings of an array, borrowed. */
static int read_names(const struct kind_request *r, const json_t *list,
                      const struct str **ret_names, size_t *ret_count, json_t **ret_status)
{
    size_t n = json_array_size(list);

    if (n > NAMES_MAX)
        return status_set(ret_status, ERR_BADREQUEST, "more than %d names in one review",
                          NAMES_MAX);
    struct str *names = ARENA_ARRAY(r->arena, struct str, n);
    for (size_t i = 0; i < n; i++)
        names[i] = json_str_of(json_array_get(list, i));
    *ret_names = names;
    *ret_count = n;
    return 0;
}

/* --- TokenReview */

static void fill_token_status(const struct kind_request *r, struct str token,
                              const struct tokens_audiences *audiences, json_t *status)
{
    struct tokens_identity who;
    struct err err = {0};

    if (tokens_verify(r->server->tokens, token, audiences, r->arena, &who, &err) < 0) {
        json_set_str(status, "error", arena_fmt(r->arena, "[invalid bearer token, %s]", err.msg));
        json_set(status, "user", json_object());
        return;
    }
    json_set(status, "authenticated", json_true());
    json_set(status, "user", authn_user_json(&who.user));
    json_set(status, "audiences", json_clone(who.audiences));
}

static int token_review(const struct kind_request *r, const json_t *object, json_t **ret_object,
                        json_t **ret_status)
{
    const json_t *spec = json_object_get(object, "spec");
    struct str token = json_str(spec, "token");
    struct tokens_audiences audiences;
    json_t *status;

    if (!token.n)
        return status_set(ret_status, ERR_BADREQUEST,
                          "token is required for TokenReview in authentication");
    int rc =
        read_names(r, json_object_get(spec, "audiences"), &audiences.p, &audiences.n, ret_status);
    if (rc < 0)
        return rc;
    json_t *o = start_answer(object, &status);
    fill_token_status(r, token, &audiences, status);
    *ret_object = o;
    return 0;
}

const struct kind_hooks hooks_tokenreview = {.answer = token_review};

/* --- SelfSubjectReview */

static int self_subject_review(const struct kind_request *r, const json_t *object,
                               json_t **ret_object, json_t **ret_status)
{
    char now[TIME_RFC3339_BYTES];
    json_t *status;
    json_t *o = start_answer(object, &status);

    json_set_str(json_object_at(o, "metadata"), "creationTimestamp",
                 str_c(time_format_s(r->wall_us, now)));
    json_set(status, "userInfo", authn_user_json(r->user));
    *ret_object = o;
    return 0;
}

const struct kind_hooks hooks_selfsubjectreview = {.answer = self_subject_review};

/* --- access reviews */

static struct authz_attributes read_attributes(const json_t *spec)
{
    const json_t *res = json_object_get(spec, "resourceAttributes");
    const json_t *path = json_object_get(spec, "nonResourceAttributes");

    if (json_is_object(path))
        return (struct authz_attributes){.verb = json_str(path, "verb"),
                                         .path = json_str(path, "path")};
    return (struct authz_attributes){
        .verb = json_str(res, "verb"),
        .group = json_str(res, "group"),
        .version = json_str(res, "version"),
        .resource = json_str(res, "resource"),
        .subresource = json_str(res, "subresource"),
        .ns = json_str(res, "namespace"),
        .name = json_str(res, "name"),
    };
}

static void check_attributes(const json_t *spec, bool resource_only, struct field_errors *errors)
{
    bool res = json_is_object(json_object_get(spec, "resourceAttributes"));
    bool path = json_is_object(json_object_get(spec, "nonResourceAttributes"));

    if (res && path)
        field_errors_add_str(errors, FIELD_INVALID, STR("spec.nonResourceAttributes"),
                             STR("nonResourceAttributes"),
                             "cannot be specified in combination with resourceAttributes");
    else if (resource_only && path)
        field_errors_add_str(errors, FIELD_INVALID, STR("spec.nonResourceAttributes"),
                             STR("nonResourceAttributes"), "disallowed on this kind of request");
    else if (!res && !path)
        field_errors_add(
            errors, FIELD_INVALID, STR("spec.resourceAttributes"), json_null(),
            "exactly one of nonResourceAttributes or resourceAttributes must be specified");
}

static void check_subject(const json_t *spec, struct field_errors *errors)
{
    if (!json_str(spec, "user").n && !json_array_size(json_object_get(spec, "groups")))
        field_errors_add_str(errors, FIELD_INVALID, STR("spec.user"), STR(""),
                             "at least one of user or group must be specified");
}

/* Which questions a review may ask. */
struct review_rules {
    bool names_subject; /* spec.user and spec.groups say who */
    bool is_local;      /* only about resources of the request's namespace */
};

static int check_review(const struct kind_request *r, const json_t *object,
                        const struct review_rules *rules, json_t **ret_status)
{
    struct field_errors errors CLEANUP(field_errors_fini);
    const json_t *spec = json_object_get(object, "spec");
    struct str ns = json_str_at(spec, "resourceAttributes", "namespace", NULL);

    field_errors_init(&errors, r->arena);
    check_attributes(spec, rules->is_local, &errors);
    if (rules->names_subject)
        check_subject(spec, &errors);
    if (rules->is_local && !str_eq(ns, r->ns))
        field_errors_add_str(&errors, FIELD_INVALID, STR("spec.resourceAttributes.namespace"), ns,
                             "must match metadata.namespace");
    return errors.items.n ? status_invalid(ret_status, r->kind, STR_NONE, &errors) : 0;
}

/* The user that spec.user, spec.uid, spec.groups and spec.extra describe. */
static int read_subject(const struct kind_request *r, const json_t *spec, struct user *ret_user,
                        json_t **ret_status)
{
    struct user u = {.name = json_str(spec, "user"),
                     .uid = json_str(spec, "uid"),
                     .extra = json_object_get(spec, "extra")};
    int rc = read_names(r, json_object_get(spec, "groups"), &u.groups, &u.group_count, ret_status);

    if (rc == 0)
        *ret_user = u;
    return rc;
}

static int answer_review(const struct kind_request *r, const json_t *object,
                         const struct review_rules *rules, json_t **ret_object, json_t **ret_status)
{
    const json_t *spec = json_object_get(object, "spec");
    struct user user;
    struct str reason;
    json_t *status;
    int rc = check_review(r, object, rules, ret_status);

    if (rc == 0 && rules->names_subject)
        rc = read_subject(r, spec, &user, ret_status);
    if (rc < 0)
        return rc;
    struct authz_attributes at = read_attributes(spec);
    json_t *o = start_answer(object, &status);
    bool allowed = authz_allows(r->server->authz, rules->names_subject ? &user : r->user, &at,
                                r->arena, &reason);
    json_set(status, "allowed", json_boolean(allowed));
    if (allowed && reason.n)
        json_set_str(status, "reason", reason);
    *ret_object = o;
    return 0;
}

static int subject_access_review(const struct kind_request *r, const json_t *object,
                                 json_t **ret_object, json_t **ret_status)
{
    static const struct review_rules RULES = {.names_subject = true};

    return answer_review(r, object, &RULES, ret_object, ret_status);
}

static int self_subject_access_review(const struct kind_request *r, const json_t *object,
                                      json_t **ret_object, json_t **ret_status)
{
    static const struct review_rules RULES = {0};

    return answer_review(r, object, &RULES, ret_object, ret_status);
}

static int local_subject_access_review(const struct kind_request *r, const json_t *object,
                                       json_t **ret_object, json_t **ret_status)
{
    static const struct review_rules RULES = {.names_subject = true, .is_local = true};

    return answer_review(r, object, &RULES, ret_object, ret_status);
}

const struct kind_hooks hooks_subjectaccessreview = {.answer = subject_access_review};
const struct kind_hooks hooks_selfsubjectaccessreview = {.answer = self_subject_access_review};
const struct kind_hooks hooks_localsubjectaccessreview = {.answer = local_subject_access_review};

/* --- SelfSubjectRulesReview */

static bool add_rule(void *cookie, const json_t *rule, const struct authz_source *source)
{
    json_t *status = cookie;
    bool urls = json_array_size(json_object_get(rule, "nonResourceURLs")) > 0;

    json_array_append_new(json_object_get(status, urls ? "nonResourceRules" : "resourceRules"),
                          json_clone(rule));
    return true;
}

/* What system:masters may, which no role says. */
static void add_master_rules(json_t *status)
{
    json_set(status, "resourceRules",
             json_pack("[{s:[s],s:[s],s:[s]}]", "verbs", "*", "apiGroups", "*", "resources", "*"));
    json_set(status, "nonResourceRules",
             json_pack("[{s:[s],s:[s]}]", "verbs", "*", "nonResourceURLs", "*"));
}

static int self_subject_rules_review(const struct kind_request *r, const json_t *object,
                                     json_t **ret_object, json_t **ret_status)
{
    struct str ns = json_str_at(object, "spec", "namespace", NULL);
    json_t *status;

    if (!ns.n)
        return status_set(ret_status, ERR_BADREQUEST, "no namespace on request");
    json_t *o = start_answer(object, &status);
    json_set(status, "resourceRules", json_array());
    json_set(status, "nonResourceRules", json_array());
    json_set(status, "incomplete", json_false());
    if (authz_is_master(r->user))
        add_master_rules(status);
    else
        authz_each_rule(r->server->authz, r->user, ns, add_rule, status);
    *ret_object = o;
    return 0;
}

const struct kind_hooks hooks_selfsubjectrulesreview = {.answer = self_subject_rules_review};
