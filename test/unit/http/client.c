/*
 * The client against a scripted peer on a raw socket: pooling, retry, strictness, streaming, time-outs.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "rig.h"

#define SECOND INT64_C(1000000)
#define OK_5 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

/* One call and what it brought. */
struct shot {
    struct rig *rig;
    struct http_call *call;
    unsigned heads, informs, ends, errors, drains, over;
    int status;
    int64_t body_length;
    struct buf body;
    struct err err;
    void (*on_head)(struct shot *s);
    void (*on_body)(struct shot *s, struct str bytes);
    void (*on_over)(struct shot *s);
    void (*on_inform)(struct shot *s);
};

/* Client, listener and the shots of a test. */
struct range {
    struct rig rig;
    struct http_client_limits limits;
    struct http_client *client;
    int listen_fd;
    struct addr addr;
    struct http_endpoint endpoint;
    struct shot shots[8];
};

static void on_head(void *cookie, const struct http_response *r)
{
    struct shot *s = cookie;

    s->heads++;
    s->status = r->status;
    s->body_length = r->body_length;
    if (s->on_head)
        s->on_head(s);
}

static void on_inform(void *cookie, const struct http_response *r)
{
    struct shot *s = cookie;

    s->informs++;
    s->status = r->status;
    if (s->on_inform)
        s->on_inform(s);
}

static void on_body(void *cookie, struct str bytes)
{
    struct shot *s = cookie;

    buf_add_str(&s->body, bytes);
    if (s->on_body)
        s->on_body(s, bytes);
}

static void on_end(void *cookie)
{
    struct shot *s = cookie;

    s->ends++;
    s->over++;
    if (s->on_over)
        s->on_over(s);
    s->call = NULL;
}

static void on_error(void *cookie, const struct err *err)
{
    struct shot *s = cookie;

    s->errors++;
    s->over++;
    s->err = *err;
    if (s->on_over)
        s->on_over(s);
    s->call = NULL;
}

static void on_drain(void *cookie)
{
    ((struct shot *)cookie)->drains++;
}

static const struct http_call_ops OPS = {on_head, on_inform, on_body, on_end, on_error, on_drain};

static void range_init(struct range *g)
{
    *g = (struct range){.limits = HTTP_CLIENT_LIMITS_DEFAULT};
    rig_init(&g->rig);
    g->listen_fd = rig_listen(&g->addr);
    g->client = http_client_new(g->rig.loop, g->rig.dns, &g->limits);
    g->endpoint = (struct http_endpoint){.key = STR("k1"),
                                         .target = {.host = STR("127.0.0.1"),
                                                    .port = addr_port(&g->addr),
                                                    .connect_timeout_us = 10 * SECOND,
                                                    .tls_timeout_us = 10 * SECOND}};
    for (size_t i = 0; i < ARRAY_LEN(g->shots); i++) {
        g->shots[i].rig = &g->rig;
        buf_init(&g->shots[i].body, BUF_NO_LIMIT);
    }
}

static void range_reset(struct range *g)
{
    http_client_free(g->client);
    g->client = http_client_new(g->rig.loop, g->rig.dns, &g->limits);
}

static void range_fini(struct range *g)
{
    for (size_t i = 0; i < ARRAY_LEN(g->shots); i++) {
        if (g->shots[i].call)
            http_call_cancel(g->shots[i].call);
        buf_fini(&g->shots[i].body);
    }
    http_client_free(g->client);
    close(g->listen_fd);
    rig_fini(&g->rig);
}

static struct shot *shoot_length(struct range *g, unsigned i, const char *method, int64_t length)
{
    struct http_request r = {.method = str_c(method),
                             .target = STR("/x"),
                             .authority = STR("up.example"),
                             .headers.arena = g->rig.arena,
                             .body_length = length};

    http_headers_add(&r.headers, STR("Authorization"), STR("Basic abc"));
    g->shots[i].call = http_call_start(g->client, &g->endpoint, &r, &OPS, &g->shots[i]);
    return &g->shots[i];
}

static struct shot *shoot(struct range *g, unsigned i)
{
    return shoot_length(g, i, "GET", 0);
}

static void expect_request(struct range *g, int fd)
{
    struct buf in = BUF_INIT(BUF_NO_LIMIT);

    CHECK(rig_read_tail(&g->rig, fd, &in, STR("\r\n\r\n")));
    CHECK(
        rig_has(buf_str(&in), " /x HTTP/1.1\r\nHost: up.example\r\nAuthorization: Basic abc\r\n"));
    buf_fini(&in);
}

/* Serves one request on `fd` with `answer`. */
static void serve(struct range *g, int fd, struct str answer)
{
    expect_request(g, fd);
    CHECK(rig_send(&g->rig, fd, answer));
}

TEST(call_reuses_its_connection)
{
    struct range g;
    int fd = -1;

    range_init(&g);
    for (unsigned i = 0; i < 3; i++) {
        struct shot *s = shoot(&g, i);

        if (i == 0)
            fd = rig_accept(&g.rig, g.listen_fd);
        serve(&g, fd, STR(OK_5));
        CHECK(rig_until(&g.rig, &s->over, 1));
        CHECK_INT(s->ends, 1);
        CHECK_INT(s->status, 200);
        CHECK_INT(s->body_length, 5);
        CHECK_STR(buf_str(&s->body), "hello");
        CHECK_INT(http_client_idle(g.client), 1);
    }
    close(fd);
    rig_steps(&g.rig, 3);
    CHECK_INT(http_client_idle(g.client), 0);
    range_fini(&g);
}

TEST(keys_do_not_share_connections)
{
    struct range g;

    range_init(&g);
    struct shot *s = shoot(&g, 0);
    int a = rig_accept(&g.rig, g.listen_fd);
    serve(&g, a, STR(OK_5));
    CHECK(rig_until(&g.rig, &s->over, 1));
    g.endpoint.key = STR("k2");
    s = shoot(&g, 1);
    int b = rig_accept(&g.rig, g.listen_fd);
    serve(&g, b, STR(OK_5));
    CHECK(rig_until(&g.rig, &s->over, 1));
    CHECK_INT(http_client_idle(g.client), 2);
    http_client_forget(g.client, STR("k2"));
    CHECK_INT(http_client_idle(g.client), 1);
    http_client_forget(g.client, STR(""));
    CHECK_INT(http_client_idle(g.client), 0);
    close(a);
    close(b);
    range_fini(&g);
}

TEST(forgotten_key_in_use_is_not_pooled_again)
{
    struct range g;

    range_init(&g);
    struct shot *s = shoot(&g, 0);
    int fd = rig_accept(&g.rig, g.listen_fd);
    expect_request(&g, fd);
    http_client_forget(g.client, STR("k"));
    rig_send(&g.rig, fd, STR(OK_5));
    CHECK(rig_until(&g.rig, &s->ends, 1));
    CHECK_INT(http_client_idle(g.client), 0);
    close(fd);
    range_fini(&g);
}

TEST(idle_connections_are_bounded_and_age)
{
    struct range g;
    int fds[4];

    range_init(&g);
    g.limits.max_idle_per_key = 2;
    range_reset(&g);
    for (unsigned i = 0; i < 4; i++) {
        shoot(&g, i);
        fds[i] = rig_accept(&g.rig, g.listen_fd);
    }
    for (unsigned i = 0; i < 4; i++) {
        serve(&g, fds[i], STR(OK_5));
        CHECK(rig_until(&g.rig, &g.shots[i].over, 1));
        CHECK_INT(http_client_idle(g.client), MIN(i + 1, 2u));
    }
    rig_advance(&g.rig, 59 * SECOND);
    CHECK_INT(http_client_idle(g.client), 2);
    rig_advance(&g.rig, 2 * SECOND);
    CHECK_INT(http_client_idle(g.client), 0);
    for (unsigned i = 0; i < 4; i++)
        close(fds[i]);
    range_fini(&g);
}

TEST(idle_connections_are_bounded_over_all_keys)
{
    static const char *const keys[] = {"a", "b", "c"};
    struct range g;
    int fds[3];

    range_init(&g);
    g.limits.max_idle = 2;
    range_reset(&g);
    for (unsigned i = 0; i < 3; i++) {
        g.endpoint.key = str_c(keys[i]);
        shoot(&g, i);
        fds[i] = rig_accept(&g.rig, g.listen_fd);
        serve(&g, fds[i], STR(OK_5));
        CHECK(rig_until(&g.rig, &g.shots[i].over, 1));
    }
    CHECK_INT(http_client_idle(g.client), 2);
    char c;
    CHECK_INT(recv(fds[0], &c, 1, 0), 0);
    for (unsigned i = 0; i < 3; i++)
        close(fds[i]);
    range_fini(&g);
}

/* Leaves one pooled connection and returns the peer's end. */
static int pool_one(struct range *g)
{
    struct shot *s = shoot(g, 7);
    int fd = rig_accept(&g->rig, g->listen_fd);

    serve(g, fd, STR(OK_5));
    CHECK(rig_until(&g->rig, &s->over, 1));
    CHECK_INT(http_client_idle(g->client), 1);
    return fd;
}

TEST(stale_connection_is_retried_once)
{
    struct range g;

    range_init(&g);
    int fd = pool_one(&g);
    struct shot *s = shoot(&g, 0);
    expect_request(&g, fd);
    close(fd);
    fd = rig_accept(&g.rig, g.listen_fd);
    serve(&g, fd, STR(OK_5));
    CHECK(rig_until(&g.rig, &s->over, 1));
    CHECK_INT(s->ends, 1);
    CHECK_INT(s->errors, 0);
    CHECK_STR(buf_str(&s->body), "hello");
    close(fd);
    range_fini(&g);
}

TEST(retry_that_fails_is_not_retried)
{
    struct range g;

    range_init(&g);
    int fd = pool_one(&g);
    struct shot *s = shoot(&g, 0);
    expect_request(&g, fd);
    close(fd);
    fd = rig_accept(&g.rig, g.listen_fd);
    expect_request(&g, fd);
    close(fd);
    CHECK(rig_until(&g.rig, &s->errors, 1));
    CHECK_INT(s->err.code, ERR_CLOSED);
    range_fini(&g);
}

TEST(fresh_connection_is_not_retried)
{
    struct range g;

    range_init(&g);
    struct shot *s = shoot(&g, 0);
    int fd = rig_accept(&g.rig, g.listen_fd);
    expect_request(&g, fd);
    close(fd);
    CHECK(rig_until(&g.rig, &s->errors, 1));
    CHECK_INT(s->err.code, ERR_CLOSED);
    range_fini(&g);
}

TEST(post_is_not_retried)
{
    struct range g;

    range_init(&g);
    int fd = pool_one(&g);
    struct shot *s = shoot_length(&g, 0, "POST", 0);
    expect_request(&g, fd);
    close(fd);
    CHECK(rig_until(&g.rig, &s->errors, 1));
    CHECK_INT(s->err.code, ERR_CLOSED);
    range_fini(&g);
}

TEST(no_retry_after_a_request_body_byte)
{
    struct range g;

    range_init(&g);
    int fd = pool_one(&g);
    struct shot *s = shoot_length(&g, 0, "PUT", 5);
    struct buf in = BUF_INIT(BUF_NO_LIMIT);
    CHECK(http_call_write(s->call, STR("a")));
    CHECK(rig_read_tail(&g.rig, fd, &in, STR("\r\n\r\na")));
    buf_fini(&in);
    close(fd);
    CHECK(rig_until(&g.rig, &s->errors, 1));
    CHECK_INT(s->err.code, ERR_CLOSED);
    range_fini(&g);
}

TEST(put_without_body_byte_is_retried_with_its_body)
{
    struct range g;
    struct buf in = BUF_INIT(BUF_NO_LIMIT);

    range_init(&g);
    int fd = pool_one(&g);
    struct shot *s = shoot_length(&g, 0, "PUT", 5);
    expect_request(&g, fd);
    close(fd);
    fd = rig_accept(&g.rig, g.listen_fd);
    CHECK(http_call_write(s->call, STR("abcde")));
    http_call_end(s->call);
    CHECK(rig_read_tail(&g.rig, fd, &in, STR("\r\n\r\nabcde")));
    rig_send(&g.rig, fd, STR(OK_5));
    CHECK(rig_until(&g.rig, &s->ends, 1));
    close(fd);
    buf_fini(&in);
    range_fini(&g);
}

TEST(no_retry_after_a_response_byte)
{
    struct range g;

    range_init(&g);
    int fd = pool_one(&g);
    struct shot *s = shoot(&g, 0);
    serve(&g, fd, STR("H"));
    rig_steps(&g.rig, 3);
    close(fd);
    CHECK(rig_until(&g.rig, &s->errors, 1));
    CHECK_INT(s->err.code, ERR_CLOSED);
    range_fini(&g);
}

TEST(unasked_bytes_end_an_idle_connection)
{
    struct range g;

    range_init(&g);
    int fd = pool_one(&g);
    rig_send(&g.rig, fd, STR("HTTP/1.1 200 OK\r\n"));
    rig_steps(&g.rig, 3);
    CHECK_INT(http_client_idle(g.client), 0);
    close(fd);
    range_fini(&g);
}

TEST(bytes_before_the_request_are_no_response)
{
    struct range g;

    range_init(&g);
    int fd = pool_one(&g);
    CHECK_INT(send(fd, OK_5, sizeof(OK_5) - 1, 0), sizeof(OK_5) - 1);
    /* The head waits for its body, so the unasked response is read first. */
    struct shot *s = shoot_length(&g, 0, "POST", 5);
    CHECK(rig_until(&g.rig, &s->errors, 1));
    CHECK_INT(s->err.code, ERR_PROTO);
    CHECK_INT(s->heads, 0);
    close(fd);
    range_fini(&g);
}

static const char *const BAD_RESPONSES[] = {
    "SSH-2.0-OpenSSH\r\n\r\n",
    "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nX : y\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX: y\r\n z\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX: \001\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
};

TEST(bad_responses_end_in_proto_and_are_not_pooled)
{
    struct range g;

    range_init(&g);
    for (size_t i = 0; i < ARRAY_LEN(BAD_RESPONSES); i++) {
        struct shot *s = shoot(&g, 0);
        int fd = rig_accept(&g.rig, g.listen_fd);

        s->errors = s->over = 0;
        serve(&g, fd, str_c(BAD_RESPONSES[i]));
        if (!CHECK(rig_until(&g.rig, &s->errors, 1)) || !CHECK_INT(s->err.code, ERR_PROTO))
            printf("response %zu\n", i);
        CHECK(rig_has(str_c(s->err.msg), "bad response"));
        CHECK_INT(http_client_idle(g.client), 0);
        close(fd);
    }
    range_fini(&g);
}

TEST(bytes_behind_the_response_keep_it_from_the_pool)
{
    struct range g;

    range_init(&g);
    struct shot *s = shoot(&g, 0);
    int fd = rig_accept(&g.rig, g.listen_fd);
    serve(&g, fd, STR(OK_5 "H"));
    CHECK(rig_until(&g.rig, &s->ends, 1));
    CHECK_STR(buf_str(&s->body), "hello");
    CHECK_INT(http_client_idle(g.client), 0);
    close(fd);
    range_fini(&g);
}

TEST(connection_close_and_1_0_are_not_pooled)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    };
    struct range g;

    range_init(&g);
    for (unsigned i = 0; i < 2; i++) {
        struct shot *s = shoot(&g, i);
        int fd = rig_accept(&g.rig, g.listen_fd);
        serve(&g, fd, str_c(answers[i]));
        CHECK(rig_until(&g.rig, &s->ends, 1));
        CHECK_INT(http_client_idle(g.client), 0);
        close(fd);
    }
    range_fini(&g);
}

TEST(until_close_ends_with_eof_and_others_do_not)
{
    struct range g;

    range_init(&g);
    struct shot *s = shoot(&g, 0);
    int fd = rig_accept(&g.rig, g.listen_fd);
    serve(&g, fd, STR("HTTP/1.1 200 OK\r\n\r\nhello"));
    close(fd);
    CHECK(rig_until(&g.rig, &s->ends, 1));
    CHECK_INT(s->body_length, HTTP_BODY_UNKNOWN);
    CHECK_STR(buf_str(&s->body), "hello");

    s = shoot(&g, 1);
    fd = rig_accept(&g.rig, g.listen_fd);
    serve(&g, fd, STR("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello"));
    close(fd);
    CHECK(rig_until(&g.rig, &s->errors, 1));
    CHECK_INT(s->err.code, ERR_CLOSED);

    s = shoot(&g, 2);
    fd = rig_accept(&g.rig, g.listen_fd);
    serve(&g, fd, STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"));
    close(fd);
    CHECK(rig_until(&g.rig, &s->errors, 1));
    CHECK_INT(s->err.code, ERR_CLOSED);
    range_fini(&g);
}

TEST(answer_and_fin_in_one_packet_are_both_seen)
{
    struct range g;

    range_init(&g);
    struct shot *s = shoot(&g, 0);
    int fd = rig_accept(&g.rig, g.listen_fd);
    expect_request(&g, fd);
    CHECK_INT(send(fd, OK_5, sizeof(OK_5) - 1, MSG_MORE), sizeof(OK_5) - 1);
    close(fd);
    CHECK(rig_until(&g.rig, &s->ends, 1));
    CHECK_INT(http_client_idle(g.client), 0);
    range_fini(&g);
}

TEST(bodiless_answers)
{
    static const struct {
        const char *method, *answer;
        int64_t length;
    } cases[] = {
        {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 5},
        {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_BODY_UNKNOWN},
        {"GET", "HTTP/1.1 204 No Content\r\n\r\n", 0},
        {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", 7},
        {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0},
    };
    struct range g;
    int fd = -1;

    range_init(&g);
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct shot *s = shoot_length(&g, i, cases[i].method, 0);
        if (fd < 0)
            fd = rig_accept(&g.rig, g.listen_fd);
        serve(&g, fd, str_c(cases[i].answer));
        CHECK(rig_until(&g.rig, &s->ends, 1));
        CHECK_INT(s->body_length, cases[i].length);
        CHECK_INT(s->body.len, 0);
        CHECK_INT(http_client_idle(g.client), 1);
    }
    close(fd);
    range_fini(&g);
}

TEST(informs_come_before_the_answer_and_are_bounded)
{
    struct range g;
    struct buf b = BUF_INIT(BUF_NO_LIMIT);

    range_init(&g);
    for (unsigned n = 32; n <= 33; n++) {
        struct shot *s = shoot(&g, n - 32);
        int fd = rig_accept(&g.rig, g.listen_fd);
        buf_reset(&b);
        for (unsigned i = 0; i < n; i++)
            buf_add_c(&b, "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n");
        buf_add_c(&b, OK_5);
        serve(&g, fd, buf_str(&b));
        CHECK(rig_until(&g.rig, &s->over, 1));
        CHECK_INT(s->informs, 32);
        CHECK_INT(s->ends, n == 32);
        http_client_forget(g.client, STR(""));
        close(fd);
    }
    buf_fini(&b);
    range_fini(&g);
}

TEST(response_head_bytes_at_the_limit_and_one_past)
{
    struct range g;

    range_init(&g);
    g.limits.head_bytes = 40000;
    range_reset(&g);
    for (unsigned i = 0; i < 2; i++) {
        struct str fixed = STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: \r\n\r\n");
        struct shot *s = shoot(&g, i);
        int fd = rig_accept(&g.rig, g.listen_fd);
        serve(&g, fd,
              arena_fmt(g.rig.arena, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: %s\r\n\r\n",
                        arena_cstr(g.rig.arena, rig_repeat(&g.rig, 'x', 40000 + i - fixed.n))));
        CHECK(rig_until(&g.rig, &s->over, 1));
        CHECK_INT(s->ends, i == 0);
        http_client_forget(g.client, STR(""));
        close(fd);
    }
    CHECK_INT(g.shots[1].err.code, ERR_PROTO);
    range_fini(&g);
}

TEST(response_header_count_at_the_limit_and_one_past)
{
    struct range g;

    range_init(&g);
    for (unsigned i = 0; i < 2; i++) {
        struct buf b = BUF_INIT(BUF_NO_LIMIT);
        struct shot *s = shoot(&g, i);
        int fd = rig_accept(&g.rig, g.listen_fd);
        buf_add_c(&b, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
        for (unsigned k = 1; k < 500 + i; k++)
            buf_add_c(&b, "X: y\r\n");
        buf_add_c(&b, "\r\n");
        serve(&g, fd, buf_str(&b));
        CHECK(rig_until(&g.rig, &s->over, 1));
        CHECK_INT(s->ends, i == 0);
        http_client_forget(g.client, STR(""));
        buf_fini(&b);
        close(fd);
    }
    CHECK_INT(g.shots[1].err.code, ERR_PROTO);
    range_fini(&g);
}

TEST(response_time_is_bounded)
{
    struct range g;

    range_init(&g);
    struct shot *s = shoot(&g, 0);
    int fd = rig_accept(&g.rig, g.listen_fd);
    serve(&g, fd, STR("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 2"));
    rig_steps(&g.rig, 3);
    rig_advance(&g.rig, 599 * SECOND);
    CHECK_INT(s->errors, 0);
    rig_advance(&g.rig, 2 * SECOND);
    CHECK_INT(s->errors, 1);
    CHECK_INT(s->err.code, ERR_TIMEOUT);
    close(fd);
    range_fini(&g);
}

TEST(a_stalled_response_body_times_out_unless_paused)
{
    struct range g;

    range_init(&g);
    struct shot *s = shoot(&g, 0);
    int fd = rig_accept(&g.rig, g.listen_fd);
    serve(&g, fd, STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"));
    CHECK(rig_until(&g.rig, &s->heads, 1));
    http_call_pause(s->call);
    rig_advance(&g.rig, 5000 * SECOND);
    CHECK_INT(s->errors, 0);
    http_call_resume(s->call);
    rig_steps(&g.rig, 3);
    rig_advance(&g.rig, 599 * SECOND);
    CHECK_INT(s->errors, 0);
    rig_advance(&g.rig, 2 * SECOND);
    CHECK_INT(s->errors, 1);
    CHECK_INT(s->err.code, ERR_TIMEOUT);
    close(fd);
    range_fini(&g);
}

TEST(refused_connection_and_refused_address)
{
    struct range g;

    range_init(&g);
    struct addr gone;
    close(rig_listen(&gone));
    g.endpoint.target.port = addr_port(&gone);
    struct shot *s = shoot(&g, 0);
    CHECK(http_call_peer(s->call) == NULL);
    CHECK(rig_until(&g.rig, &s->errors, 1));
    CHECK_INT(s->err.code, ERR_REFUSED);
    range_fini(&g);
}

TEST(unsound_requests_are_not_sent)
{
    static const struct {
        const char *method, *target, *authority, *value;
    } cases[] = {
        {"GE T", "/", "a", "v"},   {"GET", "/ HTTP/1.1", "a", "v"},
        {"GET", "", "a", "v"},     {"GET", "/", "a\r\nX: y", "v"},
        {"GET", "/", "", "v"},     {"GET", "/", "a", "v\r\nX: y"},
        {"GET", "/", "a", "v\nX"}, {"GET", "/", "a", "v\r"},
    };
    struct range g;

    range_init(&g);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct shot *s = &g.shots[0];
        struct http_request r = {.method = str_c(cases[i].method),
                                 .target = str_c(cases[i].target),
                                 .authority = str_c(cases[i].authority),
                                 .headers.arena = g.rig.arena};

        s->errors = 0;
        http_headers_add(&r.headers, STR("X"), str_c(cases[i].value));
        s->call = http_call_start(g.client, &g.endpoint, &r, &OPS, s);
        CHECK_INT(s->errors, 0);
        CHECK(rig_until(&g.rig, &s->errors, 1));
        CHECK_INT(s->err.code, ERR_INVALID);
    }
    range_fini(&g);
}

TEST(request_bodies_are_framed)
{
    struct range g;
    struct buf in = BUF_INIT(BUF_NO_LIMIT);

    range_init(&g);
    struct shot *s = shoot_length(&g, 0, "POST", 5);
    CHECK(http_call_write(s->call, STR("abc")));
    int fd = rig_accept(&g.rig, g.listen_fd);
    CHECK(http_call_write(s->call, STR("de")));
    http_call_end(s->call);
    CHECK(rig_read_tail(&g.rig, fd, &in, STR("Content-Length: 5\r\n\r\nabcde")));
    rig_send(&g.rig, fd, STR(OK_5));
    CHECK(rig_until(&g.rig, &s->ends, 1));

    s = shoot_length(&g, 1, "POST", HTTP_BODY_UNKNOWN);
    CHECK(http_call_write(s->call, STR("abc")));
    http_call_end(s->call);
    http_call_end(s->call);
    CHECK(rig_read_tail(&g.rig, fd, &in,
                        STR("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")));
    rig_send(&g.rig, fd, STR(OK_5));
    CHECK(rig_until(&g.rig, &s->ends, 1));

    s = shoot_length(&g, 2, "POST", 0);
    http_call_end(s->call);
    CHECK(rig_read_tail(&g.rig, fd, &in, STR("Content-Length: 0\r\n\r\n")));
    rig_send(&g.rig, fd, STR(OK_5));
    CHECK(rig_until(&g.rig, &s->ends, 1));
    CHECK_INT(http_client_idle(g.client), 1);
    close(fd);
    buf_fini(&in);
    range_fini(&g);
}

TEST(body_that_breaks_its_length_fails)
{
    struct range g;

    range_init(&g);
    for (unsigned i = 0; i < 2; i++) {
        struct shot *s = shoot_length(&g, i, "POST", 5);
        int fd = rig_accept(&g.rig, g.listen_fd);
        (void)http_call_write(s->call, i ? STR("abcdef") : STR("abcd"));
        http_call_end(s->call);
        CHECK(rig_until(&g.rig, &s->errors, 1));
        CHECK_INT(s->err.code, ERR_INVALID);
        close(fd);
    }
    range_fini(&g);
}

TEST(slow_peer_stops_the_request_body)
{
    struct range g;
    struct buf in = BUF_INIT(BUF_NO_LIMIT);
    unsigned n = 0;

    range_init(&g);
    struct str piece = rig_repeat(&g.rig, 'x', 100000);
    struct shot *s = shoot_length(&g, 0, "POST", HTTP_BODY_UNKNOWN);
    int fd = rig_accept(&g.rig, g.listen_fd);
    while (http_call_write(s->call, piece) && n < 1000) {
        n++;
        rig_steps(&g.rig, 1);
    }
    CHECK(n < 200);
    CHECK_INT(s->drains, 0);
    while (s->drains == 0 && rig_read(&g.rig, fd, &in, in.len + 65536))
        ;
    CHECK_INT(s->drains, 1);
    close(fd);
    CHECK(rig_until(&g.rig, &s->errors, 1));
    buf_fini(&in);
    range_fini(&g);
}

TEST(early_answer_is_heard_and_the_connection_dropped)
{
    struct range g;

    range_init(&g);
    struct str piece = rig_repeat(&g.rig, 'x', 100000);
    struct shot *s = shoot_length(&g, 0, "POST", HTTP_BODY_UNKNOWN);
    int fd = rig_accept(&g.rig, g.listen_fd);
    while (http_call_write(s->call, piece))
        rig_steps(&g.rig, 1);
    rig_send(&g.rig, fd, STR("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"));
    close(fd);
    CHECK(rig_until(&g.rig, &s->over, 1));
    CHECK_INT(s->ends, 1);
    CHECK_INT(s->status, 401);
    CHECK_STR(buf_str(&s->body), "no");
    CHECK_INT(http_client_idle(g.client), 0);
    range_fini(&g);
}

/* --- calls from inside callbacks */

static void cancel(struct shot *s)
{
    http_call_cancel(s->call);
    s->call = NULL;
}

static void cancel_on_body(struct shot *s, struct str bytes)
{
    cancel(s);
}

static void noop_cancel(struct shot *s)
{
    http_call_cancel(s->call);
}

TEST(cancel_from_every_callback)
{
    struct range g;

    range_init(&g);
    for (unsigned i = 0; i < 4; i++) {
        struct shot *s = &g.shots[i];

        s->on_inform = i == 0 ? cancel : NULL;
        s->on_head = i == 1 ? cancel : NULL;
        s->on_body = i == 2 ? cancel_on_body : NULL;
        s->on_over = i == 3 ? noop_cancel : NULL;
        shoot(&g, i);
        int fd = rig_accept(&g.rig, g.listen_fd);
        serve(&g, fd, STR("HTTP/1.1 103 Early Hints\r\n\r\n" OK_5));
        CHECK(rig_until(&g.rig, &s->informs, 1));
        rig_steps(&g.rig, 5);
        CHECK_INT(s->heads, i > 0);
        CHECK_INT(s->body.len, i > 1 ? 5 : 0);
        CHECK_INT(s->over, i == 3);
        CHECK_INT(http_client_idle(g.client), i == 3);
        close(fd);
    }
    rig_steps(&g.rig, 3);
    range_fini(&g);
}

TEST(cancel_while_dialling_and_while_waiting)
{
    struct range g;

    range_init(&g);
    struct shot *s = shoot(&g, 0);
    http_call_cancel(TAKE(s->call));
    s = shoot_length(&g, 1, "POST", HTTP_BODY_UNKNOWN);
    (void)http_call_write(s->call, STR("abc"));
    http_call_cancel(TAKE(s->call));
    s = shoot(&g, 2);
    int fd = rig_accept(&g.rig, g.listen_fd);
    expect_request(&g, fd);
    http_call_cancel(TAKE(s->call));
    CHECK_INT(g.shots[0].over + g.shots[1].over + g.shots[2].over, 0);
    close(fd);
    range_fini(&g);
}

static struct range *again_range;

static void shoot_again(struct shot *s)
{
    s->call = NULL;
    again_range->shots[1].on_over = NULL;
    shoot(again_range, 1);
}

TEST(next_call_from_on_end_reuses_the_connection)
{
    struct range g;

    range_init(&g);
    again_range = &g;
    g.shots[0].on_over = shoot_again;
    shoot(&g, 0);
    int fd = rig_accept(&g.rig, g.listen_fd);
    serve(&g, fd, STR(OK_5));
    serve(&g, fd, STR(OK_5));
    CHECK(rig_until(&g.rig, &g.shots[1].ends, 1));
    close(fd);
    range_fini(&g);
}

static void free_client(struct shot *s)
{
    http_client_free(TAKE(again_range->client));
}

TEST(client_freed_from_on_end_and_on_error)
{
    struct range g;

    range_init(&g);
    again_range = &g;
    g.shots[0].on_over = free_client;
    shoot(&g, 0);
    int fd = rig_accept(&g.rig, g.listen_fd);
    serve(&g, fd, STR(OK_5));
    CHECK(rig_until(&g.rig, &g.shots[0].ends, 1));
    close(fd);

    range_reset(&g);
    g.shots[1].on_over = free_client;
    shoot(&g, 1);
    fd = rig_accept(&g.rig, g.listen_fd);
    close(fd);
    CHECK(rig_until(&g.rig, &g.shots[1].errors, 1));
    range_fini(&g);
}

static void pause_on_body(struct shot *s, struct str bytes)
{
    http_call_pause(s->call);
}

TEST(pause_holds_the_body_back)
{
    struct range g;

    range_init(&g);
    struct shot *s = shoot(&g, 0);
    s->on_body = pause_on_body;
    int fd = rig_accept(&g.rig, g.listen_fd);
    serve(&g, fd,
          STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
              "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"));
    CHECK(rig_until(&g.rig, &s->heads, 1));
    rig_steps(&g.rig, 3);
    CHECK_STR(buf_str(&s->body), "abc");
    http_call_resume(s->call);
    rig_steps(&g.rig, 3);
    CHECK_STR(buf_str(&s->body), "abcdef");
    CHECK_INT(s->over, 0);
    http_call_resume(s->call);
    CHECK(rig_until(&g.rig, &s->ends, 1));
    CHECK_INT(http_client_idle(g.client), 1);
    close(fd);
    range_fini(&g);
}
