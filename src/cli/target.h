/*
 * What a person names on the command line: KIND [NAME…] or KIND/NAME.
 */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include "base/vec.h"
#include "cli/session.h"
#include "kube/discovery.h"

struct target {
    const struct kube_resource *resource; /* borrowed from the discovery */
    struct str ns;                        /* empty for cluster-scoped kinds or all namespaces */
    struct VEC(struct str) names;         /* empty: all */
};

/* What stands on the command line: the arguments behind the options, and -A. */
struct target_operands {
    int count;
    char **words;
    bool all_namespaces;
};

/* Resolves operands.  Errors: USAGE, NOTFOUND (unknown kind). */
int target_parse(const struct session *s, const struct discovery *d,
                 const struct target_operands *o, struct target *ret_target,
                 struct err *err) MUST_USE;

void target_fini(struct target *t);

/* The resource of a manifest; also gives the object the session's namespace when it needs one and has none.
 * Errors: NOTFOUND (kind not served), INVALID (a namespace on a cluster-scoped kind is dropped silently as
 * kubectl does). */
int target_of_object(const struct session *s, const struct discovery *d, json_t *object,
                     const struct kube_resource **ret_resource, struct err *err) MUST_USE;

#endif
