/*
 * Encryption of stored values: AES-256-GCM under one key file, bound to the key path.
 *
 * Stored form: "k8s:enc:aesgcm:v1:key1:" and the sealed bytes, as Kubernetes names its providers.  A value without a
 * prefix is plain JSON (written before sealing was on).
 */
#ifndef APISERVER_SEAL_H
#define APISERVER_SEAL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

struct seal;

/* `key` is AEAD_KEY_BYTES long and referenced. */
struct seal *seal_new(const struct secret *key);

/* NULL is allowed. */
void seal_free(struct seal *s);

/* Appends the stored form of `plain` for storage key `key`. */
void seal_encode(const struct seal *s, struct str key, struct str plain, struct buf *out);

/* Appends the plain form.  Errors: INVALID when the bytes were sealed with another key, for another place, or changed. */
int seal_decode(const struct seal *s, struct str key, struct str stored, struct buf *out,
                struct err *err) MUST_USE;

#endif
