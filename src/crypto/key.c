/*
 * Signing keys over EVP_PKEY.
 *
 * JWS writes an ECDSA signature as r || s of fixed width while the library writes DER; the two are
 * converted here and nowhere else.  Only P-256 and RSA of 2048 to 8192 bits are let in, so a key's
 * algorithm follows from its type and a token's header can never choose it.
 */
#include "crypto/key.h"

#include <stdatomic.h>

#include <openssl/bn.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/nid.h>
#include <openssl/pem.h>

#include "crypto/evp.h"
#include "crypto/hash.h"
#include "crypto/key_priv.h"

#define KEY_P256_SIDE_BYTES 32
#define KEY_P256_DER_MAX 80
#define KEY_ID_CHARS 43 /* base64url of 32 bytes */

struct key {
    atomic_uint refs;
    EVP_PKEY *pkey;
    bool is_private;
};

/* --- making and reading */

/* Takes `pkey`. */
static struct key *key_wrap(EVP_PKEY *pkey, bool is_private)
{
    struct key *k = NEW(struct key);

    atomic_init(&k->refs, 1);
    k->pkey = pkey;
    k->is_private = is_private;
    return k;
}

static bool key_is_p256(const EVP_PKEY *pkey)
{
    const EC_KEY *ec = EVP_PKEY_id(pkey) == EVP_PKEY_EC ? EVP_PKEY_get0_EC_KEY(pkey) : NULL;

    return ec && EC_GROUP_get_curve_name(EC_KEY_get0_group(ec)) == NID_X9_62_prime256v1;
}

static int key_check(const EVP_PKEY *pkey, struct err *err)
{
    if (key_is_p256(pkey) || (EVP_PKEY_id(pkey) == EVP_PKEY_RSA && evp_is_strong(pkey)))
        return 0;
    return err_set(err, ERR_INVALID, "key is neither P-256 nor RSA of %d to %d bits",
                   EVP_MIN_RSA_BITS, EVP_MAX_RSA_BITS);
}

struct key *key_new_p256(void)
{
    EVP_PKEY_CTX *gen = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);
    EVP_PKEY *pkey = NULL;

    ASSERT(gen && EVP_PKEY_keygen_init(gen) == 1);
    ASSERT(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(gen, NID_X9_62_prime256v1) == 1);
    ASSERT(EVP_PKEY_keygen(gen, &pkey) == 1);
    EVP_PKEY_CTX_free(gen);
    return key_wrap(pkey, true);
}

int key_parse_private(const struct secret *pem, struct key **ret_key, struct err *err)
{
    EVP_PKEY *pkey CLEANUP(evp_pkey_freep) = NULL;
    int rc = evp_read_private(pem, &pkey, err);

    if (rc == 0)
        rc = key_check(pkey, err);
    if (rc < 0)
        return rc;
    *ret_key = key_wrap(TAKE(pkey), true);
    return 0;
}

int key_parse_public(struct str pem, struct key **ret_key, struct err *err)
{
    BIO *bio CLEANUP(evp_bio_freep) = BIO_new_mem_buf(pem.n ? pem.p : "", (ossl_ssize_t)pem.n);
    EVP_PKEY *pkey CLEANUP(evp_pkey_freep) = NULL;

    ASSERT(bio);
    pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    ERR_clear_error();
    if (!pkey)
        return err_set(err, ERR_INVALID, "public key is not a PEM SubjectPublicKeyInfo");
    if (key_check(pkey, err) < 0)
        return -ERR_INVALID;
    *ret_key = key_wrap(TAKE(pkey), false);
    return 0;
}

struct key *key_ref(struct key *k)
{
    atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
    return k;
}

void key_unref(struct key *k)
{
    if (!k || atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) != 1)
        return;
    EVP_PKEY_free(k->pkey);
    free(k);
}

struct evp_pkey_st *key_pkey(const struct key *k)
{
    return k->pkey;
}

/* --- text forms */

struct secret *key_format_private(const struct key *k)
{
    BIO *bio CLEANUP(evp_bio_freep) = BIO_new(BIO_s_mem());
    BUF_MEM *mem = NULL;

    ASSERT(k->is_private && bio);
    ASSERT(PEM_write_bio_PKCS8PrivateKey(bio, k->pkey, NULL, NULL, 0, NULL, NULL));
    ASSERT(BIO_get_mem_ptr(bio, &mem) == 1);
    return secret_take(mem->data, mem->length);
}

void key_format_public(const struct key *k, struct buf *out)
{
    BIO *bio CLEANUP(evp_bio_freep) = BIO_new(BIO_s_mem());
    const uint8_t *p;
    size_t n;

    ASSERT(bio && PEM_write_bio_PUBKEY(bio, k->pkey));
    ASSERT(BIO_mem_contents(bio, &p, &n));
    buf_add(out, p, n);
}

void key_id(const struct key *k, struct buf *out)
{
    uint8_t digest[HASH_SHA256_BYTES], text[64];
    uint8_t *der = NULL;
    int n = i2d_PUBKEY(k->pkey, &der);
    struct str bytes;

    ASSERT(n > 0);
    bytes = str_n(der, (size_t)n);
    hash_sha256(&bytes, 1, digest);
    OPENSSL_free(der);
    EVP_EncodeBlock(text, digest, sizeof(digest));
    for (int i = 0; i < KEY_ID_CHARS; i++) {
        if (text[i] == '+' || text[i] == '/')
            text[i] = text[i] == '+' ? '-' : '_';
    }
    buf_add(out, text, KEY_ID_CHARS);
}

const char *key_jws_alg(const struct key *k)
{
    return EVP_PKEY_id(k->pkey) == EVP_PKEY_EC ? "ES256" : "RS256";
}

/* --- signatures */

void key_sign(const struct key *k, struct str message, struct buf *out)
{
    uint8_t digest[HASH_SHA256_BYTES], sides[2 * KEY_P256_SIDE_BYTES];
    ECDSA_SIG *sig;

    ASSERT(k->is_private && key_is_p256(k->pkey));
    hash_sha256(&message, 1, digest);
    sig = ECDSA_do_sign(digest, sizeof(digest), EVP_PKEY_get0_EC_KEY(k->pkey));
    ASSERT(sig);
    ASSERT(BN_bn2bin_padded(sides, KEY_P256_SIDE_BYTES, ECDSA_SIG_get0_r(sig)));
    ASSERT(
        BN_bn2bin_padded(sides + KEY_P256_SIDE_BYTES, KEY_P256_SIDE_BYTES, ECDSA_SIG_get0_s(sig)));
    ECDSA_SIG_free(sig);
    buf_add(out, sides, sizeof(sides));
}

static bool key_verify_es256(const EVP_PKEY *pkey, const uint8_t *digest, struct str signature)
{
    const uint8_t *sides = (const uint8_t *)signature.p;
    ECDSA_SIG *sig;
    BIGNUM *r, *s;
    bool ok;

    if (signature.n != 2 * KEY_P256_SIDE_BYTES)
        return false;
    sig = ECDSA_SIG_new();
    r = BN_bin2bn(sides, KEY_P256_SIDE_BYTES, NULL);
    s = BN_bin2bn(sides + KEY_P256_SIDE_BYTES, KEY_P256_SIDE_BYTES, NULL);
    ASSERT(sig && r && s && ECDSA_SIG_set0(sig, r, s));
    ok = ECDSA_do_verify(digest, HASH_SHA256_BYTES, sig, EVP_PKEY_get0_EC_KEY(pkey)) == 1;
    ECDSA_SIG_free(sig);
    return ok;
}

static bool key_verify_rs256(EVP_PKEY *pkey, struct str message, struct str signature)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok;

    ASSERT(md && EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, pkey));
    ok = EVP_DigestVerify(md, (const uint8_t *)signature.p, signature.n, (const uint8_t *)message.p,
                          message.n) == 1;
    EVP_MD_CTX_free(md);
    return ok;
}

bool key_verify(const struct key *k, struct str message, struct str signature)
{
    uint8_t digest[HASH_SHA256_BYTES];
    bool ok;

    if (EVP_PKEY_id(k->pkey) == EVP_PKEY_EC) {
        hash_sha256(&message, 1, digest);
        ok = key_verify_es256(k->pkey, digest, signature);
    } else {
        ok = key_verify_rs256(k->pkey, message, signature);
    }
    ERR_clear_error();
    return ok;
}
