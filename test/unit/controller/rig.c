/*
 * The rig of the controller's tests (see rig.h).
 */
#include "rig.h"

#include <stdio.h>

#include "base/time.h"
#include "codec/base64.h"
#include "net/tcp.h"
#include "unit.h"

#define RIG_WAIT_US INT64_C(20000000)

static int64_t rig_mono_us(void *cookie)
{
    return time_mono_us() + ((struct rig *)cookie)->skew_us;
}

static int64_t rig_wall_us(void *cookie)
{
    (void)cookie;
    return INT64_C(1767323045000000); /* 2026-01-02T03:04:05Z */
}

static void on_close(void *cookie, int rc)
{
    struct rig *r = cookie;

    (void)rc;
    r->open--;
}

static const struct http_exchange_ops HANG_OPS = {.on_close = on_close};

static bool has_credential(struct http_exchange *x, struct rig *r)
{
    struct str name, value;

    credential_expose(r->credential, &name, &value);
    return str_eq(http_headers_get(&http_exchange_request(x)->headers, name), value);
}

static void on_request(void *cookie, struct http_exchange *x)
{
    struct rig *r = cookie;
    const struct http_request *in = http_exchange_request(x);
    struct http_response out = {.status = 302, .headers = {.arena = http_exchange_arena(x)}};
    uint64_t status = 500;

    buf_addf(&r->seen, "%" STR_FMT " %" STR_FMT " %c\n", STR_ARG(in->method), STR_ARG(in->target),
             http_headers_get(&in->headers, STR("Authorization")).p ? '+' : '-');
    if (str_eq(in->target, STR("/hang"))) {
        r->open++;
        http_exchange_handle(x, &HANG_OPS, r);
        return;
    }
    if (str_starts(in->target, STR("/to?"))) {
        http_headers_add(&out.headers, STR("Location"), str_skip(in->target, 4));
        http_exchange_respond(x, &out);
        http_exchange_end(x);
        return;
    }
    if (str_eq(in->target, STR("/basic")))
        status = has_credential(x, r) ? 200 : 401;
    else if (str_to_u64(str_skip(in->target, 1), 599, &status) < 0)
        status = 404;
    http_exchange_send(x, (int)status, STR("text/plain"), STR("text of the tool"));
}

static const struct http_server_ops SERVER_OPS = {.on_request = on_request};

static void listen_any(struct rig *r)
{
    struct http_limits limits = HTTP_LIMITS_DEFAULT;
    struct err err;
    int fd = -1;

    limits.max_connections = 4096;
    r->server = http_server_new(r->loop, &limits, &SERVER_OPS, r);
    /* Every 127.0.0.N is this machine: one tool, many hosts. */
    CHECK_OK(addr_parse(STR("0.0.0.0:0"), &r->addr));
    CHECK_OK(tcp_listen(&r->addr, false, &fd, &err));
    CHECK_OK(tcp_local_addr(fd, &r->addr));
    http_server_listen(r->server, fd, NULL);
}

static void make_credential(struct rig *r)
{
    const struct class_auth auth = {.secret_type = STR("kubernetes.io/basic-auth")};
    json_t *secret JSON_OWNED = NULL;
    struct err err;
    struct buf text = BUF_INIT(4096);

    buf_add_c(&text,
              "{\"metadata\":{\"uid\":\"u\",\"resourceVersion\":\"1\"},\"data\":{\"username\":\"");
    base64_encode(&text, STR(RIG_USER));
    buf_add_c(&text, "\",\"password\":\"");
    base64_encode(&text, STR(RIG_PASSWORD));
    buf_add_c(&text, "\"}}");
    CHECK_OK(json_parse(buf_str(&text), &secret, &err));
    CHECK_OK(credential_new(secret, &auth, &r->credential, &err));
    buf_fini(&text);
}

void rig_init(struct rig *r)
{
    struct http_client_limits limits = HTTP_CLIENT_LIMITS_DEFAULT;
    struct err err;

    *r = (struct rig){.seen = BUF_INIT(BUF_NO_LIMIT), .arena = arena_new()};
    r->clock = (struct loop_clock){rig_mono_us, rig_wall_us, r};
    r->loop = loop_new(&r->clock);
    CHECK_OK(dns_new(r->loop, &r->dns, &err));
    limits.max_idle = 1;
    r->site = (struct probe_site){
        .loop = r->loop,
        .dns = r->dns,
        .client = http_client_new(r->loop, r->dns, &limits),
        .policy = destination_policy_new(),
        .timeout_us = 10 * TIME_US_PER_S,
    };
    CHECK_OK(destination_policy_allow(r->site.policy, STR("127.0.0.0/8"), &err));
    listen_any(r);
    make_credential(r);
}

void rig_fini(struct rig *r)
{
    http_client_free(r->site.client);
    http_server_free(r->server);
    destination_policy_free(r->site.policy);
    dns_free(r->dns);
    loop_free(r->loop);
    credential_unref(r->credential);
    buf_fini(&r->seen);
    arena_free(r->arena);
}

bool rig_until(struct rig *r, bool (*done)(void *cookie), void *cookie)
{
    int64_t deadline_us = time_mono_us() + RIG_WAIT_US;

    while (!done(cookie)) {
        if (time_mono_us() > deadline_us)
            return false;
        loop_step(r->loop, 10 * TIME_US_PER_MS);
    }
    return true;
}

void rig_pass(struct rig *r, int64_t us)
{
    r->skew_us += us;
    for (int i = 0; i < 8; i++)
        loop_step(r->loop, 0);
}

struct connector *rig_connector(struct rig *r, const char *name, unsigned octet)
{
    struct str text = arena_fmt(
        r->arena,
        "{\"metadata\":{\"namespace\":\"ns\",\"name\":\"%s\",\"uid\":\"u-%s\",\"generation\":1},"
        "\"spec\":{\"connectorClassName\":\"c\",\"address\":\"http://127.0.0.%u:%u/prefix\"}}",
        name, name, octet, (unsigned)addr_port(&r->addr));
    struct connector *c = NULL;
    json_t *object JSON_OWNED = NULL;
    struct err err;

    CHECK_OK(json_parse(text, &object, &err));
    CHECK_OK(connector_parse(object, &c, &err));
    return c;
}

struct connector_class *rig_class(const char *liveness, const char *auth)
{
    struct buf text = BUF_INIT(4096);
    struct connector_class *cls = NULL;
    json_t *object JSON_OWNED = NULL;
    struct err err;

    buf_add_c(&text,
              "{\"metadata\":{\"name\":\"c\"},\"spec\":{\"auth\":{\"types\":[{\"name\":\"a\","
              "\"secretType\":\"kubernetes.io/basic-auth\"}]}");
    if (liveness)
        buf_addf(&text, ",\"livenessProbe\":{\"http\":{%s}}", liveness);
    if (auth)
        buf_addf(&text, ",\"authProbes\":[{\"authName\":\"a\",\"probe\":{\"http\":{%s}}}]", auth);
    buf_add_c(&text, "}}");
    CHECK_OK(json_parse(buf_str(&text), &object, &err));
    CHECK_OK(class_parse(object, &cls, &err));
    buf_fini(&text);
    return cls;
}

struct plan *rig_plan(struct rig *r, struct connector *c, struct connector_class *cls,
                      const char *fingerprint)
{
    struct plan *plan = NULL;
    struct err err;

    CHECK_OK(plan_for_connector(
        &(struct plan_parts){
            .fingerprint = str_c(fingerprint),
            .connector = c,
            .cls = cls,
            .auth = &cls->auths[0],
            .credential = r->credential,
            .has_auth = true,
        },
        &plan, &err));
    return plan;
}

struct waited {
    bool is_done;
    struct probe_verdict verdict;
};

static void on_verdict(void *cookie, const struct probe_verdict *v)
{
    struct waited *w = cookie;

    w->verdict = *v;
    w->is_done = true;
}

static bool is_done(void *cookie)
{
    return ((struct waited *)cookie)->is_done;
}

struct probe_verdict rig_probe(struct rig *r, struct connector_class *cls, size_t index)
{
    struct connector *c = rig_connector(r, "one", 1);
    struct plan *plan = rig_plan(r, c, cls, "f");
    struct waited w = {0};

    buf_reset(&r->seen);
    probe_start(&r->site, plan, &plan->requests[index], on_verdict, &w);
    CHECK(rig_until(r, is_done, &w));
    plan_unref(plan);
    connector_unref(c);
    class_unref(cls);
    return w.verdict;
}
