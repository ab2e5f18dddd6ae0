/*
 * Route: which Connector a request names, by Host, by path, or, in forward mode, by its proxy credentials.
 *
 * What could be read in two ways is refused here and the connection closed, so that nothing later has to ask
 * which of two names counts.
 */
#include "proxy/request.h"

#include "codec/base64.h"
#include "core/address.h"

#define CREDENTIALS_MAX_BYTES (IDENTITY_TOKEN_MAX_BYTES + 4096)

/* Methods are case-sensitive, but not to every tool: what is refused is refused in any case. */
static bool is_method(const struct request *r, struct str method)
{
    return str_eq_nocase(r->in->method, method);
}

static enum phase_result refuse_ambiguous(struct request *r, const char *what)
{
    return request_refuse_closing(r, REFUSAL_AMBIGUOUS_REQUEST, "%s", what);
}

/* Whether a Via of the request has our name: it came from us. */
static bool came_from_us(const struct request *r)
{
    const struct http_headers *h = &r->in->headers;

    for (size_t i = 0; i < h->n; i++)
        if (str_eq_nocase(h->p[i].name, STR("Via")) &&
            str_find(h->p[i].value, r->worker->site->instance) >= 0)
            return true;
    return false;
}

/* Sets the Connector that is asked for, and its target if there is one. */
static void name_connector(struct request *r, struct str ns, struct str name)
{
    char *key = arena_alloc(r->arena, ns.n + 1 + name.n);
    struct target *t;

    memcpy(key, ns.p, ns.n);
    key[ns.n] = '/';
    memcpy(key + ns.n + 1, name.p, name.n);
    r->key = str_n(key, ns.n + 1 + name.n);
    r->ns = str_head(r->key, ns.n);
    r->name = str_skip(r->key, ns.n + 1);
    t = worker_target(r->worker, r->key);
    r->target = t ? target_ref(t) : NULL;
}

/* --- reverse */

/* Reads the Host form.  Returns 1, 0 when the host is none of ours, -ERR_INVALID when it is malformed. */
static int name_from_host(struct request *r, struct address_name *ret_name)
{
    char *normal;
    struct str host, h;
    uint16_t port;
    bool is_ip6;

    if (str_is_empty(r->in->authority))
        return 0;
    if (url_parse_authority(r->in->authority, 80, &host, &is_ip6, &port) < 0)
        return -ERR_INVALID;
    if (!str_starts_nocase(host, STR("c-")))
        return 0;
    normal = arena_alloc(r->arena, URL_MAX_HOST_BYTES + 1);
    if (url_normalize_host(host, normal, &h) < 0)
        return -ERR_INVALID;
    return address_from_host(h, str_c(r->worker->site->settings->cluster_domain), ret_name);
}

static enum phase_result route_reverse(struct request *r)
{
    struct address_name by_host, by_path;
    struct str rest = r->in->target;
    int has_host, has_path;

    has_host = name_from_host(r, &by_host);
    if (has_host < 0)
        return refuse_ambiguous(r, "the Host header is malformed");
    has_path = address_from_path(r->in->target, &by_path, &rest);
    if (has_path < 0)
        return refuse_ambiguous(r, "the path names a Connector, but not by two DNS labels: use "
                                   "/namespaces/{namespace}/connectors/{name}");
    if (has_host && has_path &&
        (!str_eq(by_host.ns, by_path.ns) || !str_eq(by_host.name, by_path.name)))
        return request_refuse_closing(r, REFUSAL_MISDIRECTED,
                                      "Host names one Connector and the path another");
    if (!has_host && !has_path)
        return request_refuse(r, REFUSAL_MISDIRECTED,
                              "neither Host nor path names a Connector: use "
                              "/namespaces/{namespace}/connectors/{name}/...");

    r->rest = rest;
    r->base_path = str_head(r->in->target, r->in->target.n - rest.n);
    if (has_path)
        name_connector(r, by_path.ns, by_path.name);
    else
        name_connector(r, by_host.ns, by_host.name);
    return PHASE_NEXT;
}

/* --- forward */

/* Splits the proxy credentials into the list of Connectors and the token. */
static enum phase_result read_credentials(struct request *r, struct str *ret_list)
{
    const struct http_headers *h = &r->in->headers;
    struct str value = http_headers_get(h, STR("Proxy-Authorization")), pair, list;
    struct buf text = BUF_INIT(CREDENTIALS_MAX_BYTES);
    int rc;

    if (!value.p)
        return request_refuse(r, REFUSAL_NO_TOKEN,
                              "the proxy needs credentials: user '{namespace}/{connector}', "
                              "password a ServiceAccount token");
    if (http_headers_count(h, STR("Proxy-Authorization")) > 1)
        return refuse_ambiguous(r, "Proxy-Authorization is given more than once");
    if (!str_starts_nocase(value, STR("Basic ")))
        return request_refuse(r, REFUSAL_INVALID_TOKEN,
                              "Proxy-Authorization must be Basic with user "
                              "'{namespace}/{connector}' and a ServiceAccount token");
    rc = base64_decode(&text, str_trim(str_skip(value, 6)));
    pair = arena_str(r->arena, buf_str(&text));
    buf_wipe(&text);
    if (rc < 0 || str_index(pair, ':') < 0)
        return request_refuse(r, REFUSAL_INVALID_TOKEN,
                              "Proxy-Authorization is not base64 of 'user:password'");
    list = str_cut(&pair, ':');
    if (url_decode(r->arena, list, ret_list) < 0)
        return request_refuse(r, REFUSAL_INVALID_TOKEN,
                              "the user in Proxy-Authorization is not percent-encoded correctly");
    r->token = pair;
    return PHASE_NEXT;
}

struct listed {
    struct str ns[REQUEST_MAX_LISTED], name[REQUEST_MAX_LISTED];
    struct target *targets[REQUEST_MAX_LISTED]; /* borrowed */
    size_t count;
};

static enum phase_result read_list(struct request *r, struct str list, struct listed *out)
{
    while (list.p) {
        struct str item = str_cut(&list, ','), ns;

        ns = str_cut(&item, '/');
        if (!address_is_label(ns) || !address_is_label(item))
            return request_refuse(r, REFUSAL_INVALID_TOKEN,
                                  "the user in Proxy-Authorization must be "
                                  "'{namespace}/{connector}[,{namespace}/{connector}...]'");
        if (out->count == REQUEST_MAX_LISTED)
            return request_refuse(r, REFUSAL_INVALID_TOKEN,
                                  "more than %d Connectors are listed in Proxy-Authorization",
                                  REQUEST_MAX_LISTED);
        out->ns[out->count] = ns;
        out->name[out->count] = item;
        out->targets[out->count++] = worker_target(
            r->worker, arena_fmt(r->arena, "%" STR_FMT "/%" STR_FMT, STR_ARG(ns), STR_ARG(item)));
    }
    return PHASE_NEXT;
}

/* The first listed Connector that exists, else the first. */
static size_t first_existing(const struct listed *l)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->targets[i])
            return i;
    return 0;
}

/* Chooses among the listed Connectors. */
static enum phase_result choose(struct request *r, const struct listed *l,
                                const struct select_url *wanted, const struct url *url)
{
    const struct connector_address *address = NULL;
    const char *end = r->in->target.p + r->in->target.n;
    int found = select_target(l->targets, l->count, wanted, &r->binding_index, &address);
    size_t i = found >= 0 ? (size_t)found : first_existing(l);

    name_connector(r, l->ns[i], l->name[i]);
    r->is_elsewhere = found < 0;
    if (found >= 0) {
        const char *rest = end;

        if (url->path.n)
            rest = url->path.p + address->path.n;
        else if (url->query.p)
            rest = url->query.p - 1;
        r->rest = str_n(rest, (size_t)(end - rest));
    }
    return PHASE_NEXT;
}

/* The URL of an absolute-form target; its host must be the one in Host. */
static enum phase_result read_url(struct request *r, struct select_url *ret_url, struct url *url)
{
    char *normal = arena_alloc(r->arena, 2 * (URL_MAX_HOST_BYTES + 1));
    struct str host, host_normal;
    struct err err;
    uint16_t port;
    bool is_ip6;

    if (url_parse(r->in->target, url, &err) < 0)
        return request_refuse_closing(r, REFUSAL_AMBIGUOUS_REQUEST, "the request's URL: %s",
                                      err.msg);
    if (url_normalize_host(url->host, normal, &ret_url->host) < 0)
        return refuse_ambiguous(r, "the request's URL has a malformed host");
    if (str_is_empty(r->in->authority) ||
        url_parse_authority(r->in->authority, 80, &host, &is_ip6, &port) < 0 ||
        url_normalize_host(host, normal + URL_MAX_HOST_BYTES + 1, &host_normal) < 0)
        return refuse_ambiguous(r, "the Host header is missing or malformed");
    if (!str_eq(host_normal, ret_url->host) || port != url->port)
        return request_refuse_closing(r, REFUSAL_MISDIRECTED,
                                      "Host and the request's URL name different hosts");
    ret_url->https = false;
    ret_url->port = url->port;
    ret_url->path = url->path;
    return PHASE_NEXT;
}

static enum phase_result route_forward(struct request *r)
{
    const struct site *site = r->worker->site;
    struct listed listed = {0};
    struct select_url wanted;
    struct url url;
    struct str list;
    enum phase_result result;

    r->mode = MODE_FORWARD;
    result = read_url(r, &wanted, &url);
    if (result != PHASE_NEXT)
        return result;
    r->url_host = wanted.host;
    if (site->own_host.n && str_eq(site->own_host, wanted.host) && site->own_port == wanted.port)
        return request_refuse_closing(r, REFUSAL_LOOP_DETECTED,
                                      "the request's URL is the proxy itself: call it directly");
    result = read_credentials(r, &list);
    if (result == PHASE_NEXT)
        result = read_list(r, list, &listed);
    if (result == PHASE_NEXT)
        result = choose(r, &listed, &wanted, &url);
    return result;
}

enum phase_result route_run(struct request *r)
{
    struct str target = r->in->target;

    if (is_method(r, STR("CONNECT"))) {
        r->mode = MODE_FORWARD;
        return request_refuse_closing(r, REFUSAL_NOT_IMPLEMENTED,
                                      "CONNECT is not served: use the Connector's proxy address");
    }
    if (!r->worker->is_ready)
        return request_refuse(r, REFUSAL_NOT_READY,
                              "the proxy has not read its Connectors yet: try again");
    if (is_method(r, STR("TRACE")) || is_method(r, STR("TRACK")))
        return request_refuse(r, REFUSAL_METHOD_NOT_ALLOWED,
                              "method %" STR_FMT " is not allowed through the proxy",
                              STR_ARG(r->in->method));
    /* Tools end the path there: "/..#" would be a step up that select_escapes does not see. */
    if (str_index(target, '#') >= 0)
        return refuse_ambiguous(r, "the request target has a fragment");
    if (came_from_us(r))
        return request_refuse_closing(r, REFUSAL_LOOP_DETECTED,
                                      "this request has passed this proxy before");
    if (str_starts(target, STR("/")))
        return route_reverse(r);
    if (str_starts_nocase(target, STR("http://")))
        return route_forward(r);
    if (str_starts_nocase(target, STR("https://")))
        return refuse_ambiguous(r, "an https URL cannot be sent to a proxy in clear: use CONNECT");
    return refuse_ambiguous(r, "the request target is neither a path nor an http URL");
}
