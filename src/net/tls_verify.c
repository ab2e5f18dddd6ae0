/*
 * The check of a peer's certificate chain: the library's (names, dates, purposes, signatures), then ours.
 *
 * The library's security level is 0, so key sizes are checked here, for every certificate of the chain;
 * signatures over MD5 and SHA-1 are refused except on the anchor, whose signature nobody relies on.
 */
#include <openssl/nid.h>

#include "crypto/evp.h"
#include "net/tls_priv.h"

static bool tls_verify_is_weak_digest(const X509 *x)
{
    switch (X509_get_signature_nid(x)) {
    case NID_md5WithRSAEncryption:
    case NID_sha1WithRSAEncryption:
    case NID_sha1WithRSA:
    case NID_ecdsa_with_SHA1:
        return true;
    default:
        return false;
    }
}

static int tls_verify_strength(const STACK_OF(X509) * chain)
{
    size_t count = sk_X509_num(chain);

    for (size_t i = 0; i < count; i++) {
        X509 *x = sk_X509_value(chain, i);
        const EVP_PKEY *pkey = X509_get0_pubkey(x);

        if (!pkey || !evp_is_strong(pkey))
            return i == 0 ? X509_V_ERR_EE_KEY_TOO_SMALL : X509_V_ERR_CA_KEY_TOO_SMALL;
        if (i + 1 < count && tls_verify_is_weak_digest(x))
            return X509_V_ERR_CA_MD_TOO_WEAK;
    }
    return X509_V_OK;
}

/* The library finds "no issuer" also for a leaf that is its own issuer but may not sign. */
static int tls_verify_error(X509_STORE_CTX *chain)
{
    int error = X509_STORE_CTX_get_error(chain);
    X509 *leaf = X509_STORE_CTX_get0_cert(chain);

    if (error == X509_V_OK)
        return X509_V_ERR_UNSPECIFIED;
    if (error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY &&
        X509_STORE_CTX_get_error_depth(chain) == 0 &&
        X509_NAME_cmp(X509_get_subject_name(leaf), X509_get_issuer_name(leaf)) == 0)
        return X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT;
    return error;
}

const char *tls_verify_text(int error)
{
    switch (error) {
    case X509_V_ERR_EE_KEY_TOO_SMALL:
        return "key of the certificate is too weak";
    case X509_V_ERR_CA_KEY_TOO_SMALL:
        return "key of a CA is too weak";
    case X509_V_ERR_CA_MD_TOO_WEAK:
        return "certificate is signed over a weak digest";
    default:
        return X509_verify_cert_error_string(error);
    }
}

int tls_verify_chain(X509_STORE_CTX *chain, void *unused UNUSED)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
    int error;

    if (X509_verify_cert(chain) == 1)
        error = tls_verify_strength(X509_STORE_CTX_get0_chain(chain));
    else
        error = tls_verify_error(chain);
    X509_STORE_CTX_set_error(chain, error);
    tls_set_verify_error(ssl, error);
    return error == X509_V_OK;
}
