/*
 * Inside the HTTP client: the pool, a connection, a call, and what its files ask of each other.
 *
 *      DIAL ──> HEAD ──> BODY ──> over (on_end)          any ──> over (on_error)
 *       ^         │
 *       └─(retry)─┘   reused connection failed before a response byte
 *
 * A call always has a connection object, so that request bytes can be queued while it is dialled.  As in
 * the server, one driver (call_run) steps the call; callbacks come only from there, and a call is
 * freed only where the driver returns or, by its owner, outside of it.
 */
#ifndef HTTP_CLIENT_PRIV_H
#define HTTP_CLIENT_PRIV_H

#include "base/map.h"
#include "http/body.h"
#include "http/client.h"
#include "http/deadline.h"

#define CLIENT_CONN_MAGIC 0xc11ec011u
#define CALL_MAGIC 0xc11eca11u

struct http_client {
    struct loop *loop;
    struct dns *dns;
    struct http_client_limits limits;
    struct map *keys;  /* key -> struct client_key */
    struct list calls; /* open ones */
    struct list idle;  /* pooled connections, the latest first */
    size_t idle_count;
    struct spare spare;
    struct h1_header *scratch;
    unsigned depth; /* drivers on the stack */
    bool is_dying;  /* freed inside a callback */
};

/* What connections with one key share; lives as long as one of them or a call needs it. */
struct client_key {
    struct http_client *client;
    char *key;
    size_t key_bytes;
    unsigned refs;
    unsigned generation; /* raised by http_client_forget */
    struct list idle;
    unsigned idle_count;
    /* For a second attempt. */
    char *host, *tls_name;
    uint16_t port;
    struct tls_client *tls;
};

struct client_conn {
    uint32_t magic;
    struct http_client *client;
    struct client_key *key;
    unsigned generation;
    struct list link;     /* in key->idle */
    struct list all_link; /* in client->idle */
    struct wire wire;
    struct deadline deadline;
    struct addr peer;
    struct http_call *call; /* NULL: idle */
};

enum call_step { CALL_MORE, CALL_WAIT };

struct call_state {
    const char *name;
    enum call_step (*step)(struct http_call *call);
};

struct http_call {
    uint32_t magic;
    struct http_client *client;
    struct list link; /* in client->calls */
    const struct call_state *state;
    struct arena *arena;
    const struct http_call_ops *ops;
    void *cookie;
    struct client_key *key;
    struct client_conn *conn;
    struct dial *dial;
    dial_check_fn *check; /* for a second attempt */
    void *check_cookie;
    int64_t connect_timeout_us, tls_timeout_us;
    struct str head;   /* encoded request head; wiped at the end */
    struct str method; /* HEAD, CONNECT or anything */
    struct body_writer out;
    struct body_reader in;
    struct http_response response;
    struct loop_task task;
    size_t head_seen; /* for the parser */
    unsigned inform_count;
    unsigned budget;
    int failure;
    const char *reason; /* static text for `failure`; NULL: ask the stream */
    bool is_idempotent;
    bool is_reused;     /* on a connection that served another call */
    bool is_body_begun; /* a request body byte was given */
    bool is_answered;   /* a response byte came */
    bool is_kept_alive; /* the response allows another request */
    bool is_running;
    bool is_again;
    bool is_corked;
    bool is_paused;
    bool is_blocked;
    bool is_timed_out;
    bool is_over;
};

/* Finds or makes the entry of a key; the caller holds a reference. */
struct client_key *client_key_ref(struct http_client *c, const struct http_endpoint *e);
void client_key_unref(struct client_key *k);

/* A new connection object without a stream. */
struct client_conn *client_conn_new(struct client_key *k);

/* Takes the most recently used idle connection, or returns NULL. */
struct client_conn *client_conn_take(struct client_key *k);

/* Hands it the dialled stream. */
void client_conn_attach(struct client_conn *conn, struct stream *s, const struct addr *peer);

/* Pools it; it may be closed at once when there are enough. */
void client_conn_give(struct client_conn *conn);

/* Closes and frees.  NULL is allowed. */
void client_conn_free(struct client_conn *conn);

/* Steps a call after its connection has news. */
void call_run(struct http_call *call);

/* Counts drivers, so that a client freed inside a callback goes when the last one left. */
void client_enter(struct http_client *c);
void client_leave(struct http_client *c);

/* Tells the call that its time is up, unless it moved on; returns the limit that counts now. */
int64_t call_deadline_us(const struct http_call *call);

#endif
