/*
 * PEM readers over AWS-LC's BIO of fixed memory, and what we think of key sizes.
 */
#include "crypto/evp.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

/* Refuses instead of asking on the terminal. */
static int evp_no_password(char *buf UNUSED, int size UNUSED, int rwflag UNUSED, void *u UNUSED)
{
    return -1;
}

int evp_read_private(const struct secret *pem, EVP_PKEY **ret_pkey, struct err *err)
{
    struct str text = secret_expose(pem);
    BIO *bio CLEANUP(evp_bio_freep) = NULL;
    EVP_PKEY *pkey;

    if (str_is_empty(text))
        return err_set(err, ERR_INVALID, "private key is empty");
    bio = BIO_new_mem_buf(text.p, (ossl_ssize_t)text.n);
    ASSERT(bio);
    pkey = PEM_read_bio_PrivateKey(bio, NULL, evp_no_password, NULL);
    ERR_clear_error();
    if (!pkey)
        return err_set(err, ERR_INVALID, "private key is not an unencrypted PEM key");
    *ret_pkey = pkey;
    return 0;
}

size_t evp_read_certs(struct str pem, STACK_OF(X509) * *ret_certs, size_t *ret_bad)
{
    STACK_OF(X509) *certs = sk_X509_new_null();
    BIO *bio CLEANUP(evp_bio_freep) = BIO_new_mem_buf(pem.n ? pem.p : "", (ossl_ssize_t)pem.n);
    size_t bad = 0;
    uint32_t why;
    X509 *x;

    ASSERT(certs && bio);
    while (sk_X509_num(certs) + bad < EVP_MAX_CERTS) {
        x = PEM_read_bio_X509(bio, NULL, evp_no_password, NULL);
        if (x) {
            ASSERT(sk_X509_push(certs, x));
            continue;
        }
        why = ERR_peek_last_error();
        ERR_clear_error();
        if (ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE)
            break;
        bad++;
    }
    *ret_certs = certs;
    if (ret_bad)
        *ret_bad = bad;
    return sk_X509_num(certs);
}

bool evp_is_strong(const EVP_PKEY *pkey)
{
    int bits = EVP_PKEY_bits(pkey);

    switch (EVP_PKEY_id(pkey)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        return bits >= EVP_MIN_RSA_BITS && bits <= EVP_MAX_RSA_BITS;
    case EVP_PKEY_EC:
        return bits >= 256;
    case EVP_PKEY_ED25519:
        return true;
    default:
        return false;
    }
}

const char *evp_reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_error());

    ERR_clear_error();
    return text ? text : "unknown reason";
}
