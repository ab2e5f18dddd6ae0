/*
 * Inside the HTTP server: a connection, its exchange, and what its files ask of each other.
 *
 *      HANDSHAKE ──> HEAD ──> EXCHANGE ──> HEAD … (keep-alive)
 *                     │          ├──> DRAIN ──> HEAD   (answered early, rest of the body is small)
 *                     │          └──> LINGER ──> DEAD  (last answer, or what is left is too much)
 *                     └─(refused)───> LINGER
 *
 * One driver (server_conn_run) steps the state machine.  Calls that come from inside a callback only change
 * fields and mark the driver to look again; calls from outside defer a run to the end of the iteration.
 * So a callback never runs inside an API call, and a connection dies only where the driver returns.
 */
#ifndef HTTP_SERVER_PRIV_H
#define HTTP_SERVER_PRIV_H

#include "http/body.h"
#include "http/deadline.h"
#include "http/server.h"

#define SERVER_CONN_MAGIC 0x5e17c011u
#define EXCHANGE_MAGIC 0x5e17e8c4u
#define SERVER_DATE_BYTES 32

struct http_server {
    struct loop *loop;
    struct http_limits limits;
    const struct http_server_ops *ops;
    void *cookie;
    struct list listeners;
    struct list conns;
    size_t conn_count;
    size_t refused_count; /* connections beyond max_connections, waiting for their 503 */
    struct spare spare;
    struct h1_header *scratch; /* headers of the head that is being parsed */
    char date[SERVER_DATE_BYTES];
    int64_t date_s; /* what `date` says */
    unsigned depth; /* drivers on the stack */
    bool is_draining;
};

enum conn_step { CONN_MORE, CONN_WAIT };

struct server_conn;

struct conn_state {
    const char *name;
    enum conn_step (*step)(struct server_conn *c);
    int64_t (*deadline_us)(const struct server_conn *c);
};

struct server_conn {
    uint32_t magic;
    struct http_server *server;
    struct list link;
    const struct conn_state *state;
    struct wire wire;
    struct body_reader body; /* of the current request */
    struct deadline deadline;
    struct loop_task task;
    struct http_exchange *x; /* in EXCHANGE */
    struct addr peer;
    void *kept;
    void (*kept_free)(void *value);
    size_t head_seen;     /* for the parser */
    int64_t since_us;     /* when the state's time began */
    size_t discard_bytes; /* how much input may still be thrown away */
    unsigned budget;      /* reads and requests left in this run */
    int failure;          /* what ended the exchange */
    const char *reason;   /* static text for a refusal */
    bool is_running;
    bool is_again;     /* look once more before the driver leaves */
    bool is_corked;    /* output waits for the end of the iteration */
    bool is_closing;   /* no request after this answer */
    bool is_lingering; /* input must be thrown away before closing */
    bool is_shut;      /* our direction is ended */
    bool is_reset;     /* close so that the client sees a truncation */
    bool is_timed_out;
    bool is_used;    /* had a request */
    bool is_refused; /* beyond max_connections */
};

struct http_exchange {
    uint32_t magic;
    struct server_conn *conn;
    struct arena *arena;
    struct http_request request;
    const struct http_exchange_ops *ops;
    void *cookie;
    struct body_writer body;
    bool is_head;    /* request method HEAD */
    bool is_minor_0; /* HTTP/1.0 */
    bool is_handled;
    bool is_paused;
    bool is_body_ended;   /* on_body_end was due */
    bool is_continue_due; /* the client waits for 100 */
    bool is_responded;
    bool is_ended;
    bool is_blocked; /* a write was answered with false */
    bool is_over;    /* calls do nothing any more */
};

/* Adds a connection on `s` (taken) and starts it. */
void server_conn_start(struct http_server *server, struct stream *s, const struct addr *peer,
                       bool is_refused);

/* Has the driver look at the connection: now when it runs, else at the end of the iteration. */
void server_conn_kick(struct server_conn *c);

/* Ends the exchange with -ERR_CANCELLED and frees.  Not from inside the driver. */
void server_conn_cancel(struct server_conn *c);

/* The Date of this second. */
struct str server_date(struct http_server *s);

#endif
