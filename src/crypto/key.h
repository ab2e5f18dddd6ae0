/*
 * Signing keys: ECDSA P-256 (ES256) to make and to check, RSA to check (RS256), as JWS wants them
 * (RFC 7518).
 *
 * Immutable after creation; reference-counted; usable from several threads.
 */
#ifndef CRYPTO_KEY_H
#define CRYPTO_KEY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

struct key;

/* A new P-256 private key. */
struct key *key_new_p256(void);

/* Reads a PEM private key (PKCS#8, SEC1 or PKCS#1).  Errors: INVALID. */
int key_parse_private(const struct secret *pem, struct key **ret_key, struct err *err) MUST_USE;

/* Reads a PEM public key (SubjectPublicKeyInfo).  Errors: INVALID. */
int key_parse_public(struct str pem, struct key **ret_key, struct err *err) MUST_USE;

struct key *key_ref(struct key *k);
void key_unref(struct key *k);

/* The PKCS#8 PEM form of a private key. */
struct secret *key_format_private(const struct key *k);

/* Appends the SubjectPublicKeyInfo PEM form. */
void key_format_public(const struct key *k, struct buf *out);

/* Appends the key identifier used in JWT headers: base64url of SHA-256 of the DER public key. */
void key_id(const struct key *k, struct buf *out);

/* "ES256" or "RS256". */
const char *key_jws_alg(const struct key *k);

/* Appends the JWS signature of `message` (ES256: r || s).  Only for private P-256 keys. */
void key_sign(const struct key *k, struct str message, struct buf *out);

/* Whether `signature` is the key's JWS signature of `message`. */
bool key_verify(const struct key *k, struct str message, struct str signature);

DEFINE_CLEANUP(key_unrefp, struct key *, key_unref)

#endif
