/*
 * SHA-256 and HMAC-SHA-256 (FIPS 180-4, RFC 2104).
 */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "base/secret.h"
#include "base/str.h"

#define HASH_SHA256_BYTES 32

/* Digest of the concatenation of `count` parts. */
void hash_sha256(const struct str *parts, size_t count, uint8_t ret_digest[HASH_SHA256_BYTES]);

/* HMAC of one message. */
void hash_hmac_sha256(struct str key, struct str message, uint8_t ret_mac[HASH_SHA256_BYTES]);

#endif
