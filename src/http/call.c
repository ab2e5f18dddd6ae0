/*
 * One call of the client: what its owner does with it, and the state machine of client_priv.h.
 *
 * The request head is encoded once into the call's arena and sent from there, so a second attempt on a
 * fresh connection needs nothing from the caller.  Sending goes on while the response is read, and a peer
 * that answers before it has read the whole request is heard even when it then resets the connection.
 */
#include "http/client_priv.h"
#include "http/encode.h"

#define CALL_BUDGET 16
#define CALL_INFORMS 32 /* 1xx responses to one request */

static const struct call_state DIAL, HEAD, BODY;

static void call_on_task(void *cookie);
static void call_dial(struct http_call *call, const struct dial_target *target);

/* Has the driver look at the call: now when it runs, else at the end of the iteration. */
static void call_kick(struct http_call *call)
{
    if (call->is_running)
        call->is_again = true;
    else
        loop_defer(call->client->loop, &call->task, call_on_task, call);
}

static void call_fail(struct http_call *call, enum err_code code, const char *reason)
{
    if (call->failure)
        return;
    call->failure = -(int)code;
    call->reason = reason;
}

/* Frees an over call. */
static void call_release(struct http_call *call)
{
    struct http_client *c = call->client;

    loop_defer_cancel(c->loop, &call->task);
    if (call->head.n)
        mem_wipe((char *)(uintptr_t)call->head.p, call->head.n);
    call->magic = 0;
    spare_arena_give(&c->spare, call->arena);
}

/* Takes the call out of everything; only its memory stays. */
static void call_detach(struct http_call *call, bool is_reusable)
{
    struct client_conn *conn = TAKE(call->conn);

    call->is_over = true;
    list_remove(&call->link);
    if (call->dial)
        dial_cancel(TAKE(call->dial));
    if (conn && is_reusable)
        client_conn_give(conn);
    else
        client_conn_free(conn);
    client_key_unref(TAKE(call->key));
}

/* Whether the failed attempt may be made once more, then on a fresh connection: nobody can have acted on it. */
static bool call_may_retry(const struct http_call *call)
{
    bool is_broken =
        call->failure == -ERR_EOF || call->failure == -ERR_CLOSED || call->failure == -ERR_IO;

    return is_broken && call->is_reused && call->is_idempotent && !call->is_body_begun &&
           !call->is_answered;
}

static enum call_step call_retry(struct http_call *call)
{
    const struct client_key *k = call->key;
    struct dial_target target = {.host = str_c(k->host),
                                 .port = k->port,
                                 .tls = k->tls,
                                 .tls_name = str_c(k->tls_name),
                                 .check = call->check,
                                 .check_cookie = call->check_cookie,
                                 .connect_timeout_us = call->connect_timeout_us,
                                 .tls_timeout_us = call->tls_timeout_us};

    client_conn_free(TAKE(call->conn));
    call->failure = 0;
    call->reason = NULL;
    call->is_reused = false;
    call_dial(call, &target);
    return CALL_WAIT;
}

static void call_describe(const struct http_call *call, struct err *err)
{
    if (call->reason)
        (void)err_set(err, (enum err_code) - call->failure, "%s", call->reason);
    else if (call->conn && call->conn->wire.stream)
        stream_failure(call->conn->wire.stream, err);
    else
        (void)err_set(err, (enum err_code) - call->failure, "%s", err_text(call->failure));
}

static enum call_step call_failed(struct http_call *call)
{
    struct err err = {.code = ERR_OK};

    if (call_may_retry(call))
        return call_retry(call);
    call_describe(call, &err);
    call_detach(call, false);
    if (call->ops->on_error)
        call->ops->on_error(call->cookie, &err);
    return CALL_WAIT;
}

static enum call_step call_done(struct http_call *call)
{
    const struct wire *w = &call->conn->wire;
    bool is_sent = call->out.is_ended && !wire_has_output(w) && w->write_rc == 0;

    call_detach(call, call->is_kept_alive && is_sent && w->read_rc == 0);
    if (call->ops->on_end)
        call->ops->on_end(call->cookie);
    return CALL_WAIT;
}

/* --- DIAL */

static enum call_step dial_step(struct http_call *call)
{
    return call->failure ? call_failed(call) : CALL_WAIT;
}

static const struct call_state DIAL = {"dial", dial_step};

static void call_fail_dial(struct http_call *call, const struct err *err)
{
    struct http_client *c = call->client;

    client_enter(c);
    call->is_running = true;
    call_detach(call, false);
    if (call->ops->on_error)
        call->ops->on_error(call->cookie, err);
    call_release(call);
    client_leave(c);
}

static void call_on_dial(void *cookie, struct stream *s, const struct addr *peer,
                         const struct err *err)
{
    struct http_call *call = CAST(struct http_call, cookie, CALL_MAGIC);

    call->dial = NULL;
    if (s) {
        client_conn_attach(call->conn, s, peer);
        call->state = &HEAD;
        call_run(call);
        return;
    }
    call_fail_dial(call, err);
}

static void call_dial(struct http_call *call, const struct dial_target *target)
{
    call->state = &DIAL;
    call->conn = client_conn_new(call->key);
    call->conn->call = call;
    wire_hold(&call->conn->wire, call->head);
    call->dial = dial_start(call->client->loop, call->client->dns, target, call_on_dial, call);
}

/* --- HEAD */

/* Reads once.  Returns 1, 0 would block, or <0 with the failure recorded. */
static int call_fill(struct http_call *call, size_t max_bytes)
{
    int rc;

    if (call->budget == 0)
        return 0;
    call->budget--;
    rc = wire_fill(&call->conn->wire, max_bytes);
    if (rc > 0)
        call->is_answered = true;
    return rc;
}

/* Copies the head into the call's arena and makes it call->response. */
static void response_copy(struct http_call *call, const struct h1_head *head, struct str bytes)
{
    struct http_response *r = &call->response;
    char *copy = arena_alloc(call->arena, bytes.n);
    ptrdiff_t move = copy - bytes.p;

    memcpy(copy, bytes.p, bytes.n);
    *r = (struct http_response){.status = head->status, .headers.arena = call->arena};
    r->headers.cap = head->header_count + 8;
    r->headers.p = arena_alloc(call->arena, r->headers.cap * sizeof(*r->headers.p));
    r->headers.n = head->header_count;
    for (size_t i = 0; i < head->header_count; i++) {
        const struct h1_header *h = &head->headers[i];

        r->headers.p[i].name = str_n(h->name.p + move, h->name.n);
        r->headers.p[i].value = str_n(h->value.p + move, h->value.n);
    }
}

/* The length a body would have where none follows (HEAD, 304). */
static int64_t response_length_unsent(const struct http_call *call)
{
    uint64_t n;

    if (str_to_u64(http_headers_get(&call->response.headers, STR("Content-Length")), INT64_MAX,
                   &n) == 0)
        return (int64_t)n;
    return str_eq(call->method, STR("HEAD")) ? HTTP_BODY_UNKNOWN : 0;
}

static enum call_step response_inform(struct http_call *call)
{
    if (call->response.status == 101) {
        call_fail(call, ERR_PROTO, "bad response: 101 without an upgrade");
        return CALL_MORE;
    }
    if (++call->inform_count > CALL_INFORMS) {
        call_fail(call, ERR_PROTO, "bad response: too many interim responses");
        return CALL_MORE;
    }
    if (call->ops->on_inform)
        call->ops->on_inform(call->cookie, &call->response);
    return CALL_MORE;
}

static enum call_step response_head(struct http_call *call, const struct h1_head *head,
                                    struct str bytes)
{
    response_copy(call, head, bytes);
    wire_consume(&call->conn->wire, bytes.n);
    if (head->status < 200)
        return response_inform(call);
    body_reader_init(&call->in, head);
    call->response.body_length =
        head->body == H1_BODY_NONE ? response_length_unsent(call) : body_reader_length(&call->in);
    call->is_kept_alive = head->keep_alive && !str_eq(call->method, STR("CONNECT"));
    call->state = &BODY;
    if (call->ops->on_head)
        call->ops->on_head(call->cookie, &call->response);
    return CALL_MORE;
}

static enum call_step head_step(struct http_call *call)
{
    struct http_client *c = call->client;
    const struct h1_limits limits = {.head_bytes = c->limits.head_bytes,
                                     .header_count = c->limits.header_count};
    struct h1_head head = {
        .headers = c->scratch, .header_cap = c->limits.header_count, .seen = call->head_seen};
    struct str in = wire_in(&call->conn->wire);
    const char *reason = NULL;
    ssize_t n = in.n ? h1_parse_response(in, &limits, call->method, &head, &reason) : 0;
    int rc;

    if (n < 0) {
        call_fail(call, ERR_PROTO, arena_fmt(call->arena, "bad response: %s", reason).p);
        return CALL_MORE;
    }
    if (in.n && call->conn->wire.held.n == call->head.n) {
        call_fail(call, ERR_PROTO, "bad response: bytes before the request");
        return CALL_MORE;
    }
    call->head_seen = head.seen;
    if (n > 0)
        return response_head(call, &head, str_head(in, (size_t)n));
    rc = call_fill(call, c->limits.head_bytes);
    if (rc == -ERR_TOOBIG)
        call_fail(call, ERR_PROTO, "bad response: message head is too large");
    else if (rc == -ERR_EOF)
        call_fail(call, ERR_CLOSED, "the peer closed the connection before its response");
    else if (rc < 0)
        call_fail(call, (enum err_code) - rc, NULL);
    return rc == 0 ? CALL_WAIT : CALL_MORE;
}

static const struct call_state HEAD = {"head", head_step};

/* --- BODY */

static enum call_step body_end_of_input(struct http_call *call, int rc)
{
    if (rc == -ERR_EOF && body_read_eof(&call->in))
        return CALL_MORE;
    if (rc == -ERR_EOF)
        call_fail(call, ERR_CLOSED, "the peer closed the connection within its response");
    else
        call_fail(call, (enum err_code) - rc, NULL);
    return CALL_MORE;
}

static enum call_step body_step(struct http_call *call)
{
    struct wire *w = &call->conn->wire;
    struct str in = wire_in(w), bytes = STR_NONE;
    const char *reason = NULL;
    ssize_t n;
    int rc;

    if (call->in.is_done)
        return call_done(call);
    if (call->is_paused)
        return CALL_WAIT;
    n = in.n ? body_read(&call->in, in, &bytes, &reason) : 0;
    if (n < 0) {
        call_fail(call, ERR_PROTO, arena_fmt(call->arena, "bad response: %s", reason).p);
        return CALL_MORE;
    }
    if (n == 0) {
        rc = call_fill(call, SPARE_BLOCK_BYTES);
        if (rc < 0)
            return body_end_of_input(call, rc);
        return rc == 0 ? CALL_WAIT : CALL_MORE;
    }
    if (bytes.n && call->ops->on_body)
        call->ops->on_body(call->cookie, bytes);
    if (!call->is_over)
        wire_consume(w, (size_t)n);
    return CALL_MORE;
}

static const struct call_state BODY = {"body", body_step};

/* --- the driver */

/* What every state does first: send, time-outs, failures, on_drain. */
static enum call_step call_step(struct http_call *call)
{
    struct client_conn *conn = call->conn;

    if (conn && conn->wire.stream && !call->is_corked)
        wire_flush(&conn->wire);
    if (call->is_timed_out && !call->failure)
        call_fail(call, ERR_TIMEOUT,
                  call->state == &HEAD ? "no response in time" : "the response made no progress");
    if (call->failure)
        return call_failed(call);
    /* An answer may have been on its way when writing failed. */
    if (conn->wire.write_rc < 0 && conn->wire.read_rc == 0)
        conn->wire.is_readable = true;
    if (call->is_blocked && conn->wire.out_bytes <= call->client->limits.write_queue_bytes / 2) {
        call->is_blocked = false;
        if (call->ops->on_drain && !call->out.is_ended)
            call->ops->on_drain(call->cookie);
        return CALL_MORE;
    }
    return call->state->step(call);
}

int64_t call_deadline_us(const struct http_call *call)
{
    const struct wire *w = &call->conn->wire;

    if (call->state == &HEAD)
        return w->sent_us + call->client->limits.response_timeout_us;
    if (!call->is_paused || wire_has_output(w))
        return w->progress_us + call->client->limits.stream_timeout_us;
    return DEADLINE_NEVER;
}

void call_run(struct http_call *call)
{
    struct http_client *c = call->client;

    if (call->is_running) {
        call->is_again = true;
        return;
    }
    client_enter(c);
    call->is_running = true;
    call->budget = CALL_BUDGET;
    do {
        call->is_again = false;
        while (!call->is_over && call_step(call) == CALL_MORE)
            ;
    } while (call->is_again && !call->is_over);
    call->is_running = false;
    if (call->is_over) {
        call_release(call);
    } else {
        call->is_timed_out = false;
        if (call->state != &DIAL)
            deadline_set(&call->conn->deadline, call_deadline_us(call));
        if (call->is_corked || call->budget == 0)
            call_kick(call);
    }
    client_leave(c);
}

static void call_on_task(void *cookie)
{
    struct http_call *call = CAST(struct http_call, cookie, CALL_MAGIC);

    call->is_corked = false;
    call_run(call);
}

/* --- the owner's side */

/* Methods that may be repeated without harm (RFC 9110, 9.2.2). */
static bool method_is_idempotent(struct str m)
{
    static const struct str names[] = {STR_INIT("GET"),    STR_INIT("HEAD"),  STR_INIT("PUT"),
                                       STR_INIT("DELETE"), STR_INIT("TRACE"), STR_INIT("OPTIONS")};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(m, names[i]))
            return true;
    return false;
}

/* The methods that change how a response is read; the others are alike. */
static struct str method_for_parser(struct str m)
{
    if (str_eq(m, STR("HEAD")))
        return STR("HEAD");
    return str_eq(m, STR("CONNECT")) ? STR("CONNECT") : STR("GET");
}

static struct http_call *call_new(struct http_client *c, const struct http_endpoint *endpoint,
                                  const struct http_request *r)
{
    struct arena *a = spare_arena_take(&c->spare);
    struct http_call *call = ARENA_NEW(a, struct http_call);

    call->magic = CALL_MAGIC;
    call->client = c;
    call->arena = a;
    call->key = client_key_ref(c, endpoint);
    call->check = endpoint->target.check;
    call->check_cookie = endpoint->target.check_cookie;
    call->connect_timeout_us = endpoint->target.connect_timeout_us;
    call->tls_timeout_us = endpoint->target.tls_timeout_us;
    call->method = method_for_parser(r->method);
    call->is_idempotent = method_is_idempotent(r->method);
    call->out.framing = encode_request_framing(r);
    call->out.left = call->out.framing == BODY_LENGTH ? (uint64_t)r->body_length : 0;
    call->out.is_ended = call->out.framing == BODY_ABSENT;
    list_append(&c->calls, &call->link);
    return call;
}

struct http_call *http_call_start(struct http_client *c, const struct http_endpoint *endpoint,
                                  const struct http_request *r, const struct http_call_ops *ops,
                                  void *cookie)
{
    struct http_call *call = call_new(c, endpoint, r);

    call->ops = ops;
    call->cookie = cookie;
    if (encode_request(call->arena, r, &call->head) < 0) {
        call->state = &DIAL;
        call_fail(call, ERR_INVALID, "the request cannot be sent: bad byte in its head");
        call_kick(call);
        return call;
    }
    call->conn = client_conn_take(call->key);
    if (!call->conn) {
        call_dial(call, &endpoint->target);
        return call;
    }
    call->conn->call = call;
    call->is_reused = true;
    call->state = &HEAD;
    call->conn->wire.sent_us = loop_now_us(c->loop);
    wire_hold(&call->conn->wire, call->head);
    if (call->out.is_ended)
        wire_flush(&call->conn->wire);
    else
        call->is_corked = true;
    if (call->is_corked || call->conn->wire.write_rc < 0)
        call_kick(call);
    deadline_set(&call->conn->deadline, call_deadline_us(call));
    return call;
}

bool http_call_write(struct http_call *call, struct str bytes)
{
    struct wire *w;

    ASSERT(call->magic == CALL_MAGIC && !call->out.is_ended);
    if (call->is_over || call->failure)
        return false;
    w = &call->conn->wire;
    call->is_body_begun |= bytes.n > 0;
    if (!body_write(&call->out, w, bytes))
        call_fail(call, ERR_INVALID, "the request body is longer than declared");
    call->is_corked = w->stream && wire_has_output(w) && w->is_writable;
    if (call->is_corked || call->failure || w->write_rc < 0)
        call_kick(call);
    call->is_blocked = w->out_bytes > call->client->limits.write_queue_bytes;
    return !call->is_blocked;
}

void http_call_end(struct http_call *call)
{
    ASSERT(call->magic == CALL_MAGIC);
    if (call->out.is_ended || call->is_over || call->failure)
        return;
    if (!body_write_end(&call->out, &call->conn->wire))
        call_fail(call, ERR_INVALID, "the request body is shorter than declared");
    call->is_corked = false;
    if (call->failure || call->conn->wire.write_rc < 0)
        call_kick(call);
}

void http_call_pause(struct http_call *call)
{
    call->is_paused = true;
}

void http_call_resume(struct http_call *call)
{
    if (!call->is_paused)
        return;
    call->is_paused = false;
    if (call->is_over)
        return;
    /* The time without progress was the owner's. */
    if (call->conn)
        call->conn->wire.progress_us = loop_now_us(call->client->loop);
    call_kick(call);
}

void http_call_cancel(struct http_call *call)
{
    ASSERT(call->magic == CALL_MAGIC);
    if (call->is_over)
        return;
    call_detach(call, false);
    if (!call->is_running)
        call_release(call);
}

const struct addr *http_call_peer(const struct http_call *call)
{
    return call->conn && call->conn->wire.stream ? &call->conn->peer : NULL;
}

bool http_call_is_dialling(const struct http_call *call)
{
    return call->state == &DIAL;
}
