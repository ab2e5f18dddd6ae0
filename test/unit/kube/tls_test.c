/*
 * The client over TLS: whom it trusts and the certificate it shows.
 */
#include <stdatomic.h>
#include <stdio.h>

#include "base/time.h"
#include "crypto/x509.h"
#include "http/server.h"
#include "kube/client.h"
#include "unit.h"

/* A CA, and certificates under it. */
struct pki {
    struct key *ca_key;
    struct buf ca;
};

static void pki_init(struct pki *p)
{
    p->ca_key = key_new_p256();
    buf_init(&p->ca, 64 * 1024);
    CHECK_OK(x509_make_ca(p->ca_key, STR("test CA"), time_wall_us(), 3600, &p->ca, NULL));
}

static void pki_fini(struct pki *p)
{
    key_unref(p->ca_key);
    buf_fini(&p->ca);
}

/* A leaf and its key. */
struct leaf {
    struct buf cert;
    struct secret *key;
};

static void leaf_init(struct leaf *l, struct pki *p, const struct x509_leaf *spec)
{
    struct key *key = key_new_p256();

    buf_init(&l->cert, 64 * 1024);
    CHECK_OK(x509_make_leaf(buf_str(&p->ca), p->ca_key, key, spec, time_wall_us(), &l->cert, NULL));
    l->key = key_format_private(key);
    key_unref(key);
}

static void leaf_fini(struct leaf *l)
{
    buf_fini(&l->cert);
    secret_unref(l->key);
}

struct site {
    struct pki pki;
    struct leaf server, user;
    struct loop *loop;
    struct http_server *http;
    uint16_t port;
    char seen[64]; /* common name of the client's certificate */
    bool is_done;
    int rc;
    struct err err;
};

static void on_request(void *cookie, struct http_exchange *x)
{
    struct site *s = cookie;
    struct tls_peer peer;

    if (tls_peer_get(http_exchange_stream(x), http_exchange_arena(x), &peer) == 0)
        snprintf(s->seen, sizeof(s->seen), "%" STR_FMT, STR_ARG(peer.common_name));
    http_exchange_send(x, 200, STR("application/json"), STR("{}"));
}

static void listen_tls(struct site *s)
{
    static const struct http_server_ops OPS = {.on_request = on_request};
    struct tls_trust *trust = NULL;
    struct tls_server *tls = NULL;
    struct addr at;
    int fd = -1;

    CHECK_OK(tls_trust_new(false, buf_str(&s->pki.ca), &trust, NULL));
    CHECK_OK(tls_server_new(buf_str(&s->server.cert), s->server.key, trust, &tls, NULL));
    CHECK_OK(addr_parse(STR("127.0.0.1:0"), &at));
    CHECK_OK(tcp_listen(&at, false, &fd, NULL));
    CHECK_OK(tcp_local_addr(fd, &at));
    s->port = addr_port(&at);
    s->http = http_server_new(s->loop, &HTTP_LIMITS_DEFAULT, &OPS, s);
    http_server_listen(s->http, fd, tls);
    tls_server_unref(tls);
    tls_trust_unref(trust);
}

static void site_init(struct site *s)
{
    struct str name = STR("api.internal"), ip = STR("127.0.0.1");
    struct str groups[] = {STR_INIT("system:masters")};

    *s = (struct site){.loop = loop_new(NULL)};
    pki_init(&s->pki);
    leaf_init(&s->server, &s->pki,
              &(struct x509_leaf){.common_name = name,
                                  .dns_names = &name,
                                  .dns_name_count = 1,
                                  .ips = &ip,
                                  .ip_count = 1,
                                  .server = true,
                                  .lifetime_s = 3600});
    leaf_init(&s->user, &s->pki,
              &(struct x509_leaf){.common_name = STR("admin"),
                                  .organizations = groups,
                                  .organization_count = 1,
                                  .client = true,
                                  .lifetime_s = 3600});
    listen_tls(s);
}

static void site_fini(struct site *s)
{
    http_server_free(s->http);
    leaf_fini(&s->server);
    leaf_fini(&s->user);
    pki_fini(&s->pki);
    loop_free(s->loop);
}

static struct kube_config *site_config(struct site *s)
{
    struct kube_config *c = NEW(struct kube_config);

    c->arena = arena_new();
    c->source = STR("test");
    c->server = arena_fmt(c->arena, "https://127.0.0.1:%u", s->port);
    CHECK_OK(url_parse(c->server, &c->url, NULL));
    c->ca_pem = buf_str(&s->pki.ca);
    return c;
}

static void on_done(void *cookie, int rc, json_t *answer, const struct err *err)
{
    struct site *s = cookie;

    s->is_done = true;
    s->rc = rc;
    if (rc < 0)
        s->err = *err;
}

static int ask(struct site *s, const struct kube_config *config)
{
    struct kube_client *c = NULL;
    struct kube_request r = {.method = "GET", .path = STR("/version")};

    s->is_done = false;
    s->seen[0] = '\0';
    CHECK_OK(kube_client_new(s->loop, config, "test/1", &c, &s->err));
    kube_call_start(c, &r, on_done, s);
    while (!s->is_done)
        loop_step(s->loop, 100 * TIME_US_PER_MS);
    kube_client_free(c);
    return s->rc;
}

TEST(tls_with_and_without_certificate)
{
    struct site s;
    struct kube_config *c;

    site_init(&s);
    c = site_config(&s);
    CHECK_OK(ask(&s, c));
    CHECK_STR(s.seen, "");
    c->cert_pem = buf_str(&s.user.cert);
    c->key_pem = secret_ref(s.user.key);
    CHECK_OK(ask(&s, c));
    CHECK_STR(s.seen, "admin");
    kube_config_free(c);
    site_fini(&s);
}

TEST(tls_server_name)
{
    struct site s;
    struct kube_config *c;

    site_init(&s);
    c = site_config(&s);
    c->tls_name = STR("api.internal");
    CHECK_OK(ask(&s, c));
    c->tls_name = STR("other.internal");
    CHECK_ERR(ask(&s, c), ERR_TLS);
    kube_config_free(c);
    site_fini(&s);
}

TEST(tls_foreign_authority_is_refused)
{
    struct site s;
    struct pki other;
    struct kube_config *c;

    site_init(&s);
    pki_init(&other);
    c = site_config(&s);
    c->ca_pem = buf_str(&other.ca);
    CHECK_ERR(ask(&s, c), ERR_TLS);
    CHECK(str_starts(str_c(s.err.msg), STR("API server 'https://127.0.0.1:")));
    /* Without an authority the system's roots count, which do not know the server either. */
    c->ca_pem = STR_NONE;
    CHECK_ERR(ask(&s, c), ERR_TLS);
    kube_config_free(c);
    pki_fini(&other);
    site_fini(&s);
}

TEST(tls_broken_material_fails_at_once)
{
    struct site s;
    struct kube_config *c;
    struct kube_client *client = NULL;

    site_init(&s);
    c = site_config(&s);
    c->ca_pem = STR("no certificate");
    CHECK_ERR(kube_client_new(s.loop, c, "t", &client, &s.err), ERR_INVALID);
    CHECK(str_starts(str_c(s.err.msg), STR("test: certificate-authority: ")));
    c->ca_pem = buf_str(&s.pki.ca);
    c->cert_pem = buf_str(&s.user.cert);
    c->key_pem = secret_ref(s.server.key);
    CHECK_ERR(kube_client_new(s.loop, c, "t", &client, &s.err), ERR_INVALID);
    CHECK(str_starts(str_c(s.err.msg), STR("test: client-certificate: ")));
    kube_config_free(c);
    site_fini(&s);
}
