/*
 * HTTP/1.1 heads: no byte outside the input is read, slices lie inside it, what comes in pieces gives what
 * the whole gives, and a head written from what was parsed is parsed the same again.
 */
#include "codec/h1.h"

#include "base/mem.h"

#define HEADERS 32

static const struct h1_limits LIMITS = {
    .head_bytes = 2048, .target_bytes = 512, .header_count = HEADERS};

struct parsed {
    struct h1_header headers[HEADERS];
    struct h1_head head;
    ssize_t rc;
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void reset(struct parsed *p)
{
    p->head = (struct h1_head){.headers = p->headers, .header_cap = HEADERS};
    p->rc = 0;
}

static void parse(struct parsed *p, struct str in)
{
    int status = 0;
    const char *reason = NULL;

    p->rc = h1_parse_request(in, &LIMITS, &p->head, &status, &reason);
    ASSERT(p->rc <= (ssize_t)in.n);
    ASSERT(p->rc >= 0 || (reason && status >= 400));
}

static void check_slice(struct str s, struct str in)
{
    ASSERT(s.n == 0 || (s.p >= in.p && s.p + s.n <= in.p + in.n));
}

static void check_same(const struct h1_head *a, const struct h1_head *b)
{
    ASSERT(str_eq(a->method, b->method) && str_eq(a->target, b->target) &&
           str_eq(a->host, b->host));
    ASSERT(a->minor == b->minor && a->body == b->body && a->content_length == b->content_length);
    ASSERT(a->keep_alive == b->keep_alive && a->upgrade == b->upgrade);
    ASSERT(a->expect_continue == b->expect_continue && a->header_count == b->header_count);
    for (size_t i = 0; i < a->header_count; i++)
        ASSERT(str_eq(a->headers[i].name, b->headers[i].name) &&
               str_eq(a->headers[i].value, b->headers[i].value));
}

/* Feeds all prefixes into one head. */
static void check_pieces(const struct parsed *whole, struct str in)
{
    struct parsed p;
    size_t fed = 0;

    reset(&p);
    while (p.rc == 0 && fed < in.n)
        parse(&p, str_head(in, ++fed));
    if (whole->rc > 0) {
        ASSERT(p.rc == whole->rc && fed == (size_t)whole->rc);
        check_same(&whole->head, &p.head);
    } else {
        ASSERT(p.rc <= 0);
    }
}

static void check_rewritten(const struct parsed *whole)
{
    struct buf b = BUF_INIT(2 * LIMITS.head_bytes);
    struct parsed p;

    buf_add_str(&b, whole->head.method);
    buf_add_char(&b, ' ');
    buf_add_str(&b, whole->head.target);
    buf_addf(&b, " HTTP/1.%d\r\n", whole->head.minor);
    for (size_t i = 0; i < whole->head.header_count; i++) {
        ASSERT(h1_is_token(whole->headers[i].name));
        ASSERT(h1_is_field_value(whole->headers[i].value));
        buf_add_str(&b, whole->headers[i].name);
        buf_add_char(&b, ':');
        buf_add_str(&b, whole->headers[i].value);
        buf_add_c(&b, "\r\n");
    }
    buf_add_c(&b, "\r\n");
    reset(&p);
    parse(&p, buf_str(&b));
    ASSERT(p.rc == (ssize_t)b.len);
    check_same(&whole->head, &p.head);
    buf_fini(&b);
}

static void check_response(struct str in, struct str method)
{
    struct parsed p;
    const char *reason = NULL;

    reset(&p);
    p.rc = h1_parse_response(in, &LIMITS, method, &p.head, &reason);
    ASSERT(p.rc <= (ssize_t)in.n && (p.rc >= 0 || reason));
    if (p.rc > 0) {
        ASSERT(p.head.status >= 100 && p.head.status <= 999);
        check_slice(p.head.reason, in);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct str in = {(const char *)bytes, n};
    struct parsed whole;

    reset(&whole);
    parse(&whole, in);
    if (whole.rc > 0) {
        for (size_t i = 0; i < whole.head.header_count; i++) {
            check_slice(whole.headers[i].name, in);
            check_slice(whole.headers[i].value, in);
        }
        check_rewritten(&whole);
    }
    check_pieces(&whole, in);
    check_response(in, STR("GET"));
    check_response(in, STR("HEAD"));
    return 0;
}
