/*
 * The administration listener, over a real socket on one loop.
 */
#include "core/admin.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"
#include "net/tcp.h"
#include "unit.h"

static bool ready;

static bool is_ready(void *cookie, struct buf *why)
{
    (void)cookie;
    if (!ready)
        buf_add_c(why, "not yet\n");
    return ready;
}

static void metrics(void *cookie, struct buf *out)
{
    (void)cookie;
    buf_add_c(out, "connectors_test_total 1\n");
}

static const struct admin_ops OPS = {is_ready, metrics};

/* Sends one request and reads the answer until the server closes. */
static struct str ask(struct loop *l, const struct addr *at, const char *request)
{
    static char answer[8192];
    int fd = socket(at->ss.ss_family, SOCK_STREAM, 0);
    int64_t end_us = time_mono_us() + 2 * TIME_US_PER_S;
    size_t n = 0;
    ssize_t got = -1;

    CHECK(connect(fd, (const struct sockaddr *)&at->ss, at->len) == 0);
    CHECK(write(fd, request, strlen(request)) == (ssize_t)strlen(request));
    while (got != 0 && time_mono_us() < end_us) {
        loop_step(l, 1000);
        got = recv(fd, answer + n, sizeof(answer) - n, MSG_DONTWAIT);
        if (got > 0)
            n += (size_t)got;
    }
    CHECK_INT(got, 0);
    close(fd);
    return str_n(answer, n);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

TEST(admin_paths)
{
    struct loop *l = loop_new(NULL);
    struct addr at;
    struct admin *a;
    int fd;

    CHECK_OK(addr_parse(STR("127.0.0.1:0"), &at));
    if (!CHECK_OK(tcp_listen(&at, false, &fd, NULL)) || !CHECK_OK(tcp_local_addr(fd, &at)))
        return;
    a = admin_new(l, fd, &OPS, NULL);
    ready = false;
    CHECK(str_starts(ask(l, &at, GET("/healthz")), STR("HTTP/1.1 200 ")));
    CHECK(str_starts(ask(l, &at, GET("/readyz")), STR("HTTP/1.1 503 ")));
    CHECK(str_ends(ask(l, &at, GET("/readyz")), STR("not yet\n")));
    ready = true;
    CHECK(str_starts(ask(l, &at, GET("/readyz?verbose")), STR("HTTP/1.1 200 ")));
    CHECK(str_ends(ask(l, &at, GET("/metrics")), STR("connectors_test_total 1\n")));
    CHECK(str_starts(ask(l, &at, GET("/other")), STR("HTTP/1.1 404 ")));
    CHECK(str_starts(ask(l, &at, GET("/metrics/")), STR("HTTP/1.1 404 ")));
    CHECK(str_starts(ask(l, &at, "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"),
                     STR("HTTP/1.1 405 ")));
    CHECK(str_starts(ask(l, &at, "GET /metrics\r\n\r\n"), STR("HTTP/1.1 400 ")));
    admin_free(a);
    loop_free(l);
}
