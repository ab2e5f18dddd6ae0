/*
 * AES-256-GCM over AWS-LC's EVP_AEAD.
 *
 * Nonces are 96 random bits: with one key the chance that two of 2^32 values share one is below 2^-32, far
 * above what a store of secrets writes.
 */
#include "crypto/aead.h"

#include <openssl/aead.h>
#include <openssl/err.h>

#include "crypto/random.h"

#define AEAD_NONCE_BYTES 12
#define AEAD_TAG_BYTES 16

static void aead_init(EVP_AEAD_CTX *aead, const struct secret *key)
{
    struct str k = secret_expose(key);

    ASSERT(k.n == AEAD_KEY_BYTES);
    ASSERT(EVP_AEAD_CTX_init(aead, EVP_aead_aes_256_gcm(), (const uint8_t *)k.p, k.n,
                             AEAD_TAG_BYTES, NULL));
}

void aead_seal(const struct secret *key, struct str ad, struct str plain, struct buf *out)
{
    uint8_t *dst = (uint8_t *)buf_reserve(out, plain.n + AEAD_OVERHEAD_BYTES);
    EVP_AEAD_CTX aead;
    size_t len = 0;

    if (!dst)
        return;
    aead_init(&aead, key);
    random_bytes(dst, AEAD_NONCE_BYTES);
    ASSERT(EVP_AEAD_CTX_seal(&aead, dst + AEAD_NONCE_BYTES, &len, plain.n + AEAD_TAG_BYTES, dst,
                             AEAD_NONCE_BYTES, (const uint8_t *)plain.p, plain.n,
                             (const uint8_t *)ad.p, ad.n));
    EVP_AEAD_CTX_cleanup(&aead);
    buf_commit(out, AEAD_NONCE_BYTES + len);
}

int aead_open(const struct secret *key, struct str ad, struct str sealed, struct buf *out)
{
    const uint8_t *src = (const uint8_t *)sealed.p;
    EVP_AEAD_CTX aead;
    uint8_t *dst;
    size_t len = 0;
    int ok;

    if (sealed.n < AEAD_OVERHEAD_BYTES)
        return -ERR_INVALID;
    /* The library wants room for the tag while it decrypts. */
    dst = (uint8_t *)buf_reserve(out, sealed.n - AEAD_NONCE_BYTES);
    if (!dst)
        return -ERR_TOOBIG;
    aead_init(&aead, key);
    ok = EVP_AEAD_CTX_open(&aead, dst, &len, sealed.n - AEAD_NONCE_BYTES, src, AEAD_NONCE_BYTES,
                           src + AEAD_NONCE_BYTES, sealed.n - AEAD_NONCE_BYTES,
                           (const uint8_t *)ad.p, ad.n);
    EVP_AEAD_CTX_cleanup(&aead);
    if (!ok) {
        ERR_clear_error();
        return -ERR_INVALID;
    }
    buf_commit(out, len);
    return 0;
}
