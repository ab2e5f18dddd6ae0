/*
 * A tool's credential, ready to be injected: decoded from a Secret of a known type.
 *
 *   kubernetes.io/basic-auth           Authorization: Basic base64(username:password)
 *   connectors.cpaas.io/bearer-token   Authorization: Bearer token
 *
 * Immutable and reference-counted.  The header value exists only as a `struct secret`; it leaves through
 * credential_expose, which only the injection phase of the proxy and the auth probe call.
 */
#ifndef CORE_CREDENTIAL_H
#define CORE_CREDENTIAL_H

#include "base/secret.h"
#include "codec/json.h"
#include "core/class.h"

struct credential;

/*
 * Makes the credential of `secret` for an auth type.
 *
 * Errors: INVALID when keys are missing, or a value holds bytes that no header may carry (the message names
 * the key, never the value); METHOD when the type needs an expression to be injected.
 */
int credential_new(const json_t *secret, const struct class_auth *auth,
                   struct credential **ret_credential, struct err *err) MUST_USE;

struct credential *credential_ref(struct credential *c);
void credential_unref(struct credential *c); /* NULL is allowed */

/* "uid/resourceVersion" of the Secret: changes whenever the credential may have changed. */
struct str credential_version(const struct credential *c);

/* How it is injected, for metrics and audit: "basic" or "bearer". */
const char *credential_method(const struct credential *c);

/* The header and its value; the value is borrowed while the reference is held and must go nowhere but to
 * the tool. */
void credential_expose(const struct credential *c, struct str *ret_name, struct str *ret_value);

/* Whether `text` contains the injected value, encoded as injected or raw.  Values under 6 bytes are not looked for: they
 * stand in texts by chance. */
bool credential_is_in(const struct credential *c, struct str text);

DEFINE_CLEANUP(credential_unrefp, struct credential *, credential_unref)

#endif
