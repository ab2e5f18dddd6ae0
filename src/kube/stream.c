/*
 * Answers of one JSON value per line that last: watches and followed logs.
 *
 * Lines are taken straight from the bytes that arrived; only a line that is spread over several reads is
 * gathered, up to a bound.  What is not JSON, too long, or cut in the middle ends the stream.
 */
#include "base/time.h"
#include "kube/kube_priv.h"

enum { STREAM_KEEP_BYTES = 256 * 1024 }; /* memory that is kept for the next spread line */

static void stream_open(struct kube_call *call)
{
    bool gone = false;

    loop_timer_cancel(call->client->loop, &call->deadline);
    if (!call->stream.on_open)
        return;
    call->gone = &gone;
    call->stream.on_open(call->cookie);
    if (!gone)
        call->gone = NULL;
}

/* Whether the call is still there afterwards. */
static bool emit(struct kube_call *call, struct str line)
{
    json_t *value JSON_OWNED = NULL;
    bool gone = false;
    struct err err;

    if (!str_trim_space(line).n)
        return true;
    if (json_parse(line, &value, &err) < 0) {
        err.code = ERR_PROTO;
        err_wrap(&err, -ERR_PROTO, "%s: a line is not JSON", call->what);
        kube_call_fail(call, &err);
        return false;
    }
    call->gone = &gone;
    call->stream.on_line(call->cookie, value);
    if (gone)
        return false;
    call->gone = NULL;
    return true;
}

static void too_long(struct kube_call *call)
{
    struct err err;

    err_set(&err, ERR_TOOBIG, "%s: a line is longer than %d MiB", call->what,
            KUBE_LINE_MAX_BYTES / (1024 * 1024));
    kube_call_fail(call, &err);
}

static void forget_line(struct kube_call *call)
{
    if (call->body.cap > STREAM_KEEP_BYTES)
        buf_fini(&call->body);
    else
        buf_reset(&call->body);
}

static void stream_body(struct kube_call *call, struct str bytes)
{
    while (bytes.n) {
        ptrdiff_t at = str_index(bytes, '\n');
        struct str line = at < 0 ? bytes : str_head(bytes, (size_t)at);

        if (at < 0 || call->body.len) {
            buf_add_str(&call->body, line);
            line = buf_str(&call->body);
        }
        if (buf_error(&call->body) < 0 || line.n > KUBE_LINE_MAX_BYTES) {
            too_long(call);
            return;
        }
        if (at < 0)
            return;
        if (!emit(call, line))
            return;
        forget_line(call);
        bytes = str_skip(bytes, (size_t)at + 1);
    }
}

static void stream_end(struct kube_call *call)
{
    struct err err;

    if (!call->body.len) {
        kube_call_finish(call, 0, NULL, NULL);
        return;
    }
    err_set(&err, ERR_CLOSED, "%s: the stream ended inside a line", call->what);
    kube_call_fail(call, &err);
}

static void stream_done(struct kube_call *call, int rc, json_t *answer, const struct err *err)
{
    call->stream.on_close(call->cookie, rc, err);
}

static const struct kube_call_kind STREAM = {
    .on_open = stream_open,
    .on_body = stream_body,
    .on_end = stream_end,
    .on_done = stream_done,
};

struct kube_call *kube_stream_start(struct kube_client *c, struct str path,
                                    const struct kube_stream_ops *ops, void *cookie)
{
    struct kube_call *call = NEW(struct kube_call);
    struct kube_request r = {.method = "GET", .path = path, .accept = ops->accept};

    call->kind = &STREAM;
    call->stream = *ops;
    call->cookie = cookie;
    buf_init(&call->body, KUBE_LINE_MAX_BYTES);
    kube_call_open(c, call, &r);
    return call;
}
