/*
 * TCP as the bottom filter, and listeners.
 *
 * A stream is one allocation around one descriptor; its peer is kept in 28 bytes for messages only.
 * Socket options are set on the listening socket, whose children inherit them (Linux), so accepting costs
 * one system call per connection.  With SO_REUSEPORT the kernel would let a second process share our port
 * in silence: tcp_listen looks for such a stranger first.
 */
#include "net/tcp.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "net/tcp_owner.h"

#define TCP_ACCEPT_BATCH 64
#define TCP_ACCEPT_RETRY_US 100000
#define TCP_KEEPALIVE_IDLE_S 60
#define TCP_KEEPALIVE_INTERVAL_S 15
#define TCP_KEEPALIVE_PROBES 4

union tcp_peer {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

struct tcp {
    struct stream stream;
    struct loop_io io;
    union tcp_peer peer; /* sa_family 0: unknown */
    bool is_connecting;
    int failed_errno;
    const char *failed_verb;
};

struct tcp_listener {
    struct loop *loop;
    struct loop_io io;
    struct loop_timer retry;
    struct loop_task more;
    int fd;
    tcp_accept_fn *on_accept;
    void *cookie;
    bool is_accepting; /* on_accept may free the listener */
    bool is_freed;
};

/* --- failures */

static enum err_code tcp_code(int errnum)
{
    switch (errnum) {
    case ECONNREFUSED:
        return ERR_REFUSED;
    case ETIMEDOUT:
        return ERR_TIMEOUT;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case ENOTCONN:
        return ERR_CLOSED;
    default:
        return ERR_IO;
    }
}

/* As err_errno, with the system's text in lower case and codes as streams use them. */
static int tcp_error(struct err *err, int errnum, const char *verb, const char *peer)
{
    char text[128];
    const char *t = strerror_r(errnum, text, sizeof(text));

    return err_set(err, tcp_code(errnum), "%s%s%s: %c%s", verb, *peer ? " " : "", peer,
                   str_lower_char(t[0]), t + 1);
}

static int tcp_fail(struct tcp *t, const char *verb, int errnum)
{
    t->failed_verb = verb;
    t->failed_errno = errnum;
    return -(int)tcp_code(errnum);
}

static void tcp_peer_format(const struct tcp *t, char dst[ADDR_TEXT_BYTES])
{
    struct addr a = {0};

    dst[0] = '\0';
    if (t->peer.sa.sa_family == 0)
        return;
    memcpy(&a.ss, &t->peer, sizeof(t->peer));
    addr_format(&a, dst);
}

static void tcp_failure(const struct stream *s, struct err *err)
{
    const struct tcp *t = CONTAINER_OF(s, struct tcp, stream);
    char peer[ADDR_TEXT_BYTES];

    tcp_peer_format(t, peer);
    if (t->failed_errno)
        (void)tcp_error(err, t->failed_errno, t->failed_verb, peer);
    else
        (void)err_set(err, ERR_CLOSED, "connection%s%s: closed by the peer", *peer ? " with " : "",
                      peer);
}

/* --- the filter */

static int tcp_handshake(struct stream *s)
{
    struct tcp *t = CONTAINER_OF(s, struct tcp, stream);
    struct pollfd p = {.fd = t->io.fd, .events = POLLOUT};
    socklen_t len = sizeof(int);
    int errnum = 0;

    if (!t->is_connecting)
        return 1;
    if (poll(&p, 1, 0) <= 0)
        return 0;
    if (getsockopt(t->io.fd, SOL_SOCKET, SO_ERROR, &errnum, &len) < 0)
        errnum = errno;
    if (errnum)
        return tcp_fail(t, "connect to", errnum);
    t->is_connecting = false;
    return 1;
}

static ssize_t tcp_read(struct stream *s, void *p, size_t n)
{
    struct tcp *t = CONTAINER_OF(s, struct tcp, stream);
    ssize_t got;

    do
        got = recv(t->io.fd, p, n, 0);
    while (got < 0 && errno == EINTR);
    s->is_drained = got < (ssize_t)n;
    if (got > 0)
        return got;
    if (got == 0)
        return n == 0 ? 0 : -ERR_EOF;
    if (errno == EAGAIN || (errno == ENOTCONN && t->is_connecting))
        return 0;
    return tcp_fail(t, "read from", errno);
}

static ssize_t tcp_writev(struct stream *s, const struct iovec *iov, int count)
{
    struct tcp *t = CONTAINER_OF(s, struct tcp, stream);
    struct msghdr msg = {.msg_iov = (struct iovec *)(uintptr_t)iov,
                         .msg_iovlen = (size_t)MIN(count, IOV_MAX)};
    ssize_t sent;
    int rc;

    if (t->is_connecting) { /* a send would report, and so lose, the error of the connect */
        rc = tcp_handshake(s);
        if (rc <= 0)
            return rc;
    }
    do
        sent = sendmsg(t->io.fd, &msg, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return sent;
    if (errno == EAGAIN)
        return 0;
    return tcp_fail(t, "write to", errno);
}

static int tcp_shutdown(struct stream *s)
{
    struct tcp *t = CONTAINER_OF(s, struct tcp, stream);

    if (shutdown(t->io.fd, SHUT_WR) < 0)
        return tcp_fail(t, "shut down connection to", errno);
    return 1;
}

static void tcp_free(struct stream *s)
{
    struct tcp *t = CONTAINER_OF(s, struct tcp, stream);

    loop_io_remove(s->loop, &t->io);
    close(t->io.fd);
    free(t);
}

static int tcp_fd(const struct stream *s)
{
    return CONTAINER_OF(s, struct tcp, stream)->io.fd;
}

static const struct stream_ops TCP_OPS = {
    .name = "tcp",
    .handshake = tcp_handshake,
    .read = tcp_read,
    .writev = tcp_writev,
    .shutdown = tcp_shutdown,
    .failure = tcp_failure,
    .free = tcp_free,
    .fd = tcp_fd,
};

static void tcp_on_io(void *cookie, unsigned events)
{
    struct tcp *t = cookie;

    stream_notify(&t->stream, events);
}

/* Wraps `fd` (taken), whose options are set. */
static int tcp_wrap(struct loop *l, int fd, const struct addr *peer, struct tcp **ret_tcp,
                    struct err *err)
{
    struct tcp *t = NEW(struct tcp);
    int rc;

    stream_init(&t->stream, &TCP_OPS, l, NULL);
    if (peer)
        memcpy(&t->peer, &peer->ss, sizeof(t->peer));
    t->io.fd = fd;
    rc = loop_io_add(l, &t->io, fd, tcp_on_io, t);
    if (rc < 0) {
        close(fd);
        free(t);
        return err_set(err, ERR_IO, "watch socket: %s", err_text(rc));
    }
    *ret_tcp = t;
    return 0;
}

static int tcp_set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value));
}

static int tcp_set_options(int fd)
{
    if (tcp_set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1) < 0 ||
        tcp_set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1) < 0 ||
        tcp_set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, TCP_KEEPALIVE_IDLE_S) < 0 ||
        tcp_set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, TCP_KEEPALIVE_INTERVAL_S) < 0)
        return -1;
    return tcp_set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, TCP_KEEPALIVE_PROBES);
}

int tcp_connect(struct loop *l, const struct addr *to, struct stream **ret_stream, struct err *err)
{
    int fd CLEANUP(fd_closep) = -1;
    char peer[ADDR_TEXT_BYTES];
    bool is_connecting = false;
    struct tcp *t;
    int rc;

    addr_format(to, peer);
    fd = socket(to->ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || tcp_set_options(fd) < 0)
        return tcp_error(err, errno, "connect to", peer);
    if (connect(fd, (const struct sockaddr *)&to->ss, to->len) < 0) {
        if (errno != EINPROGRESS && errno != EINTR)
            return tcp_error(err, errno, "connect to", peer);
        is_connecting = true;
    }
    rc = tcp_wrap(l, TAKE_FD(fd), to, &t, err);
    if (rc < 0)
        return rc;
    t->is_connecting = is_connecting;
    *ret_stream = &t->stream;
    return 0;
}

int tcp_from_fd(struct loop *l, int fd, struct stream **ret_stream, struct err *err)
{
    struct addr peer;
    struct tcp *t;
    int rc;

    peer.len = sizeof(peer.ss);
    if (getpeername(fd, (struct sockaddr *)&peer.ss, &peer.len) < 0 || tcp_set_options(fd) < 0) {
        rc = tcp_error(err, errno, "wrap socket", "");
        close(fd);
        return rc;
    }
    rc = tcp_wrap(l, fd, &peer, &t, err);
    if (rc < 0)
        return rc;
    *ret_stream = &t->stream;
    return 0;
}

/* --- listening */

static int tcp_listen_busy(const struct addr *at, struct err *err)
{
    char text[ADDR_TEXT_BYTES];
    struct tcp_owner o;

    addr_format(at, text);
    tcp_owner_find(at, &o);
    if (!o.is_foreign)
        return err_set(err, ERR_BUSY, "listen on %s: address is in use by this process", text);
    if (o.pid == 0)
        return err_set(err, ERR_BUSY, "listen on %s: address is in use by another process", text);
    return err_set(err, ERR_BUSY, "listen on %s: address is in use by %s (pid %d)", text,
                   *o.program ? o.program : "a process", o.pid);
}

static int tcp_listen_error(const struct addr *at, int errnum, struct err *err)
{
    char text[ADDR_TEXT_BYTES];

    if (errnum == EADDRINUSE)
        return tcp_listen_busy(at, err);
    addr_format(at, text);
    if (errnum == EACCES || errnum == EPERM)
        return err_set(err, ERR_FORBIDDEN, "listen on %s: permission denied", text);
    return tcp_error(err, errnum, "listen on", text);
}

/* Returns a listening descriptor, or -1 and errno. */
static int tcp_listen_open(const struct addr *at, bool reuse_port)
{
    int fd CLEANUP(fd_closep) = -1;

    fd = socket(at->ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || tcp_set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) < 0 || tcp_set_options(fd) < 0)
        return -1;
    if (reuse_port && tcp_set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1) < 0)
        return -1;
    if (at->ss.ss_family == AF_INET6 && tcp_set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) < 0)
        return -1;
    if (bind(fd, (const struct sockaddr *)&at->ss, at->len) < 0 || listen(fd, SOMAXCONN) < 0)
        return -1;
    return TAKE_FD(fd);
}

static bool tcp_is_v6_any(const struct addr *at)
{
    return at->ss.ss_family == AF_INET6 &&
           IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)&at->ss)->sin6_addr);
}

int tcp_listen(const struct addr *at, bool reuse_port, int *ret_fd, struct err *err)
{
    struct addr v4_any;
    struct tcp_owner o;
    int fd;

    if (reuse_port && addr_port(at) != 0) {
        tcp_owner_find(at, &o);
        if (o.is_foreign)
            return tcp_listen_busy(at, err);
    }
    fd = tcp_listen_open(at, reuse_port);
    /* A machine without IPv6 serves "any address" on IPv4. */
    if (fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL) && tcp_is_v6_any(at) &&
        addr_parse_ip(STR("0.0.0.0"), addr_port(at), &v4_any) == 0)
        fd = tcp_listen_open(&v4_any, reuse_port);
    if (fd < 0)
        return tcp_listen_error(at, errno, err);
    *ret_fd = fd;
    return 0;
}

int tcp_local_addr(int fd, struct addr *ret_addr)
{
    struct addr a;

    a.len = sizeof(a.ss);
    if (getsockname(fd, (struct sockaddr *)&a.ss, &a.len) < 0)
        return -ERR_IO;
    *ret_addr = a;
    return 0;
}

/* --- accepting */

static void tcp_accept_some(void *cookie);

/* Hands one connection on: 1 done, 0 none waits, <0 try again later. */
static int tcp_accept_one(struct tcp_listener *tl)
{
    struct addr peer, canonical;
    struct tcp *t;
    int fd;

    peer.len = sizeof(peer.ss);
    fd = accept4(tl->fd, (struct sockaddr *)&peer.ss, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EAGAIN)
            return 0;
        /* The one connection failed; anything else would fail again at once. */
        return errno == ECONNABORTED || errno == EINTR || errno == EPROTO ? 1 : -ERR_UNAVAILABLE;
    }
    canonical = addr_canonical(&peer);
    if (tcp_wrap(tl->loop, fd, &canonical, &t, NULL) < 0)
        return -ERR_UNAVAILABLE;
    tl->on_accept(tl->cookie, &t->stream, &canonical);
    return 1;
}

static void tcp_accept_some(void *cookie)
{
    struct tcp_listener *tl = cookie;
    int rc = 1;

    tl->is_accepting = true;
    for (int i = 0; i < TCP_ACCEPT_BATCH && rc > 0 && !tl->is_freed; i++)
        rc = tcp_accept_one(tl);
    tl->is_accepting = false;
    if (tl->is_freed)
        free(tl);
    else if (rc < 0 || !tl->io.added)
        loop_timer_start(tl->loop, &tl->retry, TCP_ACCEPT_RETRY_US, tcp_accept_some, tl);
    else if (rc > 0)
        loop_defer(tl->loop, &tl->more, tcp_accept_some, tl);
}

static void tcp_listener_on_io(void *cookie, unsigned events UNUSED)
{
    tcp_accept_some(cookie);
}

struct tcp_listener *tcp_listener_new(struct loop *l, int fd, tcp_accept_fn *on_accept,
                                      void *cookie)
{
    struct tcp_listener *tl = NEW(struct tcp_listener);

    tl->loop = l;
    tl->fd = fd;
    tl->on_accept = on_accept;
    tl->cookie = cookie;
    if (loop_io_add(l, &tl->io, fd, tcp_listener_on_io, tl) < 0)
        loop_timer_start(l, &tl->retry, TCP_ACCEPT_RETRY_US, tcp_accept_some, tl);
    return tl;
}

void tcp_listener_free(struct tcp_listener *tl)
{
    if (!tl)
        return;
    loop_io_remove(tl->loop, &tl->io);
    loop_timer_cancel(tl->loop, &tl->retry);
    loop_defer_cancel(tl->loop, &tl->more);
    close(tl->fd);
    tl->is_freed = true;
    if (!tl->is_accepting)
        free(tl);
}
