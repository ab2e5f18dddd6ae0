/*
 * Chunked bodies: what comes byte by byte gives the body, the end and the error that the whole gives, and a
 * body written again as one chunk decodes to itself.
 */
#include "codec/h1.h"

struct decoded {
    struct buf body;
    size_t used;
    int rc;
    bool done;
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static struct decoded decode(struct str in, size_t step)
{
    struct decoded d = {.body = BUF_INIT(BUF_NO_LIMIT)};
    struct h1_chunked c = {0};
    size_t end = MIN(step, in.n);

    while (!d.done) {
        const char *reason = NULL;
        struct str data = STR_NONE;
        ssize_t used = h1_chunked_decode(&c, str_n(in.p + d.used, end - d.used), &data, &reason);

        if (used < 0) {
            ASSERT(reason);
            d.rc = (int)used;
            break;
        }
        ASSERT((size_t)used <= end - d.used && data.n <= (size_t)used);
        ASSERT(data.n == 0 || data.p + data.n == in.p + d.used + used);
        buf_add_str(&d.body, data);
        d.used += (size_t)used;
        d.done = h1_chunked_is_done(&c);
        if (used == 0 && end == in.n)
            break;
        if (used == 0)
            end = MIN(end + step, in.n);
    }
    return d;
}

static void check_rewritten(const struct buf *body)
{
    struct buf again = BUF_INIT(BUF_NO_LIMIT);
    struct decoded d;

    if (body->len > 0) {
        h1_chunk_head(&again, body->len);
        buf_add_str(&again, buf_str(body));
        buf_add_c(&again, "\r\n");
    }
    buf_add_str(&again, H1_LAST_CHUNK);
    d = decode(buf_str(&again), again.len);
    ASSERT(d.done && d.used == again.len && str_eq(buf_str(&d.body), buf_str(body)));
    buf_fini(&d.body);
    buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct str in = {(const char *)bytes, n};
    struct decoded whole = decode(in, n ? n : 1);

    for (size_t step = 1; step < 8; step += 3) {
        struct decoded d = decode(in, step);

        ASSERT(d.rc == whole.rc && d.done == whole.done);
        ASSERT(whole.rc < 0 || d.used == whole.used);
        ASSERT(str_eq(buf_str(&d.body), buf_str(&whole.body)));
        buf_fini(&d.body);
    }
    if (whole.done)
        check_rewritten(&whole.body);
    buf_fini(&whole.body);
    return 0;
}
