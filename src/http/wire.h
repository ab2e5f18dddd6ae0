/*
 * One end of a connection as HTTP/1.1 needs it: input that waits to be parsed, output that waits to be
 * sent, and what is known about readiness.
 *
 * Input lies in one block that exists only while there is input.  Output is, in this order, a queue of
 * blocks (only what the socket did not take at once), a held head (borrowed from the exchange's arena, so
 * that it shares a system call with the first body bytes), and what the caller sends.  Readiness is
 * remembered: what a read has drained or a write has filled is not tried again before the loop reports a
 * change.  Nothing here calls back.
 */
#ifndef HTTP_WIRE_H
#define HTTP_WIRE_H

#include "http/spare.h"
#include "net/stream.h"

struct wire {
    struct spare *spare;
    struct stream *stream; /* NULL: not connected yet, output is queued */
    struct spare_block *in;
    struct spare_block *out_first, *out_last;
    size_t out_bytes;    /* queued, without the held head */
    struct str held;     /* head to be sent behind the queue */
    int64_t progress_us; /* when bytes last moved */
    int64_t sent_us;     /* when bytes last went out */
    int read_rc;         /* sticky: 0, -ERR_EOF, or a failure */
    int write_rc;        /* sticky: 0 or a failure; output is then dropped */
    bool is_socket;      /* the stream is a bare socket */
    bool is_readable;    /* a read may bring something */
    bool is_writable;    /* a write may take something */
    bool has_hangup;     /* the peer ended its direction: read to the end */
    bool is_secret;      /* output is wiped when its memory is given back */
};

/* Starts a wire without a stream. */
void wire_init(struct wire *w, struct spare *spare);

/* Takes the stream; its readiness goes to fn(cookie), which calls wire_ready. */
void wire_attach(struct wire *w, struct stream *s, stream_ready_fn *fn, void *cookie);

/* Closes the stream and gives all memory back. */
void wire_fini(struct wire *w);

/* Remembers readiness that the stream reported. */
void wire_ready(struct wire *w, unsigned events);

/* Input not consumed yet; valid until wire_consume or wire_fill. */
static inline struct str wire_in(const struct wire *w)
{
    return w->in ? str_n(w->in->p + w->in->off, w->in->len) : STR_NONE;
}

/*
 * Reads once, behind the input that is there, which may grow to `max_bytes`.
 * Returns 1 when bytes came, 0 when it would block, -ERR_TOOBIG when there is no room, or w->read_rc.
 */
int wire_fill(struct wire *w, size_t max_bytes) MUST_USE;

/* Drops `n` bytes of input. */
void wire_consume(struct wire *w, size_t n);

/* Moves a little waiting input into a small block, for connections that may wait for long. */
void wire_shrink(struct wire *w);

/* Has `head` sent before anything later; borrowed until wire_has_output is false. */
void wire_hold(struct wire *w, struct str head);

/* Copies bytes to the end of the output without sending. */
void wire_queue(struct wire *w, struct str bytes);

/* Sends `count` (at most WIRE_PIECES) pieces behind everything that waits; what is not taken is copied. */
void wire_send(struct wire *w, const struct str *pieces, int count);

/* Sends what waits. */
void wire_flush(struct wire *w);

#define WIRE_PIECES 3

/* Whether output waits here (not what a filter still holds). */
static inline bool wire_has_output(const struct wire *w)
{
    return w->out_bytes > 0 || w->held.n > 0;
}

#endif
