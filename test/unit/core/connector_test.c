/*
 * Views of Connectors and ConnectorClasses.
 */
#include "core/class.h"
#include "core/connector.h"
#include "core/labels.h"
#include "unit.h"

static json_t *parse(const char *text)
{
    json_t *v = NULL;

    CHECK_OK(json_parse(str_c(text), &v, NULL));
    return v;
}

static int connector_of(const char *spec, struct connector **ret, struct err *err)
{
    json_t *v =
        json_pack("{s:{s:s,s:s,s:s,s:s,s:i},s:o}", "metadata", "name", "tool", "namespace", "team",
                  "uid", "u", "resourceVersion", "7", "generation", 3, "spec", parse(spec));
    int rc = connector_parse(v, ret, err);

    json_decref(v);
    return rc;
}

TEST(connector_all_fields)
{
    struct connector *c;

    if (!CHECK_OK(connector_of(
            "{\"connectorClassName\":\"git\",\"address\":\"HTTPS://Git.Example:8443/a/b/\","
            "\"addressExtensions\":[{\"name\":\"raw\",\"value\":\"http://[2001:DB8::1]\"}],"
            "\"auth\":{\"name\":\"basic\",\"secretRef\":{\"name\":\"s\"}},"
            "\"caCertSecretRef\":{\"name\":\"ca\"}}",
            &c, NULL)))
        return;
    CHECK_STR(c->key, "team/tool");
    CHECK_STR(c->uid, "u");
    CHECK_INT(c->generation, 3);
    CHECK_STR(c->class_name, "git");
    CHECK(c->address.https);
    CHECK_STR(c->address.host, "git.example");
    CHECK_INT(c->address.port, 8443);
    CHECK_STR(c->address.path, "/a/b");
    CHECK_INT(c->extension_count, 1);
    CHECK_STR(c->extensions[0].name, "raw");
    CHECK_STR(c->extensions[0].host, "2001:db8::1");
    CHECK(c->extensions[0].host_is_ip6);
    CHECK_INT(c->extensions[0].port, 80);
    CHECK_STR(c->secret_ns, "team");
    CHECK_STR(c->secret_name, "s");
    CHECK_STR(c->ca_secret_name, "ca");
    connector_unref(connector_ref(c));
    connector_unref(c);
}

TEST(connector_little)
{
    struct connector *c;

    if (!CHECK_OK(connector_of("{\"address\":\"http://h\"}", &c, NULL)))
        return;
    CHECK(!c->secret_name.n && !c->class_name.n && !c->auth_name.n);
    CHECK_STR(c->address.path, "");
    connector_unref(c);
}

TEST(connector_addresses_that_are_refused)
{
    static const char *const bad[] = {
        "",
        "h",
        "/path",
        "ftp://h",
        "http://",
        "http:///x",
        "http://h?q",
        "http://h#f",
        "http://user@h",
        "http://user:pw@h",
        "http://h.",
        "http://h:0",
        "http://h:65536",
        "http://h:x",
        "http://a..b",
        "http://127.1",
        "http://0x7f000001",
        "http://[::1",
        "http://h /x",
        "http://h\\\\x",
    };
    struct connector *c;
    struct err err;
    char spec[256];

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        snprintf(spec, sizeof(spec), "{\"address\":\"%s\"}", bad[i]);
        if (!CHECK_ERR(connector_of(spec, &c, &err), ERR_INVALID))
            CHECK_STR(str_c(bad[i]), "");
        CHECK(strncmp(err.msg, "spec.address: ", 14) == 0);
        snprintf(
            spec, sizeof(spec),
            "{\"address\":\"http://h\",\"addressExtensions\":[{\"name\":\"x\",\"value\":\"%s\"}]}",
            bad[i]);
        CHECK_ERR(connector_of(spec, &c, &err), ERR_INVALID);
        CHECK(strncmp(err.msg, "spec.addressExtensions[0].value: ", 33) == 0);
    }
    CHECK_ERR(connector_of("{}", &c, &err), ERR_INVALID);
    CHECK_ERR(connector_of("{\"address\":5}", &c, &err), ERR_INVALID);
}

static int class_of(const char *spec, struct connector_class **ret, struct err *err)
{
    json_t *v = json_pack("{s:{s:s,s:{s:s}},s:o}", "metadata", "name", "git", "annotations",
                          ANNOTATION_RESOLVER, "path", "spec", parse(spec));
    int rc = class_parse(v, ret, err);

    json_decref(v);
    return rc;
}

TEST(class_all_fields)
{
    struct connector_class *c;
    const struct class_auth *auth;

    if (!CHECK_OK(class_of(
            "{\"auth\":{\"types\":[{\"name\":\"basic\",\"secretType\":\"kubernetes.io/basic-auth\","
            "\"optional\":true},{\"name\":\"custom\",\"secretType\":\"Opaque\",\"params\":["
            "{\"name\":\"need\"},{\"name\":\"may\",\"default\":\"x\"}]}]},"
            "\"livenessProbe\":{\"http\":{\"path\":\"/up\",\"host\":\"h\",\"disableRedirect\":true,"
            "\"httpHeaders\":[{\"name\":\"A\",\"value\":\"b\"}]}},"
            "\"authProbes\":[{\"authName\":\"basic\",\"probe\":{\"api\":{\"path\":\"/me\"}}}],"
            "\"addressExtensions\":[{\"name\":\"raw\"},{\"name\":\"opt\",\"default\":\"http://x\"}],"
            "\"proxy\":{\"ref\":{\"name\":\"connectors-proxy-service\"}},"
            "\"api\":{\"uri\":\"https://a\"}}",
            &c, NULL)))
        return;
    CHECK(c->resolver_path);
    CHECK_INT(c->auth_count, 2);
    auth = class_auth_find(c, STR("custom"));
    if (CHECK(auth)) {
        CHECK_INT(auth->key_count, 1);
        CHECK_STR(auth->keys[0], "need");
    }
    CHECK(!class_auth_find(c, STR("")));
    CHECK(!class_auth_find(c, STR("none")));
    CHECK(c->has_liveness);
    CHECK_STR(c->liveness.path, "/up");
    CHECK_STR(c->liveness.method, "GET");
    CHECK(c->liveness.disable_redirect && !c->liveness.needs_expression);
    CHECK(class_auth_probe_find(c, STR("basic")) && !class_auth_probe_find(c, STR("custom")));
    CHECK_INT(c->required_extension_count, 1);
    CHECK(class_uses_builtin_proxy(c, STR(SYSTEM_NAMESPACE)));
    class_unref(c);
}

TEST(class_only_auth_type_needs_no_name)
{
    struct connector_class *c;

    if (!CHECK_OK(class_of("{\"auth\":{\"types\":[{\"name\":\"basic\"}]}}", &c, NULL)))
        return;
    CHECK(class_auth_find(c, STR("")) == &c->auths[0]);
    CHECK(!c->has_liveness && !c->proxy.present);
    class_unref(c);
}

TEST(class_that_are_refused)
{
    static const char *const bad[] = {
        "{\"livenessProbe\":{}}",
        "{\"livenessProbe\":{\"http\":{\"path\":\"/\"},\"api\":{\"path\":\"/\"}}}",
        "{\"livenessProbe\":{\"http\":{\"path\":\"up\"}}}",
        "{\"livenessProbe\":{\"http\":{}}}",
        "{\"authProbes\":[{\"authName\":\"x\",\"probe\":{\"http\":{\"path\":\"/\"}}}]}",
        "{\"auth\":{\"types\":[{\"name\":\"x\"}]},\"authProbes\":[{\"authName\":\"x\"}]}",
        "{\"auth\":{\"types\":[{\"name\":\"x\"}]},\"authProbes\":[{\"authName\":\"x\",\"probe\":{}}]}",
    };
    struct connector_class *c;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (!CHECK_ERR(class_of(bad[i], &c, &err), ERR_INVALID))
            CHECK_STR(str_c(bad[i]), "");
}

TEST(class_probe_with_expressions_says_so)
{
    static const char *const with[] = {
        "{\"livenessProbe\":{\"http\":{\"path\":\"/{{ .x }}\"}}}",
        "{\"livenessProbe\":{\"http\":{\"path\":\"/\",\"httpHeaders\":[{\"name\":\"A\",\"value\":\"{{x}}\"}]}}}",
        "{\"livenessProbe\":{\"http\":{\"path\":\"/\",\"response\":{\"cel\":\"true\"}}}}",
        "{\"livenessProbe\":{\"api\":{\"path\":\"/{{x}}\"}}}",
    };
    struct connector_class *c;

    for (size_t i = 0; i < ARRAY_LEN(with); i++) {
        if (!CHECK_OK(class_of(with[i], &c, NULL)))
            continue;
        CHECK(c->liveness.needs_expression);
        class_unref(c);
    }
}
