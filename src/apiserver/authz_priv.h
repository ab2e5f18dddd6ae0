/*
 * The walk over all rules that hold for a user: what authorization, access reviews and the rules against
 * privilege escalation share.
 */
#ifndef APISERVER_AUTHZ_PRIV_H
#define APISERVER_AUTHZ_PRIV_H

#include "apiserver/authz.h"

/* Where a rule comes from. */
struct authz_source {
    const json_t *binding;
    const json_t *subject; /* the one that matched */
    struct str ns;         /* of a RoleBinding; empty for ClusterRoleBindings */
};

typedef bool authz_rule_fn(void *cookie, const json_t *rule,
                           const struct authz_source *source); /* false stops */

/* Calls fn for each rule of the user: those of ClusterRoleBindings and, when `ns` is not empty, those of its
 * RoleBindings.  Borrowed for the call. */
void authz_each_rule(const struct authz *z, const struct user *u, struct str ns, authz_rule_fn *fn,
                     void *cookie);

/* All rules of the user as an array. */
json_t *authz_rules(const struct authz *z, const struct user *u, struct str ns) MUST_USE;

/* The rules of the role that a roleRef names (borrowed), or NULL when there is no such role. */
const json_t *authz_role_rules(const struct authz *z, const json_t *role_ref, struct str ns);

/* Whether the user is in system:masters, which RBAC does not bind. */
bool authz_is_master(const struct user *u);

#endif
