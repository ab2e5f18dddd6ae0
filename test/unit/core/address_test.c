/*
 * Addresses: which Connector a request names, and where a Connector's proxy is.
 */
#include "core/address.h"
#include "core/labels.h"
#include "unit.h"

TEST(address_labels)
{
    static const char *const good[] = {"a", "0", "a-b", "a--b", "x123"};
    static const char *const bad[] = {"",    "-",   "-a",   "a-",       "A", "a.b",
                                      "a_b", "a/b", "a%2e", "\xc3\xa9", " a"};
    char longest[65];

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        CHECK(address_is_label(str_c(good[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK(!address_is_label(str_c(bad[i])));
    memset(longest, 'a', sizeof(longest));
    CHECK(address_is_label(str_n(longest, 63)));
    CHECK(!address_is_label(str_n(longest, 64)));
    CHECK(!address_is_label(str_n("a\0b", 3)));
}

TEST(address_host_form)
{
    static const char *const bad[] = {
        "",
        "c-",
        "c-a",
        "c-a.ns",
        "c-a.ns.svc.",
        "c-a.ns.svc.cluster",
        "c-a.ns.svc.cluster.local.",
        "c-a.ns.svc.cluster.localx",
        "c-a.ns.svc.xcluster.local",
        "c-a.ns.svcx",
        "c-a.ns.pod.cluster.local",
        "c-a..svc",
        "c-.ns.svc",
        "c-a-.ns.svc",
        "c-a.-ns.svc",
        "xc-a.ns.svc",
        "a.ns.svc",
        "c-a.b.ns.svc",
        "c-a_b.ns.svc",
        "127.0.0.1",
    };
    struct address_name n;

    CHECK(address_from_host(STR("c-tool.team.svc"), STR("cluster.local"), &n));
    CHECK_STR(n.name, "tool");
    CHECK_STR(n.ns, "team");
    CHECK(address_from_host(STR("c-c-x.team.svc.cluster.local"), STR("cluster.local"), &n));
    CHECK_STR(n.name, "c-x");
    CHECK(address_from_host(STR("c-x.t.svc.corp.example"), STR("corp.example"), &n));
    CHECK(!address_from_host(STR("c-x.t.svc.cluster.local"), STR("corp.example"), &n));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (!CHECK(!address_from_host(str_c(bad[i]), STR("cluster.local"), &n)))
            CHECK_STR(str_c(bad[i]), "");
}

TEST(address_path_form)
{
    static const struct {
        const char *target, *rest;
    } good[] = {
        {"/namespaces/team/connectors/tool", ""},
        {"/namespaces/team/connectors/tool/", "/"},
        {"/namespaces/team/connectors/tool/a/b?c", "/a/b?c"},
        {"/namespaces/team/connectors/tool?x", "?x"},
        {"/namespaces/team/connectors/tool/../x", "/../x"},
    };
    static const char *const none[] = {
        "",
        "/",
        "/namespaces",
        "/namespaces/team",
        "/namespaces/team/connector/x",
        "/namespaces/team/connectorsx/x",
        "/Namespaces/team/connectors/tool",
        "//namespaces/team/connectors/tool",
        "/x/namespaces/team/connectors/tool",
    };
    static const char *const bad[] = {
        "/namespaces/team/connectors/",       "/namespaces/team/connectors//x",
        "/namespaces//connectors/tool",       "/namespaces/Team/connectors/tool",
        "/namespaces/team/connectors/To",     "/namespaces/team/connectors/..",
        "/namespaces/../connectors/tool",     "/namespaces/team/connectors/a%2fb",
        "/namespaces/te%61m/connectors/too",  "/namespaces/team/connectors/a.b",
        "/namespaces/team/connectors/tool;x",
    };
    struct address_name n;
    struct str rest;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        CHECK_INT(address_from_path(str_c(good[i].target), &n, &rest), 1);
        CHECK_STR(n.ns, "team");
        CHECK_STR(n.name, "tool");
        CHECK_STR(rest, good[i].rest);
    }
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        CHECK_INT(address_from_path(str_c(none[i]), &n, &rest), 0);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK_ERR(address_from_path(str_c(bad[i]), &n, &rest), ERR_INVALID);
}

TEST(address_of_proxies)
{
    struct arena *a = arena_new();
    struct address_site cluster = {.cluster_domain = STR("cluster.local"),
                                   .system_ns = STR(SYSTEM_NAMESPACE)};
    struct address_site machine = cluster;
    struct connector_class cls = {
        .proxy = {.present = true,
                  .name = STR(PROXY_SERVICE),
                  .ns = STR(SYSTEM_NAMESPACE),
                  .scheme = STR("http")},
    };

    machine.proxy_address = STR("http://127.0.0.1:8480");
    CHECK_STR(address_of_proxy(a, &cluster, &cls, STR("team"), STR("tool")),
              "http://c-tool.team.svc.cluster.local");
    CHECK_STR(address_of_proxy(a, &machine, &cls, STR("team"), STR("tool")),
              "http://127.0.0.1:8480/namespaces/team/connectors/tool");
    CHECK_STR(address_of_service(a, &cluster, &cls.proxy),
              "http://connectors-proxy-service.connectors-system.svc");
    CHECK_STR(address_of_service(a, &machine, &cls.proxy), "http://127.0.0.1:8480");
    cls.proxy.ns = STR("other"); /* not the built-in one */
    CHECK_STR(address_of_proxy(a, &machine, &cls, STR("team"), STR("tool")),
              "http://c-tool.team.svc.cluster.local");
    cls.resolver_path = true;
    cls.proxy = (struct class_service){.present = true, .uri = STR("https://gw.example/p/")};
    CHECK_STR(address_of_proxy(a, &cluster, &cls, STR("team"), STR("tool")),
              "https://gw.example/p/namespaces/team/connectors/tool");
    CHECK_STR(address_of_service(a, &cluster, &cls.proxy), "https://gw.example/p/");
    cls.proxy = (struct class_service){0};
    CHECK(!address_of_proxy(a, &cluster, &cls, STR("team"), STR("tool")).n);
    CHECK_STR(address_of_api(a, STR("team"), STR("tool")), "/connectors/v1alpha1/team/tool/path");
    arena_free(a);
}
