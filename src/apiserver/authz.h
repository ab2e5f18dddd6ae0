/*
 * May he: RBAC over the Role, ClusterRole and binding objects of the store; group system:masters may
 * everything.
 */
#ifndef APISERVER_AUTHZ_H
#define APISERVER_AUTHZ_H

#include "apiserver/authn.h"

struct authz_attributes {
    struct str verb; /* "get", "list", "watch", "create", …; lower-case method for paths */
    struct str group;
    struct str version;
    struct str resource;
    struct str subresource;
    struct str ns;
    struct str name;
    struct str path; /* non-resource requests: the rest is empty then */
};

/* Subscribes to roles and bindings of server->registry. */
struct authz *authz_new(struct apiserver *server);

/* NULL is allowed. */
void authz_free(struct authz *z);

/* Whether `u` may; *ret_reason (may be NULL) says which binding allowed or what is missing. */
bool authz_allows(struct authz *z, const struct user *u, const struct authz_attributes *at,
                  struct arena *arena, struct str *ret_reason);

/* `User "x" cannot get resource "secrets" in API group "" in the namespace "n"`, as Kubernetes says it. */
struct str authz_denial(struct arena *arena, const struct user *u,
                        const struct authz_attributes *at);

#endif
