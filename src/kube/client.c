/*
 * A client: where the server is, how it is verified, who we are, and the calls in flight.
 *
 * One HTTP client (connection pool) and one resolver for each Kubernetes client; the pool key is constant,
 * because all connections carry the same identity.
 */
#include "kube/client.h"

#include "base/time.h"
#include "kube/kube_priv.h"

static int open_tls(struct kube_client *c, struct err *err)
{
    const struct kube_config *config = c->config;
    struct tls_trust *trust;
    int rc;

    if (!str_eq_c(config->url.scheme, "https"))
        return 0;
    rc = tls_trust_new(config->ca_pem.n == 0, config->ca_pem, &trust, err);
    if (rc < 0)
        return err_wrap(err, rc, "%" STR_FMT ": certificate-authority", STR_ARG(config->source));
    rc = tls_client_new(trust, config->cert_pem, config->key_pem, &c->tls, err);
    tls_trust_unref(trust);
    if (rc < 0)
        return err_wrap(err, rc, "%" STR_FMT ": client-certificate", STR_ARG(config->source));
    return 0;
}

static void set_endpoint(struct kube_client *c)
{
    const struct url *url = &c->config->url;
    struct buf b = BUF_INIT(URL_MAX_HOST_BYTES + 16);

    c->endpoint = (struct http_endpoint){
        .key = c->config->server,
        .target =
            {
                .host = url->host,
                .port = url->port,
                .tls = c->tls,
                .tls_name = c->config->tls_name,
                .connect_timeout_us = 10 * TIME_US_PER_S,
                .tls_timeout_us = 10 * TIME_US_PER_S,
            },
    };
    buf_addf(&b, url->host_is_ip6 ? "[%" STR_FMT "]" : "%" STR_FMT, STR_ARG(url->host));
    if (url->has_port)
        buf_addf(&b, ":%u", url->port);
    c->authority = buf_take_c(&b, NULL);
    c->prefix = url->path;
    while (str_ends(c->prefix, STR("/")))
        c->prefix.n--;
}

int kube_client_new(struct loop *l, const struct kube_config *config, const char *user_agent,
                    struct kube_client **ret_client, struct err *err)
{
    struct kube_client *c = NEW(struct kube_client);
    int rc;

    c->loop = l;
    c->config = config;
    c->user_agent = xstrdup(user_agent);
    list_init(&c->calls);
    rc = kube_token_init(&c->token, config, err);
    if (rc == 0)
        rc = open_tls(c, err);
    if (rc == 0)
        rc = dns_new(l, &c->dns, err);
    if (rc < 0) {
        kube_client_free(c);
        return rc;
    }
    set_endpoint(c);
    c->http = http_client_new(l, c->dns, &HTTP_CLIENT_LIMITS_DEFAULT);
    *ret_client = c;
    return 0;
}

void kube_client_free(struct kube_client *c)
{
    struct err err;

    if (!c)
        return;
    while (!list_is_empty(&c->calls)) {
        struct kube_call *call = LIST_ENTRY(list_first(&c->calls), struct kube_call, link);

        if (call->tell_cancel) {
            err_set(&err, ERR_CANCELLED, "%s: the client was closed", call->what);
            kube_call_fail(call, &err);
        } else {
            kube_call_cancel(call);
        }
    }
    http_client_free(c->http);
    dns_free(c->dns);
    if (c->tls)
        tls_client_unref(c->tls);
    kube_token_fini(&c->token);
    free(c->authority);
    free(c->user_agent);
    free(c);
}

struct loop *kube_client_loop(const struct kube_client *c)
{
    return c->loop;
}
