/*
 * Set-up and the client's side of the proxy rig.
 */
#include "rig.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"
#include "codec/base64.h"
#include "net/tcp.h"

static int64_t real_mono(void *cookie)
{
    (void)cookie;
    return time_mono_us();
}

static int64_t real_wall(void *cookie)
{
    (void)cookie;
    return time_wall_us();
}

/* --- the API server */

static void on_api(void *cookie, struct fake_request *q)
{
    struct rig *r = cookie;
    struct str token = json_str_at(q->body, "spec", "token", NULL);
    char text[512];

    if (r->is_deaf)
        return;
    if (str_ends(q->path, STR("/tokenreviews"))) {
        r->token_reviews++;
        snprintf(text, sizeof(text),
                 "{\"status\":{\"authenticated\":%s,\"user\":{\"username\":\"%" STR_FMT
                 "\",\"uid\":\"uid-%" STR_FMT "\"}}}",
                 str_starts(token, STR("good")) ? "true" : "false", STR_ARG(token), STR_ARG(token));
        fake_answer(q, 201, text);
        return;
    }
    r->access_reviews++;
    fake_answer(q, 201,
                r->allowed &&
                        !str_eq(json_str_at(q->body, "spec", "resourceAttributes", "name", NULL),
                                STR("forbidden"))
                    ? "{\"status\":{\"allowed\":true,\"reason\":\"RBAC: rig\"}}"
                    : "{\"status\":{\"allowed\":false}}");
}

/* --- the tool */

static void on_tool_body(void *cookie, struct str bytes)
{
    buf_add_str(&((struct rig *)cookie)->tool_body, bytes);
}

static const struct http_exchange_ops TOOL_OPS = {.on_body = on_tool_body};

static void on_tool(void *cookie, struct http_exchange *x)
{
    struct rig *r = cookie;
    const struct http_request *q = http_exchange_request(x);

    r->tool_requests++;
    buf_reset(&r->tool_head);
    buf_addf(&r->tool_head, "%" STR_FMT " %" STR_FMT "\n", STR_ARG(q->method), STR_ARG(q->target));
    for (size_t i = 0; i < q->headers.n; i++)
        buf_addf(&r->tool_head, "%" STR_FMT ": %" STR_FMT "\n", STR_ARG(q->headers.p[i].name),
                 STR_ARG(q->headers.p[i].value));
    http_exchange_handle(x, &TOOL_OPS, r);
    if (r->answer)
        r->answer(r, x);
    else
        http_exchange_send(x, 200, STR("text/plain"), STR("ok"));
}

static const struct http_server_ops TOOL = {.on_request = on_tool};

static int listen_at(struct addr *ret_at)
{
    int fd = -1;

    ASSERT(addr_parse(STR("127.0.0.1:0"), ret_at) == 0);
    ASSERT(tcp_listen(ret_at, true, &fd, NULL) == 0);
    ASSERT(tcp_local_addr(fd, ret_at) == 0);
    return fd;
}

/* --- the proxy */

static void on_worker_end(void *cookie)
{
    ((struct rig *)cookie)->is_ended = true;
}

static bool no_pod(void *cookie, struct str ns, struct str name, struct str uid)
{
    (void)cookie, (void)ns, (void)name, (void)uid;
    return false;
}

static void start_site(struct rig *r)
{
    struct identity_rules identity = {
        .audience = STR("connectors-proxy"),
        .accept_apiserver_audience = true,
        .keep_us = 60 * TIME_US_PER_S,
        .max_entries = 100,
        .is_pod_live = no_pod,
    };

    r->lane =
        review_lane_new(r->api->client, &(struct review_limits){8, 100, 200 * TIME_US_PER_MS});
    r->site = (struct site){
        .settings = &r->settings,
        .control = r->api->loop,
        .policy = destination_policy_new(),
        .via = STR("1.1 connectors-0badcafe"),
        .instance = STR("connectors-0badcafe"),
        .own_host = STR("proxy.example"),
        .own_port = 80,
        .proxy_base = STR("http://proxy.example"),
        .worker_count = 1,
        .active = xcalloc(SITE_SUBJECTS, sizeof(atomic_uint)),
    };
    r->site.identities = identity_service_new(r->api->loop, r->lane, &identity);
    r->site.permissions = permission_service_new(r->api->loop, r->lane, &PERMISSION_RULES_DEFAULT);
    CHECK_OK(destination_policy_allow(r->site.policy, STR("127.0.0.0/8"), NULL));
    if (r->settings.audit_log)
        CHECK_OK(audit_open(r->settings.audit_log, &r->site.audit, NULL));
}

void rig_init(struct rig *r, const char *const *options)
{
    char *argv[8] = {(char *)"proxy"};
    struct addr tool;
    int argc = 1, fd;

    *r = (struct rig){.allowed = true};
    while (options && options[argc - 1]) {
        argv[argc] = (char *)options[argc - 1];
        argc++;
    }
    CHECK_OK(settings_parse(argc, argv, &r->settings, NULL));
    buf_init(&r->tool_head, 1024 * 1024);
    buf_init(&r->tool_body, 64 * 1024 * 1024);
    buf_init(&r->reply, 64 * 1024 * 1024);
    r->api = fake_new(on_api, r);
    r->api->clock.mono_us = real_mono;
    r->api->clock.wall_us = real_wall;
    fd = listen_at(&tool);
    r->tool_port = addr_port(&tool);
    r->tool = http_server_new(r->api->loop, &HTTP_LIMITS_DEFAULT, &TOOL, r);
    http_server_listen(r->tool, fd, NULL);

    start_site(r);
    fd = listen_at(&r->listen);
    CHECK_OK(worker_new(&r->site, 0, fd, &r->worker, NULL));
    worker_start(r->worker, on_worker_end, r);
    worker_set_ready(r->worker);
}

void rig_fini(struct rig *r)
{
    worker_drain(r->worker);
    CHECK(rig_until(r, &r->is_ended));
    worker_join(r->worker);
    review_lane_free(r->lane);
    identity_service_free(r->site.identities);
    permission_service_free(r->site.permissions);
    worker_free(r->worker);
    for (unsigned i = 0; i < SITE_SUBJECTS; i++)
        CHECK(r->site.active[i] == 0);
    free(r->site.active);
    audit_close(r->site.audit);
    destination_policy_free(r->site.policy);
    http_server_free(r->tool);
    fake_free(r->api);
    settings_fini(&r->settings);
    buf_fini(&r->tool_head);
    buf_fini(&r->tool_body);
    buf_fini(&r->reply);
}

static json_t *connector_json(const struct rig *r, const char *path, bool has_secret)
{
    char address[128];
    json_t *spec, *v;

    snprintf(address, sizeof(address), "http://127.0.0.1:%u%s", (unsigned)r->tool_port, path);
    spec = json_pack("{s:s,s:s}", "connectorClassName", "git", "address", address);
    if (has_secret)
        json_set(spec, "auth",
                 json_pack("{s:s,s:{s:s}}", "name", "basic", "secretRef", "name", "s"));
    v = json_pack("{s:{s:s,s:s,s:s},s:o}", "metadata", "name", "tool", "namespace", "team", "uid",
                  "cu", "spec", spec);
    return v;
}

static json_t *secret_json(const char *password)
{
    static unsigned version;
    struct buf encoded = BUF_INIT(1024);
    char rv[16];
    json_t *v;

    snprintf(rv, sizeof(rv), "%u", ++version);
    base64_encode(&encoded, str_c(password));
    v = json_pack("{s:s,s:{s:s,s:s},s:{s:s,s:s}}", "type", "kubernetes.io/basic-auth", "metadata",
                  "uid", "su", "resourceVersion", rv, "data", "username", "Ym90", "password",
                  buf_c(&encoded));
    buf_fini(&encoded);
    return v;
}

void rig_connector(struct rig *r, const char *path, const char *password)
{
    json_t *connector = connector_json(r, path, password != NULL);
    json_t *secret = password ? secret_json(password) : NULL;
    json_t *class = json_loads("{\"metadata\":{\"name\":\"git\"},\"spec\":{\"auth\":{\"types\":[{"
                               "\"name\":\"basic\",\"secretType\":\"kubernetes.io/basic-auth\","
                               "\"optional\":true}]}}}",
                               0, NULL);
    struct target_parts p = {
        .key = STR("team/tool"), .uid = STR("cu"), .secret = secret, .trust = STR("system")};
    struct target *t;

    CHECK_OK(connector_parse(connector, &p.connector, NULL));
    CHECK_OK(class_parse(class, &p.class, NULL));
    p.counters = counters_connector_new(1);
    t = target_new(&p);
    worker_set_target(r->worker, p.key, t);
    rig_sync(r);
    target_unref(t);
    counters_connector_unref(p.counters);
    connector_unref(p.connector);
    class_unref(p.class);
    json_decref(connector);
    json_decref(class);
    json_decref(secret);
}

static void on_back(void *cookie)
{
    ((struct rig *)cookie)->is_synced = true;
}

static void on_there(void *cookie)
{
    struct rig *r = cookie;

    loop_post(r->api->loop, &r->sync, on_back, r);
}

void rig_sync(struct rig *r)
{
    r->is_synced = false;
    loop_post(r->worker->loop, &r->sync, on_there, r);
    CHECK(rig_until(r, &r->is_synced));
}

/* --- the client */

int rig_connect(struct rig *r)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ASSERT(connect(fd, (const struct sockaddr *)&r->listen.ss, r->listen.len) == 0);
    return fd;
}

/* Whether `text` is a whole answer: head, and as many bytes as it says. */
static bool is_complete(struct str text)
{
    ptrdiff_t end = str_find(text, STR("\r\n\r\n")), at;
    uint64_t length = 0;
    struct str line;

    if (end < 0)
        return false;
    at = str_find(text, STR("Content-Length: "));
    if (at < 0 || at > end)
        return false;
    line = str_skip(text, (size_t)at + 16);
    line = str_head(line, (size_t)str_index(line, '\r'));
    return str_to_u64(line, UINT64_MAX, &length) == 0 && text.n - (size_t)end - 4 >= length;
}

int rig_ask(struct rig *r, int fd, const char *request)
{
    int64_t end_us = time_mono_us() + 5 * TIME_US_PER_S;
    struct str text = str_c(request);
    uint64_t status = 0;
    ssize_t n = -1;

    buf_reset(&r->reply);
    while (time_mono_us() < end_us && n != 0 && !is_complete(buf_str(&r->reply))) {
        char bytes[65536];

        if (text.n) {
            ssize_t sent = send(fd, text.p, text.n, MSG_DONTWAIT | MSG_NOSIGNAL);

            if (sent > 0)
                text = str_skip(text, (size_t)sent);
        }
        loop_step(r->api->loop, 500);
        n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (n > 0)
            buf_add(&r->reply, bytes, (size_t)n);
    }
    if (buf_str(&r->reply).n < 12)
        return 0;
    (void)!str_to_u64(str_n(buf_str(&r->reply).p + 9, 3), 999, &status);
    return (int)status;
}

int rig_ask_once(struct rig *r, const char *request)
{
    int fd = rig_connect(r);
    int status = rig_ask(r, fd, request);

    close(fd);
    return status;
}

bool rig_until(struct rig *r, const bool *flag)
{
    int64_t end_us = time_mono_us() + 2 * TIME_US_PER_S;

    while (!*flag && time_mono_us() < end_us)
        loop_step(r->api->loop, 1000);
    return *flag;
}

bool rig_got(const struct rig *r, const char *text)
{
    return str_find(buf_str(&r->reply), str_c(text)) >= 0;
}

bool rig_tool_got(const struct rig *r, const char *text)
{
    return str_find(buf_str(&r->tool_head), str_c(text)) >= 0;
}
