/*
 * What a listener presents: an SSL_CTX behind a reference count.
 *
 * Sessions live in tickets only, sealed under keys the library draws and rotates per configuration; a new
 * configuration therefore forgets the sessions of the old one.
 */
#include <stdatomic.h>

#include "net/tls_priv.h"

struct tls_server {
    atomic_uint refs;
    SSL_CTX *conf;
};

int tls_server_new(struct str chain_pem, const struct secret *key_pem, struct tls_trust *client_ca,
                   struct tls_server **ret_server, struct err *err)
{
    static const uint8_t SESSION_ID[] = "connectors";
    SSL_CTX *conf = tls_conf_new(TLS_server_method());
    struct tls_server *s;
    int rc = tls_conf_set_identity(conf, chain_pem, key_pem, err);

    if (rc < 0) {
        SSL_CTX_free(conf);
        return err_wrap(err, rc, "TLS server certificate");
    }
    SSL_CTX_set_session_cache_mode(conf, SSL_SESS_CACHE_OFF);
    ASSERT(SSL_CTX_set_num_tickets(conf, 1));
    ASSERT(SSL_CTX_set_session_id_context(conf, SESSION_ID, sizeof(SESSION_ID)));
    if (client_ca)
        tls_conf_set_trust(conf, client_ca);
    s = NEW(struct tls_server);
    atomic_init(&s->refs, 1);
    s->conf = conf;
    *ret_server = s;
    return 0;
}

struct tls_server *tls_server_ref(struct tls_server *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void tls_server_unref(struct tls_server *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(s->conf);
    free(s);
}

SSL_CTX *tls_server_conf(const struct tls_server *s)
{
    return s->conf;
}
