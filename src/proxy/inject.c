/*
 * Inject: the request for the tool, made from the client's, the binding and the credential.
 *
 * Nothing of the client's credentials is left in it, and this is the only code of the data plane that reads
 * the tool's.
 */
#include "proxy/request.h"

#include "codec/hex.h"
#include "proxy/strip.h"

#define TRACE_BYTES 55 /* 00-<32>-<16>-<2> */

static bool is_hex(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (hex_digit(s.p[i]) < 0 || (s.p[i] >= 'A' && s.p[i] <= 'F'))
            return false;
    return true;
}

static bool is_zero(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '0')
            return false;
    return true;
}

/* Whether a traceparent may be passed on (W3C Trace Context, version 00). */
static bool is_traceparent(struct str s)
{
    return s.n == TRACE_BYTES && s.p[0] == '0' && s.p[1] == '0' && s.p[2] == '-' &&
           s.p[35] == '-' && s.p[52] == '-' && is_hex(str_n(s.p + 3, 32)) &&
           is_hex(str_n(s.p + 36, 16)) && is_hex(str_n(s.p + 53, 2)) &&
           !is_zero(str_n(s.p + 3, 32)) && !is_zero(str_n(s.p + 36, 16));
}

static char *put_hex(char *p, uint64_t n)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        *p++ = "0123456789abcdef"[n >> shift & 15];
    return p;
}

/* Passes the client's trace on, or begins one. */
static void add_trace(struct request *r, struct http_headers *h)
{
    struct str given = http_headers_get(h, STR("traceparent"));
    char *text, *p;

    if (given.p && is_traceparent(given) && http_headers_count(h, STR("traceparent")) == 1) {
        r->trace = str_n(given.p + 3, 32);
        return;
    }
    text = arena_alloc(r->arena, TRACE_BYTES);
    memcpy(text, "00-", 3);
    p = put_hex(text + 3, worker_random(r->worker) | 1);
    p = put_hex(p, worker_random(r->worker));
    *p++ = '-';
    p = put_hex(p, worker_random(r->worker) | 1);
    memcpy(p, "-00", 3);
    r->trace = str_n(text + 3, 32);
    if (given.p)
        http_headers_remove(h, STR("traceparent"));
    http_headers_add(h, STR("traceparent"), str_n(text, TRACE_BYTES));
}

/* The path for the tool: the address's prefix and the client's bytes behind it. */
static struct str path_for(struct request *r)
{
    struct str prefix = r->binding->address->path, rest = r->rest;
    const char *slash = prefix.n == 0 && (rest.n == 0 || rest.p[0] == '?') ? "/" : "";
    size_t slash_bytes = *slash ? 1 : 0, n = prefix.n + slash_bytes + rest.n;
    char *p;

    if (prefix.n == 0 && slash_bytes == 0)
        return rest;
    p = arena_alloc(r->arena, n);
    if (prefix.n)
        memcpy(p, prefix.p, prefix.n);
    memcpy(p + prefix.n, slash, slash_bytes);
    if (rest.n)
        memcpy(p + prefix.n + slash_bytes, rest.p, rest.n);
    return str_n(p, n);
}

static void add_credential(struct request *r, const struct binding *binding)
{
    const struct credential *c = r->target->credential;
    struct counters *counters = r->worker->counters;
    struct str name, value;

    if (!c) {
        counters_add(&counters->plain[COUNT_INJECTED_NONE], 1);
        return;
    }
    ASSERT(str_eq(binding->credential_version, credential_version(c)));
    credential_expose(c, &name, &value);
    http_headers_add(&r->out.headers, name, value);
    r->credential = c;
    counters_add(&counters->plain[credential_method(c)[1] == 'a' ? COUNT_INJECTED_BASIC
                                                                 : COUNT_INJECTED_BEARER],
                 1);
}

/* Whether a credential may be used now: it is fresh, and its use can be written down. */
static enum phase_result check_use(struct request *r)
{
    const struct worker *w = r->worker;

    if (atomic_load_explicit(&w->site->is_stale, memory_order_relaxed))
        return request_refuse(r, REFUSAL_NOT_READY,
                              "the API server has not confirmed the credential of Connector "
                              "'%" STR_FMT "' for too long: try again",
                              STR_ARG(r->key));
    if (w->ring && w->site->settings->audit_on_error == AUDIT_REFUSE && audit_is_refusing(w->ring))
        return request_refuse(r, REFUSAL_AUDIT_UNAVAILABLE,
                              "the audit log cannot be written, so the credential of Connector "
                              "'%" STR_FMT "' is not used: try again",
                              STR_ARG(r->key));
    return PHASE_NEXT;
}

enum phase_result inject_run(struct request *r)
{
    enum phase_result result;

    if (r->target->credential) {
        result = check_use(r);
        if (result != PHASE_NEXT)
            return result;
    }
    r->out = (struct http_request){
        .method = r->in->method,
        .target = path_for(r),
        .authority = r->binding->authority,
        .headers.arena = r->arena,
        .body_length = r->in->body_length,
    };
    http_headers_copy_end_to_end(&r->out.headers, &r->in->headers);
    strip_request(&r->out.headers);
    add_trace(r, &r->out.headers);
    http_headers_add(&r->out.headers, STR("Via"), r->worker->site->via);
    add_credential(r, r->binding);
    return PHASE_NEXT;
}
