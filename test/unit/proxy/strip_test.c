/*
 * Headers that never pass.
 */
#include "proxy/strip.h"
#include "unit.h"

TEST(strip_request_headers)
{
    static const char *const gone[] = {
        "Authorization",
        "authorization",
        "AUTHORIZATION",
        "Proxy-Authorization",
        "Cookie",
        "Private-Token",
        "PRIVATE_TOKEN",
        "Job-Token",
        "Deploy-Token",
        "X-Api-Key",
        "x_api_key",
        "Api-Key",
        "X-Auth-Token",
        "X-Access-Token",
        "X-JFrog-Art-Api",
        "X-NuGet-ApiKey",
        "X-Vault-Token",
        "X-Plugin-",
        "X-Plugin-Anything",
        "x-plugin-x",
        "X_Plugin_X",
        "Impersonate-User",
        "impersonate-extra-scopes",
        "X-HTTP-Method",
        "X-HTTP-Method-Override",
        "X-Http_Method-Override",
        "X-Method-Override",
        "Host",
        "Expect",
    };
    static const char *const kept[] = {
        "",
        "Accept",
        "User-Agent",
        "X-Plugi",
        "X-Pluginx",
        "Impersonate",
        "Cookies",
        "X-Authorization",
        "Authorization2",
        "Git-Protocol",
        "Content-Type",
        "X-Api-Keys",
        "If-None-Match",
        "Range",
        "Content-Encoding",
        "X-Forwarded-Host",
    };
    char longest[100];

    for (size_t i = 0; i < ARRAY_LEN(gone); i++)
        if (!CHECK(strip_is_request_header(str_c(gone[i]))))
            CHECK_STR(str_c(gone[i]), "");
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (!CHECK(!strip_is_request_header(str_c(kept[i]))))
            CHECK_STR(str_c(kept[i]), "");
    memset(longest, 'a', sizeof(longest));
    for (size_t n = 60; n < sizeof(longest); n++)
        CHECK(!strip_is_request_header(str_n(longest, n)));
}

TEST(strip_response_headers)
{
    CHECK(strip_is_response_header(STR("Set-Cookie")));
    CHECK(strip_is_response_header(STR("set-cookie2")));
    CHECK(strip_is_response_header(STR("Authentication-Info")));
    CHECK(strip_is_response_header(STR("Proxy-Authenticate")));
    CHECK(strip_is_response_header(STR("Proxy-Authentication-Info")));
    CHECK(!strip_is_response_header(STR("WWW-Authenticate"))); /* the tool's own 401 passes */
    CHECK(!strip_is_response_header(STR("Cookie")));
    CHECK(!strip_is_response_header(STR("Location")));
}

TEST(strip_keeps_the_order_of_the_rest)
{
    struct arena *a = arena_new();
    struct http_headers h = {.arena = a};

    http_headers_add(&h, STR("A"), STR("1"));
    http_headers_add(&h, STR("Authorization"), STR("x"));
    http_headers_add(&h, STR("B"), STR("2"));
    http_headers_add(&h, STR("Impersonate-User"), STR("x"));
    http_headers_add(&h, STR("cookie"), STR("x"));
    http_headers_add(&h, STR("C"), STR("3"));
    strip_request(&h);
    CHECK_INT(h.n, 3);
    CHECK_STR(h.p[0].name, "A");
    CHECK_STR(h.p[1].value, "2");
    CHECK_STR(h.p[2].name, "C");
    arena_free(a);
}
