/*
 * Header arrays, what passes a proxy, and how long a small thing lives.
 */
#include "http/deadline.h"
#include "rig.h"

static struct http_headers make(struct arena *a, const char *const *pairs)
{
    struct http_headers h = {.arena = a};

    for (; pairs[0]; pairs += 2)
        http_headers_add(&h, str_c(pairs[0]), str_c(pairs[1]));
    return h;
}

TEST(headers_keep_order_and_ignore_case)
{
    struct arena *a = arena_new();
    struct http_headers h =
        make(a, (const char *const[]){"A", "1", "b", "2", "a", "3", "C", "", NULL});

    CHECK_STR(http_headers_get(&h, STR("a")), "1");
    CHECK_STR(http_headers_get(&h, STR("B")), "2");
    CHECK(http_headers_get(&h, STR("c")).p != NULL);
    CHECK(http_headers_get(&h, STR("d")).p == NULL);
    CHECK_INT(http_headers_count(&h, STR("A")), 2);
    CHECK_INT(http_headers_remove(&h, STR("a")), 2);
    CHECK_INT(http_headers_remove(&h, STR("a")), 0);
    CHECK_INT(h.n, 2);
    CHECK_STR(h.p[0].name, "b");
    http_headers_set(&h, STR("B"), STR("4"));
    CHECK_INT(h.n, 2);
    CHECK_STR(h.p[1].value, "4");
    for (int i = 0; i < 1000; i++)
        http_headers_add(&h, STR("x"), STR("y"));
    CHECK_INT(http_headers_count(&h, STR("X")), 1000);
    CHECK_STR(h.p[0].name, "C");
    arena_free(a);
}

TEST(hop_by_hop_headers_do_not_pass)
{
    static const char *const gone[] = {
        "Connection",
        "X-Hop, close",
        "connection",
        "Y-Hop",
        "Keep-Alive",
        "timeout=5",
        "Proxy-Connection",
        "keep-alive",
        "TE",
        "trailers",
        "Trailer",
        "X",
        "TRANSFER-ENCODING",
        "chunked",
        "Content-Length",
        "5",
        "Upgrade",
        "websocket",
        "Proxy-Authorization",
        "Bearer secret",
        "Proxy-Authenticate",
        "Basic",
        "Proxy-Authentication-Info",
        "x",
        "x-hop",
        "1",
        "Y-HOP",
        "2",
        NULL,
    };
    static const char *const stay[] = {
        "Host",   "a", "Authorization", "b", "Date",       "c", "Expect", "d", "X-Hops", "e",
        "Accept", "f", "Set-Cookie",    "g", "Set-Cookie", "h", NULL,
    };
    struct arena *a = arena_new();
    struct http_headers from = make(a, gone), to = make(a, (const char *const[]){"Z", "0", NULL});

    for (const char *const *p = stay; *p; p += 2)
        http_headers_add(&from, str_c(p[0]), str_c(p[1]));
    http_headers_copy_end_to_end(&to, &from);
    CHECK_INT(to.n, 1 + (ARRAY_LEN(stay) - 1) / 2);
    for (size_t i = 1; i < to.n; i++) {
        CHECK_STR(to.p[i].name, stay[2 * (i - 1)]);
        CHECK_STR(to.p[i].value, stay[2 * (i - 1) + 1]);
    }
    arena_free(a);
}

static void count(void *cookie)
{
    ++*(unsigned *)cookie;
}

TEST(deadline_moves_later_without_restarting)
{
    struct rig r;
    struct deadline d = {0};
    unsigned fired = 0;

    rig_init(&r);
    deadline_init(&d, r.loop, count, &fired);
    deadline_set(&d, loop_now_us(r.loop) + 10000000);
    int64_t first = d.timer_us;
    deadline_set(&d, loop_now_us(r.loop) + 20000000);
    CHECK_INT(d.timer_us, first);
    rig_advance(&r, 11000000);
    CHECK_INT(fired, 0);
    rig_advance(&r, 10000000);
    CHECK_INT(fired, 1);
    rig_advance(&r, 100000000);
    CHECK_INT(fired, 1);
    deadline_set(&d, loop_now_us(r.loop) + 20000000);
    deadline_set(&d, loop_now_us(r.loop) + 5000000);
    rig_advance(&r, 6000000);
    CHECK_INT(fired, 2);
    deadline_set(&d, loop_now_us(r.loop) + 5000000);
    deadline_set(&d, DEADLINE_NEVER);
    rig_advance(&r, 6000000);
    CHECK_INT(fired, 2);
    deadline_fini(&d);
    rig_fini(&r);
}
