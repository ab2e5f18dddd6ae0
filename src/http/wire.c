/*
 * Input and output of one connection.
 *
 * The common exchange reads into one block, parses in place and writes from the caller's memory with one
 * writev; the queue is touched only when the socket is full.
 */
#include "http/wire.h"

#include <sys/uio.h>

#define WIRE_SMALL_BYTES 4096 /* block of a connection that waits in the middle of a head */
#define WIRE_IOV 16
#define WIRE_QUEUE_IOV (WIRE_IOV - WIRE_PIECES - 1)

void wire_init(struct wire *w, struct spare *spare)
{
    *w = (struct wire){.spare = spare};
}

void wire_attach(struct wire *w, struct stream *s, stream_ready_fn *fn, void *cookie)
{
    w->stream = s;
    w->is_socket = !s->below;
    w->is_readable = w->is_writable = true;
    w->progress_us = w->sent_us = loop_now_us(s->loop);
    stream_on_ready(s, fn, cookie);
}

static void wire_give_out(struct wire *w, struct spare_block *b)
{
    if (w->is_secret)
        mem_wipe(b->p, b->off + b->len);
    spare_block_give(w->spare, b);
}

static void wire_drop_output(struct wire *w)
{
    while (w->out_first) {
        struct spare_block *b = w->out_first;

        w->out_first = b->next;
        wire_give_out(w, b);
    }
    w->out_last = NULL;
    w->out_bytes = 0;
    w->held = STR_NONE;
}

void wire_fini(struct wire *w)
{
    wire_drop_output(w);
    spare_block_give(w->spare, TAKE(w->in));
    stream_close(TAKE(w->stream));
}

void wire_ready(struct wire *w, unsigned events)
{
    if (events & LOOP_READABLE)
        w->is_readable = true;
    if (events & LOOP_WRITABLE)
        w->is_writable = true;
    if (events & LOOP_HANGUP)
        w->has_hangup = true;
}

/* --- input */

/* Moves the input into a block of `cap` bytes. */
static void wire_move_in(struct wire *w, struct spare_block *to)
{
    struct spare_block *from = w->in;

    memcpy(to->p, from->p + from->off, from->len);
    to->len = from->len;
    spare_block_give(w->spare, from);
    w->in = to;
}

/* Makes room behind the input. */
static int wire_make_room(struct wire *w, size_t max_bytes)
{
    struct spare_block *b = w->in;

    if (!b) {
        w->in = spare_block_take(w->spare, SPARE_BLOCK_BYTES);
        return 0;
    }
    if (b->off + b->len < b->cap)
        return 0;
    if (b->off > 0) {
        memmove(b->p, b->p + b->off, b->len);
        b->off = 0;
        return 0;
    }
    if (b->cap >= max_bytes)
        return -ERR_TOOBIG;
    if (b->cap < SPARE_BLOCK_BYTES)
        wire_move_in(w, spare_block_take(w->spare, SPARE_BLOCK_BYTES));
    else
        wire_move_in(w, spare_block_new(MIN(b->cap * 2, max_bytes)));
    return 0;
}

int wire_fill(struct wire *w, size_t max_bytes)
{
    struct spare_block *b;
    size_t room;
    ssize_t n;

    if (w->read_rc < 0)
        return w->read_rc;
    if (!w->is_readable)
        return 0;
    n = wire_make_room(w, max_bytes);
    if (n < 0)
        return (int)n;

    b = w->in;
    room = b->cap - b->off - b->len;
    n = stream_read(w->stream, b->p + b->off + b->len, room);
    if (LIKELY(n > 0)) {
        b->len += (size_t)n;
        w->progress_us = loop_now_us(w->stream->loop);
        if (w->stream->is_drained && !w->has_hangup)
            w->is_readable = false;
        return 1;
    }
    w->is_readable = false;
    if (n < 0)
        w->read_rc = (int)n;
    if (b->len == 0)
        spare_block_give(w->spare, TAKE(w->in));
    return (int)n;
}

void wire_consume(struct wire *w, size_t n)
{
    struct spare_block *b = w->in;

    if (n == 0)
        return;
    ASSERT(b && n <= b->len);
    b->off += n;
    b->len -= n;
    if (b->len == 0)
        spare_block_give(w->spare, TAKE(w->in));
}

void wire_shrink(struct wire *w)
{
    if (w->in && w->in->cap > WIRE_SMALL_BYTES && w->in->len <= WIRE_SMALL_BYTES / 2)
        wire_move_in(w, spare_block_new(WIRE_SMALL_BYTES));
}

/* --- output */

void wire_hold(struct wire *w, struct str head)
{
    if (w->write_rc < 0)
        return;
    if (w->held.n)
        wire_queue(w, STR_NONE);
    w->held = head;
}

static void wire_append(struct wire *w, struct str bytes)
{
    w->out_bytes += bytes.n;
    while (bytes.n) {
        struct spare_block *b = w->out_last;
        size_t n;

        if (!b || b->off + b->len == b->cap) {
            b = spare_block_take(w->spare, SPARE_BLOCK_BYTES);
            if (w->out_last)
                w->out_last->next = b;
            else
                w->out_first = b;
            w->out_last = b;
        }
        n = MIN(bytes.n, b->cap - b->off - b->len);
        memcpy(b->p + b->off + b->len, bytes.p, n);
        b->len += n;
        bytes = str_skip(bytes, n);
    }
}

void wire_queue(struct wire *w, struct str bytes)
{
    if (w->write_rc < 0)
        return;
    wire_append(w, w->held);
    w->held = STR_NONE;
    wire_append(w, bytes);
}

/* Drops `n` sent bytes from the queue; returns how many were not from there. */
static size_t wire_sent_queue(struct wire *w, size_t n)
{
    while (n && w->out_first) {
        struct spare_block *b = w->out_first;
        size_t k = MIN(n, b->len);

        b->off += k;
        b->len -= k;
        w->out_bytes -= k;
        n -= k;
        if (b->len)
            break;
        w->out_first = b->next;
        if (!w->out_first)
            w->out_last = NULL;
        wire_give_out(w, b);
    }
    return n;
}

static int wire_put(struct iovec *iov, int n, struct str s)
{
    if (s.n)
        iov[n++] = (struct iovec){.iov_base = (void *)(uintptr_t)s.p, .iov_len = s.n};
    return n;
}

/*
 * One writev of the queue, the held head and the pieces, the latter two only when all of the queue fits
 * in.  Returns whether to go on; *ret_rest is how many bytes of the pieces were sent.
 */
static bool wire_write_once(struct wire *w, const struct str *pieces, int count, size_t *ret_sent)
{
    struct iovec iov[WIRE_IOV];
    struct spare_block *b = w->out_first;
    size_t asked = w->out_bytes, left;
    int n = 0;
    ssize_t rc;

    for (; b && n < WIRE_QUEUE_IOV; b = b->next)
        n = wire_put(iov, n, str_n(b->p + b->off, b->len));
    if (!b) {
        n = wire_put(iov, n, w->held);
        asked += w->held.n;
        for (int i = 0; i < count; asked += pieces[i++].n)
            n = wire_put(iov, n, pieces[i]);
    }
    *ret_sent = 0;
    if (n == 0)
        return false;

    rc = stream_writev(w->stream, iov, n);
    if (rc < 0) {
        w->write_rc = (int)rc;
        wire_drop_output(w);
        return false;
    }
    if (rc > 0)
        w->progress_us = w->sent_us = loop_now_us(w->stream->loop);
    left = wire_sent_queue(w, (size_t)rc);
    *ret_sent = left - MIN(left, w->held.n);
    w->held = str_skip(w->held, left);
    if (rc == 0 || (w->is_socket && (size_t)rc < asked && !b))
        w->is_writable = false;
    return w->is_writable && (size_t)rc < asked;
}

void wire_send(struct wire *w, const struct str *pieces, int count)
{
    struct str rest[WIRE_PIECES];
    bool more = true;

    if (w->write_rc < 0)
        return;
    ASSERT(count <= WIRE_PIECES);
    for (int i = 0; i < count; i++)
        rest[i] = pieces[i];
    while (more && w->stream && w->is_writable) {
        size_t sent;

        more = wire_write_once(w, rest, count, &sent);
        for (int i = 0; i < count; i++) {
            size_t k = MIN(sent, rest[i].n);

            rest[i] = str_skip(rest[i], k);
            sent -= k;
        }
    }
    for (int i = 0; i < count && w->write_rc == 0; i++)
        if (rest[i].n)
            wire_queue(w, rest[i]);
}

void wire_flush(struct wire *w)
{
    if (wire_has_output(w))
        wire_send(w, NULL, 0);
}
