/*
 * A bidirectional byte stream as a chain of filters.
 *
 * The bottom filter is a socket (net/tcp.h); others sit on top (net/tls.h).  Users hold the top and never
 * know what is below.  All calls are non-blocking and tri-state: >0 progress, 0 would block, <0
 * -(enum err_code); the orderly end of input is -ERR_EOF.  Readiness is edge-triggered: on_ready is called
 * when the stream may have become readable or writable, and the user then reads or writes until the call
 * would block (or remembers that it stopped early and goes on by itself later).
 *
 * A stream lives on one loop.  stream_close frees the whole chain and is allowed inside on_ready.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/err.h"
#include "ev/loop.h"

#define STREAM_MAGIC 0x57e34a01u

struct stream;

typedef void stream_ready_fn(void *cookie, unsigned events); /* LOOP_READABLE | LOOP_WRITABLE */

struct stream_ops {
    const char *name;
    /* Completes connecting or the handshake: 1 done, 0 in progress, <0 failed. */
    int (*handshake)(struct stream *s);
    ssize_t (*read)(struct stream *s, void *p, size_t n);
    ssize_t (*writev)(struct stream *s, const struct iovec *iov, int count);
    /* Ends the outgoing direction (FIN, close_notify): 1 done, 0 would block, <0 failed. */
    int (*shutdown)(struct stream *s);
    void (*on_below)(struct stream *s, unsigned events); /* readiness of the filter below */
    /* Fills `err` with what made the last call fail, when the filter knows more than the code. */
    void (*failure)(const struct stream *s, struct err *err);
    void (*free)(struct stream *s);    /* this filter only; the chain goes on below */
    int (*fd)(const struct stream *s); /* bottom filters only: the descriptor */
};

/* First member of every filter. */
struct stream {
    uint32_t magic;
    const struct stream_ops *ops;
    struct stream *below;
    struct loop *loop;
    stream_ready_fn *on_ready;
    void *cookie;
    /* After a read that brought bytes: it ended because there were no more, so the next one would block
     * (unless LOOP_HANGUP was reported). */
    bool is_drained;
};

/* Initialises the embedded base of a filter; `below` (may be NULL) is owned from now on. */
void stream_init(struct stream *s, const struct stream_ops *ops, struct loop *l,
                 struct stream *below);

/* Sets who is told about readiness. */
void stream_on_ready(struct stream *s, stream_ready_fn *fn, void *cookie);

/* 1 when connected and all handshakes are complete, 0 in progress, <0 failed. */
int stream_handshake(struct stream *s) MUST_USE;

/* Reads at most `n` bytes.  See the tri-state rule above. */
ssize_t stream_read(struct stream *s, void *p, size_t n) MUST_USE;

/*
 * Writes from up to IOV_MAX pieces; may write less than asked.  What was taken may still wait in a filter
 * (which goes on by itself): only stream_shutdown = 1 says that all of it reached the kernel.
 */
ssize_t stream_writev(struct stream *s, const struct iovec *iov, int count) MUST_USE;

/* Writes from one piece. */
ssize_t stream_write(struct stream *s, const void *p, size_t n) MUST_USE;

/* Ends the outgoing direction; input goes on. */
int stream_shutdown(struct stream *s) MUST_USE;

/* Why the last call failed, as a code and text for people (never bytes of the peer). */
void stream_failure(const struct stream *s, struct err *err);

/* Closes and frees the chain.  NULL is allowed. */
void stream_close(struct stream *s);

/* Passes readiness on to the user of `s` (for filters). */
void stream_notify(struct stream *s, unsigned events);

/* The bottom filter's descriptor, or -1 (for splice and socket options). */
int stream_fd(const struct stream *s);

#endif
