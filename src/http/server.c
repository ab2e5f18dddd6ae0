/*
 * The server as a whole: listeners, the set of connections, limits and draining.
 *
 * What happens on one connection is in server_conn.c, what a handler does with one exchange in
 * exchange.c.
 */
#include "http/server.h"

#include <time.h>

#include "http/server_priv.h"

/* Connections beyond the limit that are still told 503; more than these are closed at once. */
#define SERVER_REFUSED_MAX 256

/* lint: prefix: one struct of limits serves server and exchanges */
const struct http_limits HTTP_LIMITS_DEFAULT = {
    .head_bytes = (size_t)64 * 1024,
    .target_bytes = (size_t)16 * 1024,
    .header_count = 200,
    .head_timeout_us = 15 * INT64_C(1000000),
    .idle_timeout_us = 75 * INT64_C(1000000),
    .stream_timeout_us = 600 * INT64_C(1000000),
    .write_queue_bytes = (size_t)256 * 1024,
    .max_connections = 65536,
    .tls_timeout_us = 10 * INT64_C(1000000),
};

struct listener {
    struct list link;
    struct http_server *server;
    struct tcp_listener *tcp;
    struct tls_server *tls;
};

struct http_server *http_server_new(struct loop *l, const struct http_limits *limits,
                                    const struct http_server_ops *ops, void *cookie)
{
    struct http_server *s = NEW(struct http_server);

    s->loop = l;
    s->limits = *limits;
    s->ops = ops;
    s->cookie = cookie;
    s->scratch = xcalloc(limits->header_count, sizeof(*s->scratch));
    s->date_s = -1;
    list_init(&s->listeners);
    list_init(&s->conns);
    return s;
}

static void on_accept(void *cookie, struct stream *stream, const struct addr *peer)
{
    struct listener *li = cookie;
    struct http_server *s = li->server;
    bool is_refused = s->conn_count - s->refused_count >= s->limits.max_connections;

    if (is_refused && s->refused_count >= SERVER_REFUSED_MAX) {
        stream_close(stream);
        return;
    }
    if (li->tls)
        stream = tls_accept(li->tls, stream);
    server_conn_start(s, stream, peer, is_refused);
}

void http_server_listen(struct http_server *s, int fd, struct tls_server *tls)
{
    struct listener *li = NEW(struct listener);

    li->server = s;
    li->tls = tls ? tls_server_ref(tls) : NULL;
    list_append(&s->listeners, &li->link);
    li->tcp = tcp_listener_new(s->loop, fd, on_accept, li);
}

void http_server_serve(struct http_server *s, struct stream *stream, const struct addr *peer)
{
    server_conn_start(s, stream, peer, false);
}

static void server_close_listeners(struct http_server *s)
{
    LIST_EACH(it, &s->listeners)
    {
        struct listener *li = LIST_ENTRY(it, struct listener, link);

        list_remove(&li->link);
        tcp_listener_free(li->tcp);
        tls_server_unref(li->tls);
        free(li);
    }
}

void http_server_drain(struct http_server *s)
{
    s->is_draining = true;
    server_close_listeners(s);
    LIST_EACH(it, &s->conns)
    server_conn_kick(LIST_ENTRY(it, struct server_conn, link));
}

size_t http_server_connections(const struct http_server *s)
{
    return s->conn_count;
}

void http_server_free(struct http_server *s)
{
    struct list *it;

    if (!s)
        return;
    ASSERT(s->depth == 0);
    s->is_draining = true;
    server_close_listeners(s);
    while ((it = list_first(&s->conns)))
        server_conn_cancel(LIST_ENTRY(it, struct server_conn, link));
    spare_fini(&s->spare);
    free(s->scratch);
    free(s);
}

/* IMF-fixdate (RFC 9110, 5.6.7), formatted once per second. */
struct str server_date(struct http_server *s)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t now_s = loop_wall_us(s->loop) / 1000000;
    time_t t = (time_t)now_s;
    struct tm tm;

    if (now_s != s->date_s && gmtime_r(&t, &tm)) {
        s->date_s = now_s;
        snprintf(s->date, sizeof(s->date), "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
                 days + (size_t)3 * (size_t)tm.tm_wday, tm.tm_mday,
                 months + (size_t)3 * (size_t)tm.tm_mon, (tm.tm_year + 1900) % 10000, tm.tm_hour,
                 tm.tm_min, tm.tm_sec);
    }
    return str_c(s->date);
}
