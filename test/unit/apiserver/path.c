/*
 * Request paths, column paths, content negotiation.
 */
#include "apiserver/path.h"

#include "apiserver/colpath.h"
#include "apiserver/negotiate.h"
#include "unit.h"

static struct path parse(struct arena *a, const char *target)
{
    struct path p = {0};

    CHECK_OK(path_parse(a, str_c(target), &p));
    return p;
}

TEST(path_names_objects_and_collections)
{
    struct arena *a = arena_new();
    struct path p = parse(a, "/api/v1/namespaces/n/secrets/s?watch=1");

    CHECK(p.is_resource && p.has_ns);
    CHECK_STR(p.group, "");
    CHECK_STR(p.version, "v1");
    CHECK_STR(p.ns, "n");
    CHECK_STR(p.plural, "secrets");
    CHECK_STR(p.name, "s");
    CHECK_STR(p.query, "watch=1");
    p = parse(a, "/apis/g.io/v1/things/t/status");
    CHECK_STR(p.group, "g.io");
    CHECK_STR(p.subresource, "status");
    CHECK(!p.has_ns);
    p = parse(a, "/api/v1/namespaces/n");
    CHECK_STR(p.plural, "namespaces");
    CHECK_STR(p.name, "n");
    p = parse(a, "/api/v1/namespaces/n/status");
    CHECK_STR(p.plural, "namespaces");
    CHECK_STR(p.subresource, "status");
    p = parse(a, "/api/v1/namespaces/n/pods");
    CHECK_STR(p.plural, "pods");
    CHECK_STR(p.name, "");
    p = parse(a, "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Aadmin");
    CHECK_STR(p.name, "system:admin");
    p = parse(a, "/api/v1/namespaces/n/secrets/a%2Fb");
    CHECK_STR(p.name, "a/b");
    arena_free(a);
}

TEST(path_tells_discovery_from_the_rest)
{
    struct arena *a = arena_new();

    CHECK(parse(a, "/api").is_discovery && parse(a, "/api").is_core);
    CHECK(parse(a, "/apis/g/v1").is_discovery);
    CHECK_STR(parse(a, "/apis/g/v1").version, "v1");
    CHECK(!parse(a, "/version").is_discovery);
    CHECK(!parse(a, "/").is_resource);
    arena_free(a);
}

TEST(path_refuses_bad_ones)
{
    static const char *const BAD[] = {
        "",
        "api",
        "http://x/api",
        "*",
        "/api//v1",
        "/api/v1/secrets/%zz",
        "/api/v1/secrets/%00",
        "/api/v1/namespaces/n/pods/p/log/x",
        "/a/b/c/d/e/f/g/h/i/j/k",
    };
    struct arena *a = arena_new();
    struct path p;

    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        CHECK(path_parse(a, str_c(BAD[i]), &p) < 0);
    arena_free(a);
}

TEST(colpath_walks_members_indexes_and_filters)
{
    json_t *o JSON_OWNED =
        json_pack("{s:{s:s,s:[{s:s,s:s},{s:s,s:s}]}}", "spec", "a.b", "dotted", "list", "type", "A",
                  "status", "x", "type", "Ready", "status", "True");

    CHECK_STR(json_str_of(colpath_get(o, STR(".spec.list[?(@.type==\"Ready\")].status"))), "True");
    CHECK_STR(json_str_of(colpath_get(o, STR(".spec.list[?(@.type=='A')].status"))), "x");
    CHECK_STR(json_str_of(colpath_get(o, STR(".spec.list[1].type"))), "Ready");
    CHECK_STR(json_str_of(colpath_get(o, STR(".spec.a\\.b"))), "dotted");
    CHECK_STR(json_str_of(colpath_get(o, STR(".spec['a.b']"))), "dotted");
    CHECK(colpath_get(o, STR(".spec.none.x")) == NULL);
    CHECK(colpath_get(o, STR(".spec.list[9].type")) == NULL);
    CHECK(colpath_get(o, STR(".spec.list[?(@.type==\"No\")].status")) == NULL);
}

TEST(colpath_refuses_what_it_does_not_know)
{
    static const char *const BAD[] = {"",           "spec",        ".",     "..a",
                                      ".a[",        ".a[]",        ".a[*]", ".a[-1]",
                                      ".a[?(@.b)]", ".a[?(x==1)]", ".a]",   ".a[0"};

    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        if (!CHECK(!colpath_is_valid(str_c(BAD[i]))))
            fprintf(stderr, "  path: %s\n", BAD[i]);
    CHECK(colpath_is_valid(STR(".status.conditions[?(@.type==\"Ready\")].status")));
}

static int accept(struct arena *a, const char *value, enum negotiate_what what,
                  struct negotiate_form *form)
{
    struct http_headers h = {.arena = a};

    if (value)
        http_headers_add(&h, STR("Accept"), str_c(value));
    return negotiate_accept(&h, what, form);
}

TEST(negotiate_takes_the_first_form_it_knows)
{
    struct arena *a = arena_new();
    struct negotiate_form f;

    CHECK_OK(accept(a, NULL, NEGOTIATE_OBJECT, &f));
    CHECK_INT(f.as, NEGOTIATE_PLAIN);
    CHECK_OK(accept(a, "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
                    NEGOTIATE_OBJECT, &f));
    CHECK_INT(f.as, NEGOTIATE_TABLE);
    CHECK_OK(
        accept(a, "application/json;as=Other;v=v1;g=x,application/json", NEGOTIATE_OBJECT, &f));
    CHECK_INT(f.as, NEGOTIATE_PLAIN);
    CHECK_OK(
        accept(a, "application/vnd.kubernetes.protobuf, application/yaml", NEGOTIATE_OBJECT, &f));
    CHECK(f.yaml);
    CHECK_OK(accept(a,
                    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
                    "application/json",
                    NEGOTIATE_DISCOVERY, &f));
    CHECK_INT(f.as, NEGOTIATE_AGGREGATED);
    arena_free(a);
}

TEST(negotiate_refuses_what_it_cannot_write)
{
    struct arena *a = arena_new();
    struct negotiate_form f;

    CHECK_ERR(accept(a, "application/vnd.kubernetes.protobuf", NEGOTIATE_OBJECT, &f),
              ERR_MEDIATYPE);
    CHECK_ERR(accept(a, "text/html", NEGOTIATE_OBJECT, &f), ERR_MEDIATYPE);
    CHECK_ERR(accept(a, "application/json;q=0", NEGOTIATE_OBJECT, &f), ERR_MEDIATYPE);
    CHECK_ERR(accept(a, "application/json;as=Table;v=v2;g=meta.k8s.io", NEGOTIATE_OBJECT, &f),
              ERR_MEDIATYPE);
    arena_free(a);
}

TEST(negotiate_parses_bodies_by_type)
{
    struct err err = {0};
    json_t *v = NULL;

    CHECK_OK(negotiate_parse(STR("application/yaml"), STR("a: 1\n"), &v, &err));
    CHECK_INT(json_int(v, "a", 0), 1);
    json_decref(v);
    CHECK_OK(negotiate_parse(STR("application/json; charset=utf-8"), STR("{\"a\":2}"), &v, &err));
    CHECK_INT(json_int(v, "a", 0), 2);
    json_decref(v);
    CHECK_ERR(negotiate_parse(STR("text/plain"), STR("{}"), &v, &err), ERR_MEDIATYPE);
    CHECK_ERR(negotiate_parse(STR(""), STR("[]"), &v, &err), ERR_BADREQUEST);
    CHECK_ERR(negotiate_parse(STR(""), STR("{\"a\":1,\"a\":2}"), &v, &err), ERR_BADREQUEST);
    CHECK_ERR(negotiate_parse(STR(""), STR(""), &v, &err), ERR_BADREQUEST);
}
