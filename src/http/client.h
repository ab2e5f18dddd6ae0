/*
 * The HTTP client: pooled keep-alive connections on one loop, bodies streamed both ways with back-pressure.
 *
 * Connections are shared only between calls whose endpoint `key` is equal; the caller puts into it all
 * that must not be mixed (credential, trust, name, Connector).  A call that fails on a reused connection
 * before a response byte, is idempotent and has sent no body byte is tried once more on a fresh one.
 * Responses that break the protocol, are ambiguous or exceed limits end in on_error(PROTO) and the
 * connection is closed, never pooled.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "http/message.h"
#include "net/dial.h"

struct http_client;
struct http_call;

struct http_endpoint {
    struct str key; /* pool key; compared as bytes */
    struct dial_target target;
};

struct http_client_limits {
    size_t head_bytes;           /* of a response: 256 KiB */
    size_t header_count;         /* 500 */
    int64_t response_timeout_us; /* until the final response head: 10 min; -ERR_TIMEOUT */
    int64_t stream_timeout_us;   /* without progress in a body: 10 min */
    int64_t idle_timeout_us;     /* pooled: 60 s */
    size_t write_queue_bytes;    /* request body: 256 KiB */
    unsigned max_idle_per_key;   /* 64 */
    unsigned max_idle;           /* 4096 in all; the one idle for longest goes first */
};

extern const struct http_client_limits HTTP_CLIENT_LIMITS_DEFAULT;

/* rc/err of on_error: what dial reports, or TIMEOUT, CLOSED (peer hung up), PROTO (bad response), IO. */
struct http_call_ops {
    void (*on_head)(void *cookie,
                    const struct http_response *r); /* final response; valid until the end */
    void (*on_inform)(void *cookie, const struct http_response *r); /* 1xx; may be NULL */
    void (*on_body)(void *cookie, struct str bytes);
    void (*on_end)(void *cookie); /* complete; the call is gone after this */
    void (*on_error)(void *cookie, const struct err *err); /* failed; the call is gone after this */
    void (*on_drain)(void *cookie);                        /* request body may go on; may be NULL */
};

/* A client on `l` that resolves with `dns` (borrowed until http_client_free); `limits` is copied. */
struct http_client *http_client_new(struct loop *l, struct dns *dns,
                                    const struct http_client_limits *limits);

/* Closes all pooled connections; no call may be open (inside on_end and on_error theirs no longer is).  NULL
 * is allowed. */
void http_client_free(struct http_client *c);

/* Closes idle pooled connections whose key starts with `prefix`; those in use are not pooled again. */
void http_client_forget(struct http_client *c, struct str prefix);

/* Pooled idle connections now (for metrics). */
size_t http_client_idle(const struct http_client *c);

/*
 * Starts a call.  `endpoint` and `r` are copied or encoded before return, except that body bytes follow by
 * http_call_write when r->body_length is not 0.  No callback comes from inside.  Host and Expect are made
 * from r->authority and r->expect_continue, whatever the headers hold.
 * Errors reported later: INVALID for a head that would not be one (a line break in a value, …).
 */
struct http_call *http_call_start(struct http_client *c, const struct http_endpoint *endpoint,
                                  const struct http_request *r, const struct http_call_ops *ops,
                                  void *cookie);

/* Queues request body bytes (copied when they cannot be sent at once).  Returns false when the queue is
 * over its bound: stop until on_drain. */
bool http_call_write(struct http_call *call, struct str bytes);

/* Ends the request body (nothing happens when there is none).  Fewer bytes than declared: on_error(INVALID). */
void http_call_end(struct http_call *call);

/* Stops and resumes on_body. */
void http_call_pause(struct http_call *call);
void http_call_resume(struct http_call *call);

/* Ends the call; no callback follows.  The connection is closed unless the exchange was complete. */
void http_call_cancel(struct http_call *call);

/* The address in use, or NULL before a connection exists. */
const struct addr *http_call_peer(const struct http_call *call);

/* Whether no connection was made yet; in on_error: whether it failed before there was one. */
bool http_call_is_dialling(const struct http_call *call);

#endif
