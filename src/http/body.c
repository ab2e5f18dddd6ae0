/*
 * Framing of bodies.
 *
 * Reading hands out slices of the input; writing passes the caller's bytes on between chunk marks.  Small
 * pieces are collected in the wire's queue up to one block.
 */
#include "http/body.h"

#define BODY_SMALL_BYTES 4096
#define BODY_COLLECT_BYTES (16 * 1024)
#define CHUNK_HEAD_BYTES 18 /* 16 digits, CR, LF */

void body_reader_init(struct body_reader *b, const struct h1_head *head)
{
    *b = (struct body_reader){.framing = head->body, .left = head->content_length};
    b->is_done = b->framing == H1_BODY_NONE || (b->framing == H1_BODY_LENGTH && b->left == 0);
}

int64_t body_reader_length(const struct body_reader *b)
{
    if (b->framing == H1_BODY_NONE)
        return 0;
    return b->framing == H1_BODY_LENGTH ? (int64_t)b->left : HTTP_BODY_UNKNOWN;
}

ssize_t body_read(struct body_reader *b, struct str in, struct str *ret_bytes,
                  const char **ret_reason)
{
    ssize_t n;

    switch (b->framing) {
    case H1_BODY_LENGTH:
        *ret_bytes = str_head(in, (size_t)MIN((uint64_t)in.n, b->left));
        b->left -= ret_bytes->n;
        b->is_done = b->left == 0;
        return (ssize_t)ret_bytes->n;
    case H1_BODY_CHUNKED:
        n = h1_chunked_decode(&b->chunked, in, ret_bytes, ret_reason);
        if (n >= 0)
            b->is_done = h1_chunked_is_done(&b->chunked);
        return n;
    case H1_BODY_UNTIL_CLOSE:
        *ret_bytes = in;
        return (ssize_t)in.n;
    default:
        *ret_bytes = STR_NONE;
        return 0;
    }
}

bool body_read_eof(struct body_reader *b)
{
    if (b->framing == H1_BODY_UNTIL_CLOSE)
        b->is_done = true;
    return b->is_done;
}

/* Writes "<hex>\r\n" to `dst`. */
static struct str body_chunk_head(char dst[CHUNK_HEAD_BYTES], size_t n)
{
    char *end = dst + CHUNK_HEAD_BYTES, *p = end;

    *--p = '\n';
    *--p = '\r';
    do {
        *--p = "0123456789abcdef"[n & 15];
        n >>= 4;
    } while (n);
    return str_n(p, (size_t)(end - p));
}

static void body_put(struct wire *w, const struct str *pieces, int count, bool is_collected)
{
    if (!is_collected) {
        wire_send(w, pieces, count);
        return;
    }
    for (int i = 0; i < count; i++)
        wire_queue(w, pieces[i]);
}

bool body_write(struct body_writer *b, struct wire *w, struct str bytes)
{
    char head[CHUNK_HEAD_BYTES];
    bool is_excess = false, is_collected;

    if (b->framing == BODY_ABSENT || bytes.n == 0)
        return true;
    if (b->framing == BODY_LENGTH) {
        is_excess = bytes.n > b->left;
        bytes = str_head(bytes, (size_t)MIN((uint64_t)bytes.n, b->left));
        b->left -= bytes.n;
    }
    is_collected = bytes.n <= BODY_SMALL_BYTES && w->out_bytes + bytes.n <= BODY_COLLECT_BYTES &&
                   !(b->framing == BODY_LENGTH && b->left == 0);
    if (b->framing == BODY_CHUNKED)
        body_put(w, (struct str[]){body_chunk_head(head, bytes.n), bytes, STR("\r\n")}, 3,
                 is_collected);
    else
        body_put(w, &bytes, 1, is_collected);
    return !is_excess;
}

bool body_write_end(struct body_writer *b, struct wire *w)
{
    struct str last = H1_LAST_CHUNK;

    b->is_ended = true;
    if (b->framing == BODY_CHUNKED)
        wire_send(w, &last, 1);
    else
        wire_flush(w);
    return b->framing != BODY_LENGTH || b->left == 0;
}
