/*
 * Location: rewritten only when it is surely under the tool's address.
 */
#include "proxy/location.h"
#include "unit.h"

static void check(const char *address, const char *path, const char *location, const char *wanted)
{
    struct arena *a = arena_new();
    struct connector_address parsed = {0};
    struct location_base base = {STR("http://p:8480"), str_c(path)};
    struct str got;

    CHECK_OK(connector_address_parse(a, "x", str_c(address), &parsed, NULL));
    got = location_rewrite(a, &parsed, &base, str_c(location));
    if (wanted ? !CHECK_STR(got, wanted) : !CHECK(!got.p))
        CHECK_STR(str_c(location), "");
    arena_free(a);
}

TEST(location_under_the_address)
{
    const char *by_path = "/namespaces/n/connectors/c";

    check("https://t/base", by_path, "https://t/base/x?y#z",
          "http://p:8480/namespaces/n/connectors/c/x?y#z");
    check("https://t/base", by_path, "https://T:443/base",
          "http://p:8480/namespaces/n/connectors/c");
    check("https://t/base", by_path, "https://t/base?q=%2F",
          "http://p:8480/namespaces/n/connectors/c?q=%2F");
    check("https://t", by_path, "https://t", "http://p:8480/namespaces/n/connectors/c");
    check("https://t", by_path, "https://t?x", "http://p:8480/namespaces/n/connectors/c?x");
    check("https://t", by_path, "/login", "/namespaces/n/connectors/c/login");
    check("https://t", by_path, "/", "/namespaces/n/connectors/c/");
    check("https://t/base", by_path, "/base/login", "/namespaces/n/connectors/c/login");
    check("https://t/base", "", "https://t/base/x", "http://p:8480/x");
    check("https://t/base", "", "/base", "/");
}

TEST(location_elsewhere_passes)
{
    static const char *const others[] = {
        "https://t/other",
        "https://t/basement",
        "http://t/base/x",
        "https://t:8443/base/x",
        "https://other/base/x",
        "https://t.evil/base/x",
        "https://user@t/base/x",
        "//t/base/x",
        "/\\t/base",
        "/other",
        "/basement",
        "base/x",
        "?q",
        "",
        "mailto:x",
        "https://t:0/base",
        "https://[::1/base",
    };

    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        check("https://t/base", "/namespaces/n/connectors/c", others[i], NULL);
}
