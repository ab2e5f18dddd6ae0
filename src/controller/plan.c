/*
 * From class and Connector to requests; no I/O.
 */
#include "controller/plan.h"

#include <stdatomic.h>

struct plan_owned {
    struct plan view; /* first: plan_unref converts back */
    struct arena *arena;
    atomic_uint refs;
};

static struct plan_owned *plan_new(struct str fingerprint)
{
    struct arena *a = arena_new();
    struct plan_owned *o = ARENA_NEW(a, struct plan_owned);

    o->arena = a;
    atomic_init(&o->refs, 1);
    o->view.fingerprint = arena_str(a, fingerprint);
    for (size_t i = 0; i < PLAN_REQUESTS; i++)
        o->view.requests[i].headers.arena = a;
    return o;
}

struct plan *plan_ref(struct plan *p)
{
    atomic_fetch_add_explicit(&CONTAINER_OF(p, struct plan_owned, view)->refs, 1,
                              memory_order_relaxed);
    return p;
}

void plan_unref(struct plan *p)
{
    struct plan_owned *o;

    if (!p)
        return;
    o = CONTAINER_OF(p, struct plan_owned, view);
    if (atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < PLAN_REQUESTS; i++) {
        credential_unref(p->requests[i].credential);
        tls_client_unref(p->requests[i].tls);
    }
    arena_free(o->arena);
}

static uint16_t default_port(bool https)
{
    return https ? 443 : 80;
}

/* Fills where a request goes.  Strings are copied. */
static int set_origin(struct arena *a, struct plan_request *r, struct str host, bool is_ip6)
{
    char normal[URL_MAX_HOST_BYTES + 1];
    struct str text;

    if (url_normalize_host(host, normal, &text) < 0)
        return -ERR_INVALID;
    r->host = arena_str(a, text);
    r->authority = arena_fmt(a, is_ip6 ? "[%" STR_FMT "]" : "%" STR_FMT, STR_ARG(text));
    if (r->port != default_port(r->https))
        r->authority = arena_fmt(a, "%" STR_FMT ":%u", STR_ARG(r->authority), (unsigned)r->port);
    return 0;
}

/* The Connector's address with the probe's own scheme and host, where it has them. */
static int set_http_origin(struct arena *a, const struct connector_address *address,
                           const struct class_probe *probe, struct plan_request *r)
{
    struct str host = address->host;
    bool is_ip6 = address->host_is_ip6;

    r->https = probe->scheme.n ? str_eq(probe->scheme, STR("https")) : address->https;
    r->port = address->port;
    if (r->https != address->https && address->port == default_port(address->https))
        r->port = default_port(r->https);
    if (probe->host.n &&
        url_parse_authority(probe->host, default_port(r->https), &host, &is_ip6, &r->port) < 0)
        return -ERR_INVALID;
    return set_origin(a, r, host, is_ip6);
}

/* Whether the request goes to scheme, host and port of one of the Connector's addresses. */
static bool is_at_address(const struct connector *c, const struct plan_request *r)
{
    for (size_t i = 0; i <= c->extension_count; i++) {
        const struct connector_address *address = i ? &c->extensions[i - 1] : &c->address;

        if (address->https == r->https && address->port == r->port &&
            str_eq(address->host, r->host))
            return true;
    }
    return false;
}

static void set_credential(const struct plan_parts *parts, struct plan_request *r)
{
    struct str name, value;

    if (!parts->credential || !is_at_address(parts->connector, r))
        return;
    credential_expose(parts->credential, &name, &value);
    if (http_headers_count(&r->headers, name) == 0)
        r->credential = credential_ref(parts->credential);
}

static int set_http(struct arena *a, const struct plan_parts *parts,
                    const struct class_probe *probe, struct plan_request *r)
{
    if (set_http_origin(a, &parts->connector->address, probe, r) < 0)
        return -ERR_INVALID;
    r->method = arena_str(a, probe->method);
    r->target = arena_str(a, probe->path);
    r->follows_redirects = !probe->disable_redirect;
    for (size_t i = 0; i < probe->header_count; i++)
        http_headers_add(&r->headers, arena_str(a, probe->headers[i].name),
                         arena_str(a, probe->headers[i].value));
    if (r->rule == PLAN_AUTH)
        set_credential(parts, r);
    return 0;
}

/* Reads a URL into a request.  `path` is appended to its path. */
static int set_url(struct arena *a, struct str text, struct str path, struct plan_request *r,
                   struct err *err)
{
    struct url url;
    struct str prefix;
    int rc = url_parse(text, &url, err);

    if (rc < 0)
        return rc;
    r->https = str_eq(url.scheme, STR("https"));
    r->port = url.port;
    if (set_origin(a, r, url.host, url.host_is_ip6) < 0)
        return err_set(err, ERR_INVALID, "its host is not a valid DNS name or IP address");
    prefix = url.path;
    while (str_ends(prefix, STR("/")))
        prefix.n--;
    r->method = STR("GET");
    r->target = arena_fmt(a, "%" STR_FMT "%s%" STR_FMT, STR_ARG(prefix),
                          str_starts(path, STR("/")) ? "" : "/", STR_ARG(path));
    return 0;
}

static int set_probe(struct arena *a, const struct plan_parts *parts,
                     const struct class_probe *probe, struct plan_request *r, struct err *err)
{
    int rc;

    if (!probe->is_api) {
        if (set_http(a, parts, probe, r) < 0)
            return err_set(err, ERR_INVALID, "the probe's host is not a valid DNS name or IP");
    } else {
        r->rule = PLAN_API;
        if (parts->api_url.n == 0)
            return err_set(err, ERR_INVALID, "the class has an api probe but no API address");
        rc = set_url(a, parts->api_url, probe->path, r, err);
        if (rc < 0)
            return err_wrap(err, rc, "address of the class's API");
    }
    r->tls = parts->tls ? tls_client_ref(parts->tls) : NULL;
    r->is_set = true;
    return 0;
}

int plan_for_connector(const struct plan_parts *parts, struct plan **ret_plan, struct err *err)
{
    struct plan_owned *o = plan_new(parts->fingerprint);
    struct plan *p CLEANUP(plan_unrefp) = &o->view;
    const struct class_probe *auth =
        parts->auth ? class_auth_probe_find(parts->cls, parts->auth->name) : NULL;
    int rc = 0;

    p->requests[0].rule = PLAN_LIVENESS;
    p->requests[1].rule = PLAN_AUTH;
    if (parts->cls->has_liveness && !parts->cls->liveness.needs_expression)
        rc = set_probe(o->arena, parts, &parts->cls->liveness, &p->requests[0], err);
    if (rc == 0 && parts->has_auth && auth && !auth->needs_expression)
        rc = set_probe(o->arena, parts, auth, &p->requests[1], err);
    if (rc < 0)
        return rc;
    *ret_plan = TAKE(p);
    return 0;
}

int plan_for_class(struct str fingerprint, const struct plan_address addresses[PLAN_REQUESTS],
                   struct plan **ret_plan, struct err *err)
{
    struct plan_owned *o = plan_new(fingerprint);
    struct plan *p CLEANUP(plan_unrefp) = &o->view;

    p->is_eager = true;
    for (size_t i = 0; i < PLAN_REQUESTS; i++) {
        int rc;

        if (addresses[i].url.n == 0)
            continue;
        rc = set_url(o->arena, addresses[i].url, STR_NONE, &p->requests[i], err);
        if (rc < 0)
            return rc;
        p->requests[i].rule = PLAN_CONNECT;
        p->requests[i].is_own = addresses[i].is_own;
        p->requests[i].is_set = true;
    }
    *ret_plan = TAKE(p);
    return 0;
}
