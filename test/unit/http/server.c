/*
 * The server against raw sockets: strictness, limits, keep-alive, pipelining, bodies, time-outs.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "rig.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET_CLOSE "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

static void say_hello(struct rig *r, struct http_exchange *x)
{
    http_exchange_send(x, 200, STR("text/plain"), STR("hello"));
}

static void say_target(struct rig *r, struct http_exchange *x)
{
    http_exchange_send(x, 200, STR("text/plain"), http_exchange_request(x)->target);
}

static void say_body(struct rig *r, struct http_exchange *x)
{
    http_exchange_send(x, 200, STR("text/plain"), buf_str(&r->body));
    buf_reset(&r->body);
}

TEST(answer_has_framing_date_and_type)
{
    struct rig r;

    rig_init(&r);
    r.on_request = say_hello;
    CHECK_STR(rig_ask(&r, STR(GET_CLOSE)),
              "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
              "Date: Fri, 02 Jan 2026 03:04:05 GMT\r\nContent-Length: 5\r\n"
              "Connection: close\r\n\r\nhello");
    CHECK_STR(buf_str(&r.log), "rc");
    CHECK_INT(r.close_rc, 0);
    CHECK_INT(http_server_connections(r.server), 0);
    rig_fini(&r);
}

TEST(answer_from_elsewhere_keeps_its_date)
{
    struct rig r;
    struct http_response p = {.status = 200};

    rig_init(&r);
    int fd = rig_connect(&r);
    struct buf out = BUF_INIT(BUF_NO_LIMIT);
    rig_send(&r, fd, STR(GET));
    CHECK(rig_until(&r, &r.requests, 1));
    p.headers.arena = http_exchange_arena(r.x);
    http_headers_add(&p.headers, STR("date"), STR("yesterday"));
    http_headers_add(&p.headers, STR("Content-Length"), STR("999"));
    http_headers_add(&p.headers, STR("transfer-encoding"), STR("chunked"));
    http_headers_add(&p.headers, STR("Connection"), STR("upgrade"));
    http_exchange_respond(r.x, &p);
    http_exchange_end(r.x);
    CHECK(rig_read_tail(&r, fd, &out, STR("\r\n\r\n")));
    CHECK_STR(buf_str(&out), "HTTP/1.1 200 OK\r\ndate: yesterday\r\nContent-Length: 0\r\n\r\n");
    close(fd);
    buf_fini(&out);
    rig_fini(&r);
}

struct refusal {
    const char *request;
    int status;
};

static const struct refusal REFUSALS[] = {
    {"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400},
    {"GET / HTTP/1.1\nHost: a\n\n", 400},
    {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX\001: b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: b\001\r\n\r\n", 400},
    {"GET /\001 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
    {"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n", 400},
    {"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"\026\003\001\002", 400},
};

TEST(malformed_head_is_refused_and_closed)
{
    struct rig r;

    rig_init(&r);
    for (size_t i = 0; i < ARRAY_LEN(REFUSALS); i++) {
        struct str answer = rig_ask(&r, str_c(REFUSALS[i].request));
        struct str line = arena_fmt(r.arena, "HTTP/1.1 %d ", REFUSALS[i].status);

        if (!CHECK(str_starts(answer, line)))
            printf("request %zu: %s\n", i, REFUSALS[i].request);
        CHECK(rig_has(answer, "\r\nConnection: close\r\n"));
        CHECK(rig_has(answer, "{\"refused\":"));
        CHECK(rig_has(answer, "Content-Type: application/json\r\n"));
    }
    CHECK_INT(r.requests, 0);
    CHECK_INT(r.refusals, ARRAY_LEN(REFUSALS));
    CHECK_INT(http_server_connections(r.server), 0);
    rig_fini(&r);
}

TEST(nothing_after_a_refused_request_is_read)
{
    struct rig r;

    rig_init(&r);
    r.on_request = say_hello;
    struct str answer = rig_ask(&r, STR("GET / HTTP/1.1\r\nHost : a\r\n\r\n" GET GET));
    CHECK(str_starts(answer, STR("HTTP/1.1 400 ")));
    CHECK_INT(r.requests, 0);
    rig_fini(&r);
}

TEST(refusal_arrives_although_more_input_follows)
{
    struct rig r;
    struct buf out = BUF_INIT(BUF_NO_LIMIT);

    rig_init(&r);
    int fd = rig_connect(&r);
    struct str rest = rig_repeat(&r, 'x', 3000000);
    rig_send(&r, fd, STR("POST / HTTP/1.1\r\nHost : a\r\n\r\n"));
    /* Not read before all is sent: a reset would have thrown the answer away. */
    CHECK(rig_send(&r, fd, rest));
    CHECK(rig_read_close(&r, fd, &out));
    CHECK(str_starts(buf_str(&out), STR("HTTP/1.1 400 ")));
    CHECK(rig_has(buf_str(&out), "\"refused\""));
    close(fd);
    rig_steps(&r, 300);
    CHECK_INT(http_server_connections(r.server), 0);
    buf_fini(&out);
    rig_fini(&r);
}

TEST(refused_peer_that_never_ends_is_cut_off)
{
    struct rig r;
    struct buf out = BUF_INIT(BUF_NO_LIMIT);

    rig_init(&r);
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR("BAD\r\n"));
    rig_steps(&r, 3);
    CHECK_INT(http_server_connections(r.server), 1);
    rig_advance(&r, 4000000);
    CHECK_INT(http_server_connections(r.server), 1);
    rig_advance(&r, 2000000);
    CHECK_INT(http_server_connections(r.server), 0);
    close(fd);
    fd = rig_connect(&r);
    rig_send(&r, fd, STR("BAD\r\n"));
    struct str piece = rig_repeat(&r, 'x', 1000000);
    for (int i = 0; i < 50 && rig_send(&r, fd, piece); i++)
        ;
    rig_steps(&r, 300);
    CHECK_INT(http_server_connections(r.server), 0);
    close(fd);
    buf_fini(&out);
    rig_fini(&r);
}

/* A request whose head is exactly `n` bytes. */
static struct str head_of(struct rig *r, size_t n)
{
    struct str fixed = STR("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: \r\n\r\n");

    return arena_fmt(r->arena, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: %s\r\n\r\n",
                     arena_cstr(r->arena, rig_repeat(r, 'x', n - fixed.n)));
}

TEST(head_bytes_at_the_limit_and_one_past)
{
    static const size_t limits[] = {512, (size_t)32 * 1024, (size_t)64 * 1024, (size_t)70001};
    struct rig r;

    rig_init(&r);
    r.on_request = say_hello;
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        r.limits.head_bytes = limits[i];
        rig_restart(&r);
        CHECK(str_starts(rig_ask(&r, head_of(&r, limits[i])), STR("HTTP/1.1 200 ")));
        CHECK(str_starts(rig_ask(&r, head_of(&r, limits[i] + 1)), STR("HTTP/1.1 431 ")));
    }
    CHECK_INT(r.requests, ARRAY_LEN(limits));
    rig_fini(&r);
}

TEST(target_bytes_at_the_limit_and_one_past)
{
    struct rig r;

    rig_init(&r);
    r.on_request = say_hello;
    r.limits.target_bytes = 100;
    rig_restart(&r);
    for (size_t n = 100; n <= 101; n++) {
        struct str request =
            arena_fmt(r.arena, "GET /%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                      arena_cstr(r.arena, rig_repeat(&r, 'x', n - 1)));
        CHECK(str_starts(rig_ask(&r, request),
                         n == 100 ? STR("HTTP/1.1 200 ") : STR("HTTP/1.1 414 ")));
    }
    rig_fini(&r);
}

TEST(header_count_at_the_limit_and_one_past)
{
    struct rig r;

    rig_init(&r);
    r.on_request = say_hello;
    for (size_t n = 200; n <= 201; n++) {
        struct buf b = BUF_INIT(BUF_NO_LIMIT);

        buf_add_c(&b, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n");
        for (size_t i = 2; i < n; i++)
            buf_add_c(&b, "X: y\r\n");
        buf_add_c(&b, "\r\n");
        CHECK(str_starts(rig_ask(&r, buf_str(&b)),
                         n == 200 ? STR("HTTP/1.1 200 ") : STR("HTTP/1.1 431 ")));
        buf_fini(&b);
    }
    rig_fini(&r);
}

TEST(connections_at_the_limit_and_one_past)
{
    struct rig r;
    struct buf out = BUF_INIT(BUF_NO_LIMIT);

    rig_init(&r);
    r.on_request = say_hello;
    r.limits.max_connections = 2;
    rig_restart(&r);
    int a = rig_connect(&r), b = rig_connect(&r);
    rig_steps(&r, 3);
    struct str answer = rig_ask(&r, STR(GET));
    CHECK(str_starts(answer, STR("HTTP/1.1 503 ")));
    CHECK(rig_has(answer, "\r\nRetry-After: 1\r\n"));
    CHECK_INT(r.requests, 0);
    rig_send(&r, a, STR(GET_CLOSE));
    CHECK(rig_read_close(&r, a, &out));
    CHECK(str_starts(buf_str(&out), STR("HTTP/1.1 200 ")));
    rig_steps(&r, 3);
    CHECK(str_starts(rig_ask(&r, STR(GET_CLOSE)), STR("HTTP/1.1 200 ")));
    close(a);
    close(b);
    buf_fini(&out);
    rig_fini(&r);
}

TEST(pipelined_requests_are_answered_in_order)
{
    enum { COUNT = 3000 }; /* several input blocks, with heads across their ends */
    struct rig r;
    struct buf in = BUF_INIT(BUF_NO_LIMIT), out = BUF_INIT(BUF_NO_LIMIT);
    struct str rest;

    rig_init(&r);
    r.on_request = say_target;
    for (int i = 0; i < COUNT; i++)
        buf_addf(&in, "GET /%d HTTP/1.1\r\nHost: a\r\n%s\r\n", i,
                 i == COUNT - 1 ? "Connection: close\r\n" : "");
    int fd = rig_connect(&r);
    CHECK(rig_send(&r, fd, buf_str(&in)));
    CHECK(rig_read_close(&r, fd, &out));
    rest = buf_str(&out);
    for (int i = 0; i < COUNT; i++) {
        struct str want = arena_fmt(r.arena, "\r\n\r\n/%d", i);
        ptrdiff_t at = str_find(rest, want);

        if (!CHECK(at > 0))
            break;
        rest = str_skip(rest, (size_t)at + want.n);
    }
    CHECK_INT(rest.n, 0);
    CHECK_INT(r.requests, COUNT);
    close(fd);
    buf_fini(&in);
    buf_fini(&out);
    rig_fini(&r);
}

TEST(pipelined_requests_wait_for_the_current_exchange)
{
    struct rig r;
    struct buf out = BUF_INIT(BUF_NO_LIMIT);

    rig_init(&r);
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR(GET GET GET));
    CHECK(rig_until(&r, &r.requests, 1));
    rig_steps(&r, 5);
    CHECK_INT(r.requests, 1);
    for (unsigned i = 1; i <= 3; i++) {
        CHECK(rig_until(&r, &r.requests, i));
        say_hello(&r, r.x);
        CHECK(rig_until(&r, &r.closes, i));
    }
    CHECK_STR(buf_str(&r.log), "recrecrec");
    close(fd);
    buf_fini(&out);
    rig_fini(&r);
}

TEST(request_arriving_byte_by_byte)
{
    struct rig r;
    struct buf out = BUF_INIT(BUF_NO_LIMIT);
    struct str request =
        STR("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
            "Connection: close\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: u\r\n\r\n");

    rig_init(&r);
    r.on_body_end = say_body;
    int fd = rig_connect(&r);
    for (size_t i = 0; i < request.n; i++)
        CHECK(rig_send(&r, fd, str_n(request.p + i, 1)));
    CHECK(rig_read_close(&r, fd, &out));
    CHECK(str_ends(buf_str(&out), STR("\r\n\r\nabcde")));
    CHECK_INT(r.requests, 1);
    close(fd);
    buf_fini(&out);
    rig_fini(&r);
}

TEST(long_head_arriving_in_small_pieces)
{
    struct rig r;
    struct buf out = BUF_INIT(BUF_NO_LIMIT);

    rig_init(&r);
    r.on_request = say_hello;
    struct str request = head_of(&r, 50000);
    int fd = rig_connect(&r);
    for (struct str rest = request; rest.n; rest = str_skip(rest, 100)) {
        CHECK(rig_send(&r, fd, str_head(rest, 100)));
        rig_steps(&r, 1);
    }
    CHECK(rig_read_close(&r, fd, &out));
    CHECK(str_starts(buf_str(&out), STR("HTTP/1.1 200 ")));
    close(fd);
    buf_fini(&out);
    rig_fini(&r);
}

TEST(serve_takes_a_connected_stream)
{
    struct rig r;
    struct addr at, client_addr;
    struct stream *s = NULL;
    struct buf out = BUF_INIT(BUF_NO_LIMIT);

    rig_init(&r);
    int listen_fd = rig_listen(&at);
    r.server_addr = at;
    int fd = rig_connect(&r);
    CHECK_OK(tcp_local_addr(fd, &client_addr));
    CHECK_OK(tcp_from_fd(r.loop, rig_accept(&r, listen_fd), &s, NULL));
    rig_send(&r, fd, STR(GET_CLOSE));
    http_server_serve(r.server, s, &client_addr);
    CHECK_INT(r.requests, 0);
    CHECK(rig_until(&r, &r.requests, 1));
    CHECK(addr_eq(http_exchange_peer(r.x), &client_addr));
    CHECK(http_exchange_stream(r.x) == s);
    say_hello(&r, r.x);
    CHECK(rig_read_close(&r, fd, &out));
    CHECK(str_ends(buf_str(&out), STR("hello")));
    close(fd);
    close(listen_fd);
    buf_fini(&out);
    rig_fini(&r);
}

TEST(connections_far_beyond_the_limit_are_closed_at_once)
{
    enum { TOLD = 256 };
    struct rig r;
    int fds[TOLD + 2];
    char c;

    rig_init(&r);
    r.limits.max_connections = 1;
    rig_restart(&r);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = rig_connect(&r);
        rig_steps(&r, 1);
    }
    rig_steps(&r, 5);
    CHECK_INT(http_server_connections(r.server), TOLD + 1);
    CHECK_INT(read(fds[TOLD + 1], &c, 1), 0);
    CHECK_INT(read(fds[TOLD], &c, 1), -1);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        close(fds[i]);
    rig_steps(&r, 5);
    CHECK_INT(http_server_connections(r.server), 0);
    rig_fini(&r);
}

TEST(body_with_length_and_next_request)
{
    struct rig r;

    rig_init(&r);
    r.on_body_end = say_body;
    struct str answer =
        rig_ask(&r, STR("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" GET_CLOSE));
    CHECK(rig_has(answer, "\r\n\r\nabcHTTP/1.1 200 OK\r\n"));
    CHECK(rig_has(answer, "Content-Length: 0\r\n"));
    CHECK_INT(r.body_ends, 2);
    rig_fini(&r);
}

static const char *const BAD_CHUNKS[] = {
    "x\r\n",
    "-1\r\n",
    "3 \r\nabc\r\n",
    "3\nabc\r\n",
    "3\r\nabcd\r\n",
    "\r\n",
    "0x3\r\nabc",
    "fffffffffffffffff\r\n",
    ";a\r\n",
    "0\r\nbad trailer\r\n\r\n",
    "0\r\n X: y\r\n\r\n",
};

TEST(bad_chunks_end_the_exchange_with_400)
{
    struct rig r;

    rig_init(&r);
    for (size_t i = 0; i < ARRAY_LEN(BAD_CHUNKS); i++) {
        struct str answer = rig_ask(
            &r,
            arena_fmt(r.arena, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%s",
                      BAD_CHUNKS[i]));

        if (!CHECK(str_starts(answer, STR("HTTP/1.1 400 "))))
            printf("chunk %zu\n", i);
        CHECK_INT(r.closes, i + 1);
        CHECK_ERR(r.close_rc, ERR_BADREQUEST);
        CHECK_INT(r.body_ends, 0);
    }
    rig_fini(&r);
}

static void begin_answer(struct rig *r, struct http_exchange *x)
{
    http_exchange_respond(x,
                          &(struct http_response){.status = 200, .body_length = HTTP_BODY_UNKNOWN});
    (void)http_exchange_write(x, STR("part"));
}

TEST(bad_chunk_after_the_answer_began_truncates_it)
{
    struct rig r;

    rig_init(&r);
    r.on_request = begin_answer;
    struct str answer =
        rig_ask(&r, STR("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"));
    CHECK(!rig_has(answer, "400"));
    CHECK(!rig_has(answer, "0\r\n\r\n"));
    CHECK_ERR(r.close_rc, ERR_BADREQUEST);
    rig_fini(&r);
}

TEST(head_gets_length_but_no_body)
{
    struct rig r;

    rig_init(&r);
    r.on_request = say_hello;
    struct str answer = rig_ask(&r, STR("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    CHECK(rig_has(answer, "Content-Length: 5\r\n"));
    CHECK(str_ends(answer, STR("\r\n\r\n")));
    rig_fini(&r);
}

static void say_status(struct rig *r, struct http_exchange *x)
{
    int *status = r->cookie;

    http_exchange_respond(x, &(struct http_response){.status = *status});
    (void)http_exchange_write(x, STR("dropped"));
    http_exchange_end(x);
}

TEST(no_body_statuses_have_neither_body_nor_length)
{
    static int statuses[] = {204, 304};
    struct rig r;

    rig_init(&r);
    r.on_request = say_status;
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        r.cookie = &statuses[i];
        struct str answer = rig_ask(&r, STR(GET GET_CLOSE));
        CHECK(!rig_has(answer, "ontent-"));
        CHECK(!rig_has(answer, "dropped"));
        CHECK(str_ends(answer, STR("\r\n\r\n")));
    }
    CHECK_INT(r.closes, 4);
    rig_fini(&r);
}

static void say_in_parts(struct rig *r, struct http_exchange *x)
{
    http_exchange_respond(x,
                          &(struct http_response){.status = 200, .body_length = HTTP_BODY_UNKNOWN});
    CHECK(http_exchange_write(x, STR("hello ")));
    CHECK(http_exchange_write(x, STR("")));
    CHECK(http_exchange_write(x, STR("world")));
    http_exchange_end(x);
}

TEST(unknown_length_is_chunked_or_closes)
{
    struct rig r;

    rig_init(&r);
    r.on_request = say_in_parts;
    struct str answer = rig_ask(&r, STR(GET_CLOSE));
    CHECK(rig_has(answer, "Transfer-Encoding: chunked\r\n"));
    CHECK(str_ends(answer, STR("\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n")));
    answer = rig_ask(&r, STR("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    CHECK(!rig_has(answer, "chunked"));
    CHECK(rig_has(answer, "Connection: close\r\n"));
    CHECK(str_ends(answer, STR("\r\n\r\nhello world")));
    rig_fini(&r);
}

TEST(http_1_0_keep_alive_is_confirmed)
{
    struct rig r;

    rig_init(&r);
    r.on_request = say_hello;
    struct str answer = rig_ask(
        &r, STR("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n"));
    CHECK(rig_has(answer, "Connection: keep-alive\r\n\r\nhelloHTTP/1.1 200 OK\r\n"));
    CHECK(rig_has(answer, "Connection: close\r\n\r\nhello"));
    CHECK_INT(r.requests, 2);
    rig_fini(&r);
}

TEST(expect_gets_100_before_the_body_is_read)
{
    struct rig r;
    struct buf out = BUF_INIT(BUF_NO_LIMIT);

    rig_init(&r);
    r.on_body_end = say_body;
    int fd = rig_connect(&r);
    rig_send(&r, fd,
             STR("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"
                 "Connection: close\r\n\r\n"));
    CHECK(rig_read_tail(&r, fd, &out, STR("HTTP/1.1 100 Continue\r\n\r\n")));
    rig_send(&r, fd, STR("ok"));
    CHECK(rig_read_close(&r, fd, &out));
    CHECK(str_ends(buf_str(&out), STR("\r\n\r\nok")));
    close(fd);
    buf_fini(&out);
    rig_fini(&r);
}

static void pause_request(struct rig *r, struct http_exchange *x)
{
    http_exchange_pause(x);
}

TEST(expect_waits_for_a_paused_handler)
{
    struct rig r;
    struct buf out = BUF_INIT(BUF_NO_LIMIT);

    rig_init(&r);
    r.on_request = pause_request;
    int fd = rig_connect(&r);
    rig_send(&r, fd,
             STR("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
    CHECK(rig_until(&r, &r.requests, 1));
    rig_steps(&r, 5);
    char c;
    CHECK_INT(read(fd, &c, 1), -1);
    http_exchange_resume(r.x);
    CHECK(rig_read_tail(&r, fd, &out, STR("HTTP/1.1 100 Continue\r\n\r\n")));
    close(fd);
    CHECK(rig_until(&r, &r.closes, 1));
    CHECK_ERR(r.close_rc, ERR_CLOSED);
    buf_fini(&out);
    rig_fini(&r);
}

TEST(answer_instead_of_100_closes)
{
    struct rig r;

    rig_init(&r);
    r.on_request = say_hello;
    struct str answer = rig_ask(
        &r, STR("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
    CHECK(str_starts(answer, STR("HTTP/1.1 200 ")));
    CHECK(rig_has(answer, "Connection: close\r\n"));
    rig_fini(&r);
}

TEST(inform_goes_out_before_the_answer_and_not_to_1_0)
{
    struct rig r;
    struct buf out = BUF_INIT(BUF_NO_LIMIT);

    rig_init(&r);
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR(GET "GET / HTTP/1.0\r\n\r\n"));
    CHECK(rig_until(&r, &r.requests, 1));
    http_exchange_inform(r.x, 103, NULL);
    say_hello(&r, r.x);
    CHECK(rig_until(&r, &r.requests, 2));
    http_exchange_inform(r.x, 103, NULL);
    say_hello(&r, r.x);
    CHECK(rig_read_close(&r, fd, &out));
    CHECK(str_starts(buf_str(&out), STR("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK")));
    CHECK(!rig_has(str_skip(buf_str(&out), 10), "103"));
    close(fd);
    buf_fini(&out);
    rig_fini(&r);
}

TEST(handler_may_send_100_itself_with_headers)
{
    struct rig r;
    struct buf out = BUF_INIT(BUF_NO_LIMIT);
    struct http_headers h = {0};

    rig_init(&r);
    r.on_request = pause_request;
    r.on_body_end = say_body;
    int fd = rig_connect(&r);
    rig_send(&r, fd,
             STR("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
    CHECK(rig_until(&r, &r.requests, 1));
    h.arena = http_exchange_arena(r.x);
    http_headers_add(&h, STR("X"), STR("y"));
    http_exchange_inform(r.x, 100, &h);
    http_exchange_resume(r.x);
    CHECK(rig_read_tail(&r, fd, &out, STR("\r\n\r\n")));
    CHECK_STR(buf_str(&out), "HTTP/1.1 100 Continue\r\nX: y\r\n\r\n");
    rig_send(&r, fd, STR("ok"));
    CHECK(rig_read_tail(&r, fd, &out, STR("\r\n\r\nok")));
    CHECK(!rig_has(buf_str(&out), "Connection: close"));
    close(fd);
    buf_fini(&out);
    rig_fini(&r);
}

TEST(early_answer_drains_a_small_rest_and_goes_on)
{
    struct rig r;
    struct buf out = BUF_INIT(BUF_NO_LIMIT);

    rig_init(&r);
    r.on_request = say_hello;
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n"));
    CHECK(rig_read_tail(&r, fd, &out, STR("hello")));
    CHECK(rig_until(&r, &r.closes, 1));
    CHECK(rig_send(&r, fd, rig_repeat(&r, 'x', 200000)));
    CHECK(rig_send(&r, fd, STR(GET_CLOSE)));
    CHECK(rig_read_close(&r, fd, &out));
    CHECK_INT(r.requests, 2);
    CHECK_INT(r.body.len, 0);
    close(fd);
    buf_fini(&out);
    rig_fini(&r);
}

TEST(early_answer_with_a_large_rest_closes_but_arrives)
{
    struct rig r;
    struct buf out = BUF_INIT(BUF_NO_LIMIT);

    rig_init(&r);
    r.on_request = say_hello;
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n"));
    CHECK(rig_send(&r, fd, rig_repeat(&r, 'x', 2000000)));
    CHECK(rig_read_close(&r, fd, &out));
    CHECK(str_ends(buf_str(&out), STR("hello")));
    CHECK_INT(r.close_rc, 0);
    close(fd);
    rig_steps(&r, 4);
    CHECK_INT(http_server_connections(r.server), 0);
    buf_fini(&out);
    rig_fini(&r);
}

TEST(half_closed_client_still_gets_its_answer)
{
    struct rig r;
    struct buf out = BUF_INIT(BUF_NO_LIMIT);

    rig_init(&r);
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR(GET));
    shutdown(fd, SHUT_WR);
    CHECK(rig_until(&r, &r.requests, 1));
    rig_steps(&r, 5);
    CHECK_INT(r.closes, 0);
    say_hello(&r, r.x);
    CHECK(rig_read_close(&r, fd, &out));
    CHECK(str_ends(buf_str(&out), STR("hello")));
    CHECK_INT(r.close_rc, 0);
    close(fd);
    rig_steps(&r, 3);
    CHECK_INT(http_server_connections(r.server), 0);
    buf_fini(&out);
    rig_fini(&r);
}

static void reset(int fd)
{
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    close(fd);
}

TEST(aborting_client_is_noticed_while_the_handler_waits)
{
    struct rig r;

    rig_init(&r);
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR(GET));
    CHECK(rig_until(&r, &r.requests, 1));
    reset(fd);
    CHECK(rig_until(&r, &r.closes, 1));
    CHECK_ERR(r.close_rc, ERR_CLOSED);
    CHECK_INT(http_server_connections(r.server), 0);
    rig_fini(&r);
}

TEST(client_gone_within_its_body)
{
    struct rig r;

    rig_init(&r);
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"));
    CHECK(rig_until(&r, &r.requests, 1));
    close(fd);
    CHECK(rig_until(&r, &r.closes, 1));
    CHECK_ERR(r.close_rc, ERR_CLOSED);
    CHECK_INT(r.body_ends, 0);
    CHECK_STR(buf_str(&r.body), "abc");
    rig_fini(&r);
}

TEST(half_a_head_then_eof_is_dropped)
{
    struct rig r;

    rig_init(&r);
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR("GET / HTTP/1.1\r\nHo"));
    rig_steps(&r, 3);
    CHECK_INT(http_server_connections(r.server), 1);
    close(fd);
    rig_steps(&r, 5);
    CHECK_INT(http_server_connections(r.server), 0);
    CHECK_INT(r.requests + r.refusals, 0);
    rig_fini(&r);
}

TEST(unsound_answer_headers_become_500)
{
    struct rig r;
    struct buf out = BUF_INIT(BUF_NO_LIMIT);
    struct http_response p = {.status = 200, .body_length = 3};

    rig_init(&r);
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR(GET));
    CHECK(rig_until(&r, &r.requests, 1));
    p.headers.arena = http_exchange_arena(r.x);
    http_headers_add(&p.headers, STR("Location"), STR("/a\r\nSet-Cookie: b"));
    http_exchange_respond(r.x, &p);
    (void)http_exchange_write(r.x, STR("abc"));
    http_exchange_end(r.x);
    CHECK(rig_read_close(&r, fd, &out));
    CHECK_STR(
        buf_str(&out),
        "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    close(fd);
    buf_fini(&out);
    rig_fini(&r);
}

TEST(kept_value_lives_with_the_connection)
{
    struct rig r;
    struct buf out = BUF_INIT(BUF_NO_LIMIT);

    rig_init(&r);
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR(GET GET_CLOSE));
    CHECK(rig_until(&r, &r.requests, 1));
    CHECK(http_exchange_kept(r.x) == NULL);
    http_exchange_keep(r.x, str_dup(STR("one")), free);
    http_exchange_keep(r.x, str_dup(STR("two")), free);
    say_hello(&r, r.x);
    CHECK(rig_until(&r, &r.requests, 2));
    CHECK_STR((const char *)http_exchange_kept(r.x), "two");
    say_hello(&r, r.x);
    CHECK(rig_read_close(&r, fd, &out));
    close(fd);
    buf_fini(&out);
    rig_fini(&r);
}
