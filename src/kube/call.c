/*
 * One request and its answer, from kube_call_start to on_done.
 *
 *      kube_call_open ─> [head] ─> [body]* ─> end ─> kube_call_finish
 *            │              └ not 2xx: the body is kept, up to a bound, and becomes the error
 *            └ cannot start (no token): deferred, so that no callback comes from inside
 *
 * A call may be cancelled inside any of its callbacks: whoever calls out checks `gone` before it touches
 * the call again.
 */
#include "base/time.h"
#include "kube/kube_priv.h"

static bool is_success(const struct kube_call *call)
{
    return call->status >= 200 && call->status < 300;
}

static void call_free(struct kube_call *call)
{
    if (call->gone)
        *call->gone = true;
    list_remove(&call->link);
    loop_timer_cancel(call->client->loop, &call->deadline);
    loop_defer_cancel(call->client->loop, &call->refusal);
    buf_fini(&call->body);
    free(call->what);
    call->magic = 0;
    free(call);
}

void kube_call_finish(struct kube_call *call, int rc, json_t *answer, const struct err *err)
{
    if (call->http)
        http_call_cancel(TAKE(call->http));
    /* Out of the list first: on_done may free the client. */
    list_remove(&call->link);
    loop_timer_cancel(call->client->loop, &call->deadline);
    loop_defer_cancel(call->client->loop, &call->refusal);
    call->kind->on_done(call, rc, answer, err);
    if (call->gone)
        *call->gone = true;
    buf_fini(&call->body);
    free(call->what);
    call->magic = 0;
    free(call);
}

void kube_call_fail(struct kube_call *call, const struct err *err)
{
    kube_call_finish(call, -(int)err->code, NULL, err);
}

void kube_call_cancel(struct kube_call *call)
{
    ASSERT(call->magic == KUBE_CALL_MAGIC);
    if (call->http)
        http_call_cancel(TAKE(call->http));
    call_free(call);
}

static void on_deadline(void *cookie)
{
    struct kube_call *call = CAST(struct kube_call, cookie, KUBE_CALL_MAGIC);
    struct err err;

    err_set(&err, ERR_TIMEOUT, "API server '%" STR_FMT "': %s: no answer within %lld ms",
            STR_ARG(call->client->config->server), call->what,
            (long long)(call->timeout_us / TIME_US_PER_MS));
    kube_call_fail(call, &err);
}

static void on_head(void *cookie, const struct http_response *r)
{
    struct kube_call *call = CAST(struct kube_call, cookie, KUBE_CALL_MAGIC);

    call->status = r->status;
    if (is_success(call) && call->kind->on_open)
        call->kind->on_open(call);
}

static void on_body(void *cookie, struct str bytes)
{
    struct kube_call *call = CAST(struct kube_call, cookie, KUBE_CALL_MAGIC);

    if (is_success(call)) {
        call->kind->on_body(call, bytes);
        return;
    }
    if (call->body.len < KUBE_FAILURE_MAX_BYTES)
        buf_add_str(&call->body, str_head(bytes, KUBE_FAILURE_MAX_BYTES - call->body.len));
}

static void on_end(void *cookie)
{
    struct kube_call *call = CAST(struct kube_call, cookie, KUBE_CALL_MAGIC);
    struct err err;
    int rc;

    call->http = NULL;
    if (is_success(call)) {
        call->kind->on_end(call);
        return;
    }
    if (call->status == 401)
        kube_token_recheck(&call->client->token);
    rc = kube_status_decode(call->status, buf_str(&call->body), &err);
    kube_call_finish(call, rc, NULL, &err);
}

static void on_error(void *cookie, const struct err *err)
{
    struct kube_call *call = CAST(struct kube_call, cookie, KUBE_CALL_MAGIC);
    const struct kube_config *config = call->client->config;
    struct err e = *err;
    int rc = -(int)err->code;

    call->http = NULL;
    rc = err_wrap(&e, rc, "API server '%" STR_FMT "' (%" STR_FMT ")", STR_ARG(config->server),
                  STR_ARG(config->source));
    kube_call_finish(call, rc, NULL, &e);
}

static const struct http_call_ops HTTP_OPS = {
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
    .on_error = on_error,
};

static void on_refusal(void *cookie)
{
    struct kube_call *call = CAST(struct kube_call, cookie, KUBE_CALL_MAGIC);
    struct err err = call->refused;

    kube_call_fail(call, &err);
}

static struct str content_type(const struct kube_request *r)
{
    static const struct str PATCHES[] = {
        [KUBE_PATCH_MERGE] = STR_INIT("application/merge-patch+json"),
        [KUBE_PATCH_JSON] = STR_INIT("application/json-patch+json"),
        [KUBE_PATCH_STRATEGIC] = STR_INIT("application/strategic-merge-patch+json"),
    };

    if (str_eq_c(str_c(r->method), "PATCH"))
        return PATCHES[r->patch];
    return STR("application/json");
}

static void fill_headers(struct kube_client *c, const struct kube_request *r,
                         const struct secret *authorization, struct http_headers *h)
{
    http_headers_add(h, STR("Accept"), r->accept ? str_c(r->accept) : STR("application/json"));
    http_headers_add(h, STR("User-Agent"), str_c(c->user_agent));
    if (r->body)
        http_headers_add(h, STR("Content-Type"), content_type(r));
    if (authorization)
        http_headers_add(h, STR("Authorization"), secret_expose(authorization));
}

static void send_request(struct kube_call *call, const struct kube_request *r,
                         const struct secret *authorization)
{
    struct kube_client *c = call->client;
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct buf body = BUF_INIT(BUF_NO_LIMIT);
    struct http_request request = {
        .method = str_c(r->method),
        .target = arena_fmt(a, "%" STR_FMT "%" STR_FMT, STR_ARG(c->prefix), STR_ARG(r->path)),
        .authority = str_c(c->authority),
        .headers = {.arena = a},
    };

    if (r->body)
        json_format(r->body, &body);
    request.body_length = (int64_t)body.len;
    fill_headers(c, r, authorization, &request.headers);
    call->http = http_call_start(c->http, &c->endpoint, &request, &HTTP_OPS, call);
    if (r->body) {
        /* Over its bound the queue keeps what it was given, and nothing follows. */
        (void)http_call_write(call->http, buf_str(&body));
        http_call_end(call->http);
    }
    /* A body may hold a Secret or a token to be reviewed. */
    buf_wipe(&body);
}

void kube_call_open(struct kube_client *c, struct kube_call *call, const struct kube_request *r)
{
    const struct secret *authorization = NULL;
    struct str path = str_head(r->path, 512);
    struct buf what = BUF_INIT(1024);

    call->magic = KUBE_CALL_MAGIC;
    call->client = c;
    call->timeout_us = r->timeout_us ? r->timeout_us : KUBE_CALL_TIMEOUT_US;
    path = str_cut(&path, '?');
    buf_addf(&what, "%s %" STR_FMT, r->method, STR_ARG(path));
    call->what = buf_take_c(&what, NULL);
    list_append(&c->calls, &call->link);
    if (kube_token_get(&c->token, loop_now_us(c->loop), &authorization, &call->refused) < 0) {
        loop_defer(c->loop, &call->refusal, on_refusal, call);
        return;
    }
    loop_timer_start(c->loop, &call->deadline, call->timeout_us, on_deadline, call);
    send_request(call, r, authorization);
}

static void answer_body(struct kube_call *call, struct str bytes)
{
    struct err err;

    buf_add_str(&call->body, bytes);
    if (buf_error(&call->body) == 0)
        return;
    err_set(&err, ERR_TOOBIG, "%s: the answer is larger than %d MiB", call->what,
            KUBE_ANSWER_MAX_BYTES / (1024 * 1024));
    kube_call_fail(call, &err);
}

static void answer_end(struct kube_call *call)
{
    json_t *answer JSON_OWNED = NULL;
    struct err err;
    int rc;

    if (!call->body.len) {
        kube_call_finish(call, 0, NULL, NULL);
        return;
    }
    rc = json_parse(buf_str(&call->body), &answer, &err);
    if (rc < 0) {
        err.code = ERR_PROTO;
        err_wrap(&err, -ERR_PROTO, "%s: the answer is not JSON", call->what);
        kube_call_finish(call, -ERR_PROTO, NULL, &err);
        return;
    }
    /* The text is as large as the tree; it is of no use to what follows. */
    buf_fini(&call->body);
    kube_call_finish(call, 0, answer, NULL);
}

static void answer_done(struct kube_call *call, int rc, json_t *answer, const struct err *err)
{
    call->fn(call->cookie, rc, answer, err);
}

static const struct kube_call_kind ANSWER = {
    .on_body = answer_body,
    .on_end = answer_end,
    .on_done = answer_done,
};

struct kube_call *kube_call_start(struct kube_client *c, const struct kube_request *r,
                                  kube_done_fn *fn, void *cookie)
{
    struct kube_call *call = NEW(struct kube_call);

    call->kind = &ANSWER;
    call->fn = fn;
    call->cookie = cookie;
    buf_init(&call->body, KUBE_ANSWER_MAX_BYTES);
    kube_call_open(c, call, r);
    return call;
}

void kube_call_start_waited(struct kube_client *c, const struct kube_request *r, kube_done_fn *fn,
                            void *cookie)
{
    kube_call_start(c, r, fn, cookie)->tell_cancel = true;
}
