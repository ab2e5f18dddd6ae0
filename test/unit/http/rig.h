/*
 * What the HTTP tests share: a loop whose clock can be moved, a server with a scripted handler, and raw
 * loopback sockets on the other side.
 *
 * Everything runs on one thread: the tests step the loop until a condition holds, with a deadline.
 */
#ifndef TEST_HTTP_RIG_H
#define TEST_HTTP_RIG_H

#include "base/buf.h"
#include "http/client.h"
#include "http/server.h"
#include "unit.h"

/* What the handler does and what it saw. */
struct rig {
    struct loop *loop;
    struct loop_clock clock;
    int64_t skew_us; /* added to the real clock */
    struct dns *dns;
    struct http_server *server;
    struct http_limits limits;
    struct addr server_addr;
    struct arena *arena;

    /* script: called in on_request and the callbacks; any may be NULL */
    void (*on_request)(struct rig *r, struct http_exchange *x);
    void (*on_body)(struct rig *r, struct http_exchange *x, struct str bytes);
    void (*on_body_end)(struct rig *r, struct http_exchange *x);
    void (*on_drain)(struct rig *r, struct http_exchange *x);
    void (*on_close)(struct rig *r, struct http_exchange *x, int rc);
    bool is_unhandled; /* do not call http_exchange_handle */

    struct http_exchange *x; /* the current one */
    unsigned requests, body_ends, drains, closes, refusals;
    int close_rc, refuse_status;
    struct buf body;
    struct buf log; /* one letter per event, for order */
    void *cookie;
};

void rig_init(struct rig *r);

/* Frees server, resolver and loop after all connections ended by themselves. */
void rig_fini(struct rig *r);

/* Restarts the server with r->limits. */
void rig_restart(struct rig *r);

/* Steps the loop until *counter is `n` or two seconds passed; returns whether it is. */
bool rig_until(struct rig *r, const unsigned *counter, unsigned n);

/* Steps the loop `n` times without waiting. */
void rig_steps(struct rig *r, unsigned n);

/* Moves the clock and lets timers fire. */
void rig_advance(struct rig *r, int64_t us);

/* A non-blocking socket connected to the server (or to `port`). */
int rig_connect(struct rig *r);

/* Sends all, stepping the loop while the socket is full.  Returns whether all went out. */
bool rig_send(struct rig *r, int fd, struct str s);

/* Reads (stepping) until `out` holds `n` bytes or the peer closed; returns whether `n` were reached. */
bool rig_read(struct rig *r, int fd, struct buf *out, size_t n);

/* Reads until the peer closes; returns whether it did. */
bool rig_read_close(struct rig *r, int fd, struct buf *out);

/* Reads until `out` ends with `tail`. */
bool rig_read_tail(struct rig *r, int fd, struct buf *out, struct str tail);

/* One request on a fresh connection that the server closes: the whole answer as text. */
struct str rig_ask(struct rig *r, struct str request);

/* A listening loopback socket on a free port. */
int rig_listen(struct addr *ret_addr);

/* Accepts (stepping); -1 after two seconds. */
int rig_accept(struct rig *r, int listen_fd);

bool rig_has(struct str s, const char *part);
struct str rig_repeat(struct rig *r, char c, size_t n);

#endif
