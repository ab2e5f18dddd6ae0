/*
 * Chunked bodies (RFC 9112, 7.1) as a byte-driven state machine that hands out slices.
 *
 *     SIZE -> EXT -> SIZE_LF -> DATA -> DATA_CR -> DATA_LF -> SIZE …
 *                       `-> (size 0) -> LINE -> NAME -> VALUE -> VALUE_LF -> LINE … -> END_LF -> DONE
 *
 * One call ends with the first run of body bytes, so that the caller moves each slice before the next.
 * Strict where implementations differ: only ';' or CR behind the size, no bare LF, trailers as strict
 * as headers.
 */
#include "codec/h1.h"
#include "codec/hex.h"

enum state {
    STATE_SIZE, /* digits of the size */
    STATE_EXT,  /* extensions up to CR */
    STATE_SIZE_LF,
    STATE_DATA,
    STATE_DATA_CR,
    STATE_DATA_LF,
    STATE_LINE, /* start of a trailer line */
    STATE_NAME,
    STATE_VALUE,
    STATE_VALUE_LF,
    STATE_END_LF,
    STATE_DONE,
};

#define SIZE_DIGITS 16

static int refuse(const char **ret_reason, enum err_code code, const char *reason)
{
    *ret_reason = reason;
    return -(int)code;
}

static int size_byte(struct h1_chunked *c, char b, const char **ret_reason)
{
    int digit = hex_digit(b);

    if (digit >= 0) {
        if (c->digits == SIZE_DIGITS || c->left > ((uint64_t)INT64_MAX >> 4))
            return refuse(ret_reason, ERR_BADREQUEST, "chunk size is out of range");
        c->digits++;
        c->left = c->left << 4 | (unsigned)digit;
        return 0;
    }
    if (c->digits == 0 || (b != ';' && b != '\r'))
        return refuse(ret_reason, ERR_BADREQUEST, "bad chunk size");
    c->state = b == ';' ? STATE_EXT : STATE_SIZE_LF;
    return 0;
}

static int size_line_byte(struct h1_chunked *c, char b, const char **ret_reason)
{
    if (++c->line_bytes > H1_CHUNK_LINE_BYTES)
        return refuse(ret_reason, ERR_TOOBIG, "chunk line is too long");
    if (c->state == STATE_SIZE)
        return size_byte(c, b, ret_reason);
    if (c->state == STATE_EXT) {
        if (b == '\r')
            c->state = STATE_SIZE_LF;
        else if (!h1_is_field_value(str_n(&b, 1)))
            return refuse(ret_reason, ERR_BADREQUEST, "control byte in a chunk extension");
        return 0;
    }
    if (b != '\n')
        return refuse(ret_reason, ERR_BADREQUEST, "CR without LF after a chunk size");
    c->state = c->left > 0 ? STATE_DATA : STATE_LINE;
    c->digits = 0;
    c->line_bytes = 0;
    return 0;
}

static int data_end_byte(struct h1_chunked *c, char b, const char **ret_reason)
{
    if (b != (c->state == STATE_DATA_CR ? '\r' : '\n'))
        return refuse(ret_reason, ERR_BADREQUEST, "chunk data is longer than its size");
    c->state = c->state == STATE_DATA_CR ? STATE_DATA_LF : STATE_SIZE;
    return 0;
}

static int trailer_byte(struct h1_chunked *c, char b, const char **ret_reason)
{
    struct str s = {&b, 1};

    if (++c->trailer_bytes > H1_TRAILER_BYTES)
        return refuse(ret_reason, ERR_TOOBIG, "trailers are too large");
    switch (c->state) {
    case STATE_LINE:
    case STATE_NAME:
        if (h1_is_token(s))
            c->state = STATE_NAME;
        else if (b == '\r' && c->state == STATE_LINE)
            c->state = STATE_END_LF;
        else if (b == ':' && c->state == STATE_NAME)
            c->state = STATE_VALUE;
        else
            return refuse(ret_reason, ERR_BADREQUEST, "bad byte in a trailer name");
        return 0;
    case STATE_VALUE:
        if (b == '\r')
            c->state = STATE_VALUE_LF;
        else if (!h1_is_field_value(s))
            return refuse(ret_reason, ERR_BADREQUEST, "control byte in a trailer value");
        return 0;
    default:
        if (b != '\n')
            return refuse(ret_reason, ERR_BADREQUEST, "CR without LF in the trailers");
        c->state = c->state == STATE_END_LF ? STATE_DONE : STATE_LINE;
        return 0;
    }
}

/* Consumes framing up to the next body byte, the end of the body, or the end of `in`. */
static ssize_t framing(struct h1_chunked *c, struct str in, const char **ret_reason)
{
    size_t i = 0;
    int rc = 0;

    while (i < in.n && c->state != STATE_DATA && c->state != STATE_DONE) {
        char b = in.p[i++];

        if (c->state <= STATE_SIZE_LF)
            rc = size_line_byte(c, b, ret_reason);
        else if (c->state <= STATE_DATA_LF)
            rc = data_end_byte(c, b, ret_reason);
        else
            rc = trailer_byte(c, b, ret_reason);
        if (rc < 0)
            return rc;
    }
    return (ssize_t)i;
}

ssize_t h1_chunked_decode(struct h1_chunked *c, struct str in, struct str *ret_data,
                          const char **ret_reason)
{
    ssize_t used = framing(c, in, ret_reason);
    struct str rest;
    size_t n;

    if (used < 0)
        return used;
    *ret_data = STR_NONE;
    if (c->state != STATE_DATA)
        return used;
    rest = str_skip(in, (size_t)used);
    n = (size_t)MIN((uint64_t)rest.n, c->left);
    *ret_data = str_head(rest, n);
    c->left -= n;
    if (c->left == 0)
        c->state = STATE_DATA_CR;
    return used + (ssize_t)n;
}

bool h1_chunked_is_done(const struct h1_chunked *c)
{
    return c->state == STATE_DONE;
}

void h1_chunk_head(struct buf *out, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    char text[SIZE_DIGITS + 2];
    size_t i = sizeof(text);

    text[--i] = '\n';
    text[--i] = '\r';
    do {
        text[--i] = digits[n & 15];
        n >>= 4;
    } while (n > 0);
    buf_add(out, text + i, sizeof(text) - i);
}
