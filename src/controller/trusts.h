/*
 * How the certificates of tools are verified: the system's roots and those of a Connector's caCertSecretRef.
 */
#ifndef CONTROLLER_TRUSTS_H
#define CONTROLLER_TRUSTS_H

#include "codec/json.h"
#include "net/tls.h"

struct trusts;

/* Returns an empty table. */
struct trusts *trusts_new(void);

/* NULL is allowed. */
void trusts_free(struct trusts *t);

/*
 * Appends the certificates of a Secret to `out`: values that hold a PEM certificate, of keys of any name.
 * Errors: INVALID when there is none, or one does not parse; TOOBIG.  Messages name keys, never values.
 */
int trusts_collect(const json_t *secret, struct buf *out, struct err *err) MUST_USE;

/*
 * A new reference to what verifies by the system's roots and `pem` (may be empty); equal ones are shared.
 * Errors: as tls_trust_new.  Thread-safe.
 */
int trusts_get(struct trusts *t, struct str pem, struct tls_client **ret_client,
               struct err *err) MUST_USE;

#endif
