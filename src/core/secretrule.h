/*
 * Which Secret a Connector may use, and whether it fits the auth type: the SecretReady condition, enforced
 * again by the proxy at use.
 *
 * A Secret of another namespace, a ServiceAccount token, or a bootstrap token is refused outright
 * (SecretForbidden): no admission proves yet that the Connector's author may read it, so the safe reading is
 * that nobody may.
 */
#ifndef CORE_SECRETRULE_H
#define CORE_SECRETRULE_H

#include "core/class.h"
#include "core/connector.h"

struct secretrule_result {
    bool ok;
    const char *reason; /* CamelCase, e.g. "SecretNotFound" */
    struct str message; /* in the arena; names keys and types, never values */
};

/*
 * Judges `secret` (NULL: not there) for a Connector with auth type `auth` (NULL: the class has none of that
 * name).
 */
void secretrule_check(struct arena *a, const struct connector *c, const struct class_auth *auth,
                      const json_t *secret, struct secretrule_result *ret_result);

/* Whether Secrets of this type are never used: ServiceAccount and bootstrap tokens. */
bool secretrule_is_refused_type(struct str type);

#endif
