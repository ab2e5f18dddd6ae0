/*
 * What every TLS configuration here has in common: versions, algorithms, buffers, tickets.
 *
 * X25519 before P-256; in TLS 1.2 only ECDHE with an AEAD; no SHA-1 anywhere.  The library's read-ahead
 * takes a whole record with one system call and keeps no buffer while a connection is idle.
 */
#include <pthread.h>

#include <openssl/err.h>
#include <openssl/pool.h>

#include "crypto/evp.h"
#include "net/tls_priv.h"

#define TLS_CONF_GROUPS "X25519:P-256"
#define TLS_CONF_TLS12_CIPHERS                                                                     \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                                   \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                                   \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define TLS_CONF_READ_BYTES (5 + 16384 + 256) /* the largest record of TLS 1.3 (RFC 8446, 5.2) */
#define TLS_CONF_MAX_CHAIN 8
#define TLS_CONF_MAX_CHAIN_BYTES (64 * 1024)

static const uint16_t TLS_CONF_SIGNATURES[] = {
    SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_SIGN_RSA_PSS_RSAE_SHA256,
    SSL_SIGN_RSA_PKCS1_SHA256,       SSL_SIGN_ECDSA_SECP384R1_SHA384,
    SSL_SIGN_RSA_PSS_RSAE_SHA384,    SSL_SIGN_RSA_PKCS1_SHA384,
    SSL_SIGN_ECDSA_SECP521R1_SHA512, SSL_SIGN_RSA_PSS_RSAE_SHA512,
    SSL_SIGN_RSA_PKCS1_SHA512,       SSL_SIGN_ED25519,
};

/* Equal certificates of many connections are kept once. */
static CRYPTO_BUFFER_POOL *tls_conf_pool;

static void tls_conf_init(void)
{
    tls_conf_pool = CRYPTO_BUFFER_POOL_new();
    ASSERT(tls_conf_pool);
}

SSL_CTX *tls_conf_new(const SSL_METHOD *method)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    SSL_CTX *conf = SSL_CTX_new(method);

    pthread_once(&once, tls_conf_init);
    ASSERT(conf);
    SSL_CTX_set0_buffer_pool(conf, tls_conf_pool);
    ASSERT(SSL_CTX_set_min_proto_version(conf, TLS1_2_VERSION));
    ASSERT(SSL_CTX_set_max_proto_version(conf, TLS1_3_VERSION));
    ASSERT(SSL_CTX_set_strict_cipher_list(conf, TLS_CONF_TLS12_CIPHERS));
    ASSERT(SSL_CTX_set1_groups_list(conf, TLS_CONF_GROUPS));
    ASSERT(SSL_CTX_set_verify_algorithm_prefs(conf, TLS_CONF_SIGNATURES,
                                              ARRAY_LEN(TLS_CONF_SIGNATURES)));
    ASSERT(SSL_CTX_set_read_ahead(conf, 1));
    ASSERT(SSL_CTX_set_default_read_buffer_len(conf, TLS_CONF_READ_BYTES));
    SSL_CTX_set_mode(conf, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(conf, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                  SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_max_cert_list(conf, TLS_CONF_MAX_CHAIN_BYTES);
    SSL_CTX_set_verify_depth(conf, TLS_CONF_MAX_CHAIN);
    SSL_CTX_set_cert_verify_callback(conf, tls_verify_chain, NULL);
    return conf;
}

static int tls_conf_set_chain(SSL_CTX *conf, const STACK_OF(X509) * certs)
{
    if (!SSL_CTX_use_certificate(conf, sk_X509_value(certs, 0)))
        return -ERR_INVALID;
    for (size_t i = 1; i < sk_X509_num(certs); i++) {
        if (!SSL_CTX_add1_chain_cert(conf, sk_X509_value(certs, i)))
            return -ERR_INVALID;
    }
    return 0;
}

int tls_conf_set_identity(SSL_CTX *conf, struct str chain_pem, const struct secret *key_pem,
                          struct err *err)
{
    STACK_OF(X509) * certs CLEANUP(evp_certs_freep) = NULL;
    EVP_PKEY *pkey CLEANUP(evp_pkey_freep) = NULL;
    size_t bad;
    int rc;

    if (evp_read_certs(chain_pem, &certs, &bad) == 0 || bad > 0)
        return err_set(err, ERR_INVALID, "certificate chain does not parse");
    rc = evp_read_private(key_pem, &pkey, err);
    if (rc < 0)
        return rc;
    if (X509_check_private_key(sk_X509_value(certs, 0), pkey) != 1) {
        ERR_clear_error();
        return err_set(err, ERR_INVALID, "certificate and private key do not match");
    }
    if (tls_conf_set_chain(conf, certs) < 0 || !SSL_CTX_use_PrivateKey(conf, pkey)) {
        ERR_clear_error();
        return err_set(err, ERR_INVALID, "certificate or private key cannot be used for TLS");
    }
    return 0;
}

void tls_conf_set_trust(SSL_CTX *conf, struct tls_trust *trust)
{
    SSL_CTX_set1_cert_store(conf, tls_trust_store(trust));
    SSL_CTX_set_verify(conf, SSL_VERIFY_PEER, NULL);
}
