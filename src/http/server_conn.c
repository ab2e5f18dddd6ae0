/*
 * One connection of the server: the state machine of server_priv.h and its driver.
 *
 * A step looks at the connection as it is now, does one thing, and answers CONN_MORE, or CONN_WAIT when
 * only the socket, the handler or time can change something.
 */
#include <sys/socket.h>

#include "http/encode.h"
#include "http/server_priv.h"

#define CONN_BUDGET 16                        /* reads and requests in one run */
#define CONN_DRAIN_BYTES ((size_t)256 * 1024) /* of an unread body, to keep the connection */
#define CONN_LINGER_BYTES ((size_t)4 * 1024 * 1024)
#define CONN_LINGER_US (5 * INT64_C(1000000))

static const struct conn_state HANDSHAKE, HEAD, EXCHANGE, DRAIN, LINGER, DEAD;

static void conn_enter(struct server_conn *c, const struct conn_state *state)
{
    c->state = state;
    c->since_us = loop_now_us(c->server->loop);
    c->is_timed_out = false;
}

static enum conn_step conn_die(struct server_conn *c)
{
    conn_enter(c, &DEAD);
    return CONN_WAIT;
}

/* wire_fill within the budget of this run. */
static int conn_fill(struct server_conn *c, size_t max_bytes)
{
    if (c->budget == 0)
        return 0;
    c->budget--;
    return wire_fill(&c->wire, max_bytes);
}

static enum conn_step conn_linger(struct server_conn *c, bool is_lingering)
{
    c->is_lingering = is_lingering;
    c->discard_bytes = CONN_LINGER_BYTES;
    conn_enter(c, &LINGER);
    return CONN_MORE;
}

/* Answers for the handler that will never see this, and closes. */
static enum conn_step conn_refuse(struct server_conn *c, int status, const char *reason)
{
    struct http_server *s = c->server;
    struct arena *a = spare_arena_take(&s->spare);
    struct str type = STR("text/plain"), body, head;
    struct http_response r = {.status = status, .headers.arena = a};
    struct encode_reply reply = {
        .framing = BODY_LENGTH, .is_closing = true, .date = server_date(s)};

    if (s->ops->on_refuse)
        body = s->ops->on_refuse(s->cookie, a, status, reason, &type);
    else
        body = arena_fmt(a, "%s\n", reason);
    http_headers_add(&r.headers, STR("Content-Type"), type);
    if (s->ops->on_refuse_headers)
        s->ops->on_refuse_headers(s->cookie, status, &r.headers);
    if (status == 503)
        http_headers_add(&r.headers, STR("Retry-After"), STR("1"));
    reply.length = (int64_t)body.n;
    if (encode_response(a, &r, &reply, &head) == 0) {
        wire_queue(&c->wire, head);
        wire_queue(&c->wire, body);
    }
    spare_arena_give(&s->spare, a);
    c->is_corked = false;
    return conn_linger(c, true);
}

/* --- HANDSHAKE */

static enum conn_step handshake_step(struct server_conn *c)
{
    int rc = c->is_timed_out ? -ERR_TIMEOUT : stream_handshake(c->wire.stream);

    if (rc < 0)
        return conn_die(c);
    if (rc == 0)
        return CONN_WAIT;
    c->wire.is_readable = c->wire.is_writable = true;
    conn_enter(c, &HEAD);
    return CONN_MORE;
}

static int64_t handshake_deadline_us(const struct server_conn *c)
{
    return c->since_us + c->server->limits.tls_timeout_us;
}

static const struct conn_state HANDSHAKE = {"handshake", handshake_step, handshake_deadline_us};

/* --- HEAD */

/* Copies the head into the exchange's arena; all slices move by the same distance. */
static void exchange_copy_head(struct http_exchange *x, const struct h1_head *head,
                               struct str bytes)
{
    struct http_request *r = &x->request;
    char *copy = arena_alloc(x->arena, bytes.n);
    ptrdiff_t move = copy - bytes.p;

    memcpy(copy, bytes.p, bytes.n);
    r->method = str_n(head->method.p + move, head->method.n);
    r->target = str_n(head->target.p + move, head->target.n);
    r->authority = head->host.p ? str_n(head->host.p + move, head->host.n) : STR_NONE;
    r->headers.arena = x->arena;
    r->headers.cap = head->header_count + 8;
    r->headers.p = arena_alloc(x->arena, r->headers.cap * sizeof(*r->headers.p));
    r->headers.n = head->header_count;
    for (size_t i = 0; i < head->header_count; i++) {
        const struct h1_header *h = &head->headers[i];

        r->headers.p[i].name = str_n(h->name.p + move, h->name.n);
        r->headers.p[i].value = str_n(h->value.p + move, h->value.n);
    }
}

static enum conn_step head_complete(struct server_conn *c, const struct h1_head *head,
                                    struct str bytes)
{
    struct http_server *s = c->server;
    struct arena *a = spare_arena_take(&s->spare);
    struct http_exchange *x = ARENA_NEW(a, struct http_exchange);

    x->magic = EXCHANGE_MAGIC;
    x->conn = c;
    x->arena = a;
    exchange_copy_head(x, head, bytes);
    wire_consume(&c->wire, bytes.n);
    body_reader_init(&c->body, head);
    x->request.body_length = body_reader_length(&c->body);
    x->request.expect_continue = head->expect_continue && !c->body.is_done;
    x->is_continue_due = x->request.expect_continue;
    x->is_head = str_eq(x->request.method, STR("HEAD"));
    x->is_minor_0 = head->minor == 0;

    c->x = x;
    c->failure = 0;
    c->is_used = true;
    c->is_closing = !head->keep_alive;
    c->discard_bytes = CONN_DRAIN_BYTES;
    conn_enter(c, &EXCHANGE);
    s->ops->on_request(s->cookie, x);
    ASSERT(x->is_handled || x->is_responded || c->failure);
    return CONN_MORE;
}

/* Parses what is there.  Returns false when the head is not complete. */
static bool head_parse(struct server_conn *c, enum conn_step *ret_step)
{
    struct http_server *s = c->server;
    const struct h1_limits limits = {.head_bytes = s->limits.head_bytes,
                                     .target_bytes = s->limits.target_bytes,
                                     .header_count = s->limits.header_count};
    struct h1_head head = {
        .headers = s->scratch, .header_cap = s->limits.header_count, .seen = c->head_seen};
    struct str in = wire_in(&c->wire);
    const char *reason = NULL;
    int status = 400;
    ssize_t n = h1_parse_request(in, &limits, &head, &status, &reason);

    c->head_seen = head.seen;
    if (n == 0)
        return false;
    if (n < 0)
        *ret_step = conn_refuse(c, status, reason);
    else if (c->is_refused)
        *ret_step = conn_refuse(c, 503, "too many connections");
    else
        *ret_step = head_complete(c, &head, str_head(in, (size_t)n));
    return true;
}

static enum conn_step head_step(struct server_conn *c)
{
    bool is_empty = wire_in(&c->wire).n == 0;
    enum conn_step step;
    int rc;

    if (!is_empty && c->budget == 0)
        return CONN_WAIT;
    if (!is_empty && head_parse(c, &step)) {
        c->budget -= c->budget > 0;
        return step;
    }
    if (c->is_timed_out)
        return is_empty ? conn_die(c) : conn_refuse(c, 408, "request head took too long");
    rc = conn_fill(c, c->server->limits.head_bytes);
    if (rc > 0) {
        if (is_empty)
            c->since_us = loop_now_us(c->server->loop);
        return CONN_MORE;
    }
    if (rc == -ERR_TOOBIG)
        return conn_refuse(c, 431, "message head is too large");
    if (rc < 0 || (is_empty && c->budget && c->server->is_draining))
        return conn_die(c);
    wire_shrink(&c->wire);
    return CONN_WAIT;
}

static int64_t head_deadline_us(const struct server_conn *c)
{
    const struct http_limits *limits = &c->server->limits;
    bool is_idle = c->is_used && wire_in(&c->wire).n == 0;

    return c->since_us + (is_idle ? limits->idle_timeout_us : limits->head_timeout_us);
}

static const struct conn_state HEAD = {"head", head_step, head_deadline_us};

/* --- EXCHANGE */

/* Ends the exchange: on_close, and the memory goes. */
static void exchange_close(struct server_conn *c, int rc)
{
    struct http_exchange *x = c->x;

    x->is_over = true;
    if (x->ops && x->ops->on_close)
        x->ops->on_close(x->cookie, rc);
    c->x = NULL;
    x->magic = 0;
    spare_arena_give(&c->server->spare, x->arena);
}

static enum conn_step exchange_fail(struct server_conn *c)
{
    int rc = c->failure;
    bool is_answered = c->x->is_responded;

    exchange_close(c, rc);
    if (!is_answered && (rc == -ERR_BADREQUEST || rc == -ERR_TOOBIG))
        return conn_refuse(c, 400, c->reason);
    if (!is_answered && rc == -ERR_TIMEOUT)
        return conn_refuse(c, 408, "request body took too long");
    return conn_die(c);
}

static enum conn_step exchange_done(struct server_conn *c)
{
    bool is_clean = c->body.is_done && wire_in(&c->wire).n == 0;
    bool is_too_much =
        c->body.framing == H1_BODY_LENGTH && !c->body.is_done && c->body.left > c->discard_bytes;

    exchange_close(c, 0);
    if (c->is_closing || is_too_much || c->discard_bytes == 0)
        return conn_linger(c, !is_clean);
    conn_enter(c, c->body.is_done ? &HEAD : &DRAIN);
    return CONN_MORE;
}

/* Takes the next body bytes from the input.  Returns 1, 0 would block, <0 and c->reason. */
static int body_next(struct server_conn *c, struct str *ret_bytes, size_t *ret_used)
{
    for (;;) {
        struct str in = wire_in(&c->wire);
        ssize_t n = in.n ? body_read(&c->body, in, ret_bytes, &c->reason) : 0;
        int rc;

        if (n != 0) {
            *ret_used = (size_t)MAX(n, (ssize_t)0);
            return n < 0 ? (int)n : 1;
        }
        rc = conn_fill(c, SPARE_BLOCK_BYTES);
        if (rc <= 0)
            return rc == -ERR_EOF ? -ERR_CLOSED : rc;
    }
}

/* Throws body bytes away, within the bound.  Returns as body_next; 0 too once the bound is reached. */
static int body_discard(struct server_conn *c)
{
    struct str bytes = STR_NONE;
    size_t used = 0;
    int rc;

    if (c->discard_bytes == 0)
        return 0;
    rc = body_next(c, &bytes, &used);
    if (rc <= 0)
        return rc;
    wire_consume(&c->wire, used);
    c->discard_bytes -= MIN(used, c->discard_bytes);
    return 1;
}

/* Hands body bytes to the handler. */
static enum conn_step exchange_read(struct server_conn *c)
{
    struct http_exchange *x = c->x;
    struct str bytes = STR_NONE;
    size_t used = 0;
    int rc;

    if (c->body.is_done) {
        x->is_body_ended = true;
        if (x->ops && x->ops->on_body_end)
            x->ops->on_body_end(x->cookie);
        return CONN_MORE;
    }
    if (x->is_paused)
        return CONN_WAIT;
    if (x->is_continue_due) {
        x->is_continue_due = false;
        if (wire_in(&c->wire).n == 0 && !x->is_responded)
            wire_queue(&c->wire, STR("HTTP/1.1 100 Continue\r\n\r\n"));
        return CONN_MORE;
    }
    rc = body_next(c, &bytes, &used);
    if (rc == 0)
        return CONN_WAIT;
    if (rc < 0) {
        c->failure = rc;
        return CONN_MORE;
    }
    if (bytes.n && x->ops && x->ops->on_body)
        x->ops->on_body(x->cookie, bytes);
    wire_consume(&c->wire, used);
    return CONN_MORE;
}

/* Notices a client that is gone while the handler works; one that only ended its direction stays. */
static enum conn_step exchange_watch(struct server_conn *c)
{
    int rc;

    if (wire_in(&c->wire).n || c->wire.read_rc || !c->wire.is_readable) {
        wire_shrink(&c->wire);
        return CONN_WAIT;
    }
    rc = conn_fill(c, SPARE_BLOCK_BYTES);
    if (rc < 0 && rc != -ERR_EOF)
        c->failure = rc;
    return rc == 0 ? CONN_WAIT : CONN_MORE;
}

static enum conn_step exchange_step(struct server_conn *c)
{
    struct http_exchange *x = c->x;
    int rc;

    if (!c->is_corked)
        wire_flush(&c->wire);
    if (!c->failure && c->wire.write_rc)
        c->failure = c->wire.write_rc;
    if (!c->failure && c->is_timed_out)
        c->failure = -ERR_TIMEOUT;
    if (c->failure)
        return exchange_fail(c);
    if (x->is_blocked && c->wire.out_bytes <= c->server->limits.write_queue_bytes / 2) {
        x->is_blocked = false;
        if (x->ops && x->ops->on_drain && !x->is_ended)
            x->ops->on_drain(x->cookie);
        return CONN_MORE;
    }
    if (!x->is_ended)
        return x->is_body_ended ? exchange_watch(c) : exchange_read(c);
    if (!wire_has_output(&c->wire))
        return exchange_done(c);
    /* The client may send all of its body before it reads. */
    rc = c->body.is_done ? 0 : body_discard(c);
    if (rc < 0) {
        /* A body cut short spoils the next request, not this answer. */
        c->is_closing = true;
        c->discard_bytes = 0;
    }
    return rc > 0 ? CONN_MORE : CONN_WAIT;
}

static int64_t exchange_deadline_us(const struct server_conn *c)
{
    const struct http_exchange *x = c->x;
    bool is_reading = !c->body.is_done && !x->is_paused && !x->is_ended;

    if (is_reading || (wire_has_output(&c->wire) && !c->is_corked))
        return c->wire.progress_us + c->server->limits.stream_timeout_us;
    return DEADLINE_NEVER;
}

static const struct conn_state EXCHANGE = {"exchange", exchange_step, exchange_deadline_us};

/* --- DRAIN: the rest of a body nobody wants */

static enum conn_step drain_step(struct server_conn *c)
{
    int rc;

    if (c->body.is_done) {
        conn_enter(c, &HEAD);
        return CONN_MORE;
    }
    if (c->is_timed_out || c->discard_bytes == 0)
        return conn_linger(c, true);
    rc = body_discard(c);
    if (rc < 0)
        return conn_die(c);
    return rc == 0 ? CONN_WAIT : CONN_MORE;
}

static int64_t drain_deadline_us(const struct server_conn *c)
{
    return c->since_us + CONN_LINGER_US;
}

static const struct conn_state DRAIN = {"drain", drain_step, drain_deadline_us};

/* --- LINGER: everything is said; closing with unread input would destroy the answer on its way */

static enum conn_step linger_step(struct server_conn *c)
{
    int rc;

    wire_flush(&c->wire);
    if (c->is_timed_out || c->wire.write_rc < 0)
        return conn_die(c);
    if (wire_has_output(&c->wire))
        return CONN_WAIT;
    if (!c->is_lingering && c->wire.is_socket)
        return conn_die(c);
    if (!c->is_shut) {
        rc = stream_shutdown(c->wire.stream);
        if (rc <= 0)
            return rc < 0 ? conn_die(c) : CONN_WAIT;
        c->is_shut = true;
        c->since_us = loop_now_us(c->server->loop);
    }
    if (!c->is_lingering || c->discard_bytes == 0)
        return conn_die(c);
    c->discard_bytes -= MIN(wire_in(&c->wire).n, c->discard_bytes);
    wire_consume(&c->wire, wire_in(&c->wire).n);
    rc = conn_fill(c, SPARE_BLOCK_BYTES);
    if (rc < 0)
        return conn_die(c);
    return rc == 0 ? CONN_WAIT : CONN_MORE;
}

static int64_t linger_deadline_us(const struct server_conn *c)
{
    return c->since_us + (c->is_shut ? CONN_LINGER_US : c->server->limits.stream_timeout_us);
}

static const struct conn_state LINGER = {"linger", linger_step, linger_deadline_us};

/* --- DEAD: freed when the driver returns */

static enum conn_step dead_step(struct server_conn *c)
{
    return CONN_WAIT;
}

static int64_t dead_deadline_us(const struct server_conn *c)
{
    return DEADLINE_NEVER;
}

static const struct conn_state DEAD = {"dead", dead_step, dead_deadline_us};

/* --- the driver */

static void conn_on_task(void *cookie);

static void conn_free(struct server_conn *c)
{
    struct http_server *s = c->server;
    int fd = stream_fd(c->wire.stream);

    if (c->is_reset && fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
                         sizeof(struct linger));
    deadline_fini(&c->deadline);
    loop_defer_cancel(s->loop, &c->task);
    wire_fini(&c->wire);
    if (c->kept_free)
        c->kept_free(c->kept);
    list_remove(&c->link);
    s->conn_count--;
    s->refused_count -= c->is_refused;
    c->magic = 0;
    free(c);
}

static void conn_run(struct server_conn *c)
{
    struct http_server *s = c->server;

    if (c->is_running) {
        c->is_again = true;
        return;
    }
    c->is_running = true;
    s->depth++;
    c->budget = CONN_BUDGET;
    do {
        c->is_again = false;
        while (c->state->step(c) == CONN_MORE)
            ;
    } while (c->is_again);
    s->depth--;
    c->is_running = false;
    c->is_timed_out = false;
    if (c->state == &DEAD) {
        conn_free(c);
        return;
    }
    deadline_set(&c->deadline, c->state->deadline_us(c));
    if (c->is_corked || c->budget == 0)
        loop_defer(s->loop, &c->task, conn_on_task, c);
}

static void conn_on_task(void *cookie)
{
    struct server_conn *c = CAST(struct server_conn, cookie, SERVER_CONN_MAGIC);

    c->is_corked = false;
    conn_run(c);
}

static void conn_on_ready(void *cookie, unsigned events)
{
    struct server_conn *c = CAST(struct server_conn, cookie, SERVER_CONN_MAGIC);

    wire_ready(&c->wire, events);
    conn_run(c);
}

static void conn_on_deadline(void *cookie)
{
    struct server_conn *c = CAST(struct server_conn, cookie, SERVER_CONN_MAGIC);
    int64_t at = c->state->deadline_us(c);

    if (at > loop_now_us(c->server->loop)) {
        deadline_set(&c->deadline, at);
        return;
    }
    c->is_timed_out = true;
    conn_run(c);
}

void server_conn_start(struct http_server *server, struct stream *s, const struct addr *peer,
                       bool is_refused)
{
    struct server_conn *c = NEW(struct server_conn);

    c->magic = SERVER_CONN_MAGIC;
    c->server = server;
    c->peer = *peer;
    c->is_refused = is_refused;
    list_append(&server->conns, &c->link);
    server->conn_count++;
    server->refused_count += is_refused;
    wire_init(&c->wire, &server->spare);
    wire_attach(&c->wire, s, conn_on_ready, c);
    deadline_init(&c->deadline, server->loop, conn_on_deadline, c);
    conn_enter(c, &HANDSHAKE);
    server_conn_kick(c);
}

void server_conn_kick(struct server_conn *c)
{
    if (c->is_running)
        c->is_again = true;
    else
        loop_defer(c->server->loop, &c->task, conn_on_task, c);
}

void server_conn_cancel(struct server_conn *c)
{
    if (c->x) {
        c->failure = -ERR_CANCELLED;
        exchange_close(c, -ERR_CANCELLED);
    }
    conn_free(c);
}
