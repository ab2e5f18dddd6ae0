/*
 * Calls, streams, tokens and blocking requests against a scripted server.
 */
#include "kube/client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/time.h"
#include "fake.h"
#include "unit.h"

/* What the server does, and what the client got. */
struct bench {
    struct fake *f;
    void (*answer)(struct fake_request *r);
    struct fake_request *last;
    struct str seen_method, seen_path, seen_query, seen_auth, seen_accept, seen_type;
    json_t *seen_body;
    struct arena *arena;
    unsigned calls; /* of the done function */
    int rc;
    struct err err;
    json_t *got;
    unsigned opens, lines, closes;
    struct kube_call *stream;
    bool cancel_on_line;
};

static void handle(void *cookie, struct fake_request *r)
{
    struct bench *b = cookie;

    b->last = r;
    b->seen_method = arena_str(b->arena, r->method);
    b->seen_path = arena_str(b->arena, r->path);
    b->seen_query = arena_str(b->arena, r->query);
    b->seen_auth = arena_str(b->arena, r->authorization);
    b->seen_accept = arena_str(b->arena, r->accept);
    b->seen_type = arena_str(b->arena, r->content_type);
    json_decref(b->seen_body);
    b->seen_body = json_incref(r->body);
    if (b->answer)
        b->answer(r);
}

static void bench_init(struct bench *b, void (*answer)(struct fake_request *r))
{
    *b = (struct bench){.answer = answer, .arena = arena_new()};
    b->f = fake_new(handle, b);
}

static void bench_fini(struct bench *b)
{
    fake_free(b->f);
    json_decref(b->got);
    json_decref(b->seen_body);
    arena_free(b->arena);
}

static void on_done(void *cookie, int rc, json_t *answer, const struct err *err)
{
    struct bench *b = cookie;

    b->calls++;
    b->rc = rc;
    json_decref(b->got);
    b->got = json_incref(answer);
    if (rc < 0)
        b->err = *err;
}

static bool is_called(void *cookie)
{
    return ((struct bench *)cookie)->calls > 0;
}

static int call(struct bench *b, const struct kube_request *r)
{
    b->calls = 0;
    kube_call_start(b->f->client, r, on_done, b);
    CHECK_INT(b->calls, 0);
    CHECK(fake_run(b->f, is_called, b, 120 * TIME_US_PER_S));
    CHECK_INT(b->calls, 1);
    return b->rc;
}

static int get(struct bench *b, const char *path)
{
    struct kube_request r = {.method = "GET", .path = str_c(path)};

    return call(b, &r);
}

static void answer_object(struct fake_request *r)
{
    fake_answer(r, 200, "{\"kind\":\"Secret\"}\n");
}

TEST(client_sends_what_was_asked)
{
    struct bench b;
    json_t *body JSON_OWNED = json_pack("{s:s}", "a", "b");
    struct kube_request r = {.method = "PATCH", .path = STR("/api/v1/x?y=z"), .body = body};

    bench_init(&b, answer_object);
    CHECK_OK(call(&b, &r));
    CHECK_STR(json_str(b.got, "kind"), "Secret");
    CHECK_STR(b.seen_method, "PATCH");
    CHECK_STR(b.seen_path, "/base/api/v1/x");
    CHECK_STR(b.seen_query, "y=z");
    CHECK_STR(b.seen_auth, "Bearer fake-token");
    CHECK_STR(b.seen_accept, "application/json");
    CHECK_STR(b.seen_type, "application/merge-patch+json");
    CHECK(json_equal(b.seen_body, body));
    r.patch = KUBE_PATCH_JSON;
    CHECK_OK(call(&b, &r));
    CHECK_STR(b.seen_type, "application/json-patch+json");
    r.patch = KUBE_PATCH_STRATEGIC;
    CHECK_OK(call(&b, &r));
    CHECK_STR(b.seen_type, "application/strategic-merge-patch+json");
    bench_fini(&b);
}

TEST(client_large_body_and_answer)
{
    struct bench b;
    char *big = xmalloc(3 * 1024 * 1024 + 1);
    json_t *body JSON_OWNED = NULL;
    struct kube_request r = {.method = "POST", .path = STR("/x")};

    memset(big, 'x', 3 * 1024 * 1024);
    big[3 * 1024 * 1024] = '\0';
    r.body = body = json_pack("{s:s}", "a", big);
    free(big);
    bench_init(&b, answer_object);
    CHECK_OK(call(&b, &r));
    CHECK(json_equal(b.seen_body, body));
    bench_fini(&b);
}

static void answer_empty(struct fake_request *r)
{
    fake_answer(r, 200, "");
}

TEST(client_empty_answer_is_null)
{
    struct bench b;

    bench_init(&b, answer_empty);
    CHECK_OK(get(&b, "/x"));
    CHECK(b.got == NULL);
    bench_fini(&b);
}

struct status_case {
    int status;
    const char *body;
    enum err_code code;
    const char *message;
};

static const struct status_case *status_case;

static void answer_case(struct fake_request *r)
{
    fake_answer(r, status_case->status, status_case->body);
}

TEST(client_failures_have_codes_and_messages)
{
    static const struct status_case CASES[] = {
        {404, "{\"kind\":\"Status\",\"reason\":\"NotFound\",\"message\":\"x not found\"}",
         ERR_NOTFOUND, "x not found"},
        {409, "{\"kind\":\"Status\",\"reason\":\"AlreadyExists\",\"message\":\"e\"}", ERR_EXISTS,
         "e"},
        {409, "{\"kind\":\"Status\",\"reason\":\"Conflict\",\"message\":\"c\"}", ERR_CONFLICT, "c"},
        {410, "{\"kind\":\"Status\",\"reason\":\"Expired\",\"message\":\"o\"}", ERR_GONE, "o"},
        {410, "{\"kind\":\"Status\",\"reason\":\"Gone\",\"message\":\"o\"}", ERR_GONE, "o"},
        {422, "{\"kind\":\"Status\",\"reason\":\"Invalid\",\"message\":\"a\\u0001\\nb\"}",
         ERR_INVALID, "a  b"},
        {429, "{\"kind\":\"Status\",\"reason\":\"TooManyRequests\"}", ERR_THROTTLED,
         "API server answered 429 TooManyRequests"},
        {429, "slow down", ERR_THROTTLED, "API server answered 429: slow down"},
        {401, "", ERR_UNAUTH, "API server answered 401"},
        {403, "{\"kind\":\"Other\"}", ERR_FORBIDDEN,
         "API server answered 403: {\"kind\":\"Other\"}"},
        {500, "<html>", ERR_INTERNAL, "API server answered 500: <html>"},
        {503, "", ERR_UNAVAILABLE, "API server answered 503"},
        {302, "", ERR_PROTO, "API server answered 302"},
        {400, "{\"kind\":\"Status\",\"code\":200}", ERR_PROTO, "API server answered 200 "},
    };
    struct bench b;

    bench_init(&b, answer_case);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        status_case = &CASES[i];
        CHECK_ERR(get(&b, "/x"), CASES[i].code);
        CHECK_STR(b.err.msg, CASES[i].message);
        CHECK(b.got == NULL);
    }
    bench_fini(&b);
}

TEST(client_garbage_answer)
{
    static const struct status_case CASES[] = {{200, "{\"a\":", ERR_PROTO, ""},
                                               {200, "<html>", ERR_PROTO, ""},
                                               {200, "{} {}", ERR_PROTO, ""}};
    struct bench b;

    bench_init(&b, answer_case);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        status_case = &CASES[i];
        CHECK_ERR(get(&b, "/x?token=1"), ERR_PROTO);
        CHECK(str_starts(str_c(b.err.msg), STR("GET /x: the answer is not JSON: ")));
    }
    bench_fini(&b);
}

static void answer_nothing(struct fake_request *r)
{
}

TEST(client_timeout)
{
    struct bench b;
    struct kube_request r = {
        .method = "GET", .path = STR("/slow"), .timeout_us = 2 * TIME_US_PER_S};
    int64_t begin;

    bench_init(&b, answer_nothing);
    begin = b.f->mono_us;
    CHECK_ERR(call(&b, &r), ERR_TIMEOUT);
    CHECK(b.f->mono_us - begin >= 2 * TIME_US_PER_S);
    CHECK(str_find(str_c(b.err.msg), STR("GET /slow: no answer within 2000 ms")) >= 0);
    begin = b.f->mono_us;
    CHECK_ERR(get(&b, "/slow"), ERR_TIMEOUT);
    CHECK(b.f->mono_us - begin >= 30 * TIME_US_PER_S);
    bench_fini(&b);
}

TEST(client_refused_names_the_server)
{
    struct bench b;

    bench_init(&b, answer_object);
    http_server_free(TAKE(b.f->server));
    CHECK_ERR(get(&b, "/x"), ERR_REFUSED);
    CHECK(str_starts(str_c(b.err.msg), STR("API server 'http://127.0.0.1:")));
    CHECK(str_find(str_c(b.err.msg), STR("(fake)")) >= 0);
    bench_fini(&b);
}

static void answer_cut(struct fake_request *r)
{
    fake_stream(r);
    fake_send(r, STR("{\"a\":"));
    fake_cut(r);
}

TEST(client_cut_answer)
{
    struct bench b;

    bench_init(&b, answer_cut);
    CHECK_ERR(get(&b, "/x"), ERR_CLOSED);
    bench_fini(&b);
}

TEST(client_cancel_and_free_with_open_calls)
{
    struct bench b;
    struct kube_request r = {.method = "GET", .path = STR("/x")};
    struct kube_call *one;

    bench_init(&b, answer_nothing);
    one = kube_call_start(b.f->client, &r, on_done, &b);
    kube_call_start(b.f->client, &r, on_done, &b);
    kube_call_cancel(one);
    fake_pass(b.f, TIME_US_PER_S);
    kube_call_start(b.f->client, &r, on_done, &b);
    CHECK_INT(b.calls, 0);
    bench_fini(&b);
    CHECK_INT(b.calls, 0);
}

static size_t answer_bytes;

static void answer_sized(struct fake_request *r)
{
    char *big = xmalloc(answer_bytes);

    memset(big, 'x', answer_bytes);
    big[0] = big[answer_bytes - 1] = '"';
    http_exchange_send(r->x, 200, STR("application/json"), str_n(big, answer_bytes));
    free(big);
}

TEST(client_answer_at_and_past_the_limit)
{
    struct bench b;

    bench_init(&b, answer_sized);
    answer_bytes = 64 * 1024 * 1024;
    CHECK_OK(get(&b, "/x"));
    CHECK_INT(json_string_length(b.got), answer_bytes - 2);
    answer_bytes++;
    CHECK_ERR(get(&b, "/x"), ERR_TOOBIG);
    CHECK_STR(b.err.msg, "GET /x: the answer is larger than 64 MiB");
    bench_fini(&b);
}

static void answer_long_failure(struct fake_request *r)
{
    size_t n = 1024 * 1024;
    char *big = xmalloc(n);

    memset(big, 'x', n);
    http_exchange_send(r->x, 500, STR("text/plain"), str_n(big, n));
    free(big);
}

TEST(client_long_failure_is_cut)
{
    struct bench b;

    bench_init(&b, answer_long_failure);
    CHECK_ERR(get(&b, "/x"), ERR_INTERNAL);
    CHECK(strlen(b.err.msg) < 300);
    bench_fini(&b);
}

/* --- tokens from files */

static void bench_init_token(struct bench *b, char path[64], const char *token)
{
    int fd;

    *b = (struct bench){.answer = answer_object, .arena = arena_new()};
    snprintf(path, 64, "/tmp/kube-token-XXXXXX");
    fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
    if (token)
        CHECK_OK(fd_write_file(path, str_c(token), 0600, NULL));
    else
        unlink(path);
    b->f = fake_new_server(handle, b);
    memcpy(b->f->token_path, path, 64);
    b->f->config = fake_config(b->f);
    CHECK_OK(kube_client_new(b->f->loop, b->f->config, "test/1", &b->f->client, NULL));
}

TEST(client_token_file_is_read_again)
{
    struct bench b;
    char path[64];

    bench_init_token(&b, path, "one\n");
    CHECK_OK(get(&b, "/x"));
    CHECK_STR(b.seen_auth, "Bearer one");
    CHECK_OK(fd_write_file(path, STR("two"), 0600, NULL));
    CHECK_OK(get(&b, "/x"));
    CHECK_STR(b.seen_auth, "Bearer one");
    fake_pass(b.f, 10 * TIME_US_PER_S);
    CHECK_OK(get(&b, "/x"));
    CHECK_STR(b.seen_auth, "Bearer two");
    /* A file that cannot be read any more, or that is broken, leaves the token we have. */
    CHECK_OK(fd_write_file(path, STR("a\nb"), 0600, NULL));
    fake_pass(b.f, 10 * TIME_US_PER_S);
    CHECK_OK(get(&b, "/x"));
    CHECK_STR(b.seen_auth, "Bearer two");
    unlink(path);
    fake_pass(b.f, 10 * TIME_US_PER_S);
    CHECK_OK(get(&b, "/x"));
    CHECK_STR(b.seen_auth, "Bearer two");
    bench_fini(&b);
}

TEST(client_token_file_is_read_after_401)
{
    static const struct status_case CASE = {401, "", ERR_UNAUTH, ""};
    struct bench b;
    char path[64];

    bench_init_token(&b, path, "one");
    CHECK_OK(get(&b, "/x"));
    CHECK_OK(fd_write_file(path, STR("two"), 0600, NULL));
    status_case = &CASE;
    b.answer = answer_case;
    CHECK_ERR(get(&b, "/x"), ERR_UNAUTH);
    b.answer = answer_object;
    CHECK_OK(get(&b, "/x"));
    CHECK_STR(b.seen_auth, "Bearer two");
    unlink(path);
    bench_fini(&b);
}

TEST(client_token_file_missing_then_there)
{
    struct bench b;
    char path[64];

    bench_init_token(&b, path, NULL);
    CHECK_ERR(get(&b, "/x"), ERR_NOTFOUND);
    CHECK(str_find(str_c(b.err.msg), str_c(path)) >= 0);
    CHECK_INT(b.f->request_count, 0);
    CHECK_OK(fd_write_file(path, STR(" \n"), 0600, NULL));
    CHECK_ERR(get(&b, "/x"), ERR_INVALID);
    CHECK_OK(fd_write_file(path, STR("late"), 0600, NULL));
    CHECK_OK(get(&b, "/x"));
    CHECK_STR(b.seen_auth, "Bearer late");
    unlink(path);
    bench_fini(&b);
}

TEST(client_token_that_would_split_the_header)
{
    struct fake *f = fake_new_server(handle, NULL);
    struct kube_config *config = fake_config(f);
    struct kube_client *c = NULL;
    struct err err;

    secret_unref(config->token);
    config->token = secret_new(STR("a\r\nX: y"));
    CHECK_ERR(kube_client_new(f->loop, config, "test/1", &c, &err), ERR_INVALID);
    CHECK(str_find(str_c(err.msg), STR("X: y")) < 0);
    kube_config_free(config);
    fake_free(f);
}

/* --- streams */

static void on_open(void *cookie)
{
    ((struct bench *)cookie)->opens++;
}

static void on_line(void *cookie, json_t *value)
{
    struct bench *b = cookie;

    b->lines++;
    json_decref(b->got);
    b->got = json_incref(value);
    if (b->cancel_on_line)
        kube_call_cancel(b->stream);
}

static void on_close(void *cookie, int rc, const struct err *err)
{
    struct bench *b = cookie;

    b->closes++;
    b->rc = rc;
    if (rc < 0)
        b->err = *err;
}

static const struct kube_stream_ops STREAM = {
    .on_open = on_open, .on_line = on_line, .on_close = on_close, .accept = "application/x"};

static void answer_stream(struct fake_request *r)
{
    fake_stream(r);
}

static void stream_begin(struct bench *b)
{
    bench_init(b, answer_stream);
    b->stream = kube_stream_start(b->f->client, STR("/watch?watch=true"), &STREAM, b);
    fake_settle(b->f);
    CHECK_INT(b->opens, 1);
}

static void send_line(struct bench *b, struct str bytes)
{
    fake_send(b->last, bytes);
    fake_settle(b->f);
}

TEST(stream_lines_in_pieces)
{
    struct bench b;

    stream_begin(&b);
    CHECK_STR(b.seen_accept, "application/x");
    send_line(&b, STR("{\"a\":1}\n{\"a\":2}\n{\"a\""));
    CHECK_INT(b.lines, 2);
    send_line(&b, STR(":3"));
    CHECK_INT(b.lines, 2);
    send_line(&b, STR("}\n\r\n\n{\"a\":4}\n"));
    CHECK_INT(b.lines, 4);
    CHECK_INT(json_int(b.got, "a", 0), 4);
    /* Streams have no deadline of their own. */
    fake_pass(b.f, 100 * TIME_US_PER_S);
    CHECK_INT(b.closes, 0);
    fake_end(b.last);
    fake_settle(b.f);
    CHECK_INT(b.closes, 1);
    CHECK_OK(b.rc);
    bench_fini(&b);
}

TEST(stream_ends_inside_a_line)
{
    struct bench b;

    stream_begin(&b);
    send_line(&b, STR("{\"a\":1}\n{\"a\":"));
    fake_end(b.last);
    fake_settle(b.f);
    CHECK_INT(b.closes, 1);
    CHECK_ERR(b.rc, ERR_CLOSED);
    bench_fini(&b);
}

TEST(stream_garbage_line)
{
    struct bench b;

    stream_begin(&b);
    send_line(&b, STR("{\"a\":1}\nnonsense\n{\"a\":2}\n"));
    CHECK_INT(b.lines, 1);
    CHECK_INT(b.closes, 1);
    CHECK_ERR(b.rc, ERR_PROTO);
    bench_fini(&b);
}

static bool is_closed(void *cookie)
{
    return ((struct bench *)cookie)->closes > 0;
}

static bool is_lined(void *cookie)
{
    return ((struct bench *)cookie)->lines > 0;
}

/* A line of `n` bytes without its end. */
static void send_long(struct bench *b, size_t n)
{
    char *big = xmalloc(n);

    memset(big, 'x', n);
    memcpy(big, "{\"a\":\"", 6);
    memcpy(big + n - 2, "\"}", 2);
    fake_send(b->last, str_n(big, n));
    free(big);
}

TEST(stream_line_at_the_limit)
{
    struct bench b;

    stream_begin(&b);
    send_long(&b, 8 * 1024 * 1024);
    fake_send(b.last, STR("\n"));
    CHECK(fake_run(b.f, is_lined, &b, 10 * TIME_US_PER_S));
    CHECK_INT(b.closes, 0);
    kube_call_cancel(b.stream);
    bench_fini(&b);
}

TEST(stream_line_past_the_limit)
{
    struct bench b;

    stream_begin(&b);
    send_long(&b, 8 * 1024 * 1024 + 1);
    CHECK(fake_run(b.f, is_closed, &b, 10 * TIME_US_PER_S));
    CHECK_INT(b.lines, 0);
    CHECK_ERR(b.rc, ERR_TOOBIG);
    bench_fini(&b);
}

TEST(stream_refused_and_cut)
{
    static const struct status_case CASE = {410, "{\"kind\":\"Status\",\"reason\":\"Expired\"}",
                                            ERR_GONE, ""};
    struct bench b;

    bench_init(&b, answer_case);
    status_case = &CASE;
    kube_stream_start(b.f->client, STR("/w"), &STREAM, &b);
    fake_settle(b.f);
    CHECK_INT(b.opens, 0);
    CHECK_ERR(b.rc, ERR_GONE);
    b.answer = answer_stream;
    kube_stream_start(b.f->client, STR("/w"), &STREAM, &b);
    fake_settle(b.f);
    fake_cut(b.last);
    fake_settle(b.f);
    CHECK_INT(b.closes, 2);
    CHECK_ERR(b.rc, ERR_CLOSED);
    bench_fini(&b);
}

TEST(stream_opening_has_a_deadline)
{
    struct bench b;

    bench_init(&b, answer_nothing);
    kube_stream_start(b.f->client, STR("/w"), &STREAM, &b);
    fake_pass(b.f, 31 * TIME_US_PER_S);
    CHECK_INT(b.closes, 1);
    CHECK_ERR(b.rc, ERR_TIMEOUT);
    bench_fini(&b);
}

TEST(stream_cancelled_inside_on_line)
{
    struct bench b;

    stream_begin(&b);
    b.cancel_on_line = true;
    send_line(&b, STR("{\"a\":1}\n{\"a\":2}\n"));
    CHECK_INT(b.lines, 1);
    CHECK_INT(b.closes, 0);
    bench_fini(&b);
}

/* --- blocking requests from threads */

struct worker {
    pthread_t thread;
    struct kube_client *client;
    unsigned id;
    unsigned done; /* requests that went as they should */
    atomic_bool is_over;
};

static void *worker_main(void *cookie)
{
    struct worker *w = cookie;

    for (unsigned i = 0; i < 50; i++) {
        json_t *got JSON_OWNED = NULL;
        char name[32];
        struct err err;
        int rc;

        snprintf(name, sizeof(name), "n-%u-%u", w->id, i);
        rc = kube_get(w->client, &KUBE_SECRETS, STR("ns"), str_c(name), &got, &err);
        if (rc == 0 && str_eq_c(json_str(got, "name"), name))
            w->done++;
    }
    atomic_store(&w->is_over, true);
    return NULL;
}

static void answer_echo(struct fake_request *r)
{
    ptrdiff_t slash = str_rindex(r->path, '/');
    json_t *o = json_object();

    json_set_str(o, "name", str_skip(r->path, (size_t)slash + 1));
    fake_answer_json(r, 200, o);
}

static bool workers_over(void *cookie)
{
    struct worker *w = cookie;

    for (int i = 0; i < 4; i++) {
        if (!atomic_load(&w[i].is_over))
            return false;
    }
    return true;
}

TEST(client_blocking_from_threads)
{
    struct worker w[4] = {0};
    struct bench b;

    bench_init(&b, answer_echo);
    for (unsigned i = 0; i < 4; i++) {
        w[i] = (struct worker){.client = b.f->client, .id = i};
        CHECK_INT(pthread_create(&w[i].thread, NULL, worker_main, &w[i]), 0);
    }
    while (!workers_over(w))
        loop_step(b.f->loop, TIME_US_PER_MS);
    for (int i = 0; i < 4; i++) {
        pthread_join(w[i].thread, NULL);
        CHECK_INT(w[i].done, 50);
    }
    bench_fini(&b);
}

static atomic_int verb_step;

struct verbs {
    struct kube_client *client;
    int rc[8];
};

static void *verbs_main(void *cookie)
{
    struct verbs *v = cookie;
    json_t *o JSON_OWNED = json_pack("{s:{s:s,s:s}}", "metadata", "name", "n", "namespace", "s");
    json_t *nameless JSON_OWNED = json_pack("{s:{s:s}}", "metadata", "namespace", "s");
    struct err err;

    v->rc[0] = kube_create(v->client, &KUBE_SECRETS, o, NULL, &err);
    atomic_fetch_add(&verb_step, 1);
    v->rc[1] = kube_update(v->client, &KUBE_CONNECTORS, o, STR("status"), NULL, &err);
    atomic_fetch_add(&verb_step, 1);
    v->rc[2] = kube_delete(v->client, &KUBE_SECRETS, STR("s"), STR("n"), NULL, &err);
    atomic_fetch_add(&verb_step, 1);
    v->rc[3] = kube_patch(v->client, &KUBE_SECRETS, STR("s"), STR("n"), STR_NONE, KUBE_PATCH_MERGE,
                          o, NULL, &err);
    atomic_fetch_add(&verb_step, 1);
    v->rc[4] = kube_update(v->client, &KUBE_SECRETS, nameless, STR_NONE, NULL, &err);
    v->rc[5] = kube_delete(v->client, &KUBE_SECRETS, STR("s"), STR_NONE, NULL, &err);
    v->rc[6] = kube_delete(v->client, &KUBE_SECRETS, STR_NONE, STR("n"), NULL, &err);
    v->rc[7] = kube_create(v->client, &KUBE_SECRETS, nameless, NULL, &err);
    atomic_fetch_add(&verb_step, 1);
    return NULL;
}

static struct {
    char text[8][128];
    int n;
} verb_log;

static void answer_verbs(struct fake_request *r)
{
    snprintf(verb_log.text[verb_log.n++ % 8], 128, "%" STR_FMT " %" STR_FMT, STR_ARG(r->method),
             STR_ARG(r->path));
    fake_answer(r, 200, "{}");
}

TEST(client_verbs)
{
    struct verbs v = {0};
    struct bench b;
    pthread_t t;

    bench_init(&b, answer_verbs);
    v.client = b.f->client;
    CHECK_INT(pthread_create(&t, NULL, verbs_main, &v), 0);
    while (atomic_load(&verb_step) < 5)
        loop_step(b.f->loop, TIME_US_PER_MS);
    pthread_join(t, NULL);
    CHECK_STR(verb_log.text[0], "POST /base/api/v1/namespaces/s/secrets");
    CHECK_STR(verb_log.text[1],
              "PUT /base/apis/connectors.alauda.io/v1alpha1/namespaces/s/connectors/n/status");
    CHECK_STR(verb_log.text[2], "DELETE /base/api/v1/namespaces/s/secrets/n");
    CHECK_STR(verb_log.text[3], "PATCH /base/api/v1/namespaces/s/secrets/n");
    CHECK_INT(verb_log.n, 5);
    for (int i = 0; i < 4; i++)
        CHECK_OK(v.rc[i]);
    /* Without a name the whole collection would be meant. */
    for (int i = 4; i < 7; i++)
        CHECK_ERR(v.rc[i], ERR_BADREQUEST);
    CHECK_OK(v.rc[7]);
    bench_fini(&b);
}

static void do_on_loop(void *cookie)
{
    struct bench *b = cookie;
    struct kube_request r = {.method = "GET", .path = STR("/x")};

    (void)!kube_do(b->f->client, &r, NULL, NULL);
}

static void dies_on_loop(void *cookie)
{
    struct bench *b = cookie;
    struct loop_task task = {0};

    loop_defer(b->f->loop, &task, do_on_loop, b);
    loop_step(b->f->loop, 0);
}

TEST(client_blocking_on_the_loop_dies)
{
    struct bench b;

    bench_init(&b, answer_object);
    CHECK_DIES(dies_on_loop, &b);
    bench_fini(&b);
}

static void *blocked_main(void *cookie)
{
    struct worker *w = cookie;
    struct kube_request r = {.method = "GET", .path = STR("/x")};
    struct err err;

    w->done = kube_do(w->client, &r, NULL, &err) == -ERR_CANCELLED;
    atomic_store(&w->is_over, true);
    return NULL;
}

TEST(client_free_wakes_who_waits)
{
    struct bench b;
    struct worker w = {0};

    bench_init(&b, answer_nothing);
    w.client = b.f->client;
    CHECK_INT(pthread_create(&w.thread, NULL, blocked_main, &w), 0);
    while (b.f->request_count == 0)
        loop_step(b.f->loop, TIME_US_PER_MS);
    kube_client_free(TAKE(b.f->client));
    pthread_join(w.thread, NULL);
    CHECK_INT(w.done, 1);
    bench_fini(&b);
}

TEST(client_thread)
{
    struct bench b;
    struct kube_thread *t = NULL;
    struct worker w = {0};

    bench_init(&b, answer_echo);
    CHECK_OK(kube_thread_start(b.f->config, "test/1", &t, NULL));
    w.client = kube_thread_client(t);
    CHECK_INT(pthread_create(&w.thread, NULL, worker_main, &w), 0);
    while (!atomic_load(&w.is_over))
        loop_step(b.f->loop, TIME_US_PER_MS);
    pthread_join(w.thread, NULL);
    CHECK_INT(w.done, 50);
    kube_thread_stop(t);
    bench_fini(&b);
}
