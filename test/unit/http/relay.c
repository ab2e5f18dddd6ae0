/*
 * Server and client back to back, as the proxy joins them: streaming both ways with back-pressure, on plain
 * sockets and inside TLS.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "relay_keys.h"
#include "rig.h"

/* The front: what a proxy's handler does, reduced to streaming. */
struct relay {
    struct rig back; /* the origin, and the loop */
    struct http_server *front;
    struct addr front_addr, tls_addr;
    struct http_client *client;
    struct http_endpoint endpoint;
    unsigned requests, closes;
    int close_rc;
    /* Storm: what the seeds decide. */
    uint64_t dice;
    bool is_storm;
};

struct pass {
    struct relay *relay;
    struct http_exchange *x;
    struct http_call *call;
};

/* --- a storm of random peers */

static unsigned roll(struct relay *y, unsigned sides)
{
    y->dice = y->dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(y->dice >> 33) % sides;
}

/* Makes use of every call from inside a callback now and then. */
static void meddle(struct pass *p)
{
    struct relay *y = p->relay;

    if (!y->is_storm)
        return;
    switch (roll(y, 30)) {
    case 0:
        http_exchange_abort(p->x);
        break;
    case 1:
        if (p->call)
            http_call_cancel(TAKE(p->call));
        http_exchange_abort(p->x);
        break;
    case 2:
    case 3:
        http_exchange_pause(p->x);
        http_exchange_resume(p->x);
        break;
    case 4:
    case 5:
        if (p->call) {
            http_call_pause(p->call);
            http_call_resume(p->call);
        }
        break;
    case 6:
        http_exchange_close_after(p->x);
        break;
    case 7:
        http_client_forget(y->client, STR("k"));
        break;
    default:
        break;
    }
}

static void up_head(void *cookie, const struct http_response *from)
{
    struct pass *p = cookie;
    struct http_response r = {.status = from->status, .body_length = from->body_length};

    r.headers.arena = http_exchange_arena(p->x);
    http_headers_copy_end_to_end(&r.headers, &from->headers);
    http_exchange_respond(p->x, &r);
    meddle(p);
}

static void up_body(void *cookie, struct str bytes)
{
    struct pass *p = cookie;

    if (!http_exchange_write(p->x, bytes))
        http_call_pause(p->call);
    meddle(p);
}

static void up_end(void *cookie)
{
    struct pass *p = cookie;

    p->call = NULL;
    http_exchange_end(p->x);
}

static void up_error(void *cookie, const struct err *err)
{
    struct pass *p = cookie;

    p->call = NULL;
    http_exchange_abort(p->x);
}

static void up_drain(void *cookie)
{
    http_exchange_resume(((struct pass *)cookie)->x);
}

static const struct http_call_ops UP = {up_head, NULL, up_body, up_end, up_error, up_drain};

static void down_body(void *cookie, struct str bytes)
{
    struct pass *p = cookie;

    if (p->call && !http_call_write(p->call, bytes))
        http_exchange_pause(p->x);
    meddle(p);
}

static void down_body_end(void *cookie)
{
    struct pass *p = cookie;

    if (p->call)
        http_call_end(p->call);
    meddle(p);
}

static void down_drain(void *cookie)
{
    struct pass *p = cookie;

    if (p->call)
        http_call_resume(p->call);
}

static void down_close(void *cookie, int rc)
{
    struct pass *p = cookie;

    p->relay->closes++;
    p->relay->close_rc = rc;
    if (p->relay->is_storm)
        http_exchange_abort(p->x);
    if (p->call)
        http_call_cancel(p->call);
}

static const struct http_exchange_ops DOWN = {down_body, down_body_end, down_drain, down_close};

static void front_request(void *cookie, struct http_exchange *x)
{
    struct relay *y = cookie;
    struct pass *p = ARENA_NEW(http_exchange_arena(x), struct pass);
    struct http_request r = *http_exchange_request(x);

    y->requests++;
    p->relay = y;
    p->x = x;
    http_exchange_handle(x, &DOWN, p);
    r.headers = (struct http_headers){.arena = http_exchange_arena(x)};
    http_headers_copy_end_to_end(&r.headers, &http_exchange_request(x)->headers);
    p->call = http_call_start(y->client, &y->endpoint, &r, &UP, p);
    meddle(p);
}

static const struct http_server_ops FRONT = {front_request, NULL};

static void echo_request(struct rig *r, struct http_exchange *x)
{
    http_exchange_respond(
        x, &(struct http_response){.status = 200,
                                   .body_length = http_exchange_request(x)->body_length});
}

static void echo_body(struct rig *r, struct http_exchange *x, struct str bytes)
{
    if (!http_exchange_write(x, bytes))
        http_exchange_pause(x);
}

static void echo_drain(struct rig *r, struct http_exchange *x)
{
    http_exchange_resume(x);
}

static void echo_end(struct rig *r, struct http_exchange *x)
{
    http_exchange_end(x);
}

static void relay_init(struct relay *y, struct tls_server *tls, struct tls_client *tls_client)
{
    int back, front;

    *y = (struct relay){0};
    rig_init(&y->back);
    y->back.on_request = echo_request;
    y->back.on_body = echo_body;
    y->back.on_body_end = echo_end;
    y->back.on_drain = echo_drain;
    if (tls) {
        back = rig_listen(&y->back.server_addr);
        http_server_listen(y->back.server, back, tls);
        y->tls_addr = y->back.server_addr;
    }
    y->client = http_client_new(y->back.loop, y->back.dns, &HTTP_CLIENT_LIMITS_DEFAULT);
    y->endpoint = (struct http_endpoint){.key = STR("k"),
                                         .target = {.host = STR("127.0.0.1"),
                                                    .port = addr_port(&y->back.server_addr),
                                                    .tls = tls_client,
                                                    .connect_timeout_us = 10000000,
                                                    .tls_timeout_us = 10000000}};
    y->front = http_server_new(y->back.loop, &HTTP_LIMITS_DEFAULT, &FRONT, y);
    front = rig_listen(&y->front_addr);
    http_server_listen(y->front, front, NULL);
    y->back.server_addr = y->front_addr; /* where rig_connect goes */
}

static void relay_fini(struct relay *y)
{
    http_server_free(y->front);
    http_client_free(y->client);
    rig_fini(&y->back);
}

static void storm_origin_request(struct rig *r, struct http_exchange *x)
{
    struct relay *y = CONTAINER_OF(r, struct relay, back);

    switch (roll(y, 8)) {
    case 0:
        http_exchange_abort(x);
        break;
    case 1:
        http_exchange_send(x, 401, STR("text/plain"), STR("no"));
        break;
    case 2:
        http_exchange_send(x, 200, STR("text/plain"), rig_repeat(r, 'x', roll(y, 70000)));
        break;
    case 3:
        http_exchange_inform(x, 103, NULL);
        http_exchange_close_after(x);
        http_exchange_respond(
            x, &(struct http_response){.status = 200, .body_length = HTTP_BODY_UNKNOWN});
        (void)http_exchange_write(x, STR("some"));
        http_exchange_end(x);
        break;
    default:
        http_exchange_respond(
            x, &(struct http_response){.status = 200, .body_length = HTTP_BODY_UNKNOWN});
        break;
    }
    /* The single-exchange script of the rig would mix up connections. */
}

static void storm_origin_body(void *cookie, struct str bytes)
{
    struct http_exchange *x = cookie;

    if (!http_exchange_write(x, bytes))
        http_exchange_pause(x);
}

static void storm_origin_end(void *cookie)
{
    http_exchange_end(cookie);
}

static void storm_origin_drain(void *cookie)
{
    http_exchange_resume(cookie);
}

static const struct http_exchange_ops STORM_ECHO = {storm_origin_body, storm_origin_end,
                                                    storm_origin_drain, NULL};

static void storm_on_request(void *cookie, struct http_exchange *x)
{
    struct rig *r = cookie;

    http_exchange_handle(x, &STORM_ECHO, x);
    storm_origin_request(r, x);
}

static const struct http_server_ops STORM_ORIGIN = {storm_on_request, NULL};

/* One client: pipelines a few requests in random pieces, reads a little, leaves at a random point. */
static void storm_client(struct relay *y)
{
    struct rig *r = &y->back;
    struct buf out = BUF_INIT(BUF_NO_LIMIT), in = BUF_INIT(BUF_NO_LIMIT);
    int fd = rig_connect(r);
    unsigned n = 1 + roll(y, 4);
    struct str rest;

    while (n--) {
        unsigned bytes = roll(y, 3) ? roll(y, 50) : roll(y, 300000);

        if (roll(y, 20) == 0)
            buf_add_c(&out, "GARBAGE\r\n\r\n");
        else if (roll(y, 2))
            buf_addf(&out, "PUT /%u HTTP/1.1\r\nHost: a\r\nContent-Length: %u\r\n%s\r\n", n, bytes,
                     roll(y, 4) ? "" : "Expect: 100-continue\r\n");
        else
            buf_addf(&out, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n",
                     ++bytes);
        bool is_chunked = str_ends(buf_str(&out), STR("\r\n")) && !rig_has(buf_str(&out), "PUT");
        buf_add_str(&out, rig_repeat(r, 'b', bytes));
        if (is_chunked)
            buf_add_c(&out, roll(y, 10) ? "\r\n0\r\n\r\n" : "oops");
    }
    rest = str_head(buf_str(&out), roll(y, 3) ? out.len : roll(y, (unsigned)out.len));
    for (unsigned turns = 0; turns < 400; turns++) {
        size_t piece = MIN(rest.n, (size_t)(roll(y, 2) ? 1 + roll(y, 20) : 1 + roll(y, 100000)));
        ssize_t got = piece ? send(fd, rest.p, piece, MSG_NOSIGNAL) : 0;
        char *p = buf_reserve(&in, 20000);

        rest = str_skip(rest, (size_t)MAX(got, (ssize_t)0));
        if (rest.n == 0 && roll(y, 10) == 0)
            shutdown(fd, SHUT_WR);
        if (roll(y, 4) && read(fd, p, 1 + roll(y, 20000)) == 0)
            break;
        loop_step(r->loop, 0);
        if (roll(y, 300) == 0)
            break;
    }
    close(fd);
    buf_fini(&out);
    buf_fini(&in);
}

TEST(storm_of_random_peers_leaves_nothing_behind)
{
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct relay y;
        struct addr at;

        relay_init(&y, NULL, NULL);
        y.dice = seed;
        y.is_storm = true;
        struct http_server *origin =
            http_server_new(y.back.loop, &HTTP_LIMITS_DEFAULT, &STORM_ORIGIN, &y.back);
        http_server_listen(origin, rig_listen(&at), NULL);
        y.endpoint.target.port = addr_port(&at);
        for (int i = 0; i < 4; i++)
            storm_client(&y);
        rig_advance(&y.back, INT64_C(700000000));
        rig_advance(&y.back, INT64_C(700000000));
        rig_steps(&y.back, 10);
        if (!CHECK_INT(http_server_connections(y.front), 0) || !CHECK_INT(y.closes, y.requests) ||
            !CHECK_INT(http_client_idle(y.client), 0))
            printf("seed %llu\n", (unsigned long long)seed);
        http_server_free(origin);
        relay_fini(&y);
    }
}

/* Sends `total` patterned bytes and checks that they come back. */
static void bounce(struct relay *y, uint64_t total)
{
    static char piece[100000], got[65536];
    struct rig *r = &y->back;
    uint64_t sent = 0, seen = 0;
    struct buf head = BUF_INIT(4096);
    struct str rest = STR_NONE;
    bool is_same = true, is_idle;
    int64_t idle = 0;
    int fd = rig_connect(r);

    for (size_t i = 0; i < sizeof(piece); i++)
        piece[i] = (char)('a' + i % 23);
    CHECK(rig_send(r, fd,
                   arena_fmt(r->arena,
                             "POST /e HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                             "Content-Length: %llu\r\n\r\n",
                             (unsigned long long)total)));
    while (idle < 5000) {
        ssize_t n;

        is_idle = true;
        if (rest.n == 0 && sent < total) {
            rest = str_n(piece, (size_t)MIN((uint64_t)sizeof(piece), total - sent));
            sent += rest.n;
        }
        n = rest.n ? send(fd, rest.p, rest.n, MSG_NOSIGNAL) : 0;
        if (n > 0) {
            rest = str_skip(rest, (size_t)n);
            is_idle = false;
        }
        if (!rig_has(buf_str(&head), "\r\n\r\n"))
            n = read(fd, got, 1);
        else
            n = read(fd, got, sizeof(got));
        if (n == 0)
            break;
        if (n > 0 && !rig_has(buf_str(&head), "\r\n\r\n")) {
            buf_add(&head, got, (size_t)n);
            is_idle = false;
        } else if (n > 0) {
            for (ssize_t i = 0; i < n; i++, seen++)
                is_same &= got[i] == piece[seen % sizeof(piece)];
            is_idle = false;
        }
        idle = is_idle ? idle + 1 : 0;
        loop_step(r->loop, is_idle ? 1000 : 0);
    }
    CHECK(str_starts(buf_str(&head), STR("HTTP/1.1 200 OK\r\n")));
    CHECK_INT(seen, total);
    CHECK(is_same);
    close(fd);
    buf_fini(&head);
    CHECK(rig_until(r, &y->closes, 1));
    CHECK_INT(y->close_rc, 0);
}

TEST(relay_bounces_a_large_body)
{
    struct relay y;

    relay_init(&y, NULL, NULL);
    bounce(&y, (uint64_t)50 * 1000 * 1000 + 7);
    CHECK_INT(http_client_idle(y.client), 1);
    relay_fini(&y);
}

TEST(relay_bounces_a_large_body_inside_tls)
{
    struct secret *key = secret_new(STR(RELAY_KEY));
    struct tls_server *server = NULL;
    struct tls_client *client = NULL;
    struct tls_trust *trust = NULL;
    struct relay y;

    CHECK_OK(tls_trust_new(false, STR(RELAY_CERT), &trust, NULL));
    CHECK_OK(tls_server_new(STR(RELAY_CERT), key, NULL, &server, NULL));
    CHECK_OK(tls_client_new(trust, STR_NONE, NULL, &client, NULL));
    relay_init(&y, server, client);
    bounce(&y, (uint64_t)10 * 1000 * 1000 + 7);
    CHECK_INT(http_client_idle(y.client), 1);
    /* A client that never says hello. */
    y.back.server_addr.ss = y.tls_addr.ss;
    int fd = rig_connect(&y.back);
    rig_steps(&y.back, 3);
    CHECK_INT(http_server_connections(y.back.server), 2);
    rig_advance(&y.back, 11000000);
    CHECK_INT(http_server_connections(y.back.server), 1);
    close(fd);
    relay_fini(&y);
    tls_client_unref(client);
    tls_server_unref(server);
    tls_trust_unref(trust);
    secret_unref(key);
}
