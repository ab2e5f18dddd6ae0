/*
 * Response: the tool's answer as the client gets it.
 */
#include "proxy/request.h"

#include "proxy/location.h"
#include "proxy/strip.h"

/* Copies what may pass.  Returns false when a header holds the credential. */
static bool copy_headers(struct request *r, const struct http_headers *from,
                         struct http_headers *to)
{
    size_t kept = 0;

    to->arena = r->arena;
    http_headers_copy_end_to_end(to, from);
    if (!r->credential)
        return true;
    for (size_t i = 0; i < to->n; i++) {
        if (credential_is_in(r->credential, to->p[i].value) ||
            credential_is_in(r->credential, to->p[i].name))
            return false;
        if (!strip_is_response_header(to->p[i].name))
            to->p[kept++] = to->p[i];
    }
    to->n = kept;
    return true;
}

/* How the client wrote our address; empty when it did not (HTTP/1.0): then paths are relative to it. */
static struct str own_origin(const struct request *r)
{
    if (str_is_empty(r->in->authority))
        return STR("");
    return arena_fmt(r->arena, "http://%" STR_FMT, STR_ARG(r->in->authority));
}

/* Says a Location under the tool's address in terms of the proxy. */
static void rewrite_location(struct request *r, struct http_headers *h)
{
    const struct site *site = r->worker->site;
    bool by_path = r->base_path.n > 0;
    struct location_base base = {.path = r->base_path};

    for (size_t i = 0; i < h->n; i++) {
        struct str value;

        if (h->p[i].name.n != 8 || !str_eq_nocase(h->p[i].name, STR("Location")))
            continue;
        base.origin = by_path && site->proxy_base.n ? site->proxy_base : own_origin(r);
        value = location_rewrite(r->arena, r->binding->address, &base, h->p[i].value);
        if (value.p)
            h->p[i].value = value;
    }
}

enum phase_result response_run(struct request *r)
{
    struct http_response answer = {
        .status = r->tool->status,
        .body_length = r->tool->body_length,
    };

    if (!copy_headers(r, &r->tool->headers, &answer.headers)) {
        http_call_cancel(TAKE(r->call));
        return request_refuse(r, REFUSAL_CREDENTIAL_ECHOED,
                              "the tool of Connector '%" STR_FMT
                              "' sent its credential back in a header; the answer was dropped",
                              STR_ARG(r->key));
    }
    if (r->mode == MODE_REVERSE)
        rewrite_location(r, &answer.headers);
    http_headers_add(&answer.headers, STR("Via"), r->worker->site->via);
    r->status = answer.status;
    r->is_answered = true;
    http_exchange_respond(r->x, &answer);
    return PHASE_WAIT;
}

void response_inform(struct request *r, const struct http_response *interim)
{
    struct http_headers headers = {0};

    if (interim->status == 100 || interim->status == 101 || r->is_answered || r->refusal)
        return;
    if (copy_headers(r, &interim->headers, &headers))
        http_exchange_inform(r->x, interim->status, &headers);
}
