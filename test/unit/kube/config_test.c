/*
 * Kubeconfig files: what is read, what is refused and how the refusal names it.
 */
#include "kube/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "unit.h"

/* A temporary directory with a kubeconfig. */
struct place {
    char dir[32];
    char path[64];
    struct kube_config *config;
    struct err err;
    int rc;
};

static void place_init(struct place *p)
{
    *p = (struct place){.dir = "/tmp/kubeconfig-XXXXXX"};
    CHECK(mkdtemp(p->dir) != NULL);
    snprintf(p->path, sizeof(p->path), "%s/config", p->dir);
}

static void place_fini(struct place *p)
{
    kube_config_free(p->config);
    CHECK_OK(fd_remove_tree(p->dir, NULL));
}

static void put(struct place *p, const char *name, const char *text)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", p->dir, name);
    CHECK_OK(fd_write_file(path, str_c(text), 0600, NULL));
}

static int load(struct place *p, const char *text)
{
    put(p, "config", text);
    kube_config_free(TAKE(p->config));
    p->err = (struct err){0};
    p->rc = kube_config_load_file(p->path, &p->config, &p->err);
    return p->rc;
}

#define HEAD                                                                                       \
    "apiVersion: v1\nkind: Config\ncurrent-context: c\n"                                           \
    "contexts:\n- name: other\n  context: {cluster: none}\n"                                       \
    "- name: c\n  context: {cluster: k, user: u, namespace: team}\n"
#define CLUSTER(extra)                                                                             \
    "clusters:\n- name: k\n  cluster:\n    server: https://api.example:6443\n" extra
#define USER(extra) "users:\n- name: u\n  user:\n" extra

TEST(config_inline)
{
    struct place p;

    place_init(&p);
    CHECK_OK(load(&p, HEAD CLUSTER("    certificate-authority-data: Q0E=\n"
                                   "    tls-server-name: name\n")
                          USER("    client-certificate-data: Q0VSVA==\n"
                               "    client-key-data: S0VZ\n    token: tok\n")));
    CHECK_STR(p.config->server, "https://api.example:6443");
    CHECK_STR(p.config->url.host, "api.example");
    CHECK_INT(p.config->url.port, 6443);
    CHECK_STR(p.config->ca_pem, "CA");
    CHECK_STR(p.config->tls_name, "name");
    CHECK_STR(p.config->cert_pem, "CERT");
    CHECK(secret_eq(p.config->key_pem, STR("KEY")));
    CHECK(secret_eq(p.config->token, STR("tok")));
    CHECK_STR(p.config->ns, "team");
    CHECK_STR(p.config->source, p.path);
    place_fini(&p);
}

TEST(config_files_are_relative_to_the_file)
{
    struct place p;
    char want[128];

    place_init(&p);
    put(&p, "ca.pem", "CA");
    put(&p, "crt", "CERT");
    put(&p, "key", "KEY");
    CHECK_OK(load(&p, HEAD CLUSTER("    certificate-authority: ca.pem\n")
                          USER("    client-certificate: ./crt\n    client-key: key\n"
                               "    tokenFile: sub/token\n")));
    CHECK_STR(p.config->ca_pem, "CA");
    CHECK_STR(p.config->cert_pem, "CERT");
    CHECK(secret_eq(p.config->key_pem, STR("KEY")));
    snprintf(want, sizeof(want), "%s/sub/token", p.dir);
    CHECK_STR(p.config->token_file, want);
    CHECK_OK(load(&p, HEAD CLUSTER("") USER("    tokenFile: /abs/token\n")));
    CHECK_STR(p.config->token_file, "/abs/token");
    place_fini(&p);
}

TEST(config_inline_wins_over_file)
{
    struct place p;

    place_init(&p);
    CHECK_OK(load(&p, HEAD CLUSTER("    certificate-authority: missing\n"
                                   "    certificate-authority-data: Q0E=\n") USER("    {}\n")));
    CHECK_STR(p.config->ca_pem, "CA");
    place_fini(&p);
}

TEST(config_without_user_and_namespace)
{
    struct place p;

    place_init(&p);
    CHECK_OK(load(&p, "current-context: c\ncontexts: [{name: c, context: {cluster: k}}]\n"
                      "clusters: [{name: k, cluster: {server: 'http://127.0.0.1:1'}}]\n"));
    CHECK_STR(p.config->ns, "default");
    CHECK(!p.config->token);
    CHECK(!p.config->key_pem);
    place_fini(&p);
}

TEST(config_json_is_yaml)
{
    struct place p;

    place_init(&p);
    CHECK_OK(load(&p, "{\"current-context\":\"c\",\"contexts\":[{\"name\":\"c\",\"context\":"
                      "{\"cluster\":\"k\"}}],\"clusters\":[{\"name\":\"k\",\"cluster\":"
                      "{\"server\":\"https://h\"}}]}"));
    CHECK_INT(p.config->url.port, 443);
    place_fini(&p);
}

struct bad {
    const char *text;
    const char *message; /* what the error must contain besides the file's name */
};

static const struct bad BAD[] = {
    {"", ""},
    {"[]", "not a mapping"},
    {"a: [", ""},
    {"a: 1\na: 2\n", ""},
    {"{}", "current-context: missing"},
    {"current-context: x\n", "contexts: no element named 'x'"},
    {"current-context: x\ncontexts: {x: 1}\n", "contexts: no element named 'x'"},
    {"current-context: x\ncontexts: [{name: x}]\n", "contexts[x].context: must be an object"},
    {"current-context: x\ncontexts: [{name: x, context: {}}]\n",
     "contexts[x].context.cluster: missing"},
    {"current-context: x\ncontexts: [{name: x, context: {cluster: [1]}}]\n",
     "contexts[x].context.cluster: must be a string"},
    {"current-context: x\ncontexts: [{name: x, context: {cluster: k}}]\n",
     "clusters: no element named 'k'"},
    {HEAD "clusters: [{name: k, cluster: {}}]\n", "clusters[k].cluster.server: missing"},
    {HEAD "clusters: [{name: k, cluster: {server: 7}}]\n",
     "clusters[k].cluster.server: must be a string"},
    {HEAD "clusters: [{name: k, cluster: {server: 'ftp://x'}}]\n", "clusters[k].cluster.server: "},
    {HEAD "clusters: [{name: k, cluster: {server: 'https://u:p@h'}}]\n",
     "clusters[k].cluster.server: "},
    {HEAD "clusters: [{name: k, cluster: {server: 'https://h/?a=b'}}]\n",
     "clusters[k].cluster.server: must have no query"},
    {HEAD CLUSTER("    insecure-skip-tls-verify: true\n"),
     "clusters[k].cluster.insecure-skip-tls-verify: not supported"},
    {HEAD CLUSTER("    proxy-url: http://p\n"), "clusters[k].cluster.proxy-url: not supported"},
    {HEAD CLUSTER("    certificate-authority-data: '***'\n"),
     "clusters[k].cluster.certificate-authority-data: not base64"},
    {HEAD CLUSTER("    certificate-authority: nowhere\n"),
     "clusters[k].cluster.certificate-authority: "},
    {HEAD CLUSTER(""), "users: no element named 'u'"},
    {HEAD CLUSTER("") USER("    exec: {command: aws}\n"),
     "users[u].user.exec: credential plug-ins are not supported"},
    {HEAD CLUSTER("") USER("    auth-provider: {name: gcp}\n"), "users[u].user.auth-provider: "},
    {HEAD CLUSTER("") USER("    username: a\n    password: canary\n"),
     "users[u].user.username: basic authentication is not supported"},
    {HEAD CLUSTER("") USER("    password: canary\n"), "users[u].user.password: "},
    {HEAD CLUSTER("") USER("    as: root\n"), "users[u].user.as: impersonation"},
    {HEAD CLUSTER("") USER("    as-groups: [g]\n"), "users[u].user.as-groups: impersonation"},
    {HEAD CLUSTER("") USER("    token: [canary]\n"), "users[u].user.token: must be a string"},
    {HEAD CLUSTER("") USER("    tokenFile: 3\n"), "users[u].user.tokenFile: must be a string"},
    {HEAD CLUSTER("") USER("    client-certificate-data: Q0U=\n"),
     "users[u].user.client-key: missing although"},
    {HEAD CLUSTER("") USER("    client-key-data: Q0U=\n"),
     "users[u].user.client-certificate: missing although"},
    {HEAD CLUSTER("") USER("    client-certificate-data: Q0U=\n    client-key-data: ca nary\n"),
     "users[u].user.client-key-data: not base64"},
    {HEAD CLUSTER("") USER("    client-certificate-data: Q0U=\n    client-key: nowhere\n"),
     "users[u].user.client-key: "},
};

TEST(config_refusals_name_file_and_field)
{
    struct place p;

    place_init(&p);
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        CHECK_ERR(load(&p, BAD[i].text), ERR_BADREQUEST);
        CHECK(p.config == NULL);
        if (!CHECK(str_find(str_c(p.err.msg), str_c(BAD[i].message)) >= 0))
            fprintf(stderr, "    '%s' in '%s'\n", BAD[i].message, p.err.msg);
        CHECK(str_find(str_c(p.err.msg), str_c(p.path)) >= 0);
        CHECK(str_find(str_c(p.err.msg), STR("canary")) < 0);
    }
    place_fini(&p);
}

TEST(config_false_and_empty_refusals_are_harmless)
{
    struct place p;

    place_init(&p);
    CHECK_OK(load(&p, HEAD CLUSTER("    insecure-skip-tls-verify: false\n    proxy-url: ''\n")
                          USER("    exec: null\n    username: ''\n    as-groups: []\n")));
    place_fini(&p);
}

TEST(config_missing_and_too_large_file)
{
    struct place p;
    size_t n = 1024 * 1024;
    char *big = xmalloc(n + 2);

    place_init(&p);
    CHECK_ERR(kube_config_load_file("/nonexistent/x", &p.config, &p.err), ERR_NOTFOUND);
    CHECK(str_find(str_c(p.err.msg), STR("/nonexistent/x")) >= 0);
    memset(big, '#', n + 1);
    big[n + 1] = '\0';
    CHECK_ERR(load(&p, big), ERR_TOOBIG);
    free(big);
    place_fini(&p);
}

TEST(config_write_and_read_back)
{
    struct place p;
    struct secret *key = secret_new(STR("KEY\nLINES\n"));
    struct kube_config_out out = {
        .server = STR("https://127.0.0.1:6443"),
        .ca_pem = STR("CA\n"),
        .cert_pem = STR("CERT\n"),
        .key_pem = key,
        .ns = STR("a"),
    };
    struct stat st;

    place_init(&p);
    CHECK_OK(kube_config_write(p.path, &out, NULL));
    CHECK_INT(stat(p.path, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0600);
    CHECK_OK(kube_config_load_file(p.path, &p.config, &p.err));
    CHECK_STR(p.config->server, "https://127.0.0.1:6443");
    CHECK_STR(p.config->ca_pem, "CA\n");
    CHECK_STR(p.config->cert_pem, "CERT\n");
    CHECK(secret_eq(p.config->key_pem, STR("KEY\nLINES\n")));
    CHECK_STR(p.config->ns, "a");
    kube_config_free(TAKE(p.config));
    out = (struct kube_config_out){.server = STR("http://h:1/p"),
                                   .token_file = STR("/tmp/a\"b: c\n#d")};
    CHECK_OK(kube_config_write(p.path, &out, NULL));
    CHECK_OK(kube_config_load_file(p.path, &p.config, &p.err));
    CHECK_STR(p.config->token_file, "/tmp/a\"b: c\n#d");
    CHECK_STR(p.config->ns, "default");
    secret_unref(key);
    place_fini(&p);
}

/* --- where it is looked for */

static void set_env(const char *kubeconfig, const char *home)
{
    unsetenv("KUBERNETES_SERVICE_HOST");
    unsetenv("XDG_STATE_HOME");
    setenv("HOME", home, 1);
    if (kubeconfig)
        setenv("KUBECONFIG", kubeconfig, 1);
    else
        unsetenv("KUBECONFIG");
}

static void put_server(struct place *p, const char *name, const char *host)
{
    char text[256];

    snprintf(text, sizeof(text),
             "current-context: c\ncontexts: [{name: c, context: {cluster: k}}]\n"
             "clusters: [{name: k, cluster: {server: 'https://%s'}}]\n",
             host);
    put(p, name, text);
}

static bool finds(struct place *p, const struct kube_config_where *where, const char *host)
{
    bool ok;

    kube_config_free(TAKE(p->config));
    ok = CHECK_OK(kube_config_load(where, &p->config, &p->err)) &&
         CHECK_STR(p->config->url.host, host);
    return ok;
}

TEST(config_search_order)
{
    struct place p;
    char dir[128], list[300], explicit_path[128];
    struct kube_config_where where = {0};

    place_init(&p);
    snprintf(dir, sizeof(dir), "%s/.kube", p.dir);
    CHECK_OK(fd_mkdirs(dir, 0700, NULL));
    snprintf(dir, sizeof(dir), "%s/.local/state/connectors", p.dir);
    CHECK_OK(fd_mkdirs(dir, 0700, NULL));
    set_env(NULL, p.dir);
    CHECK_ERR(kube_config_load(&where, &p.config, &p.err), ERR_NOTFOUND);
    CHECK(str_find(str_c(p.err.msg), STR("/.kube/config")) >= 0);
    CHECK(str_find(str_c(p.err.msg), STR("/.local/state/connectors/kubeconfig")) >= 0);
    put_server(&p, ".kube/config", "home");
    finds(&p, &where, "home");
    put_server(&p, ".local/state/connectors/kubeconfig", "data");
    finds(&p, &where, "data");
    put_server(&p, "one", "one");
    snprintf(list, sizeof(list), "%s/missing::%s/one:%s/two", p.dir, p.dir, p.dir);
    set_env(list, p.dir);
    finds(&p, &where, "one");
    put_server(&p, "explicit", "explicit");
    snprintf(explicit_path, sizeof(explicit_path), "%s/explicit", p.dir);
    where.path = explicit_path;
    finds(&p, &where, "explicit");
    where.path = "/nonexistent";
    kube_config_free(TAKE(p.config));
    CHECK_ERR(kube_config_load(&where, &p.config, &p.err), ERR_NOTFOUND);
    place_fini(&p);
}

TEST(config_search_stops_at_a_broken_file)
{
    struct place p;
    char dir[128];
    struct kube_config_where where = {0};

    place_init(&p);
    snprintf(dir, sizeof(dir), "%s/.kube", p.dir);
    CHECK_OK(fd_mkdirs(dir, 0700, NULL));
    put_server(&p, ".kube/config", "home");
    put(&p, "kubeconfig", "{}");
    set_env(NULL, p.dir);
    where.data_dir = p.dir;
    CHECK_ERR(kube_config_load(&where, &p.config, &p.err), ERR_BADREQUEST);
    place_fini(&p);
}

TEST(config_data_dir)
{
    struct arena *a = arena_new();

    set_env(NULL, "/home/x");
    CHECK_STR(kube_data_dir(a, NULL), "/home/x/.local/state/connectors");
    CHECK_STR(kube_data_dir(a, "/d"), "/d");
    setenv("XDG_STATE_HOME", "/state", 1);
    CHECK_STR(kube_data_dir(a, ""), "/state/connectors");
    unsetenv("XDG_STATE_HOME");
    arena_free(a);
}
