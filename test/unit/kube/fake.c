/*
 * The scripted API server of the kube tests (fake.h).
 */
#include "fake.h"

#include <stdio.h>
#include <unistd.h>

#include "base/time.h"
#include "codec/url.h"
#include "unit.h"

enum { FAKE_TICK_US = 50000 };

static int64_t fake_mono(void *cookie)
{
    return ((struct fake *)cookie)->mono_us;
}

static int64_t fake_wall(void *cookie)
{
    return ((struct fake *)cookie)->wall_us;
}

static void on_body(void *cookie, struct str bytes)
{
    struct fake_request *r = cookie;

    buf_add_str(&r->body_bytes, bytes);
}

static void on_body_end(void *cookie)
{
    struct fake_request *r = cookie;

    if (r->body_bytes.len)
        CHECK_OK(json_parse(buf_str(&r->body_bytes), &r->body, NULL));
    r->fake->request_count++;
    r->fake->handler(r->fake->cookie, r);
}

static void on_close(void *cookie, int rc)
{
    struct fake_request *r = cookie;

    r->x = NULL;
    list_remove(&r->link);
    buf_fini(&r->body_bytes);
    json_decref(r->body);
    arena_free(r->arena);
    free(r);
}

static const struct http_exchange_ops EXCHANGE = {
    .on_body = on_body,
    .on_body_end = on_body_end,
    .on_close = on_close,
};

static void on_request(void *cookie, struct http_exchange *x)
{
    struct fake *f = cookie;
    struct http_request *q = http_exchange_request(x);
    struct fake_request *r = NEW(struct fake_request);
    struct str target;

    r->fake = f;
    r->x = x;
    r->arena = arena_new();
    buf_init(&r->body_bytes, 16 * 1024 * 1024);
    target = arena_str(r->arena, q->target);
    r->method = arena_str(r->arena, q->method);
    r->path = str_cut(&target, '?');
    r->query = target;
    r->accept = arena_str(r->arena, http_headers_get(&q->headers, STR("Accept")));
    r->authorization = arena_str(r->arena, http_headers_get(&q->headers, STR("Authorization")));
    r->content_type = arena_str(r->arena, http_headers_get(&q->headers, STR("Content-Type")));
    list_append(&f->requests, &r->link);
    http_exchange_handle(x, &EXCHANGE, r);
}

static const struct http_server_ops SERVER = {.on_request = on_request};

static void fake_listen(struct fake *f)
{
    struct addr at;
    int fd = -1;

    ASSERT(addr_parse(STR("127.0.0.1:0"), &at) == 0);
    ASSERT(tcp_listen(&at, false, &fd, NULL) == 0);
    ASSERT(tcp_local_addr(fd, &at) == 0);
    f->port = addr_port(&at);
    f->server = http_server_new(f->loop, &HTTP_LIMITS_DEFAULT, &SERVER, f);
    http_server_listen(f->server, fd, NULL);
}

struct fake *fake_new_server(fake_fn *handler, void *cookie)
{
    struct fake *f = NEW(struct fake);

    f->mono_us = 1000 * TIME_US_PER_S;
    ASSERT(time_parse(STR("2026-01-02T03:04:05Z"), &f->wall_us) == 0);
    f->clock = (struct loop_clock){fake_mono, fake_wall, f};
    f->loop = loop_new(&f->clock);
    f->handler = handler;
    f->cookie = cookie;
    list_init(&f->requests);
    fake_listen(f);
    return f;
}

struct kube_config *fake_config(struct fake *f)
{
    struct kube_config *config = NEW(struct kube_config);

    config->arena = arena_new();
    config->source = STR("fake");
    config->server = arena_fmt(config->arena, "http://127.0.0.1:%u/base/", f->port);
    config->ns = STR("default");
    if (*f->token_path)
        config->token_file = arena_str(config->arena, str_c(f->token_path));
    else
        config->token = secret_new(STR("fake-token"));
    ASSERT(url_parse(config->server, &config->url, NULL) == 0);
    return config;
}

struct fake *fake_new(fake_fn *handler, void *cookie)
{
    struct fake *f = fake_new_server(handler, cookie);

    f->config = fake_config(f);
    ASSERT(kube_client_new(f->loop, f->config, "test/1", &f->client, NULL) == 0);
    return f;
}

void fake_free(struct fake *f)
{
    kube_client_free(f->client);
    kube_config_free(f->config);
    http_server_free(f->server);
    fake_settle(f);
    CHECK(list_is_empty(&f->requests));
    loop_free(f->loop);
    free(f);
}

void fake_answer(struct fake_request *r, int status, const char *json)
{
    http_exchange_send(r->x, status, STR("application/json"), str_c(json));
}

void fake_answer_json(struct fake_request *r, int status, json_t *taken)
{
    struct buf b = BUF_INIT(256 * 1024 * 1024);

    json_format(taken, &b);
    http_exchange_send(r->x, status, STR("application/json"), buf_str(&b));
    buf_fini(&b);
    json_decref(taken);
}

void fake_status(struct fake_request *r, int status, const char *reason, const char *message)
{
    fake_answer_json(r, status,
                     json_pack("{s:s,s:s,s:s,s:s,s:s,s:i}", "kind", "Status", "apiVersion", "v1",
                               "status", "Failure", "reason", reason, "message", message, "code",
                               status));
}

void fake_stream(struct fake_request *r)
{
    struct http_response answer = {.status = 200, .body_length = HTTP_BODY_UNKNOWN};

    answer.headers.arena = http_exchange_arena(r->x);
    http_headers_add(&answer.headers, STR("Content-Type"), STR("application/json"));
    r->is_stream = true;
    http_exchange_respond(r->x, &answer);
    fake_send(r, STR_NONE);
}

void fake_send(struct fake_request *r, struct str bytes)
{
    (void)http_exchange_write(r->x, bytes);
}

void fake_end(struct fake_request *r)
{
    http_exchange_end(r->x);
}

void fake_cut(struct fake_request *r)
{
    http_exchange_abort(r->x);
}

struct str fake_param(struct fake_request *r, const char *name)
{
    return url_query_get(r->arena, r->query, str_c(name));
}

static void steps(struct fake *f)
{
    /* Bytes on the loopback device are there at once, but a reaction takes an iteration on each side. */
    for (int i = 0; i < 6; i++)
        loop_step(f->loop, 0);
}

void fake_settle(struct fake *f)
{
    steps(f);
    /* Unless the kernel is busy. */
    loop_step(f->loop, TIME_US_PER_MS);
    steps(f);
}

static void tick(struct fake *f, int64_t us)
{
    f->mono_us += us;
    f->wall_us += us;
}

bool fake_run(struct fake *f, bool (*done)(void *cookie), void *cookie, int64_t limit_us)
{
    int64_t until = f->mono_us + limit_us;

    fake_settle(f);
    for (unsigned i = 1;; i++) {
        steps(f);
        if (i % 16 == 0)
            fake_settle(f);
        if (done(cookie))
            return true;
        if (f->mono_us >= until)
            return false;
        tick(f, FAKE_TICK_US);
    }
}

static bool never(void *cookie)
{
    return false;
}

void fake_pass(struct fake *f, int64_t us)
{
    int64_t whole = us / FAKE_TICK_US * FAKE_TICK_US;

    fake_run(f, never, NULL, whole);
    tick(f, us - whole);
    fake_settle(f);
}
