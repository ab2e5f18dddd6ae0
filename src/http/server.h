/*
 * The HTTP server: connections on one loop, one exchange at a time each, bodies pushed in chunks.
 *
 *   on_request ──> the handler keeps `x`, sets its callbacks, and later:
 *       http_exchange_respond ─> http_exchange_write* ─> http_exchange_end
 *
 * The request body arrives through on_body and ends with on_body_end; http_exchange_pause stops it (the
 * connection then reads no more: back-pressure reaches the client through TCP).  http_exchange_write
 * queues at most the limit and says when to stop; on_drain says when to go on.  A handler may answer and
 * end before the body was read: what is left is drained up to a bound, else the connection is closed.
 * An exchange is over, and `x` and its arena gone, after on_close, which comes exactly once, also after a
 * complete answer.  Malformed input never reaches a handler: the server answers it itself (400, 408, 414,
 * 431, 501, 505) through on_refuse's body and closes the connection.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "ev/loop.h"
#include "http/message.h"
#include "net/tcp.h"
#include "net/tls.h"

struct http_server;
struct http_exchange;

struct http_limits {
    size_t head_bytes;         /* 64 KiB: beyond 431 */
    size_t target_bytes;       /* 16 KiB: beyond 414 */
    size_t header_count;       /* 200: beyond 431 */
    int64_t head_timeout_us;   /* 15 s: 408 */
    int64_t idle_timeout_us;   /* 75 s: close */
    int64_t stream_timeout_us; /* 10 min without progress in a body: close */
    size_t write_queue_bytes;  /* 256 KiB: http_exchange_write then says stop */
    unsigned max_connections;  /* beyond: 503 with Retry-After and close */
    int64_t tls_timeout_us;    /* 10 s */
};

extern const struct http_limits HTTP_LIMITS_DEFAULT;

/* Set by the handler for one exchange; any may be NULL. */
struct http_exchange_ops {
    void (*on_body)(void *cookie, struct str bytes);
    void (*on_body_end)(void *cookie); /* also when there is no body; not after http_exchange_end */
    void (*on_drain)(void *cookie);
    /* rc 0: the answer was sent completely; <0: client gone or time-out before that. */
    void (*on_close)(void *cookie, int rc);
};

struct http_server_ops {
    /* A request head is complete.  Must call http_exchange_handle or answer at once. */
    void (*on_request)(void *cookie, struct http_exchange *x);
    /* Makes the answer's body (and type) for something the server refuses; NULL: plain text. */
    struct str (*on_refuse)(void *cookie, struct arena *a, int status, const char *reason,
                            struct str *ret_content_type);
    /* Adds headers to that answer; may be NULL. */
    void (*on_refuse_headers)(void *cookie, int status, struct http_headers *h);
};

/* `limits` is copied.  The server accepts nothing until http_server_listen. */
struct http_server *http_server_new(struct loop *l, const struct http_limits *limits,
                                    const struct http_server_ops *ops, void *cookie);

/* Accepts connections on a listening descriptor (taken); `tls` may be NULL, else it is referenced. */
void http_server_listen(struct http_server *s, int fd, struct tls_server *tls);

/* Serves one already connected stream (taken), e.g. inside a tunnel or from a test. */
void http_server_serve(struct http_server *s, struct stream *stream, const struct addr *peer);

/* Stops accepting; idle connections close now, others after their current answer. */
void http_server_drain(struct http_server *s);

/* Connections still open. */
size_t http_server_connections(const struct http_server *s);

/* Closes everything at once (on_close with -ERR_CANCELLED) and frees.  NULL is allowed. */
void http_server_free(struct http_server *s);

/* The request; valid until on_close. */
struct http_request *http_exchange_request(struct http_exchange *x);

/* Memory that lives as long as the exchange. */
struct arena *http_exchange_arena(struct http_exchange *x);

/* The client's address. */
const struct addr *http_exchange_peer(const struct http_exchange *x);

/* The connection's stream, for tls_peer_get; never read or written. */
const struct stream *http_exchange_stream(const struct http_exchange *x);

/* A slot per connection where the handler may keep something between requests (e.g. the last identity);
 * `fn` frees it when the connection ends. */
void http_exchange_keep(struct http_exchange *x, void *value, void (*fn)(void *value));
void *http_exchange_kept(const struct http_exchange *x);

/* Takes charge: callbacks go to `ops` (borrowed, static) with `cookie`.  Body bytes flow after this. */
void http_exchange_handle(struct http_exchange *x, const struct http_exchange_ops *ops,
                          void *cookie);

/* Stops and resumes on_body. */
void http_exchange_pause(struct http_exchange *x);
void http_exchange_resume(struct http_exchange *x);

/* Sends an interim response (100 is sent by itself on the first http_exchange_resume or body read when
 * the client expects it, unless an answer was made before). */
void http_exchange_inform(struct http_exchange *x, int status, const struct http_headers *headers);

/* Starts the answer.  Framing headers are added from `body_length`; nothing is written to the socket
 * before the first write, end, or the end of the iteration, so that head and body share a system call. */
void http_exchange_respond(struct http_exchange *x, const struct http_response *r);

/* Queues body bytes (copied when they cannot be sent at once; small pieces are collected until the end of the
 * iteration).  Returns false when the queue is over its bound: stop until on_drain (what was given is queued
 * all the same), or when the client is gone: on_close follows. */
bool http_exchange_write(struct http_exchange *x, struct str bytes);

/* Ends the answer.  Fewer bytes than a declared length closes the connection. */
void http_exchange_end(struct http_exchange *x);

/* respond + write + end. */
void http_exchange_send(struct http_exchange *x, int status, struct str content_type,
                        struct str body);

/* Ends the exchange by closing the connection, so that the client sees a truncated answer; on_close comes
 * later from the loop. */
void http_exchange_abort(struct http_exchange *x);

/* The connection is closed after this answer. */
void http_exchange_close_after(struct http_exchange *x);

#endif
