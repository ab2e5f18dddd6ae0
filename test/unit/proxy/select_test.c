/*
 * Which address a URL belongs to, and paths that try to leave a prefix.
 */
#include "proxy/select.h"
#include "unit.h"

/* Paths behind a prefix: whether they leave it. */
static const struct {
    const char *rest;
    bool escapes;
} PATHS[] = {
    {"", false},
    {"/", false},
    {"/a", false},
    {"/a/b/c", false},
    {"/.", false},
    {"/./a", false},
    {"/a/..", false},
    {"/a/../b", false},
    {"/a/b/../..", false},
    {"/...", false},
    {"/..a", false},
    {"/a..", false},
    {"/.git", false},
    {"/a/..b/c", false},
    {"/group%2Fproject", false},
    {"/api/v4/projects/group%2Fproject/repository/files/a%2Fb.txt", false},
    {"/a%20b", false},
    {"/a;x=1/b", false},
    {"/a/;b", false},
    {"/%zz", false},
    {"/%", false},
    {"/%2", false},
    {"/a/%2e%2e", false},
    {"/%252e%252e", false}, /* one decoding leaves %2e%2e: a name */

    {"/..", true},
    {"/../", true},
    {"/../x", true},
    {"/../base/x", true},
    {"/a/../..", true},
    {"/a/../../b", true},
    {"/./..", true},
    {"/a/./../..", true},
    {"/%2e%2e", true},
    {"/%2E%2E/x", true},
    {"/.%2e/x", true},
    {"/%2e./x", true},
    {"/a/%2e%2e/%2e%2e/x", true},
    {"/..\\x", true},
    {"\\..\\x", true},
    {"/a\\..\\..\\x", true},
    {"/..%5cx", true},
    {"/%5c..%5c..", true},
    {"/a%5C..%5c..", true},
    {"/..%2fx", true},
    {"/%2e%2e%2fx", true},
    {"/a%2f..%2f..%2fx", true},
    {"/..;/x", true},
    {"/..;a=b/x", true},
    {"/%2e%2e;x/y", true},
    {"/..%3bx/y", true},
    {"/a/..;/..;/x", true},
    {"/a%2Fb/../../x", true}, /* for a server that takes %2F as a byte, a/b is one segment */
    {"/a\\b/../../x", true},
    {"//../x", true}, /* for a server that merges slashes */
    {"/a//../../x", true},
    {"/;x/../x", true},
    {"/./../x", true},
    {"/a/../b/../../c", true},
};

TEST(select_dot_segments)
{
    for (size_t i = 0; i < ARRAY_LEN(PATHS); i++)
        if (!CHECK_INT(select_escapes(str_c(PATHS[i].rest)), PATHS[i].escapes))
            CHECK_STR(str_c(PATHS[i].rest), "");
}

static struct connector_address address_of(struct arena *a, const char *url)
{
    struct connector_address address = {0};

    CHECK_OK(connector_address_parse(a, "x", str_c(url), &address, NULL));
    return address;
}

static struct select_url url_of(struct arena *a, const char *text)
{
    struct connector_address address = address_of(a, text);
    struct url url = {0};

    CHECK_OK(url_parse(str_c(text), &url, NULL));
    return (struct select_url){address.https, address.host, address.port, url.path};
}

TEST(select_whole_segments_only)
{
    static const struct {
        const char *address, *url;
        bool fits;
    } cases[] = {
        {"http://h", "http://h", true},
        {"http://h", "http://h/", true},
        {"http://h/", "http://h", true},
        {"http://h", "http://h/a/b", true},
        {"http://H", "http://h/a", true},
        {"http://h:80", "http://h/a", true},
        {"http://h/a", "http://h/a", true},
        {"http://h/a/", "http://h/a", true},
        {"http://h/a", "http://h/a/", true},
        {"http://h/a", "http://h/a/b", true},
        {"http://[::1]", "http://[0:0:0:0:0:0:0:1]/x", true},

        {"http://h/a", "http://h/ab", false},
        {"http://h/a", "http://h/A", false},
        {"http://h/a", "http://h", false},
        {"http://h/a", "http://h/", false},
        {"http://h/a", "http://h//a", false},
        {"http://h/a", "http://h/%61", false},
        {"http://h/a", "http://h/a%2fb", false},
        {"http://h/a/b", "http://h/a", false},
        {"http://h", "https://h", false},
        {"https://h", "http://h:443", false},
        {"http://h", "http://h:8080", false},
        {"http://h:8080", "http://h", false},
        {"http://h", "http://hh", false},
        {"http://h", "http://x.h", false},
        {"http://h.example", "http://h.example.evil", false},
    };
    struct arena *a = arena_new();

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct connector_address address = address_of(a, cases[i].address);
        struct select_url url = url_of(a, cases[i].url);

        if (!CHECK_INT(select_fits(&address, &url), cases[i].fits))
            CHECK_STR(str_c(cases[i].url), cases[i].address);
    }
    arena_free(a);
}

static struct connector *connector_of(const char *spec)
{
    struct connector *c = NULL;
    json_t *v = json_pack("{s:{s:s,s:s},s:o}", "metadata", "name", "c", "namespace", "n", "spec",
                          json_loads(spec, 0, NULL));

    CHECK_OK(connector_parse(v, &c, NULL));
    json_decref(v);
    return c;
}

TEST(select_longest_prefix_then_first_listed)
{
    static const char *const specs[] = {
        "{\"address\":\"http://h/a\"}",
        "{\"address\":\"http://h\",\"addressExtensions\":[{\"name\":\"x\",\"value\":\"http://h/a/b\"}]}",
        "{\"address\":\"http://h/a\"}",
        "{\"address\":\"https://h/a/b/c\"}",
    };
    static const struct {
        const char *url;
        int target;
        size_t binding;
    } cases[] = {
        {"http://h/a", 1, 0}, /* of two equal ones the first listed (index 0 is no Connector) */
        {"http://h/a/x", 1, 0},      {"http://h/x", 2, 0},   {"http://h/a/b", 2, 1},
        {"http://h/a/b/c", 2, 1},    {"http://h/ab", 2, 0},  {"http://other/", -1, 0},
        {"https://h/a/b/c/d", 4, 0}, {"https://h/a", -1, 0},
    };
    struct target *targets[5] = {NULL};
    struct arena *a = arena_new();

    for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
        targets[i + 1] = NEW(struct target);
        targets[i + 1]->connector = connector_of(specs[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct select_url url = url_of(a, cases[i].url);
        const struct connector_address *address;
        size_t binding = 0;

        if (!CHECK_INT(select_target(targets, ARRAY_LEN(targets), &url, &binding, &address),
                       cases[i].target))
            CHECK_STR(str_c(cases[i].url), "");
        CHECK_INT(binding, cases[i].binding);
    }
    for (size_t i = 1; i < ARRAY_LEN(targets); i++) {
        connector_unref(targets[i]->connector);
        free(targets[i]);
    }
    arena_free(a);
}
