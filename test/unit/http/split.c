/*
 * What the server answers does not depend on how the bytes were cut into packets.
 *
 * Requests, good and damaged, are sent once whole and once in random pieces; both answers and both logs of
 * what the handler saw must be the same bytes.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "rig.h"

static uint64_t dice;

static unsigned roll(unsigned sides)
{
    dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(dice >> 33) % sides;
}

static void note_request(struct rig *r, struct http_exchange *x)
{
    const struct http_request *q = http_exchange_request(x);

    buf_addf(&r->log, "[%.*s %.*s %lld", STR_ARG(q->method), STR_ARG(q->target),
             (long long)q->body_length);
    for (size_t i = 0; i < q->headers.n; i++)
        buf_addf(&r->log, " %.*s=%.*s", STR_ARG(q->headers.p[i].name),
                 STR_ARG(q->headers.p[i].value));
}

static void say_back(struct rig *r, struct http_exchange *x)
{
    buf_addf(&r->log, "|%.*s]", STR_ARG(buf_str(&r->body)));
    http_exchange_send(x, 200, STR("text/plain"), buf_str(&r->body));
    buf_reset(&r->body);
}

static void add_request(struct buf *b)
{
    static const char *const lines[] = {
        "Accept: */*\r\n",
        "X:\r\n",
        "X:  y \t\r\n",
        "Cookie: a=b; c=d\r\n",
        "Connection: keep-alive\r\n",
        "Connection: close\r\n",
    };
    unsigned body = roll(4);

    buf_addf(b, "%s /%u HTTP/1.%u\r\nHost: a\r\n", body ? "PUT" : "GET", roll(1000),
             roll(8) ? 1 : 0);
    for (unsigned n = roll(4); n; n--)
        buf_add_c(b, lines[roll(roll(4) ? 5 : 6)]);
    if (body == 0) {
        buf_add_c(b, "\r\n");
    } else if (body == 1) {
        buf_add_c(b, "Content-Length: 7\r\n\r\nabc\r\ndf");
    } else {
        buf_add_c(b, "Transfer-Encoding: chunked\r\n\r\n");
        for (unsigned n = roll(4); n; n--)
            buf_add_c(b, roll(2) ? "3\r\nabc\r\n" : "00A;x=\"y\"\r\n0123456789\r\n");
        buf_add_c(b, roll(2) ? "0\r\n\r\n" : "0\r\nT: u\r\n\r\n");
    }
}

static void damage(struct buf *b)
{
    static const char bytes[] = "\r\n :;,\t\001\377a0/";

    for (unsigned n = roll(3); n && b->len; n--)
        b->p[b->off + roll((unsigned)b->len)] = bytes[roll(sizeof(bytes) - 1)];
}

/* The answers to `s`, whose pieces are at most `most` bytes, and the handler's log. */
static struct str ask(struct rig *r, struct str s, unsigned most)
{
    struct buf out = BUF_INIT(BUF_NO_LIMIT);
    int fd = rig_connect(r);
    struct str all;

    buf_reset(&r->log);
    buf_reset(&r->body);
    while (s.n) {
        size_t n = MIN(s.n, (size_t)(most > 1 ? 1 + roll(most) : 1));

        if (send(fd, s.p, n, MSG_NOSIGNAL) < 0)
            break;
        s = str_skip(s, n);
        rig_steps(r, 1);
    }
    shutdown(fd, SHUT_WR);
    CHECK(rig_read_close(r, fd, &out));
    close(fd);
    rig_steps(r, 3);
    buf_add_c(&out, "\n--- log\n");
    buf_add_str(&out, buf_str(&r->log));
    all = arena_str(r->arena, buf_str(&out));
    buf_fini(&out);
    return all;
}

TEST(answers_do_not_depend_on_packet_borders)
{
    struct rig r;

    rig_init(&r);
    r.on_request = note_request;
    r.on_body_end = say_back;
    for (unsigned seed = 1; seed <= 300; seed++) {
        struct buf in = BUF_INIT(BUF_NO_LIMIT);
        struct str whole;

        dice = seed;
        for (unsigned n = 1 + roll(4); n; n--)
            add_request(&in);
        if (roll(3))
            damage(&in);
        whole = ask(&r, buf_str(&in), 1000000);
        if (!CHECK_STR(ask(&r, buf_str(&in), 20), whole) ||
            (seed % 10 == 0 && !CHECK_STR(ask(&r, buf_str(&in), 1), whole)))
            printf("seed %u: %.*s\n", seed, STR_ARG(buf_str(&in)));
        buf_fini(&in);
    }
    rig_fini(&r);
}
