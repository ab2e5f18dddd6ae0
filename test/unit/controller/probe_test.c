/*
 * Verdicts, redirects, and where a credential goes.
 */
#include "controller/probe.h"

#include "base/time.h"
#include "controller/redirect.h"
#include "rig.h"
#include "unit.h"

/* Runs a liveness (0) or auth (1) probe with this http member and gives its reason. */
static const char *reason_of(struct rig *r, size_t index, const char *http)
{
    struct connector_class *cls = index ? rig_class(NULL, http) : rig_class(http, NULL);

    return rig_probe(r, cls, index).reason;
}

TEST(liveness_accepts_what_shows_life)
{
    static const struct {
        const char *http, *reason;
    } cases[] = {
        {"\"path\":\"/200\"", "ProbeSucceeded"},
        {"\"path\":\"/204\"", "ProbeSucceeded"},
        {"\"path\":\"/299\"", "ProbeSucceeded"},
        {"\"path\":\"/300\"", "ProbeSucceeded"},
        {"\"path\":\"/399\"", "ProbeSucceeded"},
        {"\"path\":\"/401\"", "ProbeSucceeded"},
        {"\"path\":\"/403\"", "ProbeSucceeded"},
        {"\"path\":\"/400\"", "UnexpectedResponse"},
        {"\"path\":\"/402\"", "UnexpectedResponse"},
        {"\"path\":\"/404\"", "UnexpectedResponse"},
        {"\"path\":\"/500\"", "UnexpectedResponse"},
        {"\"path\":\"/503\"", "UnexpectedResponse"},
        {"\"path\":\"/to?/200\",\"disableRedirect\":true", "ProbeSucceeded"},
    };
    struct rig r;

    rig_init(&r);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CHECK_STR(reason_of(&r, 0, cases[i].http), cases[i].reason);
        CHECK(str_find(buf_str(&r.seen), STR("+")) < 0);
    }
    rig_fini(&r);
}

TEST(auth_accepts_success_only)
{
    static const struct {
        const char *http, *reason;
    } cases[] = {
        {"\"path\":\"/basic\"", "ProbeSucceeded"},
        {"\"path\":\"/204\"", "ProbeSucceeded"},
        {"\"path\":\"/304\"", "UnexpectedResponse"},
        {"\"path\":\"/401\"", "AuthenticationFailed"},
        {"\"path\":\"/403\"", "AuthenticationFailed"},
        {"\"path\":\"/404\"", "UnexpectedResponse"},
        {"\"path\":\"/500\"", "UnexpectedResponse"},
        {"\"path\":\"/to?/basic\",\"disableRedirect\":true", "UnexpectedResponse"},
    };
    struct rig r;

    rig_init(&r);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        CHECK_STR(reason_of(&r, 1, cases[i].http), cases[i].reason);
    rig_fini(&r);
}

TEST(verdict_says_nothing_the_tool_said)
{
    struct rig r;

    rig_init(&r);
    CHECK_STR(rig_probe(&r, rig_class(NULL, "\"path\":\"/418\""), 1).message, "HTTP status 418");
    rig_fini(&r);
}

TEST(redirects_stay_on_the_origin)
{
    char text[256];
    struct rig r;

    rig_init(&r);
    CHECK_STR(reason_of(&r, 1, "\"path\":\"/to?/to?/basic\""), "ProbeSucceeded");
    CHECK_STR(buf_str(&r.seen), "GET /to?/to?/basic +\nGET /to?/basic +\nGET /basic +\n");

    CHECK_STR(reason_of(&r, 1, "\"path\":\"/to?http://127.0.0.1:1/basic\""), "UnexpectedResponse");
    CHECK_STR(buf_str(&r.seen), "GET /to?http://127.0.0.1:1/basic +\n");

    /* The same tool under another name is another origin. */
    snprintf(text, sizeof(text), "\"path\":\"/to?http://127.0.0.2:%u/basic\"",
             (unsigned)addr_port(&r.addr));
    CHECK_STR(reason_of(&r, 1, text), "UnexpectedResponse");
    snprintf(text, sizeof(text), "\"path\":\"/to?https://127.0.0.1:%u/basic\"",
             (unsigned)addr_port(&r.addr));
    CHECK_STR(reason_of(&r, 1, text), "UnexpectedResponse");
    snprintf(text, sizeof(text), "\"path\":\"/to?http://127.0.0.1:%u/basic\"",
             (unsigned)addr_port(&r.addr));
    CHECK_STR(reason_of(&r, 1, text), "ProbeSucceeded");
    rig_fini(&r);
}

TEST(redirects_end_after_five)
{
    struct rig r;

    rig_init(&r);
    CHECK_STR(reason_of(&r, 0, "\"path\":\"/to?/to?/to?/to?/to?/200\""), "ProbeSucceeded");
    CHECK_STR(reason_of(&r, 0, "\"path\":\"/to?/to?/to?/to?/to?/to?/200\""), "UnexpectedResponse");
    rig_fini(&r);
}

TEST(a_redirected_post_becomes_a_get)
{
    struct rig r;

    rig_init(&r);
    CHECK_STR(reason_of(&r, 0, "\"path\":\"/to?/200\",\"method\":\"POST\""), "ProbeSucceeded");
    CHECK_STR(buf_str(&r.seen), "POST /to?/200 -\nGET /200 -\n");
    rig_fini(&r);
}

TEST(credential_goes_to_the_connectors_address_only)
{
    char text[256];
    struct rig r;

    rig_init(&r);
    snprintf(text, sizeof(text), "\"path\":\"/basic\",\"host\":\"127.0.0.2:%u\"",
             (unsigned)addr_port(&r.addr));
    CHECK_STR(reason_of(&r, 1, text), "AuthenticationFailed");
    CHECK_STR(buf_str(&r.seen), "GET /basic -\n");
    /* A probe's own credential takes the place of the Secret's. */
    CHECK_STR(reason_of(&r, 1,
                        "\"path\":\"/basic\",\"httpHeaders\":[{\"name\":\"authorization\","
                        "\"value\":\"Bearer other\"}]"),
              "AuthenticationFailed");
    CHECK_STR(buf_str(&r.seen), "GET /basic +\n");
    rig_fini(&r);
}

TEST(refused_destinations_are_not_dialled)
{
    struct rig r;

    rig_init(&r);
    destination_policy_free(r.site.policy);
    r.site.policy = destination_policy_new();
    CHECK_STR(reason_of(&r, 0, "\"path\":\"/200\""), "DestinationRefused");
    CHECK_INT(r.seen.len, 0);
    rig_fini(&r);
}

TEST(https_without_trust_is_no_plain_http)
{
    struct rig r;

    rig_init(&r);
    CHECK_STR(reason_of(&r, 1, "\"path\":\"/basic\",\"scheme\":\"https\""),
              "TLSVerificationFailed");
    CHECK_INT(r.seen.len, 0);
    rig_fini(&r);
}

TEST(headers_that_break_the_request_are_refused)
{
    struct rig r;

    rig_init(&r);
    CHECK_STR(reason_of(&r, 0,
                        "\"path\":\"/200\",\"httpHeaders\":[{\"name\":\"X-A\","
                        "\"value\":\"a\\r\\nX-B: b\"}]"),
              "InvalidProbe");
    CHECK_INT(r.seen.len, 0);
    rig_fini(&r);
}

/* --- Location, without a network */

static struct str resolve(struct arena *a, const char *target, const char *location)
{
    const struct plan_request origin = {.host = STR("h"), .port = 80};
    struct str out = STR("refused");

    if (redirect_resolve(a, &origin, str_c(target), str_c(location), &out) < 0)
        return STR("refused");
    return out;
}

TEST(location_is_resolved_as_rfc3986_says)
{
    static const struct {
        const char *target, *location, *want;
    } cases[] = {
        {"/a/b?q", "/c", "/c"},
        {"/a/b?q", "c", "/a/c"},
        {"/a/b?q", "?x=1", "/a/b?x=1"},
        {"/a/b?q", "", "/a/b?q"},
        {"/a/b", "#top", "/a/b"},
        {"/a/b", "../c", "/c"},
        {"/a/b", "../../../c", "/c"},
        {"/a/b/", "./c/..", "/a/b/"},
        {"/a", "c?x=../y", "/c?x=../y"},
        {"/a", "//h/c", "/c"},
        {"/a", "//h:80", "/"},
        {"/a", "HTTP://H/c?d#e", "/c?d"},
        {"/a", "http://h?x", "/?x"},
        {"/a", "//other/c", "refused"},
        {"/a", "//h:81/c", "refused"},
        {"/a", "https://h/c", "refused"},
        {"/a", "http://user@h/c", "refused"},
        {"/a", "http://h.evil/c", "refused"},
        {"/a", "javascript:1", "refused"},
        {"/a", "ftp://h/c", "refused"},
        {"/a", "/c d", "refused"},
        {"/a", "/c\r\nX: y", "refused"},
        {"/a", "/\xc3\xa4", "refused"},
    };
    struct arena *a CLEANUP(arena_freep) = arena_new();

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        CHECK_STR(resolve(a, cases[i].target, cases[i].location), cases[i].want);
}
