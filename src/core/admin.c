/*
 * A table of paths on the HTTP server.
 */
#include "core/admin.h"

#include "http/server.h"

#define METRICS_MAX_BYTES ((size_t)64 * 1024 * 1024)
#define MAX_CONNECTIONS 64

struct admin {
    struct http_server *server;
    const struct admin_ops *ops;
    void *cookie;
};

typedef void admin_answer_fn(struct admin *a, struct http_exchange *x);

static void send_text(struct http_exchange *x, int status, struct str text)
{
    http_exchange_send(x, status, STR("text/plain; charset=utf-8"),
                       arena_str(http_exchange_arena(x), text));
}

static void answer_health(struct admin *a, struct http_exchange *x)
{
    (void)a;
    send_text(x, 200, STR("ok\n"));
}

static void answer_ready(struct admin *a, struct http_exchange *x)
{
    struct buf why = BUF_INIT(4096);

    if (a->ops->is_ready(a->cookie, &why))
        send_text(x, 200, STR("ok\n"));
    else
        send_text(x, 503, buf_str(&why));
    buf_fini(&why);
}

static void answer_metrics(struct admin *a, struct http_exchange *x)
{
    struct buf out = BUF_INIT(METRICS_MAX_BYTES);

    a->ops->metrics(a->cookie, &out);
    http_exchange_send(x, 200, STR("text/plain; version=0.0.4; charset=utf-8"),
                       arena_str(http_exchange_arena(x), buf_str(&out)));
    buf_fini(&out);
}

static const struct {
    struct str path;
    admin_answer_fn *answer;
} PATHS[] = {
    {STR_INIT("/healthz"), answer_health},
    {STR_INIT("/livez"), answer_health},
    {STR_INIT("/readyz"), answer_ready},
    {STR_INIT("/metrics"), answer_metrics},
};

/* Whether one of our proxies passed the request on: a Connector may point here, wherever we listen. */
static bool is_proxied(const struct http_request *r)
{
    for (size_t i = 0; i < r->headers.n; i++)
        if (str_eq_nocase(r->headers.p[i].name, STR("Via")) &&
            str_find(r->headers.p[i].value, STR("connectors-")) >= 0)
            return true;
    return false;
}

static void on_request(void *cookie, struct http_exchange *x)
{
    struct admin *a = cookie;
    const struct http_request *r = http_exchange_request(x);
    struct str path = r->target;
    ptrdiff_t query = str_index(path, '?');

    if (query >= 0)
        path = str_head(path, (size_t)query);
    if (!str_eq(r->method, STR("GET")) && !str_eq(r->method, STR("HEAD"))) {
        http_exchange_close_after(x);
        send_text(x, 405, STR("only GET and HEAD are served here\n"));
        return;
    }
    if (is_proxied(r)) {
        http_exchange_close_after(x);
        send_text(x, 403, STR("not served through a Connector\n"));
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(PATHS); i++) {
        if (!str_eq(path, PATHS[i].path))
            continue;
        PATHS[i].answer(a, x);
        return;
    }
    send_text(x, 404, STR("paths: /healthz /livez /readyz /metrics\n"));
}

static const struct http_server_ops SERVER_OPS = {.on_request = on_request};

struct admin *admin_new(struct loop *l, int fd, const struct admin_ops *ops, void *cookie)
{
    struct http_limits limits = HTTP_LIMITS_DEFAULT;
    struct admin *a = NEW(struct admin);

    limits.max_connections = MAX_CONNECTIONS;
    a->ops = ops;
    a->cookie = cookie;
    a->server = http_server_new(l, &limits, &SERVER_OPS, a);
    http_server_listen(a->server, fd, NULL);
    return a;
}

void admin_free(struct admin *a)
{
    if (!a)
        return;
    http_server_free(a->server);
    free(a);
}
