/*
 * The server over time: back-pressure, time-outs, draining, aborts, and calls made from inside callbacks.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "rig.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET_CLOSE "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
#define PUT_10 "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"
#define SECOND INT64_C(1000000)

static void say_hello(struct rig *r, struct http_exchange *x)
{
    http_exchange_send(x, 200, STR("text/plain"), STR("hello"));
}

/* --- back-pressure */

#define BIG_BYTES (INT64_C(200) * 1024 * 1024)

struct source {
    uint64_t left;
    size_t max_queued;
    char piece[20000];
};

static void pump(struct rig *r, struct http_exchange *x)
{
    struct source *src = r->cookie;
    bool more = true;

    while (src->left && more) {
        size_t n = (size_t)MIN(src->left, (uint64_t)sizeof(src->piece));

        more = http_exchange_write(x, str_n(src->piece, n));
        src->left -= n;
    }
    if (src->left == 0) {
        src->left = UINT64_MAX;
        http_exchange_end(x);
    }
}

static void pump_on_drain(struct rig *r, struct http_exchange *x)
{
    if (((struct source *)r->cookie)->left != UINT64_MAX)
        pump(r, x);
}

static void pump_known(struct rig *r, struct http_exchange *x)
{
    struct source *src = r->cookie;

    http_exchange_respond(
        x, &(struct http_response){.status = 200, .body_length = (int64_t)src->left});
    pump(r, x);
}

static void pump_unknown(struct rig *r, struct http_exchange *x)
{
    http_exchange_respond(x,
                          &(struct http_response){.status = 200, .body_length = HTTP_BODY_UNKNOWN});
    pump(r, x);
}

/* Reads and counts without keeping. */
static uint64_t count_to_close(struct rig *r, int fd)
{
    static char trash[65536];
    uint64_t total = 0;
    ssize_t n;

    do {
        n = read(fd, trash, sizeof(trash));
        if (n > 0)
            total += (uint64_t)n;
        else if (n < 0)
            loop_step(r->loop, 1000);
        loop_step(r->loop, 0);
    } while (n != 0);
    return total;
}

TEST(large_answer_in_bounded_memory)
{
    static struct source src;
    struct rig r;

    rig_init(&r);
    src.left = BIG_BYTES;
    r.cookie = &src;
    r.on_request = pump_known;
    r.on_drain = pump_on_drain;
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR(GET_CLOSE));
    CHECK(rig_until(&r, &r.requests, 1));
    /* A reader that does not read: the pump is told to stop. */
    rig_steps(&r, 20);
    uint64_t before = src.left;
    rig_steps(&r, 20);
    CHECK_INT(src.left, before);
    CHECK((uint64_t)BIG_BYTES - before < (uint64_t)12 * 1024 * 1024);
    uint64_t total = count_to_close(&r, fd);
    CHECK(total > (uint64_t)BIG_BYTES && total < (uint64_t)BIG_BYTES + 300);
    CHECK(r.drains > 10);
    CHECK_INT(r.close_rc, 0);
    close(fd);
    rig_fini(&r);
}

TEST(early_answer_is_whole_although_the_body_is_cut_short)
{
    static struct source src;
    struct rig r;

    rig_init(&r);
    src.left = (uint64_t)16 * 1024 * 1024;
    r.cookie = &src;
    r.on_request = pump_known;
    r.on_drain = pump_on_drain;
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR(PUT_10 "abc"));
    CHECK(rig_until(&r, &r.requests, 1));
    /* The answer is complete on our side, and most of it waits in the queue. */
    while (src.left != UINT64_MAX)
        pump(&r, r.x);
    shutdown(fd, SHUT_WR);
    rig_steps(&r, 5);
    CHECK(count_to_close(&r, fd) > (uint64_t)16 * 1024 * 1024);
    CHECK_INT(r.close_rc, 0);
    close(fd);
    rig_fini(&r);
}

TEST(slow_reader_of_chunks_stops_the_writer_at_the_bound)
{
    static struct source src;
    struct rig r;

    rig_init(&r);
    r.limits.write_queue_bytes = 100000;
    rig_restart(&r);
    src.left = (uint64_t)64 * 1024 * 1024;
    r.cookie = &src;
    r.on_request = pump_unknown;
    r.on_drain = pump_on_drain;
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR(GET));
    CHECK(rig_until(&r, &r.requests, 1));
    rig_steps(&r, 20);
    CHECK(src.left > 0 && src.left != UINT64_MAX);
    CHECK(!http_exchange_write(r.x, STR("one more")));
    close(fd);
    CHECK(rig_until(&r, &r.closes, 1));
    CHECK(r.close_rc < 0);
    rig_fini(&r);
}

static void count_body(struct rig *r, struct http_exchange *x, struct str bytes)
{
    *(uint64_t *)r->cookie += bytes.n;
}

TEST(large_request_body_is_handed_over_in_pieces)
{
    struct rig r;
    uint64_t seen = 0, total = (uint64_t)200 * 1024 * 1024;

    rig_init(&r);
    struct str piece = rig_repeat(&r, 'x', 1 << 20);
    r.cookie = &seen;
    r.on_body = count_body;
    r.on_body_end = say_hello;
    int fd = rig_connect(&r);
    rig_send(
        &r, fd,
        arena_fmt(r.arena,
                  "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %llu\r\nConnection: close\r\n\r\n",
                  (unsigned long long)total));
    for (uint64_t sent = 0; sent < total; sent += piece.n)
        if (!CHECK(rig_send(&r, fd, piece)))
            break;
    CHECK(rig_until(&r, &r.closes, 1));
    CHECK_INT(seen, total);
    CHECK_INT(r.close_rc, 0);
    close(fd);
    rig_fini(&r);
}

static void pause_request(struct rig *r, struct http_exchange *x)
{
    http_exchange_pause(x);
}

TEST(paused_body_reaches_the_sender_through_tcp)
{
    struct rig r;

    rig_init(&r);
    r.on_request = pause_request;
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n"));
    CHECK(rig_until(&r, &r.requests, 1));
    struct str piece = rig_repeat(&r, 'x', 1 << 20);
    unsigned sent = 0;
    for (; sent < 100; sent++) {
        rig_steps(&r, 2);
        if (send(fd, piece.p, piece.n, MSG_NOSIGNAL) < 0)
            break;
    }
    CHECK(sent < 100);
    CHECK_INT(r.body.len, 0);
    http_exchange_resume(r.x);
    rig_steps(&r, 20);
    CHECK(r.body.len > 0);
    close(fd);
    CHECK(rig_until(&r, &r.closes, 1));
    rig_fini(&r);
}

/* --- time */

TEST(idle_connections_end_quietly)
{
    struct rig r;
    struct buf out = BUF_INIT(BUF_NO_LIMIT);

    rig_init(&r);
    r.on_request = say_hello;
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR(GET));
    CHECK(rig_read_tail(&r, fd, &out, STR("hello")));
    rig_advance(&r, 74 * SECOND);
    CHECK_INT(http_server_connections(r.server), 1);
    rig_send(&r, fd, STR(GET));
    CHECK(rig_until(&r, &r.closes, 2));
    rig_advance(&r, 74 * SECOND);
    CHECK_INT(http_server_connections(r.server), 1);
    rig_advance(&r, 2 * SECOND);
    CHECK_INT(http_server_connections(r.server), 0);
    CHECK_INT(r.refusals, 0);
    close(fd);
    buf_fini(&out);
    rig_fini(&r);
}

TEST(slow_head_gets_408_after_its_time)
{
    struct rig r;
    struct buf out = BUF_INIT(BUF_NO_LIMIT);

    rig_init(&r);
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR("GET / HT"));
    rig_steps(&r, 3);
    rig_advance(&r, 14 * SECOND);
    rig_send(&r, fd, STR("TP/1.1\r\n"));
    rig_steps(&r, 3);
    CHECK_INT(r.refusals, 0);
    rig_advance(&r, 2 * SECOND);
    CHECK(rig_read_close(&r, fd, &out));
    CHECK(str_starts(buf_str(&out), STR("HTTP/1.1 408 ")));
    close(fd);
    buf_fini(&out);
    rig_fini(&r);
}

TEST(silent_connection_ends_after_the_head_time)
{
    struct rig r;
    struct buf out = BUF_INIT(BUF_NO_LIMIT);

    rig_init(&r);
    int fd = rig_connect(&r);
    rig_steps(&r, 3);
    rig_advance(&r, 16 * SECOND);
    CHECK(rig_read_close(&r, fd, &out));
    CHECK_INT(out.len, 0);
    close(fd);
    buf_fini(&out);
    rig_fini(&r);
}

TEST(stalled_body_gets_408_and_on_close)
{
    struct rig r;
    struct buf out = BUF_INIT(BUF_NO_LIMIT);

    rig_init(&r);
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR(PUT_10 "abc"));
    CHECK(rig_until(&r, &r.requests, 1));
    rig_advance(&r, 599 * SECOND);
    rig_send(&r, fd, STR("d"));
    rig_steps(&r, 3);
    rig_advance(&r, 599 * SECOND);
    CHECK_INT(r.closes, 0);
    rig_advance(&r, 2 * SECOND);
    CHECK_INT(r.closes, 1);
    CHECK_ERR(r.close_rc, ERR_TIMEOUT);
    CHECK(rig_read_close(&r, fd, &out));
    CHECK(str_starts(buf_str(&out), STR("HTTP/1.1 408 ")));
    close(fd);
    buf_fini(&out);
    rig_fini(&r);
}

TEST(stalled_reader_ends_the_exchange)
{
    static struct source src;
    struct rig r;

    rig_init(&r);
    src.left = (uint64_t)64 * 1024 * 1024;
    r.cookie = &src;
    r.on_request = pump_known;
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR(GET));
    CHECK(rig_until(&r, &r.requests, 1));
    rig_steps(&r, 20);
    rig_advance(&r, 599 * SECOND);
    CHECK_INT(r.closes, 0);
    rig_advance(&r, 2 * SECOND);
    CHECK_INT(r.closes, 1);
    CHECK_ERR(r.close_rc, ERR_TIMEOUT);
    close(fd);
    rig_fini(&r);
}

TEST(a_handler_may_take_its_time)
{
    struct rig r;
    struct buf out = BUF_INIT(BUF_NO_LIMIT);

    rig_init(&r);
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR(GET));
    CHECK(rig_until(&r, &r.body_ends, 1));
    rig_advance(&r, 5000 * SECOND);
    CHECK_INT(r.closes, 0);
    say_hello(&r, r.x);
    CHECK(rig_read_tail(&r, fd, &out, STR("hello")));
    close(fd);
    buf_fini(&out);
    rig_fini(&r);
}

/* --- ends */

TEST(drain_closes_idle_now_and_others_after_their_answer)
{
    struct rig r;
    struct buf out = BUF_INIT(BUF_NO_LIMIT), busy_out = BUF_INIT(BUF_NO_LIMIT);

    rig_init(&r);
    int idle = rig_connect(&r), busy = rig_connect(&r);
    rig_send(&r, busy, STR(GET GET));
    CHECK(rig_until(&r, &r.requests, 1));
    http_server_drain(r.server);
    CHECK(rig_read_close(&r, idle, &out));
    CHECK_INT(out.len, 0);
    CHECK_INT(http_server_connections(r.server), 1);
    say_hello(&r, r.x);
    CHECK(rig_read_close(&r, busy, &busy_out));
    CHECK(rig_has(buf_str(&busy_out), "Connection: close\r\n"));
    CHECK_INT(r.requests, 1);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_INT(connect(fd, (struct sockaddr *)&r.server_addr.ss, r.server_addr.len), -1);
    close(fd);
    close(idle);
    close(busy);
    buf_fini(&out);
    buf_fini(&busy_out);
    rig_fini(&r);
}

TEST(free_cancels_what_is_open)
{
    struct rig r;

    rig_init(&r);
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR(GET));
    CHECK(rig_until(&r, &r.requests, 1));
    http_server_free(TAKE(r.server));
    CHECK_INT(r.closes, 1);
    CHECK_ERR(r.close_rc, ERR_CANCELLED);
    close(fd);
    rig_fini(&r);
}

TEST(abort_truncates_a_chunked_answer)
{
    struct rig r;
    struct buf out = BUF_INIT(BUF_NO_LIMIT);

    rig_init(&r);
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR(GET));
    CHECK(rig_until(&r, &r.requests, 1));
    http_exchange_respond(r.x,
                          &(struct http_response){.status = 200, .body_length = HTTP_BODY_UNKNOWN});
    CHECK(http_exchange_write(r.x, rig_repeat(&r, 'x', 10000)));
    http_exchange_abort(r.x);
    http_exchange_abort(r.x);
    CHECK_INT(r.closes, 0);
    CHECK(rig_read_close(&r, fd, &out));
    CHECK(!str_ends(buf_str(&out), STR("0\r\n\r\n")));
    CHECK_INT(r.closes, 1);
    CHECK_ERR(r.close_rc, ERR_CANCELLED);
    close(fd);
    buf_fini(&out);
    rig_fini(&r);
}

TEST(abort_of_a_close_delimited_answer_is_a_reset)
{
    struct rig r;
    struct buf out = BUF_INIT(BUF_NO_LIMIT);
    ssize_t n;
    char c[100];

    rig_init(&r);
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR("GET / HTTP/1.0\r\n\r\n"));
    CHECK(rig_until(&r, &r.requests, 1));
    http_exchange_respond(r.x,
                          &(struct http_response){.status = 200, .body_length = HTTP_BODY_UNKNOWN});
    CHECK(http_exchange_write(r.x, STR("part")));
    rig_steps(&r, 3);
    http_exchange_abort(r.x);
    CHECK(rig_until(&r, &r.closes, 1));
    do
        n = read(fd, c, sizeof(c));
    while (n > 0);
    CHECK_INT(n, -1);
    close(fd);
    buf_fini(&out);
    rig_fini(&r);
}

TEST(short_answer_is_truncated_and_long_one_cut)
{
    struct rig r;
    struct buf out = BUF_INIT(BUF_NO_LIMIT);

    rig_init(&r);
    for (unsigned i = 1; i <= 2; i++) {
        int fd = rig_connect(&r);
        buf_reset(&out);
        rig_send(&r, fd, STR(GET));
        CHECK(rig_until(&r, &r.requests, i));
        http_exchange_respond(r.x, &(struct http_response){.status = 200, .body_length = 5});
        (void)http_exchange_write(r.x, i == 1 ? STR("abc") : STR("abcdefg"));
        http_exchange_end(r.x);
        CHECK(rig_read_close(&r, fd, &out));
        CHECK_INT(r.close_rc, i == 1 ? -ERR_CANCELLED : 0);
        CHECK(i == 1 ? !rig_has(buf_str(&out), "abcdefg") : str_ends(buf_str(&out), STR("abcde")));
        close(fd);
    }
    buf_fini(&out);
    rig_fini(&r);
}

TEST(calls_after_the_client_went_do_nothing)
{
    struct rig r;

    rig_init(&r);
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR(GET));
    CHECK(rig_until(&r, &r.requests, 1));
    http_exchange_abort(r.x);
    http_exchange_inform(r.x, 103, NULL);
    http_exchange_pause(r.x);
    http_exchange_resume(r.x);
    http_exchange_close_after(r.x);
    http_exchange_respond(r.x, &(struct http_response){.status = 200, .body_length = 5});
    CHECK(!http_exchange_write(r.x, STR("hello")));
    http_exchange_end(r.x);
    CHECK_INT(r.closes, 0);
    CHECK(rig_until(&r, &r.closes, 1));
    close(fd);
    rig_fini(&r);
}

/* --- calls from inside callbacks */

static void abort_in_request(struct rig *r, struct http_exchange *x)
{
    http_exchange_abort(x);
}

static void abort_in_body(struct rig *r, struct http_exchange *x, struct str bytes)
{
    buf_add_str(&r->body, bytes);
    http_exchange_abort(x);
    CHECK(bytes.n > 0 && bytes.p[0] == 'a');
}

TEST(abort_from_on_request)
{
    struct rig r;

    rig_init(&r);
    r.on_request = abort_in_request;
    CHECK_STR(rig_ask(&r, STR(PUT_10 "abcdefghij")), "");
    CHECK_STR(buf_str(&r.log), "rc");
    rig_fini(&r);
}

TEST(abort_from_on_body)
{
    struct rig r;

    rig_init(&r);
    r.on_body = abort_in_body;
    CHECK_STR(rig_ask(&r, STR(PUT_10 "abcdefghij")), "");
    CHECK_STR(buf_str(&r.log), "rc");
    CHECK_STR(buf_str(&r.body), "abcdefghij");
    rig_fini(&r);
}

static void answer_in_body(struct rig *r, struct http_exchange *x, struct str bytes)
{
    http_exchange_pause(x);
    http_exchange_resume(x);
    say_hello(r, x);
    http_exchange_resume(x);
    http_exchange_pause(x);
}

TEST(answer_from_on_body_stops_the_body)
{
    struct rig r;

    rig_init(&r);
    r.on_body = answer_in_body;
    int fd = rig_connect(&r);
    struct buf out = BUF_INIT(BUF_NO_LIMIT);
    rig_send(&r, fd, STR(PUT_10 "a"));
    CHECK(rig_until(&r, &r.closes, 1));
    CHECK(rig_send(&r, fd, STR("bcdefghij" PUT_10 "0123456789")));
    CHECK(rig_until(&r, &r.closes, 2));
    CHECK_STR(buf_str(&r.log), "rcrc");
    CHECK_INT(r.body_ends, 0);
    close(fd);
    buf_fini(&out);
    rig_fini(&r);
}

static void pause_resume_in_body(struct rig *r, struct http_exchange *x, struct str bytes)
{
    buf_add_str(&r->body, bytes);
    http_exchange_pause(x);
    if (r->body.len < 6)
        http_exchange_resume(x);
}

TEST(pause_from_on_body_holds_the_rest)
{
    struct rig r;

    rig_init(&r);
    r.on_body = pause_resume_in_body;
    r.on_body_end = say_hello;
    int fd = rig_connect(&r);
    rig_send(&r, fd,
             STR("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "3\r\nabc\r\n3\r\ndef\r\n3\r\nghi\r\n0\r\n\r\n"));
    CHECK(rig_until(&r, &r.requests, 1));
    rig_steps(&r, 5);
    CHECK_STR(buf_str(&r.body), "abcdef");
    CHECK_INT(r.body_ends, 0);
    http_exchange_resume(r.x);
    rig_steps(&r, 5);
    CHECK_STR(buf_str(&r.body), "abcdefghi");
    CHECK_INT(r.body_ends, 0);
    http_exchange_resume(r.x);
    CHECK(rig_until(&r, &r.closes, 1));
    CHECK_INT(r.body_ends, 1);
    close(fd);
    rig_fini(&r);
}

static void drain_in_close(struct rig *r, struct http_exchange *x, int rc)
{
    http_exchange_abort(x);
    http_exchange_resume(x);
    http_server_drain(r->server);
}

TEST(drain_and_late_calls_from_on_close)
{
    struct rig r;

    rig_init(&r);
    r.on_request = say_hello;
    r.on_close = drain_in_close;
    struct str answer = rig_ask(&r, STR(GET GET));
    /* The request that was already there is answered, and told that it is the last. */
    CHECK(str_ends(answer, STR("Connection: close\r\n\r\nhello")));
    CHECK_INT(r.closes, 2);
    CHECK_INT(r.close_rc, 0);
    CHECK_INT(http_server_connections(r.server), 0);
    rig_fini(&r);
}

static void write_rest_in_drain(struct rig *r, struct http_exchange *x)
{
    http_exchange_end(x);
}

TEST(end_from_on_drain)
{
    static struct source src;
    struct rig r;

    rig_init(&r);
    int fd = rig_connect(&r);
    rig_send(&r, fd, STR(GET_CLOSE));
    CHECK(rig_until(&r, &r.requests, 1));
    src.left = UINT64_MAX - 1;
    http_exchange_respond(r.x,
                          &(struct http_response){.status = 200, .body_length = HTTP_BODY_UNKNOWN});
    while (http_exchange_write(r.x, str_n(src.piece, sizeof(src.piece))))
        ;
    r.on_drain = write_rest_in_drain;
    CHECK(count_to_close(&r, fd) > 20000);
    CHECK_INT(r.drains, 1);
    CHECK_INT(r.close_rc, 0);
    close(fd);
    rig_fini(&r);
}

TEST(an_unhandled_exchange_may_answer_at_once)
{
    struct rig r;

    rig_init(&r);
    r.is_unhandled = true;
    r.on_request = say_hello;
    struct str answer = rig_ask(&r, STR(PUT_10 "0123456789" GET_CLOSE));
    CHECK(rig_has(answer, "helloHTTP/1.1 200 OK"));
    CHECK_STR(buf_str(&r.log), "rr");
    rig_fini(&r);
}
