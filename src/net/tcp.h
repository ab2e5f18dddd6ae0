/*
 * TCP sockets: the bottom filter of a stream, and listeners.
 *
 * TCP_NODELAY and SO_KEEPALIVE are always on.  Unix sockets are not served here.
 */
#ifndef NET_TCP_H
#define NET_TCP_H

#include "net/addr.h"
#include "net/stream.h"

/* Starts connecting; stream_handshake tells when it is complete.  Errors: IO, REFUSED. */
int tcp_connect(struct loop *l, const struct addr *to, struct stream **ret_stream,
                struct err *err) MUST_USE;

/* Wraps a connected, non-blocking descriptor.  Takes `fd`. */
int tcp_from_fd(struct loop *l, int fd, struct stream **ret_stream, struct err *err) MUST_USE;

struct tcp_listener;

/* Takes the stream. */
typedef void tcp_accept_fn(void *cookie, struct stream *s, const struct addr *peer);

/*
 * Opens a listening socket, not yet accepting.  With `reuse_port` several loops may listen on one address
 * and the kernel spreads connections over them.  Errors: BUSY (the message names the owner when it can be
 * found), IO, FORBIDDEN.
 */
int tcp_listen(const struct addr *at, bool reuse_port, int *ret_fd, struct err *err) MUST_USE;

/* Accepts on `fd` (taken) until tcp_listener_free; accept errors are retried after 100 ms. */
struct tcp_listener *tcp_listener_new(struct loop *l, int fd, tcp_accept_fn *on_accept,
                                      void *cookie);

/* Stops accepting and closes.  NULL is allowed. */
void tcp_listener_free(struct tcp_listener *tl);

/* The bound address of a listening descriptor (with the port the kernel chose). */
int tcp_local_addr(int fd, struct addr *ret_addr) MUST_USE;

#endif
