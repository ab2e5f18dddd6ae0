/*
 * Answers of a call.
 */
#include "apiserver/rest_priv.h"
#include "base/log.h"
#include "codec/url.h"

/* Warning headers: 299 - "text" (RFC 7234), as kubectl prints them. */
static void add_warnings(struct call *c, struct http_response *r, const json_t *warnings)
{
    size_t i;
    json_t *v;

    json_array_foreach(warnings, i, v)
    {
        struct buf b CLEANUP(buf_fini) = BUF_INIT(4096);
        struct str text = json_str_of(v);
        buf_add_c(&b, "299 - \"");
        for (size_t j = 0; j < text.n; j++) {
            if (text.p[j] == '"' || text.p[j] == '\\')
                buf_add_char(&b, '\\');
            buf_add_char(&b, text.p[j] < ' ' || text.p[j] > '~' ? ' ' : text.p[j]);
        }
        buf_add_char(&b, '"');
        http_headers_add(&r->headers, STR("Warning"), arena_str(c->arena, buf_str(&b)));
    }
}

static void respond(struct call *c, int http_status, struct str type, struct str body,
                    const json_t *warnings)
{
    struct http_response r = {
        .status = http_status,
        .headers.arena = c->arena,
        .body_length = (int64_t)body.n,
    };

    ASSERT(!c->answered);
    c->answered = true;
    http_headers_add(&r.headers, STR("Content-Type"), type);
    http_headers_add(&r.headers, STR("Cache-Control"), STR("no-cache, private"));
    add_warnings(c, &r, warnings);
    http_exchange_respond(c->x, &r);
    (void)http_exchange_write(c->x, body);
    http_exchange_end(c->x);
}

void call_answer(struct call *c, int http_status, const json_t *value, const json_t *warnings)
{
    struct buf body CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);
    struct str type = negotiate_format(&c->form, value, &body);

    respond(c, http_status, type, buf_str(&body), warnings);
}

void call_fail(struct call *c, json_t *status)
{
    if (!status)
        status_set(&status, ERR_INTERNAL, "Internal error occurred");
    int http_status = status_http(status);
    if (http_status >= 500)
        log_warn("Request failed", LOG_S("path", c->path.raw), LOG_I("status", http_status),
                 LOG_S("message", json_str(status, "message")));
    call_answer(c, http_status, status, NULL);
    json_decref(status);
}

void call_answer_bytes(struct call *c, struct str type, struct str body)
{
    respond(c, 200, type, body, NULL);
}

void call_answer_text(struct call *c, int http_status, struct str text)
{
    respond(c, http_status, STR("text/plain; charset=utf-8"), text, NULL);
}

struct output call_output(const struct call *c)
{
    struct output o = {
        .kind = c->kind,
        .form = c->form,
        .wall_us = loop_wall_us(c->rest->server->loop),
    };
    struct str include = url_query_get(c->arena, c->path.query, STR("includeObject"));

    if (str_eq(include, STR("Object")))
        o.include = OUTPUT_INCLUDE_OBJECT;
    else if (str_eq(include, STR("None")))
        o.include = OUTPUT_INCLUDE_NONE;
    return o;
}
