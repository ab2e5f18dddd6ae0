/*
 * Upstream: the exchange with the tool, streamed both ways; a side that cannot take more stops the other.
 */
#include "proxy/request.h"

/* What a failed call means for the client. */
static enum phase_result refuse_failure(struct request *r, const struct err *err, bool is_dialling)
{
    enum refusal why;
    const char *hint;

    switch (err->code) {
    case ERR_DENIED_DEST:
        return request_refuse(r, REFUSAL_DESTINATION_REFUSED,
                              "the address of Connector '%" STR_FMT "' is refused: %s",
                              STR_ARG(r->key), err->msg);
    case ERR_TIMEOUT:
        why = is_dialling ? REFUSAL_CONNECT_TIMEOUT : REFUSAL_TOOL_TIMEOUT;
        hint = is_dialling ? "check its address and network" : "it may be overloaded";
        break;
    case ERR_TLS:
        why = REFUSAL_TOOL_TLS_FAILED;
        hint = "check its certificate and spec.caCertSecretRef";
        break;
    case ERR_NOTFOUND:
    case ERR_REFUSED:
    case ERR_IO:
        why = REFUSAL_TOOL_UNREACHABLE;
        hint = "check spec.address and whether it is running";
        break;
    default:
        why = is_dialling ? REFUSAL_TOOL_UNREACHABLE : REFUSAL_TOOL_BAD_RESPONSE;
        hint = "check whether it speaks HTTP at spec.address";
        break;
    }
    return request_refuse(r, why, "the tool of Connector '%" STR_FMT "' (%" STR_FMT "): %s; %s",
                          STR_ARG(r->key), STR_ARG(r->binding->authority), err->msg, hint);
}

static void on_head(void *cookie, const struct http_response *answer)
{
    struct request *r = CAST(struct request, cookie, REQUEST_MAGIC);

    r->head_us = loop_now_us(r->worker->loop);
    r->tool = answer;
    request_resume(r, PHASE_NEXT);
}

static void on_inform(void *cookie, const struct http_response *interim)
{
    response_inform(CAST(struct request, cookie, REQUEST_MAGIC), interim);
}

static void on_body(void *cookie, struct str bytes)
{
    struct request *r = CAST(struct request, cookie, REQUEST_MAGIC);

    if (r->refusal)
        return;
    r->bytes_out += bytes.n;
    if (!http_exchange_write(r->x, bytes))
        http_call_pause(r->call);
}

static void on_end(void *cookie)
{
    struct request *r = CAST(struct request, cookie, REQUEST_MAGIC);

    r->call = NULL;
    if (!r->refusal)
        http_exchange_end(r->x);
}

static void on_error(void *cookie, const struct err *err)
{
    struct request *r = CAST(struct request, cookie, REQUEST_MAGIC);
    bool is_dialling = http_call_is_dialling(r->call);

    r->call = NULL;
    if (!r->refusal)
        request_resume(r, refuse_failure(r, err, is_dialling));
}

static void on_drain(void *cookie)
{
    struct request *r = CAST(struct request, cookie, REQUEST_MAGIC);

    http_exchange_resume(r->x);
}

static const struct http_call_ops CALL_OPS = {
    .on_head = on_head,
    .on_inform = on_inform,
    .on_body = on_body,
    .on_end = on_end,
    .on_error = on_error,
    .on_drain = on_drain,
};

enum phase_result upstream_run(struct request *r)
{
    const struct settings *settings = r->worker->site->settings;
    const struct binding *b = r->binding;
    struct http_endpoint endpoint = {
        .key = b->pool_key,
        .target =
            {
                .host = b->address->host,
                .port = b->address->port,
                .tls = b->tls,
                .tls_name = b->tls_name,
                .check = destination_policy_check,
                .check_cookie = r->worker->site->policy,
                .connect_timeout_us = settings->connect_timeout_us,
                .tls_timeout_us = settings->tls_timeout_us,
            },
    };

    r->sent_us = loop_now_us(r->worker->loop);
    r->call = http_call_start(r->worker->client, &endpoint, &r->out, &CALL_OPS, r);
    if (r->in->body_length != 0)
        http_exchange_resume(r->x);
    return PHASE_WAIT;
}

void upstream_body(struct request *r, struct str bytes)
{
    r->bytes_in += bytes.n;
    if (r->call && !http_call_write(r->call, bytes))
        http_exchange_pause(r->x);
}

void upstream_body_end(struct request *r)
{
    if (r->call && r->in->body_length != 0)
        http_call_end(r->call);
}

void upstream_drain(struct request *r)
{
    if (r->call)
        http_call_resume(r->call);
}
