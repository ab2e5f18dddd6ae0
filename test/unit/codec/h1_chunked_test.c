/*
 * Chunked bodies: whole and byte by byte, what is refused, limits at and one past.
 */
#include "codec/h1.h"

#include "base/mem.h"
#include "unit.h"

/* Decodes in pieces of at most `step` bytes; returns the bytes used or the error. */
static ssize_t decode(struct str in, size_t step, struct buf *body, bool *ret_done)
{
    struct h1_chunked c = {0};
    const char *reason = NULL;
    size_t used = 0, end = 0;

    while (end < in.n || used < end) {
        struct str data;
        ssize_t n;

        end = used == end ? MIN(in.n, end + step) : end;
        n = h1_chunked_decode(&c, str_n(in.p + used, end - used), &data, &reason);
        if (n < 0)
            return CHECK(reason) ? n : 0;
        buf_add_str(body, data);
        used += (size_t)n;
        if (h1_chunked_is_done(&c) || (n == 0 && end == in.n))
            break;
    }
    *ret_done = h1_chunked_is_done(&c);
    return (ssize_t)used;
}

TEST(h1_chunked_bodies)
{
    static const struct {
        const char *in;
        const char *body;
        size_t after; /* bytes that belong to what follows */
    } cases[] = {
        {"0\r\n\r\n", "", 0},
        {"000\r\n\r\nGET", "", 3},
        {"5\r\nhello\r\n0\r\n\r\n", "hello", 0},
        {"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nX", "hello world", 1},
        {"A\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0},
        {"a;ext=1;b=\"x y\"\r\n0123456789\r\n0;last\r\n\r\n", "0123456789", 0},
        {"0000000000000002\r\n\r\n\r\n0\r\n\r\n", "\r\n", 0},
        {"1\r\na\r\n0\r\nTrailer: x\r\nT2:\r\n\r\n", "a", 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t step = 1; step < 40; step++) {
            struct buf body = BUF_INIT(100);
            struct str in = str_c(cases[i].in);
            bool done = false;

            CHECK_INT(decode(in, step, &body, &done), in.n - cases[i].after);
            CHECK(done);
            CHECK_STR(buf_str(&body), cases[i].body);
            buf_fini(&body);
        }
    }
}

TEST(h1_chunked_refuses)
{
    static const struct str cases[] = {
        STR_INIT("\r\n"),
        STR_INIT("g\r\n"),
        STR_INIT(" 5\r\nhello\r\n"),
        STR_INIT("5 \r\nhello\r\n"),
        STR_INIT("5 ;x\r\nhello\r\n"),
        STR_INIT("0x5\r\nhello\r\n"),
        STR_INIT("-5\r\nhello\r\n"),
        STR_INIT("+5\r\nhello\r\n"),
        STR_INIT("5_\r\nhello\r\n"),
        STR_INIT(";x\r\n\r\n"),
        STR_INIT("5\nhello\r\n"),
        STR_INIT("5\rhello\r\n"),
        STR_INIT("5\r\rhello"),
        STR_INIT("5;a\nb\r\nhello\r\n"),
        STR_INIT("5;a\0b\r\nhello\r\n"),
        STR_INIT("5;a\x7f\r\nhello\r\n"),
        STR_INIT("5\r\nhello!\r\n"),
        STR_INIT("5\r\nhello\n"),
        STR_INIT("5\r\nhello\r5"),
        STR_INIT("5\r\nhello0\r\n\r\n"),
        STR_INIT("8000000000000000\r\n"),
        STR_INIT("FFFFFFFFFFFFFFFF\r\n"),
        STR_INIT("00000000000000005\r\n"),
        STR_INIT("0\r\nBad Name: x\r\n\r\n"),
        STR_INIT("0\r\n: x\r\n\r\n"),
        STR_INIT("0\r\nName\r\n\r\n"),
        STR_INIT("0\r\nName : x\r\n\r\n"),
        STR_INIT("0\r\n folded\r\n\r\n"),
        STR_INIT("0\r\nA: b\nC: d\r\n\r\n"),
        STR_INIT("0\r\nA: \0\r\n\r\n"),
        STR_INIT("0\r\n\rX"),
        STR_INIT("0\r\n\n"),
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t step = 1; step < 20; step++) {
            struct buf body = BUF_INIT(100);
            bool done = false;

            if (!CHECK_ERR(decode(cases[i], step, &body, &done), ERR_BADREQUEST))
                CHECK_STR(cases[i], "");
            buf_fini(&body);
        }
    }
}

TEST(h1_chunked_largest_size)
{
    struct h1_chunked c = {0};
    struct str data;
    const char *reason;

    CHECK_INT(h1_chunked_decode(&c, STR("7fffffffffffffff\r\nab"), &data, &reason), 20);
    CHECK_STR(data, "ab");
    CHECK_INT(c.left, INT64_MAX - 2);
    CHECK(!h1_chunked_is_done(&c));
}

/* A chunk line of `n` bytes with its end, and a byte of data. */
static ssize_t decode_line(size_t n, const char *tail)
{
    struct buf in = BUF_INIT(10000), body = BUF_INIT(100);
    bool done;
    ssize_t rc;

    buf_add_c(&in, "1;");
    while (in.len < n - 2)
        buf_add_char(&in, 'x');
    buf_add_c(&in, tail);
    rc = decode(buf_str(&in), 7, &body, &done);
    buf_fini(&in);
    buf_fini(&body);
    return rc;
}

TEST(h1_chunked_limits_its_lines)
{
    CHECK_INT(decode_line(H1_CHUNK_LINE_BYTES, "\r\na"), H1_CHUNK_LINE_BYTES + 1);
    CHECK_ERR(decode_line(H1_CHUNK_LINE_BYTES + 1, "\r\na"), ERR_TOOBIG);
    CHECK_ERR(decode_line(2 * H1_CHUNK_LINE_BYTES, ""), ERR_TOOBIG);
}

/* Trailers of `n` bytes with the empty line. */
static ssize_t decode_trailers(size_t n)
{
    struct buf in = BUF_INIT(H1_TRAILER_BYTES + 100), body = BUF_INIT(100);
    bool done;
    ssize_t rc;

    buf_add_c(&in, "0\r\nA:");
    while (in.len < n + 3 - 4)
        buf_add_char(&in, 'x');
    buf_add_c(&in, "\r\n\r\n");
    rc = decode(buf_str(&in), 1000, &body, &done);
    buf_fini(&in);
    buf_fini(&body);
    return rc;
}

TEST(h1_chunked_limits_its_trailers)
{
    CHECK_INT(decode_trailers(H1_TRAILER_BYTES), H1_TRAILER_BYTES + 3);
    CHECK_ERR(decode_trailers(H1_TRAILER_BYTES + 1), ERR_TOOBIG);
}

TEST(h1_chunked_is_over_when_it_is_over)
{
    struct h1_chunked c = {0};
    struct str data;
    const char *reason;

    CHECK_INT(h1_chunked_decode(&c, H1_LAST_CHUNK, &data, &reason), 5);
    CHECK(h1_chunked_is_done(&c));
    CHECK_INT(h1_chunked_decode(&c, STR("5\r\nhello"), &data, &reason), 0);
    CHECK_INT(data.n, 0);
    CHECK_INT(h1_chunked_decode(&(struct h1_chunked){0}, STR(""), &data, &reason), 0);
}

TEST(h1_chunk_heads)
{
    struct buf out = BUF_INIT(100);

    h1_chunk_head(&out, 1);
    h1_chunk_head(&out, 255);
    h1_chunk_head(&out, SIZE_MAX);
    CHECK_STR(buf_str(&out), "1\r\nff\r\nffffffffffffffff\r\n");
    buf_fini(&out);
}
