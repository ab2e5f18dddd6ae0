/*
 * What a handler does with an exchange.
 *
 * These calls change the exchange and send bytes; they never call back.  Whatever follows from them (the
 * end of the exchange, on_drain, reading on) is done by the connection's driver.
 */
#include "http/encode.h"
#include "http/server_priv.h"

/* Whether nothing can reach the client any more, so that calls have no effect. */
static bool exchange_is_gone(const struct http_exchange *x)
{
    ASSERT(x->magic == EXCHANGE_MAGIC);
    return x->is_over || x->conn->failure != 0;
}

struct http_request *http_exchange_request(struct http_exchange *x)
{
    return &x->request;
}

struct arena *http_exchange_arena(struct http_exchange *x)
{
    return x->arena;
}

const struct addr *http_exchange_peer(const struct http_exchange *x)
{
    return &x->conn->peer;
}

const struct stream *http_exchange_stream(const struct http_exchange *x)
{
    return x->conn->wire.stream;
}

void http_exchange_keep(struct http_exchange *x, void *value, void (*fn)(void *value))
{
    struct server_conn *c = x->conn;

    if (c->kept_free && c->kept != value)
        c->kept_free(c->kept);
    c->kept = value;
    c->kept_free = fn;
}

void *http_exchange_kept(const struct http_exchange *x)
{
    return x->conn->kept;
}

void http_exchange_handle(struct http_exchange *x, const struct http_exchange_ops *ops,
                          void *cookie)
{
    x->ops = ops;
    x->cookie = cookie;
    x->is_handled = true;
    server_conn_kick(x->conn);
}

void http_exchange_pause(struct http_exchange *x)
{
    x->is_paused = true;
}

void http_exchange_resume(struct http_exchange *x)
{
    if (!x->is_paused)
        return;
    x->is_paused = false;
    /* The time without progress was the handler's. */
    x->conn->wire.progress_us = loop_now_us(x->conn->server->loop);
    if (!exchange_is_gone(x))
        server_conn_kick(x->conn);
}

void http_exchange_inform(struct http_exchange *x, int status, const struct http_headers *headers)
{
    struct http_response r = {.status = status};
    struct encode_reply reply = {.framing = BODY_ABSENT, .length = -1};
    struct str head;

    ASSERT(status >= 100 && status < 200 && status != 101);
    if (exchange_is_gone(x) || x->is_responded || x->is_minor_0)
        return;
    if (headers)
        r.headers = *headers;
    if (encode_response(x->arena, &r, &reply, &head) < 0)
        return;
    if (status == 100)
        x->is_continue_due = false;
    wire_queue(&x->conn->wire, head);
    wire_flush(&x->conn->wire);
    server_conn_kick(x->conn);
}

/* Decides how the answer is framed and whether the connection survives it. */
static struct encode_reply exchange_reply(struct http_exchange *x, const struct http_response *r)
{
    struct server_conn *c = x->conn;
    bool is_bodyless = r->status == 204 || r->status == 304;
    struct encode_reply reply = {.length = -1, .date = server_date(c->server)};

    if (x->is_head || is_bodyless)
        reply.framing = BODY_ABSENT;
    else if (r->body_length != HTTP_BODY_UNKNOWN)
        reply.framing = BODY_LENGTH;
    else
        reply.framing = x->is_minor_0 ? BODY_UNTIL_CLOSE : BODY_CHUNKED;
    /* A 204 has no length; that of a 304 is only told when it is known not to be a stand-in. */
    if (r->body_length != HTTP_BODY_UNKNOWN && r->status != 204 &&
        (r->status != 304 || r->body_length > 0))
        reply.length = r->body_length;

    /* Whether a client that was not told to go on sends its body is anybody's guess. */
    if (reply.framing == BODY_UNTIL_CLOSE || c->server->is_draining ||
        (x->is_continue_due && !c->body.is_done))
        c->is_closing = true;
    reply.is_closing = c->is_closing;
    reply.is_kept = !c->is_closing && x->is_minor_0;
    return reply;
}

void http_exchange_respond(struct http_exchange *x, const struct http_response *r)
{
    struct server_conn *c = x->conn;
    struct encode_reply reply;
    struct str head;

    ASSERT(!x->is_responded && r->status >= 200 && r->body_length >= 0);
    x->is_responded = true;
    if (exchange_is_gone(x))
        return;
    reply = exchange_reply(x, r);
    if (encode_response(x->arena, r, &reply, &head) < 0) {
        static const struct http_response broken = {.status = 500};

        c->is_closing = true;
        reply = (struct encode_reply){.framing = BODY_ABSENT, .is_closing = true};
        ASSERT(encode_response(x->arena, &broken, &reply, &head) == 0);
    }
    x->body =
        (struct body_writer){.framing = reply.framing, .left = (uint64_t)MAX(reply.length, 0)};
    wire_hold(&c->wire, head);
    c->is_corked = true;
    server_conn_kick(c);
}

static void exchange_truncate(struct http_exchange *x)
{
    struct server_conn *c = x->conn;

    c->failure = -ERR_CANCELLED;
    /* Nothing but a reset tells an end that is marked by closing from a truncation. */
    c->is_reset = x->is_responded && x->body.framing == BODY_UNTIL_CLOSE;
    server_conn_kick(c);
}

/* The client does not read: no event may come any more, so its time begins here. */
static void exchange_await_client(struct server_conn *c)
{
    c->wire.progress_us = loop_now_us(c->server->loop);
    deadline_set(&c->deadline, c->state->deadline_us(c));
}

bool http_exchange_write(struct http_exchange *x, struct str bytes)
{
    struct server_conn *c = x->conn;
    bool was_waiting = wire_has_output(&c->wire);

    ASSERT(x->is_responded && !x->is_ended);
    if (exchange_is_gone(x))
        return false;
    if (!body_write(&x->body, &c->wire, bytes))
        c->is_closing = true;
    c->is_corked = wire_has_output(&c->wire) && c->wire.is_writable;
    if (!was_waiting && wire_has_output(&c->wire) && !c->is_corked)
        exchange_await_client(c);
    if (c->wire.write_rc < 0 || c->is_corked)
        server_conn_kick(c);
    x->is_blocked = c->wire.out_bytes > c->server->limits.write_queue_bytes;
    return !x->is_blocked;
}

void http_exchange_end(struct http_exchange *x)
{
    struct server_conn *c = x->conn;

    ASSERT(x->is_responded && !x->is_ended);
    x->is_ended = true;
    if (exchange_is_gone(x))
        return;
    c->is_corked = false;
    if (!body_write_end(&x->body, &c->wire))
        exchange_truncate(x);
    server_conn_kick(c);
}

void http_exchange_send(struct http_exchange *x, int status, struct str content_type,
                        struct str body)
{
    struct http_response r = {
        .status = status, .headers.arena = x->arena, .body_length = (int64_t)body.n};

    if (content_type.n)
        http_headers_add(&r.headers, STR("Content-Type"), content_type);
    http_exchange_respond(x, &r);
    (void)http_exchange_write(x, body);
    http_exchange_end(x);
}

void http_exchange_abort(struct http_exchange *x)
{
    if (!exchange_is_gone(x))
        exchange_truncate(x);
}

void http_exchange_close_after(struct http_exchange *x)
{
    x->conn->is_closing = true;
}
