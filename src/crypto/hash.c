/*
 * Digests over AWS-LC.  One-shot forms only: nothing here is streamed.
 */
#include "crypto/hash.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/mem.h>
#include <openssl/sha.h>

void hash_sha256(const struct str *parts, size_t count, uint8_t ret_digest[HASH_SHA256_BYTES])
{
    SHA256_CTX sha;

    ASSERT(SHA256_Init(&sha));
    for (size_t i = 0; i < count; i++) {
        if (parts[i].n > 0)
            ASSERT(SHA256_Update(&sha, parts[i].p, parts[i].n));
    }
    ASSERT(SHA256_Final(ret_digest, &sha));
    OPENSSL_cleanse(&sha, sizeof(sha));
}

void hash_hmac_sha256(struct str key, struct str message, uint8_t ret_mac[HASH_SHA256_BYTES])
{
    unsigned len = 0;

    /* An empty key must still be a pointer: NULL would mean "the key of last time". */
    ASSERT(HMAC(EVP_sha256(), key.n ? key.p : "", key.n, (const uint8_t *)message.p, message.n,
                ret_mac, &len));
    ASSERT(len == HASH_SHA256_BYTES);
}
