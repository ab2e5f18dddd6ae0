/*
 * Heads of HTTP/1.1 messages as bytes.
 *
 * Framing headers in the message's array are left out; they are added from what the connection decided.
 * A head that could be read differently from what was meant (a line break inside a value) is refused as a
 * whole: one pass over the finished bytes counts control bytes.
 */
#ifndef HTTP_ENCODE_H
#define HTTP_ENCODE_H

#include "http/body.h"
#include "http/message.h"

/* What the connection adds to a response. */
struct encode_reply {
    enum body_framing framing;
    int64_t length;  /* Content-Length, or -1 for none */
    bool is_closing; /* Connection: close */
    bool is_kept;    /* Connection: keep-alive (to HTTP/1.0 clients) */
    struct str date; /* added when the response has none; may be empty */
};

/* Encodes into `a`.  Errors: INVALID for a head that would not be one. */
int encode_response(struct arena *a, const struct http_response *r,
                    const struct encode_reply *reply, struct str *ret_head) MUST_USE;

/* As encode_response, for a request; the body's framing comes from r->body_length. */
int encode_request(struct arena *a, const struct http_request *r, struct str *ret_head) MUST_USE;

/* How a request's body is framed. */
enum body_framing encode_request_framing(const struct http_request *r);

#endif
