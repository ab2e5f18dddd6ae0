/*
 * What the files of the TLS filter share; this header includes AWS-LC's.
 *
 *     tls_trust  →  X509_STORE        whom to believe
 *     tls_verify    the chain check   (library's rules, then key sizes and digests)
 *     tls_conf   →  SSL_CTX           what both sides have in common
 *     tls_name      whom a client expects
 *     tls_session   remembered client sessions
 *     tls_peer      who a verified peer is
 *     tls           the filter itself
 */
#ifndef NET_TLS_PRIV_H
#define NET_TLS_PRIV_H

#include <openssl/ssl.h>

#include "net/tls.h"

struct tls_session_cache;

/* The store of a pool, borrowed while the pool lives. */
X509_STORE *tls_trust_store(const struct tls_trust *t);

/* For SSL_CTX_set_cert_verify_callback: 1 when the peer's chain is acceptable. */
int tls_verify_chain(X509_STORE_CTX *chain, void *unused);

/* What a verification error means, for people. */
const char *tls_verify_text(int error);

/* A new configuration with everything both sides have in common. */
SSL_CTX *tls_conf_new(const SSL_METHOD *method);

/* Sets certificate chain and key.  Errors: INVALID. */
int tls_conf_set_identity(SSL_CTX *conf, struct str chain_pem, const struct secret *key_pem,
                          struct err *err) MUST_USE;

/* Asks for the peer's certificate and verifies it against `trust`. */
void tls_conf_set_trust(SSL_CTX *conf, struct tls_trust *trust);

/* What is inside a configuration, borrowed while it lives. */
SSL_CTX *tls_server_conf(const struct tls_server *s);
SSL_CTX *tls_client_conf(const struct tls_client *c);
/* The sessions of a client's configuration, borrowed while it lives. */
struct tls_session_cache *tls_client_sessions(struct tls_client *c);

/* Sessions by server name, at most TLS_SESSION_MAX_NAMES of them.  Thread-safe. */
#define TLS_SESSION_MAX_NAMES 256
struct tls_session_cache *tls_session_cache_new(void);
void tls_session_cache_free(struct tls_session_cache *c);

/* Remembers `session` (taken) as the newest of `name`. */
void tls_session_put(struct tls_session_cache *c, struct str name, SSL_SESSION *session);

/* Returns a reference to the session of `name`, or NULL. */
SSL_SESSION *tls_session_get(struct tls_session_cache *c, struct str name);

/* Forgets the session of `name`. */
void tls_session_drop(struct tls_session_cache *c, struct str name);

/* Sets SNI and the name to verify.  False when `name` is neither a DNS name nor an IP literal. */
bool tls_name_set(SSL *ssl, const char *name);

/* The library's object of an established TLS stream, or NULL; borrowed. */
SSL *tls_ssl(const struct stream *s);

/* Makes the filters of a client's configuration remember its sessions. */
void tls_set_client_sessions(SSL_CTX *conf);

/* The error of the failed chain check of this connection, for tls_verify_chain. */
void tls_set_verify_error(SSL *ssl, int x509_error);

#endif
