/*
 * How a client verifies and presents itself: an SSL_CTX, and the sessions it may resume.
 */
#include <stdatomic.h>

#include "net/tls_priv.h"

struct tls_client {
    atomic_uint refs;
    SSL_CTX *conf;
    struct tls_session_cache *sessions;
};

int tls_client_new(struct tls_trust *trust, struct str chain_pem, const struct secret *key_pem,
                   struct tls_client **ret_client, struct err *err)
{
    SSL_CTX *conf = tls_conf_new(TLS_client_method());
    struct tls_client *c;
    int rc = 0;

    if (key_pem || !str_is_empty(chain_pem)) {
        rc = key_pem ? tls_conf_set_identity(conf, chain_pem, key_pem, err)
                     : err_set(err, ERR_INVALID, "certificate without a private key");
    }
    if (rc < 0) {
        SSL_CTX_free(conf);
        return err_wrap(err, rc, "TLS client certificate");
    }
    tls_conf_set_trust(conf, trust);
    tls_set_client_sessions(conf);
    c = NEW(struct tls_client);
    atomic_init(&c->refs, 1);
    c->conf = conf;
    c->sessions = tls_session_cache_new();
    *ret_client = c;
    return 0;
}

struct tls_client *tls_client_ref(struct tls_client *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void tls_client_unref(struct tls_client *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(c->conf);
    tls_session_cache_free(c->sessions);
    free(c);
}

SSL_CTX *tls_client_conf(const struct tls_client *c)
{
    return c->conf;
}

struct tls_session_cache *tls_client_sessions(struct tls_client *c)
{
    return c->sessions;
}
