/*
 * AES-256-GCM with random nonces, for data at rest.
 *
 * Sealed form: 12 bytes nonce, ciphertext, 16 bytes tag.  `ad` is authenticated, not stored: it binds a
 * value to its place.
 */
#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

#define AEAD_KEY_BYTES 32
#define AEAD_OVERHEAD_BYTES 28

/* Appends the sealed form of `plain`. */
void aead_seal(const struct secret *key, struct str ad, struct str plain, struct buf *out);

/* Appends the plaintext.  Returns 0 or -ERR_INVALID when the bytes are not what was sealed under this key and
 * `ad`. */
int aead_open(const struct secret *key, struct str ad, struct str sealed, struct buf *out) MUST_USE;

#endif
