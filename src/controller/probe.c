/*
 * A probe needs the head of an answer only: its body is never read, the connection is closed with it.
 */
#include "controller/probe.h"

#include <stdio.h>

#include "base/time.h"
#include "controller/redirect.h"

#define MAX_REDIRECTS 5

struct probe {
    const struct probe_site *site;
    struct plan *plan;
    const struct plan_request *request;
    struct arena *arena;
    struct str pool_key;
    struct str target; /* where the redirects have led */
    struct str method;
    unsigned redirects;
    struct http_call *call;
    struct dial *dial;
    struct loop_timer deadline;
    struct loop_task refusal; /* of a probe that cannot be sent */
    probe_fn *fn;
    void *cookie;
};

static void probe_free(struct probe *p)
{
    if (p->call)
        http_call_cancel(TAKE(p->call));
    if (p->dial)
        dial_cancel(TAKE(p->dial));
    loop_timer_cancel(p->site->loop, &p->deadline);
    loop_defer_cancel(p->site->loop, &p->refusal);
    plan_unref(p->plan);
    arena_free(p->arena);
    free(p);
}

void probe_cancel(struct probe *p)
{
    probe_free(p);
}

PRINTF_LIKE(4, 5)
static void finish(struct probe *p, bool is_reached, const char *reason, const char *fmt, ...)
{
    struct probe_verdict v = {
        .is_ok = str_eq_c(STR("ProbeSucceeded"), reason),
        .is_reached = is_reached,
        .reason = reason,
        .wall_us = loop_wall_us(p->site->loop),
    };
    probe_fn *fn = p->fn;
    void *cookie = p->cookie;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(v.message, sizeof(v.message), fmt, ap);
    va_end(ap);
    probe_free(p);
    fn(cookie, &v);
}

/* Texts are ours: what the peer or its certificate said is not repeated. */
static void fail(struct probe *p, const struct err *err)
{
    switch (err->code) {
    case ERR_TLS:
        finish(p, false, "TLSVerificationFailed",
               "the TLS handshake failed; check the certificate and spec.caCertSecretRef");
        return;
    case ERR_DENIED_DEST:
        finish(p, false, "DestinationRefused",
               "the address is refused as a destination; --allow-destination may allow it");
        return;
    case ERR_NOTFOUND:
        finish(p, false, "ConnectionFailed", "the host name does not resolve");
        return;
    case ERR_REFUSED:
        finish(p, false, "ConnectionFailed", "the connection was refused");
        return;
    case ERR_TIMEOUT:
        finish(p, false, "ConnectionFailed", "no answer within %lld ms",
               (long long)(p->site->timeout_us / TIME_US_PER_MS));
        return;
    case ERR_PROTO:
    case ERR_TOOBIG:
        finish(p, true, "UnexpectedResponse", "the answer is not valid HTTP");
        return;
    case ERR_INVALID:
        finish(p, true, "InvalidProbe", "the class's probe makes no valid request");
        return;
    default:
        finish(p, false, "ConnectionFailed", "the connection failed (%s)",
               err_text(-(int)err->code));
    }
}

static void on_deadline(void *cookie)
{
    fail(cookie, &(struct err){.code = ERR_TIMEOUT});
}

static bool is_good(enum plan_rule rule, int status)
{
    switch (rule) {
    case PLAN_LIVENESS:
        return (status >= 200 && status < 400) || status == 401 || status == 403;
    case PLAN_AUTH:
        return status >= 200 && status < 300;
    default:
        return status == 200;
    }
}

static void judge(struct probe *p, int status)
{
    enum plan_rule rule = p->request->rule;

    if (is_good(rule, status))
        finish(p, true, "ProbeSucceeded", "HTTP status %d", status);
    else if (rule != PLAN_LIVENESS && (status == 401 || status == 403))
        finish(p, true, "AuthenticationFailed", "HTTP status %d", status);
    else
        finish(p, true, "UnexpectedResponse", "HTTP status %d", status);
}

static void send_request(struct probe *p);

static void redirect(struct probe *p, const struct http_response *answer)
{
    struct str location = http_headers_get(&answer->headers, STR("Location"));

    if (!location.p) {
        judge(p, answer->status);
        return;
    }
    if (p->redirects == MAX_REDIRECTS) {
        finish(p, true, "UnexpectedResponse", "HTTP status %d: more than %d redirects",
               answer->status, MAX_REDIRECTS);
        return;
    }
    if (redirect_resolve(p->arena, p->request, p->target, location, &p->target) < 0) {
        finish(p, true, "UnexpectedResponse",
               "HTTP status %d: redirect to another scheme, host or port", answer->status);
        return;
    }
    p->redirects++;
    if (answer->status != 307 && answer->status != 308)
        p->method = STR("GET");
    http_call_cancel(TAKE(p->call));
    send_request(p);
}

static void on_head(void *cookie, const struct http_response *answer)
{
    struct probe *p = cookie;

    if (p->request->follows_redirects && redirect_is_status(answer->status))
        redirect(p, answer);
    else
        judge(p, answer->status);
}

/* The head decides; what follows it is not wanted. */
static void on_body(void *cookie, struct str bytes)
{
    (void)cookie;
    (void)bytes;
}

static void on_end(void *cookie)
{
    struct probe *p = cookie;

    p->call = NULL;
    fail(p, &(struct err){.code = ERR_PROTO});
}

static void on_error(void *cookie, const struct err *err)
{
    struct probe *p = cookie;

    p->call = NULL;
    fail(p, err);
}

static const struct http_call_ops CALL_OPS = {
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
    .on_error = on_error,
};

static struct dial_target target_of(const struct probe *p)
{
    const struct plan_request *r = p->request;

    return (struct dial_target){
        .host = r->host,
        .port = r->port,
        .tls = r->https ? r->tls : NULL,
        .check = r->is_own ? NULL : destination_policy_check,
        .check_cookie = p->site->policy,
        .connect_timeout_us = p->site->timeout_us,
        .tls_timeout_us = p->site->timeout_us,
    };
}

static void send_request(struct probe *p)
{
    const struct plan_request *r = p->request;
    struct http_endpoint endpoint = {.key = p->pool_key, .target = target_of(p)};
    struct http_request out = {
        .method = p->method,
        .target = p->target,
        .authority = r->authority,
        .headers = {.arena = p->arena},
    };
    struct str name, value;

    for (size_t i = 0; i < r->headers.n; i++)
        http_headers_add(&out.headers, r->headers.p[i].name, r->headers.p[i].value);
    if (http_headers_count(&out.headers, STR("User-Agent")) == 0)
        http_headers_add(&out.headers, STR("User-Agent"), STR("connectors-controller"));
    if (r->credential) {
        credential_expose(r->credential, &name, &value);
        http_headers_add(&out.headers, name, value);
    }
    p->call = http_call_start(p->site->client, &endpoint, &out, &CALL_OPS, p);
}

static void on_connected(void *cookie, struct stream *s, const struct addr *peer,
                         const struct err *err)
{
    struct probe *p = cookie;

    (void)peer;
    p->dial = NULL;
    if (!s) {
        fail(p, err);
        return;
    }
    stream_close(s);
    finish(p, true, "ProbeSucceeded", "connected");
}

static void on_refused(void *cookie)
{
    fail(cookie, &(struct err){.code = ERR_TLS});
}

struct probe *probe_start(const struct probe_site *site, struct plan *plan,
                          const struct plan_request *request, probe_fn *fn, void *cookie)
{
    struct probe *p = NEW(struct probe);
    struct dial_target target;

    p->site = site;
    p->plan = plan_ref(plan);
    p->request = request;
    p->arena = arena_new();
    p->pool_key = arena_fmt(p->arena, "%" STR_FMT "|%s://%" STR_FMT ":%u",
                            STR_ARG(plan->fingerprint), request->https ? "https" : "http",
                            STR_ARG(request->host), (unsigned)request->port);
    p->target = request->target;
    p->method = request->method;
    p->fn = fn;
    p->cookie = cookie;
    loop_timer_start(site->loop, &p->deadline, site->timeout_us, on_deadline, p);
    if (request->rule == PLAN_CONNECT) {
        target = target_of(p);
        target.tls = NULL;
        p->dial = dial_start(site->loop, site->dns, &target, on_connected, p);
    } else if (request->https && !request->tls) {
        loop_defer(site->loop, &p->refusal, on_refused, p);
    } else {
        send_request(p);
    }
    return p;
}
