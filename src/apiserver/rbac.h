/*
 * The meaning of RBAC rules, apart from where they come from: does a rule allow a request, do rules cover
 * other rules (k8s.io/component-helpers/auth/rbac/validation, plugin/pkg/auth/authorizer/rbac).
 *
 * A rule is the JSON object of a PolicyRule.  Pure functions.
 */
#ifndef APISERVER_RBAC_H
#define APISERVER_RBAC_H

#include "apiserver/authz.h"

#define RBAC_GROUP "rbac.authorization.k8s.io"

/* Comparisons that one question of covering may take: well under a second. */
#define RBAC_COVER_STEPS 20000000

/* Whether the rule allows the request. */
bool rbac_rule_allows(const json_t *rule, const struct authz_attributes *at);

/* Whether rbac_rules_cover would take more than RBAC_COVER_STEPS: lists of one rule multiply. */
bool rbac_rules_too_many(const json_t *held, const json_t *wanted);

/*
 * Whether `held` (an array of rules) allows everything that `wanted` allows.  What is not covered is appended
 * to `ret_missing` (an array; may be NULL) in its smallest parts, joined by their verbs.
 */
bool rbac_rules_cover(const json_t *held, const json_t *wanted, json_t *ret_missing);

/* Appends `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`. */
void rbac_rule_format(const json_t *rule, struct buf *out);

/* Whether a subject of a binding in `ns` (empty for cluster bindings) is the user or one of his groups. */
bool rbac_subject_matches(const json_t *subject, struct str ns, const struct user *u);

/* "system:serviceaccount:<ns>:<name>" for a ServiceAccount, else the name. */
struct str rbac_subject_user(struct arena *a, const json_t *subject, struct str ns);

#endif
