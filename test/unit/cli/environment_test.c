/*
 * Variables and files of a workload.
 */
#include "unit.h"

#include <stdlib.h>

#include "base/fd.h"
#include "cli/environment.h"

static void add_connector(struct environment *e, const char *address)
{
    json_t *object JSON_OWNED =
        json_pack("{s:{s:s,s:s,s:s},s:{s:s,s:s,s:[{s:s,s:s}]}}", "metadata", "name", "tool",
                  "namespace", "team", "uid", "u", "spec", "connectorClassName", "git", "address",
                  address, "addressExtensions", "name", "raw", "value", "http://raw.example");
    struct environment_connector c = {.proxy_url = STR("http://10.0.0.1:80/namespaces/x")};

    if (CHECK_OK(connector_parse(object, &c.view, NULL)))
        VEC_PUSH(&e->connectors, c);
}

static void check_no_proxy(const char *address, const char *api_host, const char *expected)
{
    struct environment e = {.arena = arena_new()};

    add_connector(&e, address);
    CHECK_STR(environment_no_proxy(&e, str_c(api_host)), expected);
    environment_fini(&e);
    arena_free(e.arena);
}

TEST(no_proxy_names_what_is_local)
{
    check_no_proxy("http://git.example", "api.example",
                   "localhost,127.0.0.1,::1,.svc,.svc.cluster.local,api.example");
    check_no_proxy("http://git.example", "127.0.0.1",
                   "localhost,127.0.0.1,::1,.svc,.svc.cluster.local");
    check_no_proxy("http://git.example", "", "localhost,127.0.0.1,::1,.svc,.svc.cluster.local");
    check_no_proxy("http://git.example", "7.0.0.1",
                   "localhost,127.0.0.1,::1,.svc,.svc.cluster.local,7.0.0.1");
}

TEST(no_proxy_never_matches_a_connector)
{
    check_no_proxy("http://127.0.0.1:3000", "127.0.0.1", "localhost,::1,.svc,.svc.cluster.local");
    check_no_proxy("http://localhost:3000", "", "127.0.0.1,::1,.svc,.svc.cluster.local");
    check_no_proxy("http://[::1]:3000", "", "localhost,127.0.0.1,.svc,.svc.cluster.local");
    check_no_proxy("http://git.tools.svc", "", "localhost,127.0.0.1,::1,.svc.cluster.local");
    check_no_proxy("http://git.tools.svc.cluster.local", "", "localhost,127.0.0.1,::1,.svc");
    check_no_proxy("http://git.example", "git.example",
                   "localhost,127.0.0.1,::1,.svc,.svc.cluster.local");
    check_no_proxy("http://git.example", "raw.example",
                   "localhost,127.0.0.1,::1,.svc,.svc.cluster.local");
    check_no_proxy("http://git.api.example", "api.example",
                   "localhost,127.0.0.1,::1,.svc,.svc.cluster.local");
    check_no_proxy("http://gitapi.example", "api.example",
                   "localhost,127.0.0.1,::1,.svc,.svc.cluster.local,api.example");
}

TEST(environment_has_one_proxy_for_all_connectors)
{
    struct environment e = {.arena = arena_new(), .dir = "/run/x", .gitconfig = true};
    struct secret *token = secret_new(STR("to.ke-n"));

    add_connector(&e, "http://git.example");
    add_connector(&e, "http://other.example");
    setenv("GIT_CONFIG_COUNT", "2", 1);
    environment_export(&e, token, STR("api.example"));
    CHECK_STR(getenv("http_proxy"), "http://team%2Ftool,team%2Ftool:to.ke-n@10.0.0.1:80");
    CHECK_STR(getenv("HTTPS_PROXY"), getenv("http_proxy"));
    CHECK_STR(getenv("NO_PROXY"), getenv("no_proxy"));
    CHECK_STR(getenv("CONNECTORS_DIR"), "/run/x");
    CHECK_STR(getenv("GIT_CONFIG_COUNT"), "3");
    CHECK_STR(getenv("GIT_CONFIG_KEY_2"), "include.path");
    CHECK_STR(getenv("GIT_CONFIG_VALUE_2"), "/run/x/.gitconfig");
    secret_unref(token);
    environment_fini(&e);
    arena_free(e.arena);
}

TEST(environment_files_are_private_and_replaced)
{
    char dir[] = "/tmp/environment-test-XXXXXX";
    struct environment e = {.arena = arena_new(), .gitconfig = true};
    struct buf text = BUF_INIT(10000);
    const char *tokens[] = {"first-token", "second-token"};
    const char *path;

    CHECK(mkdtemp(dir) != NULL);
    e.dir = dir;
    path = arena_fmt(e.arena, "%s/.gitconfig", dir).p;
    add_connector(&e, "http://git.example");
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        struct secret *token = secret_new(str_c(tokens[i]));

        CHECK_OK(environment_write_files(&e, token, NULL));
        secret_unref(token);
        buf_reset(&text);
        CHECK_OK(fd_read_file(path, &text, NULL));
        CHECK(str_find(buf_str(&text), str_c(tokens[i])) >= 0);
        CHECK(str_find(buf_str(&text), str_c(tokens[1 - i])) < 0);
    }
    buf_fini(&text);
    CHECK_OK(fd_remove_tree(dir, NULL));
    environment_fini(&e);
    arena_free(e.arena);
}
