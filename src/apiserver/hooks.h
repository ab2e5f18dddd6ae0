/*
 * What is particular to the built-in kinds: one table of hooks each, named by their rows in builtin.c.
 *
 * Schemas (kinds/<plural>.yaml) say which fields there are; hooks say what a schema cannot: fields that never
 * change, values that depend on each other, defaults that depend on the server, answers of the kinds that are not
 * stored.  Texts are those of kube-apiserver.
 */
#ifndef APISERVER_HOOKS_H
#define APISERVER_HOOKS_H

#include "apiserver/kind.h"

extern const struct kind_hooks hooks_namespace, hooks_secret, hooks_configmap, hooks_serviceaccount,
    hooks_pod, hooks_service, hooks_event, hooks_lease;

/* rbac.authorization.k8s.io */
extern const struct kind_hooks hooks_role, hooks_clusterrole, hooks_rolebinding,
    hooks_clusterrolebinding;

/* Answered, not stored: authentication.k8s.io and authorization.k8s.io. */
extern const struct kind_hooks hooks_tokenreview, hooks_selfsubjectreview,
    hooks_subjectaccessreview, hooks_selfsubjectaccessreview, hooks_localsubjectaccessreview,
    hooks_selfsubjectrulesreview;

#endif
