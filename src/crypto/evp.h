/*
 * The one place where PEM becomes the library's objects, for crypto/ and net/tls*.c only: this header
 * includes AWS-LC's.
 *
 * Encrypted private keys are refused (nobody is asked for a password).  Errors never quote input.
 */
#ifndef CRYPTO_EVP_H
#define CRYPTO_EVP_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"

#define EVP_MIN_RSA_BITS 2048
#define EVP_MAX_RSA_BITS 8192
#define EVP_MAX_CERTS 4096

DEFINE_CLEANUP(evp_pkey_freep, EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(evp_x509_freep, X509 *, X509_free)
DEFINE_CLEANUP(evp_bio_freep, BIO *, BIO_free_all)

static inline void evp_certs_free(STACK_OF(X509) * certs)
{
    sk_X509_pop_free(certs, X509_free);
}
DEFINE_CLEANUP(evp_certs_freep, STACK_OF(X509) *, evp_certs_free)

/* Reads a PKCS#8, SEC1 or PKCS#1 private key.  The caller frees it.  Errors: INVALID. */
int evp_read_private(const struct secret *pem, EVP_PKEY **ret_pkey, struct err *err) MUST_USE;

/*
 * Reads the certificates of a PEM text; blocks of other kinds are passed over.  The caller frees the stack.
 * Returns the count of those that parse; `ret_bad` (may be NULL) tells how many do not.  Reading ends at
 * EVP_MAX_CERTS.
 */
size_t evp_read_certs(struct str pem, STACK_OF(X509) * *ret_certs, size_t *ret_bad);

/* Whether a key is strong enough to be believed: RSA of 2048 to 8192 bits, P-256 or larger, Ed25519. */
bool evp_is_strong(const EVP_PKEY *pkey);

/* The library's reason for the oldest queued error of this thread, as static text; empties the queue. */
const char *evp_reason(void);

#endif
