/*
 * Requests through all phases: what reaches the tool, what comes back, and every way to be refused.
 */
#include <unistd.h>

#include "base/time.h"
#include "rig.h"

#define PATH "/namespaces/team/connectors/tool"
#define GET(path, more) "GET " path " HTTP/1.1\r\nHost: p\r\n" more "\r\n"
#define BEARER(token) "Authorization: Bearer " token "\r\n"
/* base64 of bot:hunter-two and bot:hunter-three */
#define HUNTER_TWO "Basic Ym90Omh1bnRlci10d28="
#define HUNTER_THREE "Basic Ym90Omh1bnRlci10aHJlZQ=="

TEST(flow_reverse_swaps_the_credential)
{
    struct rig r;

    rig_init(&r, NULL);
    rig_connector(&r, "/base", "hunter-two");
    CHECK_INT(
        rig_ask_once(&r, GET(PATH "/a%2Fb?c=d",
                             BEARER("good") "Cookie: x=y\r\nX-Api-Key: k\r\n"
                                            "Via: 1.0 other\r\nX-HTTP-Method-Override: PUT\r\n"
                                            "Connection: X-Hop\r\nX-Hop: 1\r\nX-Kept: 1\r\n")),
        200);
    CHECK(rig_tool_got(&r, "GET /base/a%2Fb?c=d\n"));
    CHECK(rig_tool_got(&r, "Authorization: " HUNTER_TWO "\n"));
    CHECK(rig_tool_got(&r, "Via: 1.0 other\n") &&
          rig_tool_got(&r, "Via: 1.1 connectors-0badcafe\n"));
    CHECK(rig_tool_got(&r, "traceparent: 00-"));
    CHECK(rig_tool_got(&r, "X-Kept: 1\n"));
    CHECK(!rig_tool_got(&r, "good"));
    CHECK(!rig_tool_got(&r, "Cookie") && !rig_tool_got(&r, "X-Api-Key") &&
          !rig_tool_got(&r, "Override") && !rig_tool_got(&r, "X-Hop"));
    CHECK(rig_got(&r, "Via: 1.1 connectors-0badcafe\r\n"));
    rig_fini(&r);
}

TEST(flow_forms_of_paths)
{
    static const struct {
        const char *address, *request, *wanted;
    } cases[] = {
        {"", GET(PATH, BEARER("good")), "GET /\n"},
        {"", GET(PATH "?q", BEARER("good")), "GET /?q\n"},
        {"", GET(PATH "/", BEARER("good")), "GET /\n"},
        {"", GET(PATH "/../x", BEARER("good")), "GET /../x\n"},
        {"/b", GET(PATH, BEARER("good")), "GET /b\n"},
        {"/b", GET(PATH "?q", BEARER("good")), "GET /b?q\n"},
        {"/b", GET(PATH "//x", BEARER("good")), "GET /b//x\n"},
        {"/b", "GET /x HTTP/1.1\r\nHost: C-TOOL.team.svc:8080\r\n" BEARER("good") "\r\n",
         "GET /b/x\n"},
        {"/b", "GET " PATH "/x HTTP/1.1\r\nHost: c-tool.team.svc\r\n" BEARER("good") "\r\n",
         "GET /b/x\n"},
    };
    struct rig r;

    rig_init(&r, NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        rig_connector(&r, cases[i].address, NULL);
        CHECK_INT(rig_ask_once(&r, cases[i].request), 200);
        if (!CHECK(rig_tool_got(&r, cases[i].wanted)))
            CHECK_STR(buf_str(&r.tool_head), cases[i].wanted);
        CHECK(!rig_tool_got(&r, "Authorization"));
    }
    rig_fini(&r);
}

/* What is answered without the tool being asked. */
static const struct {
    const char *request;
    int status;
    const char *reason;
} REFUSED[] = {
    {GET(PATH "/x", ""), 401, "NoToken"},
    {GET(PATH "/x", BEARER("")), 401, "InvalidToken"},
    {GET(PATH "/x", BEARER("bad")), 401, "InvalidToken"},
    {GET(PATH "/x", "Authorization: Digest x\r\n"), 401, "InvalidToken"},
    {GET(PATH "/x", "Authorization: Basic !!!\r\n"), 401, "InvalidToken"},
    {GET(PATH "/x", "Authorization: Basic Z29vZA==\r\n"), 401,
     "InvalidToken"}, /* "good", no colon */
    {GET(PATH "/x", BEARER("good") BEARER("good2")), 400, "AmbiguousRequest"},
    {GET("/namespaces/team/connectors/none", BEARER("good")), 404, "ConnectorNotFound"},
    {GET("/namespaces/te_am/connectors/tool", BEARER("good")), 400, "AmbiguousRequest"},
    {GET(PATH "/../x", BEARER("good")), 400, "AmbiguousRequest"},
    {GET(PATH "/a/%2e%2e/..%2f", BEARER("good")), 400, "AmbiguousRequest"},
    {GET("/", BEARER("good")), 421, "Misdirected"},
    {GET("/v2/", BEARER("good")), 421, "Misdirected"},
    {"GET " PATH " HTTP/1.1\r\nHost: c-other.team.svc\r\n" BEARER("good") "\r\n", 421,
     "Misdirected"},
    {"GET /x HTTP/1.1\r\nHost: c-tool.team.svc.\r\n" BEARER("good") "\r\n", 400,
     "AmbiguousRequest"},
    {"GET /x HTTP/1.1\r\nHost: a@c-tool.team.svc\r\n" BEARER("good") "\r\n", 400,
     "AmbiguousRequest"},
    {"TRACE " PATH " HTTP/1.1\r\nHost: p\r\n" BEARER("good") "\r\n", 405, "MethodNotAllowed"},
    {"TRACK " PATH " HTTP/1.1\r\nHost: p\r\n" BEARER("good") "\r\n", 405, "MethodNotAllowed"},
    {"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", 501, "NotImplemented"},
    {"OPTIONS * HTTP/1.1\r\nHost: p\r\n\r\n", 400, "AmbiguousRequest"},
    {GET("https://h/", ""), 400, "AmbiguousRequest"},
    {GET("ftp://p/", ""), 400, "AmbiguousRequest"},
    {GET(PATH, BEARER("good") "Via: 1.1 x, 1.1 connectors-0badcafe\r\n"), 508, "LoopDetected"},
    {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "AmbiguousRequest"},
    {"GET / HTTP/1.1\r\n\r\n", 400, "AmbiguousRequest"},
};

TEST(flow_refusals_never_reach_the_tool)
{
    struct rig r;

    rig_init(&r, NULL);
    rig_connector(&r, "/base", "hunter-two");
    for (size_t i = 0; i < ARRAY_LEN(REFUSED); i++) {
        if (!CHECK_INT(rig_ask_once(&r, REFUSED[i].request), REFUSED[i].status))
            CHECK_STR(str_c(REFUSED[i].request), "");
        CHECK(rig_got(&r, REFUSED[i].reason));
        CHECK(rig_got(&r, "Content-Type: application/json"));
    }
    CHECK_INT(r.tool_requests, 0);
    rig_fini(&r);
}

TEST(flow_challenges)
{
    struct rig r;

    rig_init(&r, NULL);
    rig_connector(&r, "", NULL);
    rig_ask_once(&r, GET(PATH, ""));
    CHECK(rig_got(&r, "WWW-Authenticate: Basic realm=\"connectors\"\r\n"));
    CHECK(rig_got(&r, "X-Connectors-Error: NoToken\r\n"));
    CHECK_INT(rig_ask_once(&r, "GET / HTTP/9\r\n\r\n"), 400);
    CHECK(rig_got(&r, "X-Connectors-Error: AmbiguousRequest\r\n"));
    rig_ask_once(&r, GET(PATH, BEARER("bad")));
    CHECK(rig_got(&r, "WWW-Authenticate: Basic realm=\"connectors\", error=\"invalid_token\"\r\n"));
    CHECK_INT(rig_ask_once(&r, "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n"), 407);
    CHECK(rig_got(&r, "Proxy-Authenticate: Basic realm=\"connectors\"\r\n"));
    CHECK(!rig_got(&r, "WWW-Authenticate"));
    rig_fini(&r);
}

TEST(flow_denied_and_unavailable)
{
    struct rig r;

    rig_init(&r, NULL);
    rig_connector(&r, "", NULL);
    r.allowed = false;
    CHECK_INT(rig_ask_once(&r, GET(PATH, BEARER("good"))), 403);
    CHECK(rig_got(&r, "ConnectorForbidden"));
    /* Whether it exists is nobody's business. */
    CHECK_INT(rig_ask_once(&r, GET("/namespaces/team/connectors/none", BEARER("good"))), 403);
    r.is_deaf = true;
    CHECK_INT(rig_ask_once(&r, GET(PATH, BEARER("good-other"))), 503);
    CHECK(rig_got(&r, "AuthUnavailable"));
    CHECK_INT(r.tool_requests, 0);
    rig_fini(&r);
}

TEST(flow_decisions_are_remembered_and_revoked)
{
    struct rig r;
    int fd;

    rig_init(&r, NULL);
    rig_connector(&r, "", "hunter-two");
    fd = rig_connect(&r);
    for (unsigned i = 0; i < 5; i++)
        CHECK_INT(rig_ask(&r, fd, GET(PATH, BEARER("good"))), 200);
    CHECK_INT(rig_ask_once(&r, GET(PATH, BEARER("good"))), 200); /* another connection */
    CHECK_INT(r.token_reviews, 1);
    CHECK_INT(r.access_reviews, 1);

    r.allowed = false;
    CHECK_INT(rig_ask(&r, fd, GET(PATH, BEARER("good"))), 200);
    permission_touch(r.site.permissions, STR("team"));
    CHECK_INT(rig_ask(&r, fd, GET(PATH, BEARER("good"))), 403);
    r.allowed = true;
    permission_touch(r.site.permissions, STR_NONE);
    CHECK_INT(rig_ask(&r, fd, GET(PATH, BEARER("good"))), 200);
    identity_refuse(r.site.identities, STR("uid-good"));
    CHECK_INT(rig_ask(&r, fd, GET(PATH, BEARER("good"))), 401);
    /* Another token on the same connection is another subject. */
    CHECK_INT(rig_ask(&r, fd, GET(PATH, BEARER("good-two"))), 200);
    CHECK_INT(rig_ask(&r, fd, GET(PATH, BEARER("bad"))), 401);
    CHECK_INT(rig_ask(&r, fd, GET(PATH, BEARER("good-two"))), 200);
    close(fd);
    rig_fini(&r);
}

TEST(flow_verdict_on_one_connector_says_nothing_of_another)
{
    struct rig r;
    int fd;

    rig_init(&r, NULL);
    rig_connector(&r, "", "hunter-two");
    fd = rig_connect(&r);
    CHECK_INT(rig_ask(&r, fd, GET(PATH, BEARER("good"))), 200);
    CHECK_INT(rig_ask(&r, fd, GET("/namespaces/team/connectors/forbidden", BEARER("good"))), 403);
    CHECK_INT(rig_ask(&r, fd, GET(PATH, BEARER("good"))), 200);
    CHECK_INT(rig_ask(&r, fd, GET("/namespaces/team/connectors/forbidden", BEARER("good"))), 403);
    close(fd);
    rig_fini(&r);
}

TEST(flow_a_new_credential_is_used_by_the_next_request)
{
    struct rig r;
    int fd;

    rig_init(&r, NULL);
    rig_connector(&r, "", "hunter-two");
    fd = rig_connect(&r);
    CHECK_INT(rig_ask(&r, fd, GET(PATH, BEARER("good"))), 200);
    CHECK(rig_tool_got(&r, HUNTER_TWO));
    rig_connector(&r, "", "hunter-three");
    CHECK_INT(rig_ask(&r, fd, GET(PATH, BEARER("good"))), 200);
    CHECK(rig_tool_got(&r, HUNTER_THREE) && !rig_tool_got(&r, HUNTER_TWO));
    rig_connector(&r, "", NULL);
    CHECK_INT(rig_ask(&r, fd, GET(PATH, BEARER("good"))), 200);
    CHECK(!rig_tool_got(&r, "Authorization"));
    worker_set_target(r.worker, STR("team/tool"), NULL);
    rig_sync(&r);
    CHECK_INT(rig_ask(&r, fd, GET(PATH, BEARER("good"))), 404);
    close(fd);
    rig_fini(&r);
}

static void answer_with(struct http_exchange *x, const char *name, const char *value)
{
    struct http_response a = {.status = 302, .headers.arena = http_exchange_arena(x)};

    http_headers_add(&a.headers, str_c(name), str_c(value));
    http_headers_add(&a.headers, STR("Set-Cookie"), STR("session=1"));
    http_headers_add(&a.headers, STR("WWW-Authenticate"), STR("Basic realm=\"tool\""));
    http_exchange_respond(x, &a);
    http_exchange_end(x);
}

static void echo_header(struct rig *r, struct http_exchange *x)
{
    (void)r;
    answer_with(x, "X-Echo", "you sent Ym90Omh1bnRlci10d28=");
}

static void echo_name(struct rig *r, struct http_exchange *x)
{
    (void)r;
    answer_with(x, "X-hunter-two", "1");
}

static void redirect(struct rig *r, struct http_exchange *x)
{
    static char location[64];

    snprintf(location, sizeof(location), "http://127.0.0.1:%u/base/next", (unsigned)r->tool_port);
    answer_with(x, "Location", location);
}

TEST(flow_answers_do_not_hand_the_credential_back)
{
    struct rig r;

    rig_init(&r, NULL);
    rig_connector(&r, "/base", "hunter-two");
    r.answer = echo_header;
    CHECK_INT(rig_ask_once(&r, GET(PATH, BEARER("good"))), 502);
    CHECK(rig_got(&r, "CredentialEchoed") && !rig_got(&r, "Ym90"));
    r.answer = echo_name;
    CHECK_INT(rig_ask_once(&r, GET(PATH, BEARER("good"))), 502);
    CHECK(!rig_got(&r, "hunter"));
    r.answer = redirect;
    CHECK_INT(rig_ask_once(&r, GET(PATH, BEARER("good"))), 302);
    CHECK(rig_got(&r, "Location: http://proxy.example" PATH "/next\r\n"));
    CHECK(!rig_got(&r, "Set-Cookie"));
    CHECK(rig_got(&r, "WWW-Authenticate: Basic realm=\"tool\""));
    CHECK_INT(r.tool_requests, 3); /* nothing was followed */
    rig_connector(&r, "/base", NULL);
    CHECK_INT(rig_ask_once(&r, GET(PATH, BEARER("good"))), 302);
    CHECK(rig_got(&r, "Set-Cookie: session=1")); /* no credential, no secret to keep */
    rig_fini(&r);
}

/* base64 of team%2Ftool:good, team/none,team/tool:good, team/tool:bad, team/none:good, Team/x:good */
#define LISTED "Proxy-Authorization: Basic dGVhbSUyRnRvb2w6Z29vZA==\r\n"
#define LISTED_TWO "Proxy-Authorization: Basic dGVhbS9ub25lLHRlYW0vdG9vbDpnb29k\r\n"
#define LISTED_BAD "Proxy-Authorization: Basic dGVhbS90b29sOmJhZA==\r\n"
#define LISTED_NONE "Proxy-Authorization: Basic dGVhbS9ub25lOmdvb2Q=\r\n"
#define LISTED_ODD "Proxy-Authorization: Basic VGVhbS94Omdvb2Q=\r\n"

static int forward(struct rig *r, const char *path, const char *host, const char *more)
{
    static char text[1024];
    char authority[32];

    snprintf(authority, sizeof(authority), "127.0.0.1:%u", (unsigned)r->tool_port);
    snprintf(text, sizeof(text), "GET http://%s%s HTTP/1.1\r\nHost: %s\r\n%s\r\n", authority, path,
             host ? host : authority, more);
    return rig_ask_once(r, text);
}

TEST(flow_forward)
{
    struct rig r;

    rig_init(&r, NULL);
    rig_connector(&r, "/base", "hunter-two");
    CHECK_INT(forward(&r, "/base/x?y", NULL, LISTED), 200);
    CHECK(rig_tool_got(&r, "GET /base/x?y\n"));
    CHECK(rig_tool_got(&r, "Authorization: " HUNTER_TWO "\n"));
    CHECK(!rig_tool_got(&r, "Proxy-Authorization"));
    CHECK_INT(forward(&r, "/base", NULL, LISTED_TWO), 200);
    CHECK(rig_tool_got(&r, "GET /base\n"));
    r.tool_requests = 0;
    CHECK_INT(forward(&r, "/base/x", NULL, ""), 407);
    CHECK_INT(forward(&r, "/base/x", NULL, LISTED_BAD), 407);
    CHECK_INT(forward(&r, "/base/x", NULL, LISTED_ODD), 407);
    CHECK_INT(forward(&r, "/base/x", NULL, "Proxy-Authorization: Bearer good\r\n"), 407);
    CHECK_INT(forward(&r, "/base/x", NULL, LISTED LISTED), 400);
    CHECK_INT(forward(&r, "/base/x", NULL, LISTED_NONE), 404);
    CHECK_INT(forward(&r, "/basement", NULL, LISTED), 403);
    CHECK(rig_got(&r, "DestinationRefused"));
    CHECK_INT(forward(&r, "/", NULL, LISTED), 403);
    CHECK_INT(forward(&r, "/base/../x", NULL, LISTED), 400);
    CHECK_INT(forward(&r, "/base/x", "other", LISTED), 421);
    CHECK_INT(forward(&r, "/base/x", "127.0.0.1", LISTED), 421); /* another port */
    CHECK_INT(rig_ask_once(&r, "GET http://proxy.example/ HTTP/1.1\r\nHost: proxy.example\r\n\r\n"),
              508);
    CHECK_INT(rig_ask_once(&r, "GET http://u:p@h/ HTTP/1.1\r\nHost: h\r\n" LISTED "\r\n"), 400);
    r.allowed = false;
    permission_touch(r.site.permissions, STR_NONE);
    CHECK_INT(forward(&r, "/elsewhere", NULL, LISTED), 403);
    CHECK(rig_got(&r, "ConnectorForbidden")); /* not whether the address fits */
    CHECK_INT(r.tool_requests, 0);
    rig_fini(&r);
}

static void answer_with_body(struct rig *r, struct http_exchange *x)
{
    static char mega[1024 * 1024];

    (void)r;
    memset(mega, 'x', sizeof(mega));
    http_exchange_send(x, 200, STR("text/plain"), str_n(mega, sizeof(mega)));
}

TEST(flow_bodies_pass_both_ways)
{
    struct rig r;
    struct buf request = BUF_INIT(4 * 1024 * 1024);

    rig_init(&r, NULL);
    rig_connector(&r, "", "hunter-two");
    r.answer = answer_with_body;
    buf_addf(&request, "POST " PATH
                       " HTTP/1.1\r\nHost: p\r\n" BEARER("good") "Content-Length: 2000000\r\n\r\n");
    for (unsigned i = 0; i < 200000; i++)
        buf_add_c(&request, "0123456789");
    CHECK_INT(rig_ask_once(&r, buf_c(&request)), 200);
    CHECK(r.reply.len > 1024 * 1024);
    rig_fini(&r);
    buf_fini(&request);
}

TEST(flow_tool_that_is_down)
{
    struct rig r;

    rig_init(&r, NULL);
    rig_connector(&r, "", "hunter-two");
    http_server_free(TAKE(r.tool));
    CHECK_INT(rig_ask_once(&r, GET(PATH, BEARER("good"))), 502);
    CHECK(rig_got(&r, "ToolUnreachable") && rig_got(&r, "team/tool"));
    rig_fini(&r);
}

TEST(flow_own_listener_is_no_tool)
{
    struct rig r;

    rig_init(&r, NULL);
    destination_policy_protect(r.site.policy, &r.listen);
    r.tool_port = addr_port(&r.listen);
    rig_connector(&r, "", "hunter-two");
    CHECK_INT(rig_ask_once(&r, GET(PATH, BEARER("good"))), 403);
    CHECK(rig_got(&r, "DestinationRefused"));
    rig_fini(&r);
}

static void never_answer(struct rig *r, struct http_exchange *x)
{
    (void)r, (void)x;
}

TEST(flow_slow_tool_is_a_timeout)
{
    struct rig r;

    rig_init(&r, (const char *const[]){"--response-timeout=100ms", NULL});
    rig_connector(&r, "", "hunter-two");
    r.answer = never_answer;
    CHECK_INT(rig_ask_once(&r, GET(PATH, BEARER("good"))), 504);
    CHECK(rig_got(&r, "ToolTimeout"));
    rig_fini(&r);
}

TEST(flow_requests_of_one_subject_are_bounded)
{
    struct rig r;
    int held[2];

    rig_init(&r, (const char *const[]){"--max-requests-per-subject=2", NULL});
    rig_connector(&r, "", "hunter-two");
    CHECK_INT(rig_ask_once(&r, GET(PATH, BEARER("good"))), 200);
    r.answer = never_answer;
    for (unsigned i = 0; i < 2; i++) {
        held[i] = rig_connect(&r);
        CHECK(send(held[i], GET(PATH, BEARER("good")), sizeof(GET(PATH, BEARER("good"))) - 1, 0) >
              0);
        while (r.tool_requests < 2 + i)
            loop_step(r.api->loop, 1000);
    }
    r.answer = NULL;
    CHECK_INT(rig_ask_once(&r, GET(PATH, BEARER("good"))), 429);
    CHECK(rig_got(&r, "TooManyRequests") && rig_got(&r, "Retry-After"));
    CHECK_INT(rig_ask_once(&r, GET(PATH, BEARER("good-other"))), 200); /* another subject */
    /* A mere end of input may be half of a connection; a reset is none. */
    CHECK(setsockopt(held[0], SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
                     sizeof(struct linger)) == 0);
    close(held[0]);
    while (rig_ask_once(&r, GET(PATH, BEARER("good"))) == 429) /* until the worker has seen it */
        ;
    CHECK(rig_got(&r, "200 OK"));
    CHECK(setsockopt(held[1], SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
                     sizeof(struct linger)) == 0);
    close(held[1]);
    rig_fini(&r);
}

TEST(flow_audit_that_cannot_be_written_stops_injection_only)
{
    struct rig r;
    int64_t end_us = time_mono_us() + 2 * TIME_US_PER_S;

    rig_init(&r, (const char *const[]){"--audit-log=/dev/full", NULL});
    rig_connector(&r, "", "hunter-two");
    rig_ask_once(&r, GET(PATH, ""));
    while (!audit_is_refusing(r.worker->ring) && time_mono_us() < end_us)
        loop_step(r.api->loop, 1000);
    CHECK_INT(rig_ask_once(&r, GET(PATH, BEARER("good"))), 503);
    CHECK(rig_got(&r, "AuditUnavailable"));
    CHECK_INT(r.tool_requests, 0);
    rig_connector(&r, "", NULL);
    CHECK_INT(rig_ask_once(&r, GET(PATH, BEARER("good"))), 200);
    rig_fini(&r);
}

TEST(flow_stale_credentials_are_not_used)
{
    struct rig r;

    rig_init(&r, NULL);
    rig_connector(&r, "", "hunter-two");
    atomic_store(&r.site.is_stale, true);
    CHECK_INT(rig_ask_once(&r, GET(PATH, BEARER("good"))), 503);
    CHECK(rig_got(&r, "NotReady"));
    atomic_store(&r.site.is_stale, false);
    CHECK_INT(rig_ask_once(&r, GET(PATH, BEARER("good"))), 200);
    rig_fini(&r);
}

TEST(flow_client_that_leaves_early)
{
    struct rig r;

    rig_init(&r, NULL);
    rig_connector(&r, "", "hunter-two");
    r.is_deaf = true; /* it waits for its identity */
    for (unsigned i = 0; i < 5; i++) {
        int fd = rig_connect(&r);

        CHECK(send(fd, GET(PATH, BEARER("good")), sizeof(GET(PATH, BEARER("good"))) - 1, 0) > 0);
        loop_step(r.api->loop, 5000);
        close(fd);
    }
    r.is_deaf = false;
    CHECK_INT(rig_ask_once(&r, GET(PATH, BEARER("good-two"))), 200);
    rig_fini(&r); /* with questions still open */
}
