/*
 * The rig of the HTTP tests (see rig.h).
 */
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#include "base/time.h"

#define RIG_WAIT_US 5000000

static int64_t rig_mono_us(void *cookie)
{
    return time_mono_us() + ((struct rig *)cookie)->skew_us;
}

static int64_t rig_wall_us(void *cookie)
{
    return INT64_C(1767323045000000); /* 2026-01-02T03:04:05Z */
}

static void note(struct rig *r, char event)
{
    buf_add_char(&r->log, event);
}

static void on_body(void *cookie, struct str bytes)
{
    struct rig *r = cookie;

    if (r->on_body) {
        r->on_body(r, r->x, bytes);
        return;
    }
    buf_add_str(&r->body, bytes);
}

static void on_body_end(void *cookie)
{
    struct rig *r = cookie;

    r->body_ends++;
    note(r, 'e');
    if (r->on_body_end)
        r->on_body_end(r, r->x);
}

static void on_drain(void *cookie)
{
    struct rig *r = cookie;

    r->drains++;
    if (r->on_drain)
        r->on_drain(r, r->x);
}

static void on_close(void *cookie, int rc)
{
    struct rig *r = cookie;

    r->closes++;
    r->close_rc = rc;
    note(r, 'c');
    if (r->on_close)
        r->on_close(r, r->x, rc);
    r->x = NULL;
}

static const struct http_exchange_ops EXCHANGE_OPS = {on_body, on_body_end, on_drain, on_close};

static void on_request(void *cookie, struct http_exchange *x)
{
    struct rig *r = cookie;

    r->requests++;
    r->x = x;
    note(r, 'r');
    if (!r->is_unhandled)
        http_exchange_handle(x, &EXCHANGE_OPS, r);
    if (r->on_request)
        r->on_request(r, x);
}

static struct str on_refuse(void *cookie, struct arena *a, int status, const char *reason,
                            struct str *ret_content_type)
{
    struct rig *r = cookie;

    r->refusals++;
    r->refuse_status = status;
    *ret_content_type = STR("application/json");
    return arena_fmt(a, "{\"refused\":\"%s\"}", reason);
}

static const struct http_server_ops SERVER_OPS = {on_request, on_refuse};

int rig_listen(struct addr *ret_addr)
{
    struct addr any;
    int fd = -1;

    CHECK_OK(addr_parse_ip(STR("127.0.0.1"), 0, &any));
    CHECK_OK(tcp_listen(&any, false, &fd, NULL));
    CHECK_OK(tcp_local_addr(fd, ret_addr));
    return fd;
}

void rig_restart(struct rig *r)
{
    int fd = rig_listen(&r->server_addr);

    http_server_free(r->server);
    r->server = http_server_new(r->loop, &r->limits, &SERVER_OPS, r);
    http_server_listen(r->server, fd, NULL);
}

void rig_init(struct rig *r)
{
    *r = (struct rig){.limits = HTTP_LIMITS_DEFAULT};
    r->clock = (struct loop_clock){rig_mono_us, rig_wall_us, r};
    r->loop = loop_new(&r->clock);
    CHECK_OK(dns_new(r->loop, &r->dns, NULL));
    r->arena = arena_new();
    buf_init(&r->body, BUF_NO_LIMIT);
    buf_init(&r->log, BUF_NO_LIMIT);
    rig_restart(r);
}

void rig_fini(struct rig *r)
{
    http_server_free(r->server);
    dns_free(r->dns);
    rig_steps(r, 3);
    loop_free(r->loop);
    arena_free(r->arena);
    buf_fini(&r->body);
    buf_fini(&r->log);
}

bool rig_until(struct rig *r, const unsigned *counter, unsigned n)
{
    int64_t end = time_mono_us() + RIG_WAIT_US;

    while (*counter < n && time_mono_us() < end)
        loop_step(r->loop, 1000);
    return *counter == n;
}

void rig_steps(struct rig *r, unsigned n)
{
    while (n--)
        loop_step(r->loop, 0);
}

void rig_advance(struct rig *r, int64_t us)
{
    r->skew_us += us;
    rig_steps(r, 4);
}

int rig_connect(struct rig *r)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(connect(fd, (struct sockaddr *)&r->server_addr.ss, r->server_addr.len) == 0);
    CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    return fd;
}

bool rig_send(struct rig *r, int fd, struct str s)
{
    int64_t end = time_mono_us() + RIG_WAIT_US;

    while (s.n && time_mono_us() < end) {
        ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);

        if (n > 0)
            s = str_skip(s, (size_t)n);
        else if (errno != EAGAIN)
            return false;
        loop_step(r->loop, 0);
    }
    return s.n == 0;
}

/* One read: 1 progress, 0 nothing yet, -1 closed. */
static int read_some(struct rig *r, int fd, struct buf *out, size_t max)
{
    size_t want = MIN(max, (size_t)65536);
    char *p = buf_reserve(out, want);
    ssize_t n = read(fd, p, want);

    if (n > 0) {
        buf_commit(out, (size_t)n);
        return 1;
    }
    if (n == 0 || errno != EAGAIN)
        return -1;
    loop_step(r->loop, 1000);
    return 0;
}

bool rig_read(struct rig *r, int fd, struct buf *out, size_t n)
{
    int64_t end = time_mono_us() + RIG_WAIT_US;

    while (out->len < n && time_mono_us() < end)
        if (read_some(r, fd, out, n - out->len) < 0)
            break;
    return out->len >= n;
}

bool rig_read_close(struct rig *r, int fd, struct buf *out)
{
    int64_t end = time_mono_us() + RIG_WAIT_US;
    int rc = 0;

    while (rc >= 0 && time_mono_us() < end)
        rc = read_some(r, fd, out, 65536);
    return rc < 0;
}

bool rig_read_tail(struct rig *r, int fd, struct buf *out, struct str tail)
{
    int64_t end = time_mono_us() + RIG_WAIT_US;

    while (!str_ends(buf_str(out), tail) && time_mono_us() < end)
        if (read_some(r, fd, out, 65536) < 0)
            break;
    return str_ends(buf_str(out), tail);
}

struct str rig_ask(struct rig *r, struct str request)
{
    struct buf out = BUF_INIT(BUF_NO_LIMIT);
    int fd = rig_connect(r);
    struct str answer;

    rig_send(r, fd, request);
    CHECK(rig_read_close(r, fd, &out));
    close(fd);
    rig_steps(r, 4);
    answer = arena_str(r->arena, buf_str(&out));
    buf_fini(&out);
    return answer;
}

int rig_accept(struct rig *r, int listen_fd)
{
    int64_t end = time_mono_us() + RIG_WAIT_US;
    int fd = -1;

    while (fd < 0 && time_mono_us() < end) {
        loop_step(r->loop, 1000);
        fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    CHECK(fd >= 0);
    return fd;
}

bool rig_has(struct str s, const char *part)
{
    return str_find(s, str_c(part)) >= 0;
}

struct str rig_repeat(struct rig *r, char c, size_t n)
{
    char *p = arena_alloc(r->arena, n + 1);

    memset(p, c, n);
    return str_n(p, n);
}
