/*
 * The chain itself: every call goes to the top filter's operation, or to the filter below when that one
 * has none.
 *
 * Readiness travels the other way, from the bottom up: each filter hears of the one below through
 * on_below and decides what its own user must know.  Nothing here touches a stream after it told somebody
 * about readiness, because the chain may be gone by then.
 */
#include "net/stream.h"

#include <stdbool.h>

static void stream_below_ready(void *cookie, unsigned events)
{
    struct stream *s = CAST(struct stream, cookie, STREAM_MAGIC);

    if (s->ops->on_below)
        s->ops->on_below(s, events);
    else
        stream_notify(s, events);
}

void stream_init(struct stream *s, const struct stream_ops *ops, struct loop *l,
                 struct stream *below)
{
    *s = (struct stream){.magic = STREAM_MAGIC, .ops = ops, .below = below, .loop = l};
    if (below)
        stream_on_ready(below, stream_below_ready, s);
}

void stream_on_ready(struct stream *s, stream_ready_fn *fn, void *cookie)
{
    ASSERT(s->magic == STREAM_MAGIC);
    s->on_ready = fn;
    s->cookie = cookie;
}

int stream_handshake(struct stream *s)
{
    ASSERT(s->magic == STREAM_MAGIC);
    if (s->ops->handshake)
        return s->ops->handshake(s);
    return s->below ? stream_handshake(s->below) : 1;
}

ssize_t stream_read(struct stream *s, void *p, size_t n)
{
    ASSERT(s->magic == STREAM_MAGIC);
    return s->ops->read ? s->ops->read(s, p, n) : stream_read(s->below, p, n);
}

ssize_t stream_writev(struct stream *s, const struct iovec *iov, int count)
{
    ASSERT(s->magic == STREAM_MAGIC);
    return s->ops->writev ? s->ops->writev(s, iov, count) : stream_writev(s->below, iov, count);
}

ssize_t stream_write(struct stream *s, const void *p, size_t n)
{
    struct iovec iov = {.iov_base = (void *)(uintptr_t)p, .iov_len = n};

    return stream_writev(s, &iov, 1);
}

int stream_shutdown(struct stream *s)
{
    ASSERT(s->magic == STREAM_MAGIC);
    if (s->ops->shutdown)
        return s->ops->shutdown(s);
    return s->below ? stream_shutdown(s->below) : 1;
}

void stream_failure(const struct stream *s, struct err *err)
{
    while (s && !s->ops->failure)
        s = s->below;
    if (s)
        s->ops->failure(s, err);
    else
        (void)err_set(err, ERR_IO, "stream failed");
}

void stream_close(struct stream *s)
{
    while (s) {
        struct stream *below = s->below;

        ASSERT(s->magic == STREAM_MAGIC);
        s->magic = 0;
        s->ops->free(s);
        s = below;
    }
}

void stream_notify(struct stream *s, unsigned events)
{
    if (s->on_ready)
        s->on_ready(s->cookie, events);
}

int stream_fd(const struct stream *s)
{
    while (s->below)
        s = s->below;
    return s->ops->fd ? s->ops->fd(s) : -1;
}
