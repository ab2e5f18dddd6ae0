/*
 * The driver: the table of phases, the answer of a refusal, and the callbacks of the exchange.
 */
#include "proxy/request.h"

#include <stdio.h>

#include "base/log.h"

struct phase {
    const char *name;
    enum phase_result (*run)(struct request *r);
};

static const struct phase PHASES[] = {
    {"route", route_run},         {"authenticate", authenticate_run},
    {"authorize", authorize_run}, {"bind", bind_run},
    {"inject", inject_run},       {"upstream", upstream_run},
    {"response", response_run},
};

static const struct phase LAST_PHASE = {"audit", record_run};

/* --- refusing */

PRINTF_LIKE(3, 0)
static void refuse(struct request *r, enum refusal why, const char *fmt, va_list ap)
{
    char text[1024];

    vsnprintf(text, sizeof(text), fmt, ap);
    r->refusal = why;
    if (!r->is_answered)
        r->status = refusal_status(why);
    if (r->mode == MODE_FORWARD && r->status == 401)
        r->status = 407;
    r->message = arena_str(r->arena, str_c(text));
}

enum phase_result request_refuse(struct request *r, enum refusal why, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    refuse(r, why, fmt, ap);
    va_end(ap);
    return PHASE_FAIL;
}

enum phase_result request_refuse_closing(struct request *r, enum refusal why, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    refuse(r, why, fmt, ap);
    va_end(ap);
    http_exchange_close_after(r->x);
    return PHASE_FAIL;
}

static void add_challenge(struct request *r, struct http_headers *h)
{
    struct str value = r->refusal == REFUSAL_INVALID_TOKEN
                           ? STR("Basic realm=\"connectors\", error=\"invalid_token\"")
                           : STR("Basic realm=\"connectors\"");

    if (r->status == 401)
        http_headers_add(h, STR("WWW-Authenticate"), value);
    else if (r->status == 407)
        http_headers_add(h, STR("Proxy-Authenticate"), value);
}

/* Sends the refusal, or cuts an answer that has begun. */
static void answer_refusal(struct request *r)
{
    struct http_response answer = {.status = r->status, .headers.arena = r->arena};
    struct str body;

    log_debug("Refused request", LOG_C("id", r->id), LOG_C("reason", refusal_reason(r->refusal)),
              LOG_S("connector", r->key), LOG_S("message", r->message));
    if (r->is_answered) {
        http_exchange_abort(r->x);
        return;
    }
    body = refusal_body(r->arena, r->refusal, r->status, r->message);
    http_headers_add(&answer.headers, STR("Content-Type"), STR("application/json"));
    http_headers_add(&answer.headers, STR("X-Connectors-Error"), str_c(refusal_reason(r->refusal)));
    add_challenge(r, &answer.headers);
    if (r->status == 503 || r->status == 429)
        http_headers_add(&answer.headers, STR("Retry-After"), STR("1"));
    answer.body_length = (int64_t)body.n;
    r->is_answered = true;
    http_exchange_respond(r->x, &answer);
    (void)http_exchange_write(r->x, body);
    http_exchange_end(r->x);
}

/* --- driving */

static void run(struct request *r)
{
    while (r->phase < ARRAY_LEN(PHASES)) {
        log_trace("Run phase", LOG_C("id", r->id), LOG_C("phase", PHASES[r->phase].name));
        switch (PHASES[r->phase].run(r)) {
        case PHASE_NEXT:
            r->phase++;
            continue;
        case PHASE_FAIL:
            answer_refusal(r);
            return;
        case PHASE_WAIT:
            return;
        }
    }
}

void request_resume(struct request *r, enum phase_result result)
{
    if (result == PHASE_FAIL) {
        answer_refusal(r);
        return;
    }
    if (result == PHASE_NEXT)
        r->phase++;
    run(r);
}

/* --- the exchange */

static void on_body(void *cookie, struct str bytes)
{
    upstream_body(CAST(struct request, cookie, REQUEST_MAGIC), bytes);
}

static void on_body_end(void *cookie)
{
    upstream_body_end(CAST(struct request, cookie, REQUEST_MAGIC));
}

static void on_drain(void *cookie)
{
    upstream_drain(CAST(struct request, cookie, REQUEST_MAGIC));
}

static void on_close(void *cookie, int rc)
{
    struct request *r = CAST(struct request, cookie, REQUEST_MAGIC);

    ask_cancel(TAKE(r->ask));
    if (r->call)
        http_call_cancel(TAKE(r->call));
    if (rc < 0 && !r->is_answered)
        r->status = 499; /* the client went away before there was an answer */
    LAST_PHASE.run(r);
    counters_add(&r->worker->counters->plain[COUNT_ACTIVE], (uint64_t)-1);
    authenticate_release(r);
    target_unref(TAKE(r->target));
    identity_unref(TAKE(r->identity));
    permission_unref(TAKE(r->verdict));
    r->magic = 0;
}

static const struct http_exchange_ops EXCHANGE_OPS = {
    .on_body = on_body,
    .on_body_end = on_body_end,
    .on_drain = on_drain,
    .on_close = on_close,
};

/* "<instance>-<worker>-<number>", by hand: this is on every request's path. */
static void make_id(struct request *r)
{
    static const char digits[] = "0123456789abcdef";
    const struct site *site = r->worker->site;
    uint64_t number = r->worker->next_id++;
    char *p = r->id;

    /* The instance is "connectors-" and 8 digits. */
    memcpy(p, site->instance.p + site->instance.n - 8, 8);
    p += 8;
    *p++ = '-';
    *p++ = digits[r->worker->index >> 4 & 15];
    *p++ = digits[r->worker->index & 15];
    *p++ = '-';
    for (int shift = 44; shift >= 0; shift -= 4)
        *p++ = digits[number >> shift & 15];
    *p = '\0';
}

static void on_request(void *cookie, struct http_exchange *x)
{
    struct worker *w = cookie;
    struct arena *a = http_exchange_arena(x);
    struct request *r = ARENA_NEW(a, struct request);

    r->magic = REQUEST_MAGIC;
    r->worker = w;
    r->x = x;
    r->arena = a;
    r->in = http_exchange_request(x);
    r->started_us = loop_now_us(w->loop);
    make_id(r);
    counters_add(&w->counters->plain[COUNT_ACTIVE], 1);
    http_exchange_handle(x, &EXCHANGE_OPS, r);
    /* The body stays with the client until there is somebody to send it to. */
    if (r->in->body_length != 0)
        http_exchange_pause(x);
    run(r);
}

static struct str on_refuse(void *cookie, struct arena *a, int status, const char *reason,
                            struct str *ret_content_type)
{
    struct worker *w = cookie;
    enum refusal why = refusal_of_status(status);

    counters_add(&w->counters->refused[why], 1);
    counters_add(&w->counters->requests[MODE_REVERSE][status < COUNTERS_STATUS_MAX ? status : 0],
                 1);
    if (w->ring)
        (void)audit_put(w->ring, &(struct audit_record){
                                     .wall_us = loop_wall_us(w->loop),
                                     .status = status,
                                     .reason = refusal_reason(why),
                                 });
    *ret_content_type = STR("application/json");
    return refusal_body(a, why, status, str_c(reason));
}

static void on_refuse_headers(void *cookie, int status, struct http_headers *h)
{
    (void)cookie;
    http_headers_add(h, STR("X-Connectors-Error"),
                     str_c(refusal_reason(refusal_of_status(status))));
}

const struct http_server_ops REQUEST_SERVER_OPS = {
    .on_request = on_request,
    .on_refuse = on_refuse,
    .on_refuse_headers = on_refuse_headers,
};
