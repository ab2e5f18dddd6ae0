/*
 * See rig.h.  Sockets are real, on the loopback; nothing here waits without a deadline.
 */
#include "rig.h"

#include <sys/socket.h>

#include "base/time.h"
#include "unit.h"

bool rig_until(struct loop *l, const bool *done)
{
    int64_t deadline_us = time_mono_us() + RIG_DEADLINE_US;

    while (!*done && time_mono_us() < deadline_us)
        loop_step(l, 20000);
    return *done;
}

void rig_settle(struct loop *l, int64_t quiet_us)
{
    int64_t until_us = time_mono_us() + quiet_us;

    while (time_mono_us() < until_us)
        loop_step(l, until_us - time_mono_us());
}

/* --- pairs */

struct rig_accepted {
    struct stream *s;
    bool is_done;
};

static void rig_on_accept(void *cookie, struct stream *s, const struct addr *peer UNUSED)
{
    struct rig_accepted *a = cookie;

    a->s = s;
    a->is_done = true;
}

static void rig_shrink(struct stream *s)
{
    int send_bytes = 1, receive_bytes = 16384; /* smaller ones wait for window probes */

    CHECK_OK(setsockopt(stream_fd(s), SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof(send_bytes)));
    CHECK_OK(
        setsockopt(stream_fd(s), SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes)));
}

void rig_pair(struct loop *l, bool small, struct stream **ret_client, struct stream **ret_server)
{
    struct rig_accepted accepted = {0};
    struct tcp_listener *tl;
    struct addr at;
    int fd = -1;

    ASSERT(addr_parse_ip(STR("127.0.0.1"), 0, &at) == 0);
    ASSERT(tcp_listen(&at, false, &fd, NULL) == 0 && tcp_local_addr(fd, &at) == 0);
    tl = tcp_listener_new(l, fd, rig_on_accept, &accepted);
    ASSERT(tcp_connect(l, &at, ret_client, NULL) == 0);
    ASSERT(rig_until(l, &accepted.is_done));
    tcp_listener_free(tl);
    *ret_server = accepted.s;
    if (small) {
        rig_shrink(*ret_client);
        rig_shrink(*ret_server);
    }
}

/* --- drip */

struct rig_drip {
    struct stream stream;
    struct loop_task wake;
    size_t most;
    bool has_read, has_written; /* moved something since it last blocked */
};

static void rig_drip_wake(void *cookie)
{
    struct rig_drip *d = cookie;

    stream_notify(&d->stream, LOOP_READABLE | LOOP_WRITABLE);
}

static ssize_t rig_drip_block(struct rig_drip *d, bool *moved)
{
    *moved = false;
    loop_defer(d->stream.loop, &d->wake, rig_drip_wake, d);
    return 0;
}

static ssize_t rig_drip_read(struct stream *s, void *p, size_t n)
{
    struct rig_drip *d = CONTAINER_OF(s, struct rig_drip, stream);
    ssize_t rc;

    if (d->has_read)
        return rig_drip_block(d, &d->has_read);
    rc = stream_read(s->below, p, MIN(n, d->most));
    d->has_read = rc > 0;
    return rc;
}

static ssize_t rig_drip_writev(struct stream *s, const struct iovec *iov, int count)
{
    struct rig_drip *d = CONTAINER_OF(s, struct rig_drip, stream);
    ssize_t rc;

    if (count == 0 || iov->iov_len == 0)
        return 0;
    if (d->has_written)
        return rig_drip_block(d, &d->has_written);
    rc = stream_write(s->below, iov->iov_base, MIN(iov->iov_len, d->most));
    d->has_written = rc > 0;
    return rc;
}

static void rig_drip_free(struct stream *s)
{
    struct rig_drip *d = CONTAINER_OF(s, struct rig_drip, stream);

    loop_defer_cancel(s->loop, &d->wake);
    free(d);
}

static const struct stream_ops RIG_DRIP_OPS = {
    .name = "drip",
    .read = rig_drip_read,
    .writev = rig_drip_writev,
    .free = rig_drip_free,
};

struct stream *rig_drip(struct stream *below, size_t most)
{
    struct rig_drip *d = NEW(struct rig_drip);

    stream_init(&d->stream, &RIG_DRIP_OPS, below->loop, below);
    d->most = most;
    return &d->stream;
}

/* --- ends */

static void rig_end_write(struct rig_end *e)
{
    struct str out;
    ssize_t n;

    while ((out = buf_str(&e->out)).n > 0) {
        n = stream_write(e->s, out.p, out.n);
        if (n == 0)
            return;
        if (n < 0) {
            buf_reset(&e->out);
            return;
        }
        buf_skip(&e->out, (size_t)n);
    }
    if (e->will_shutdown && !e->is_shut)
        e->is_shut = stream_shutdown(e->s) != 0;
}

static void rig_end_read(struct rig_end *e)
{
    char piece[5000];
    ssize_t n;

    while (!e->is_ended) {
        n = stream_read(e->s, piece, sizeof(piece));
        if (n == 0)
            return;
        if (n > 0) {
            buf_add(&e->in, piece, (size_t)n);
            continue;
        }
        e->is_ended = true;
        e->rc = (int)n;
        if (n != -ERR_EOF)
            stream_failure(e->s, &e->err);
    }
}

void rig_end_run(struct rig_end *e)
{
    if (!e->s || e->is_done)
        return;
    if (e->shaken == 0) {
        e->shaken = stream_handshake(e->s);
        if (e->shaken < 0) {
            e->rc = e->shaken;
            stream_failure(e->s, &e->err);
            e->is_done = true;
        }
    }
    if (e->shaken <= 0)
        return;
    rig_end_write(e);
    rig_end_read(e);
    e->is_done = e->is_ended && (!e->will_shutdown || e->is_shut || e->rc != -ERR_EOF);
    if (e->is_ended && e->is_closing_on_end)
        stream_close(TAKE(e->s));
}

static void rig_end_on_ready(void *cookie, unsigned events UNUSED)
{
    rig_end_run(cookie);
}

void rig_end_start(struct rig_end *e, struct stream *s)
{
    if (e->in.max == 0)
        e->in = BUF_INIT(BUF_NO_LIMIT);
    if (e->out.max == 0)
        e->out = BUF_INIT(BUF_NO_LIMIT);
    e->s = s;
    stream_on_ready(s, rig_end_on_ready, e);
    rig_end_run(e);
}

void rig_end_fini(struct rig_end *e)
{
    stream_close(e->s);
    buf_fini(&e->in);
    buf_fini(&e->out);
}

bool rig_until_done(struct loop *l, struct rig_end *a, struct rig_end *b)
{
    return rig_until(l, &a->is_done) && rig_until(l, &b->is_done);
}

/* --- certificates */

void rig_ca_init(struct rig_ca *ca)
{
    ca->key = key_new_p256();
    ca->pem = BUF_INIT(8192);
    ASSERT(x509_make_ca(ca->key, STR("rig-ca"), time_wall_us(), 3600, &ca->pem, NULL) == 0);
}

void rig_ca_fini(struct rig_ca *ca)
{
    key_unref(ca->key);
    buf_fini(&ca->pem);
}

void rig_identity_init(struct rig_identity *id, const struct rig_ca *ca, struct x509_leaf leaf,
                       int64_t wall_us)
{
    struct key *key CLEANUP(key_unrefp) = key_new_p256();

    id->chain = BUF_INIT(8192);
    leaf.lifetime_s = leaf.lifetime_s ? leaf.lifetime_s : 3600;
    ASSERT(x509_make_leaf(buf_str(&ca->pem), ca->key, key, &leaf,
                          wall_us ? wall_us : time_wall_us(), &id->chain, NULL) == 0);
    id->key = key_format_private(key);
}

void rig_identity_fini(struct rig_identity *id)
{
    buf_fini(&id->chain);
    secret_unref(id->key);
}

struct x509_leaf rig_server_leaf(const struct str *name)
{
    struct x509_leaf leaf = {.common_name = STR("server"), .server = true};
    struct addr a;

    if (addr_parse_ip(*name, 0, &a) == 0) {
        leaf.ips = name;
        leaf.ip_count = 1;
    } else {
        leaf.dns_names = name;
        leaf.dns_name_count = 1;
    }
    return leaf;
}

void rig_pattern(struct buf *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_add_char(b, (char)(i * 31 + i / 251));
}
