/*
 * HTTP/1.1 heads: what is taken, what is refused with which status, limits at and one past, and that a
 * head which comes in pieces gives what the whole gives.
 */
#include "codec/h1.h"

#include "base/mem.h"
#include "unit.h"

#define HEADERS 16

static const struct h1_limits LIMITS = {
    .head_bytes = 4096, .target_bytes = 256, .header_count = HEADERS};

struct parsed {
    struct h1_header headers[HEADERS];
    struct h1_head head;
    ssize_t rc;
    int status;
    const char *reason;
};

/* Parses a copy that ends where the input ends, so that a sanitizer sees a read past it. */
static char *parse(struct parsed *p, struct str in, const struct h1_limits *limits)
{
    char *bytes = xmalloc(in.n + 1);

    *p = (struct parsed){.head = {.headers = p->headers, .header_cap = HEADERS}};
    memcpy(bytes + 1, in.p, in.n);
    p->rc = h1_parse_request(str_n(bytes + 1, in.n), limits, &p->head, &p->status, &p->reason);
    return bytes;
}

static void parse_whole(struct parsed *p, struct str in)
{
    *p = (struct parsed){.head = {.headers = p->headers, .header_cap = HEADERS}};
    p->rc = h1_parse_request(in, &LIMITS, &p->head, &p->status, &p->reason);
}

TEST(h1_head_of_a_plain_request)
{
    struct str in = STR("GET /a?b=c HTTP/1.1\r\nHost: tool.example\r\nX-Empty:\r\n"
                        "X-Pad: \t a b \t \r\nAccept: */*\r\n\r\nrest");
    struct parsed p;

    parse_whole(&p, in);
    CHECK_INT(p.rc, in.n - 4);
    CHECK_STR(p.head.method, "GET");
    CHECK_STR(p.head.target, "/a?b=c");
    CHECK_INT(p.head.minor, 1);
    CHECK_STR(p.head.host, "tool.example");
    CHECK_INT(p.head.header_count, 4);
    CHECK_STR(p.head.headers[1].name, "X-Empty");
    CHECK_STR(p.head.headers[1].value, "");
    CHECK_STR(p.head.headers[2].value, "a b");
    CHECK_INT(p.head.body, H1_BODY_NONE);
    CHECK(p.head.keep_alive);
    CHECK(!p.head.upgrade && !p.head.expect_continue);
    CHECK(p.head.target.p == in.p + 4);
    CHECK_STR(h1_header_get(&p.head, STR("aCCEPT")), "*/*");
    CHECK(h1_header_get(&p.head, STR("Missing")).p == NULL);
    CHECK(h1_header_get(&p.head, STR("X-Empty")).p != NULL);
}

TEST(h1_head_takes_values_of_every_length_and_position)
{
    char head[200];
    struct parsed p;

    for (size_t pad = 0; pad < 40; pad++) {
        int n =
            snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost:h\r\nX:%.*s\tb\x80\xff~\r\n\r\n",
                     (int)pad, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        char *bytes = parse(&p, str_n(head, (size_t)n), &LIMITS);

        CHECK_INT(p.rc, n);
        CHECK_INT(p.head.headers[1].value.n, pad == 0 ? 4 : pad + 5);
        free(bytes);
    }
}

TEST(h1_head_refuses_every_control_byte_in_a_value)
{
    struct parsed p;

    for (int c = 0; c < 256; c++) {
        for (size_t at = 0; at < 20; at++) {
            char head[] = "GET / HTTP/1.1\r\nHost: h\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n";
            bool bad = (c < 0x20 && c != '\t') || c == 0x7f;

            head[29 + at] = (char)c;
            parse_whole(&p, str_n(head, sizeof(head) - 1));
            if (bad ? p.rc != -ERR_BADREQUEST : p.rc != (ssize_t)sizeof(head) - 1)
                CHECK_INT(c, -1);
        }
    }
}

struct fact_case {
    const char *head;
    enum h1_body body;
    uint64_t length;
    bool keep_alive;
    bool upgrade;
    bool expect;
};

TEST(h1_head_draws_facts)
{
    static const struct fact_case cases[] = {
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", H1_BODY_LENGTH, 0, true},
        {"POST / HTTP/1.1\r\ncontent-LENGTH:9223372036854775807\r\nHOST:h\r\n\r\n", H1_BODY_LENGTH,
         INT64_MAX, true},
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0007\r\n\r\n", H1_BODY_LENGTH, 7, true},
        {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n", H1_BODY_CHUNKED, 0,
         true},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", H1_BODY_NONE, 0, false},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: x, CLOSE ,y\r\n\r\n", H1_BODY_NONE, 0, false},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
         H1_BODY_NONE, 0, false},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: closed\r\n\r\n", H1_BODY_NONE, 0, true},
        {"GET / HTTP/1.0\r\n\r\n", H1_BODY_NONE, 0, false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", H1_BODY_NONE, 0, true},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n",
         H1_BODY_NONE, 0, true, true},
        {"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n", H1_BODY_NONE, 0, true, false},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\n\r\n", H1_BODY_NONE, 0, true, false},
        {"GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", H1_BODY_NONE, 0, false,
         false},
        {"PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\n\r\n", H1_BODY_NONE, 0, true, false,
         true},
        {"PUT / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", H1_BODY_NONE, 0, false, false, false},
        {"PUT / HTTP/1.1\r\nHost: h\r\nExpect: something\r\n\r\n", H1_BODY_NONE, 0, true},
        {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", H1_BODY_NONE, 0, true},
        {"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", H1_BODY_NONE, 0, true},
    };
    struct parsed p;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        parse_whole(&p, str_c(cases[i].head));
        if (!CHECK_INT(p.rc, strlen(cases[i].head)))
            continue;
        CHECK_INT(p.head.body, cases[i].body);
        CHECK_INT(p.head.content_length, cases[i].length);
        CHECK_INT(p.head.keep_alive, cases[i].keep_alive);
        CHECK_INT(p.head.upgrade, cases[i].upgrade);
        CHECK_INT(p.head.expect_continue, cases[i].expect);
    }
}

#define OK_LINE "POST / HTTP/1.1\r\nHost: h\r\n"

struct refusal {
    struct str in;
    int status;
};

static const struct refusal REFUSALS[] = {
    /* start line */
    {STR_INIT("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"), 400},
    {STR_INIT(" GET / HTTP/1.1\r\nHost: h\r\n\r\n"), 400},
    {STR_INIT("GET  / HTTP/1.1\r\nHost: h\r\n\r\n"), 400},
    {STR_INIT("GET /  HTTP/1.1\r\nHost: h\r\n\r\n"), 400},
    {STR_INIT("GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n"), 400},
    {STR_INIT("GET / HTTP/1.1 \r\nHost: h\r\n\r\n"), 400},
    {STR_INIT("GET /\r\n\r\n"), 400},
    {STR_INIT("GET\r\n\r\n"), 400},
    {STR_INIT("G(T / HTTP/1.1\r\nHost: h\r\n\r\n"), 400},
    {STR_INIT("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"), 400},
    {STR_INIT("GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n"), 400},
    {STR_INIT("GET /\x7f HTTP/1.1\r\nHost: h\r\n\r\n"), 400},
    {STR_INIT("GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n"), 400},
    {STR_INIT("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n"), 400},
    {STR_INIT("GET / HTTP/1.1\nHost: h\n\n"), 400},
    {STR_INIT("GET / HTTP/1.1\rHost: h\r\n\r\n"), 400},
    {STR_INIT("GET / http/1.1\r\nHost: h\r\n\r\n"), 400},
    {STR_INIT("GET / HTTP/1.1x\r\nHost: h\r\n\r\n"), 400},
    {STR_INIT("GET / HTTP/11\r\nHost: h\r\n\r\n"), 400},
    {STR_INIT("GET / HTTP/1.\r\n\r\n"), 400},
    {STR_INIT("GET / HTTP/2.0\r\nHost: h\r\n\r\n"), 505},
    {STR_INIT("GET / HTTP/1.2\r\nHost: h\r\n\r\n"), 505},
    {STR_INIT("GET / HTTP/0.9\r\nHost: h\r\n\r\n"), 505},
    {STR_INIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505},
    {STR_INIT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 400},
    /* header lines */
    {STR_INIT(OK_LINE "A : b\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "A\t: b\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "A b: c\r\n\r\n"), 400},
    {STR_INIT(OK_LINE " A: b\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "A: b\r\n c\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "A: b\r\n\tc\r\n\r\n"), 400},
    {STR_INIT(OK_LINE ": b\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "A\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "A: b\n\r\n"), 400},
    {STR_INIT(OK_LINE "A: b\rc\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "A: b\r\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "A: b\r\n\n"), 400},
    {STR_INIT(OK_LINE "A: b\r\n\rX"), 400},
    {STR_INIT(OK_LINE "A: b\0c\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "A\0: b\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "A: b\x7f\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "\xc3\xa4: b\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "A(: b\r\n\r\n"), 400},
    {STR_INIT("GET / HTTP/1.1\r\n Host: h\r\n\r\n"), 400},
    /* Host */
    {STR_INIT("GET / HTTP/1.1\r\n\r\n"), 400},
    {STR_INIT("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400},
    {STR_INIT("GET / HTTP/1.1\r\nHost: \t \r\n\r\n"), 400},
    {STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400},
    {STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n"), 400},
    {STR_INIT("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), 400},
    {STR_INIT("GET / HTTP/1.1\r\nXHost: a\r\n\r\n"), 400},
    /* framing: what proxies and tools have disagreed on */
    {STR_INIT(OK_LINE "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Content-Length: 5\r\ncontent-length: 6\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Content-Length: 5, 5\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Content-Length: 5 5\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Content-Length:\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Content-Length: +5\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Content-Length: -5\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Content-Length: 0x5\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Content-Length: 5.0\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Content-Length: 1_0\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Content-Length: 9223372036854775808\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Content-Length: 18446744073709551621\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Transfer-Encoding: chunked, chunked\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Transfer-Encoding: chunked, identity\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Transfer-Encoding: identity\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Transfer-Encoding: xchunked\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Transfer-Encoding: chunked;q=1\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Transfer-Encoding: \x0b"
                      "chunked\r\n\r\n"),
     400},
    {STR_INIT(OK_LINE "Transfer-Encoding: \"chunked\"\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Transfer-Encoding:\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Transfer-Encoding: ,\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Transfer-Encoding : chunked\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Transfer-Encoding\r\n: chunked\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Transfer-Encoding:\r\n chunked\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "X: y\nTransfer-Encoding: chunked\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "X: y\rTransfer-Encoding: chunked\r\n\r\n"), 400},
    {STR_INIT(OK_LINE "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501},
    {STR_INIT(OK_LINE "Transfer-Encoding: , chunked\r\n\r\n"), 501},
    {STR_INIT("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
};

TEST(h1_head_refuses)
{
    struct parsed p;

    for (size_t i = 0; i < ARRAY_LEN(REFUSALS); i++) {
        char *bytes = parse(&p, REFUSALS[i].in, &LIMITS);

        if (!CHECK_ERR(p.rc, ERR_BADREQUEST) || !CHECK_INT(p.status, REFUSALS[i].status))
            CHECK_STR(REFUSALS[i].in, "");
        CHECK(p.reason != NULL);
        free(bytes);
    }
}

/* Feeds `in` byte by byte into one head; returns the first answer that is not 0. */
static ssize_t feed(struct parsed *p, struct str in)
{
    *p = (struct parsed){.head = {.headers = p->headers, .header_cap = HEADERS}};
    for (size_t n = 1; n <= in.n && p->rc == 0; n++)
        p->rc = h1_parse_request(str_head(in, n), &LIMITS, &p->head, &p->status, &p->reason);
    return p->rc;
}

TEST(h1_head_in_pieces_is_as_the_whole)
{
    struct str in = STR("PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\nA: b\r\n\r\n");
    struct parsed p;

    CHECK_INT(feed(&p, in), in.n);
    CHECK_INT(p.head.header_count, 3);
    CHECK_INT(p.head.content_length, 12);
    CHECK_INT(p.head.seen, 0);
    for (size_t i = 0; i < ARRAY_LEN(REFUSALS); i++) {
        struct buf line = BUF_INIT(1000); /* whatever is wrong shows at the end of the line */

        buf_add_str(&line, REFUSALS[i].in);
        buf_add_char(&line, '\n');
        if (!CHECK_ERR(feed(&p, buf_str(&line)), ERR_BADREQUEST))
            CHECK_STR(REFUSALS[i].in, "");
        buf_fini(&line);
    }
}

TEST(h1_head_can_be_reused_for_the_next_request)
{
    struct str first = STR("PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\nExpect: "
                           "100-continue\r\nConnection: close\r\n\r\n");
    struct str second = STR("GET / HTTP/1.1\r\nHost: i\r\n\r\n");
    struct parsed p;

    CHECK_INT(feed(&p, first), first.n);
    p.rc = h1_parse_request(second, &LIMITS, &p.head, &p.status, &p.reason);
    CHECK_INT(p.rc, second.n);
    CHECK_INT(p.head.header_count, 1);
    CHECK_INT(p.head.body, H1_BODY_NONE);
    CHECK_INT(p.head.content_length, 0);
    CHECK(p.head.keep_alive && !p.head.expect_continue);
    CHECK_STR(p.head.host, "i");
}

TEST(h1_head_waits_for_the_rest)
{
    static const char *const heads[] = {
        "",
        "G",
        "GET",
        "GET ",
        "GET /",
        "GET / ",
        "GET / HTTP",
        "GET / HTTP/1.1",
        "GET / HTTP/1.1\r",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost",
        "GET / HTTP/1.1\r\nHost:",
        "GET / HTTP/1.1\r\nHost: h\r",
        "GET / HTTP/1.1\r\nHost: h\r\n\r",
    };
    struct parsed p;

    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        char *bytes = parse(&p, str_c(heads[i]), &LIMITS);

        CHECK_INT(p.rc, 0);
        free(bytes);
    }
}

/* A request of exactly `n` bytes. */
static struct str request_of(char *dst, size_t n)
{
    static const char start[] = "GET / HTTP/1.1\r\nHost: h\r\nX: ";

    memset(dst, 'a', n);
    memcpy(dst, start, sizeof(start) - 1);
    memcpy(dst + n - 4, "\r\n\r\n", 4);
    return str_n(dst, n);
}

TEST(h1_head_limits_its_size)
{
    char bytes[200];
    struct h1_limits limits = {.head_bytes = 100, .target_bytes = 50, .header_count = HEADERS};
    struct parsed p;

    free(parse(&p, request_of(bytes, 100), &limits));
    CHECK_INT(p.rc, 100);
    free(parse(&p, request_of(bytes, 101), &limits));
    CHECK_ERR(p.rc, ERR_TOOBIG);
    CHECK_INT(p.status, 431);
    free(parse(&p, str_head(request_of(bytes, 150), 99), &limits));
    CHECK_INT(p.rc, 0);
    free(parse(&p, str_head(request_of(bytes, 150), 100), &limits));
    CHECK_ERR(p.rc, ERR_TOOBIG);
}

TEST(h1_head_limits_the_size_of_what_comes_in_pieces)
{
    char bytes[200];
    struct h1_limits limits = {.head_bytes = 100, .target_bytes = 50, .header_count = HEADERS};
    struct str in = request_of(bytes, 150);
    struct parsed p = {.head = {.headers = p.headers, .header_cap = HEADERS}};
    size_t n = 0;

    while (p.rc == 0)
        p.rc = h1_parse_request(str_head(in, ++n), &limits, &p.head, &p.status, &p.reason);
    CHECK_ERR(p.rc, ERR_TOOBIG);
    CHECK_INT(n, 100);
}

TEST(h1_head_limits_the_target)
{
    struct h1_limits limits = {.head_bytes = 1000, .target_bytes = 4, .header_count = HEADERS};
    struct parsed p;

    free(parse(&p, STR("GET /abc HTTP/1.1\r\nHost: h\r\n\r\n"), &limits));
    CHECK(p.rc > 0);
    free(parse(&p, STR("GET /abcd HTTP/1.1\r\nHost: h\r\n\r\n"), &limits));
    CHECK_ERR(p.rc, ERR_TOOBIG);
    CHECK_INT(p.status, 414);
    free(parse(&p, STR("GET /abc"), &limits));
    CHECK_INT(p.rc, 0);
    free(parse(&p, STR("GET /abcd"), &limits));
    CHECK_INT(p.status, 414);
    free(parse(&p, STR("GET /abc\x01"), &limits));
    CHECK_INT(p.status, 400);
}

TEST(h1_head_limits_the_headers)
{
    struct h1_limits limits = {.head_bytes = 1000, .target_bytes = 100, .header_count = 2};
    struct parsed p;

    free(parse(&p, STR("GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n"), &limits));
    CHECK(p.rc > 0);
    free(parse(&p, STR("GET / HTTP/1.1\r\nHost: h\r\nA: b\r\nC: d\r\n\r\n"), &limits));
    CHECK_ERR(p.rc, ERR_TOOBIG);
    CHECK_INT(p.status, 431);
    limits.header_count = 1000; /* the caller's array still ends */
    p = (struct parsed){.head = {.headers = p.headers, .header_cap = 1}};
    p.rc = h1_parse_request(STR("GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n"), &limits, &p.head,
                            &p.status, &p.reason);
    CHECK_ERR(p.rc, ERR_TOOBIG);
}

static void parse_response(struct parsed *p, const char *in, struct str method)
{
    *p = (struct parsed){.head = {.headers = p->headers, .header_cap = HEADERS}};
    p->rc = h1_parse_response(str_c(in), &LIMITS, method, &p->head, &p->reason);
}

TEST(h1_head_of_responses)
{
    static const struct {
        const char *in;
        const char *method;
        enum h1_body body;
        bool keep_alive;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "GET", H1_BODY_LENGTH, true},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "GET", H1_BODY_CHUNKED, true},
        {"HTTP/1.1 200 OK\r\n\r\n", "GET", H1_BODY_UNTIL_CLOSE, false},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", "GET", H1_BODY_UNTIL_CLOSE, false},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n", "GET",
         H1_BODY_LENGTH, true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "HEAD", H1_BODY_NONE, true},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HEAD", H1_BODY_NONE, true},
        {"HTTP/1.1 200 OK\r\n\r\n", "HEAD", H1_BODY_NONE, true},
        {"HTTP/1.1 200 OK\r\n\r\n", "CONNECT", H1_BODY_NONE, true},
        {"HTTP/1.1 299 OK\r\nContent-Length: 3\r\n\r\n", "CONNECT", H1_BODY_NONE, true},
        {"HTTP/1.1 407 No\r\nContent-Length: 3\r\n\r\n", "CONNECT", H1_BODY_LENGTH, true},
        {"HTTP/1.1 204 No Content\r\n\r\n", "GET", H1_BODY_NONE, true},
        {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "GET", H1_BODY_NONE, true},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "GET", H1_BODY_NONE, true},
        {"HTTP/1.1 100 Continue\r\n\r\n", "PUT", H1_BODY_NONE, true},
        {"HTTP/1.1 200\r\nContent-Length: 3\r\n\r\n", "GET", H1_BODY_LENGTH, true},
        {"HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\n", "GET", H1_BODY_LENGTH, true},
        {"HTTP/1.1 999 Odd \xe4\r\nContent-Length: 3\r\n\r\n", "GET", H1_BODY_LENGTH, true},
    };
    struct parsed p;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        parse_response(&p, cases[i].in, str_c(cases[i].method));
        if (!CHECK_INT(p.rc, strlen(cases[i].in)))
            CHECK_STR(p.reason, "");
        CHECK_INT(p.head.body, cases[i].body);
        CHECK_INT(p.head.keep_alive, cases[i].keep_alive);
    }
    parse_response(&p, "HTTP/1.1 418 I'm a teapot\r\n\r\n", STR("GET"));
    CHECK_INT(p.head.status, 418);
    CHECK_STR(p.head.reason, "I'm a teapot");
}

TEST(h1_head_refuses_responses)
{
    static const char *const heads[] = {
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 -20 OK\r\n\r\n",
        "HTTP/1.1\t200 OK\r\n\r\n",
        "HTTP/1.1 200\tOK\r\n\r\n",
        "HTTP/1.1 200 OK\n\r\n",
        "HTTP/1.1 200 O\rK\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n",
        "ICY 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\n A: b\r\n\r\n",
        "<html>",
    };
    struct parsed p;

    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        parse_response(&p, heads[i], STR("GET"));
        if (!CHECK_ERR(p.rc, ERR_BADREQUEST))
            CHECK_STR(heads[i], "");
    }
}

TEST(h1_tokens_and_values)
{
    CHECK(h1_is_token(STR("a!#$%&'*+-.^_`|~09Z")));
    CHECK(!h1_is_token(STR("")));
    CHECK(!h1_is_token(STR("a b")));
    CHECK(!h1_is_token(STR("a:")));
    CHECK(!h1_is_token(STR("a\x80")));
    CHECK(!h1_is_token(STR("a\0")));
    CHECK(h1_is_field_value(STR("")));
    CHECK(h1_is_field_value(STR("a \t\x80")));
    CHECK(!h1_is_field_value(STR("a\rb")));
    CHECK(!h1_is_field_value(STR("a\nb")));
    CHECK(!h1_is_field_value(STR("aaaaaaaaaaaaaaaaaaaaaaa\0b")));
    CHECK(!h1_is_field_value(STR("\x7f")));
    CHECK(h1_has_token(STR("a, B ,c"), STR("b")));
    CHECK(h1_has_token(STR(",,close"), STR("CLOSE")));
    CHECK(!h1_has_token(STR("ab, c"), STR("b")));
    CHECK(!h1_has_token(STR(""), STR("b")));
    CHECK_STR(h1_reason_phrase(404), "Not Found");
    CHECK_STR(h1_reason_phrase(299), "");
    CHECK_STR(h1_reason_phrase(-1), "");
    CHECK_STR(h1_reason_phrase(1 << 20), "");
}
