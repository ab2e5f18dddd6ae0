/*
 * Targets: what makes a Connector usable, and that nothing of a binding is missing in its pool key.
 */
#include "proxy/target.h"

#include "codec/base64.h"
#include "core/labels.h"
#include "unit.h"

static json_t *loads(const char *text)
{
    json_t *v = json_loads(text, 0, NULL);

    CHECK(v != NULL);
    return v;
}

static struct connector *connector_of(const char *spec)
{
    struct connector *c = NULL;
    json_t *v = json_pack("{s:{s:s,s:s,s:s},s:o}", "metadata", "name", "c", "namespace", "n", "uid",
                          "cu", "spec", loads(spec));

    CHECK_OK(connector_parse(v, &c, NULL));
    json_decref(v);
    return c;
}

static struct connector_class *class_of(const char *spec)
{
    struct connector_class *c = NULL;
    json_t *v = json_pack("{s:{s:s},s:o}", "metadata", "name", "git", "spec", loads(spec));

    CHECK_OK(class_parse(v, &c, NULL));
    json_decref(v);
    return c;
}

#define BASIC                                                                                      \
    "{\"auth\":{\"types\":[{\"name\":\"basic\",\"secretType\":\"kubernetes.io/basic-auth\"}]}}"
#define OPTIONAL                                                                                   \
    "{\"auth\":{\"types\":[{\"name\":\"basic\",\"secretType\":\"kubernetes.io/basic-auth\","       \
    "\"optional\":true}]}}"
#define WITH_SECRET                                                                                \
    "{\"connectorClassName\":\"git\",\"address\":\"http://h:81/a\",\"auth\":{\"name\":\"basic\","  \
    "\"secretRef\":{\"name\":\"s\"}}}"
#define SECRET                                                                                     \
    "{\"type\":\"kubernetes.io/basic-auth\",\"metadata\":{\"uid\":\"su\",\"resourceVersion\":"     \
    "\"5\"},\"data\":{\"username\":\"dQ==\",\"password\":\"cA==\"}}"

static struct target *target_of(const char *spec, const char *class, const char *secret)
{
    struct target_parts p = {
        .key = STR("n/c"),
        .uid = STR("cu"),
        .connector = connector_of(spec),
        .class = class ? class_of(class) : NULL,
        .trust = STR("system"),
        .counters = counters_connector_new(1),
    };
    json_t *v = secret ? loads(secret) : NULL;
    struct target *t;

    p.secret = v;
    t = target_new(&p);
    connector_unref(p.connector);
    class_unref(p.class);
    counters_connector_unref(p.counters);
    json_decref(v);
    return t;
}

static void check_missing(const char *spec, const char *class, const char *secret,
                          const char *condition, const char *reason)
{
    struct target *t = target_of(spec, class, secret);

    CHECK_STR(str_c(t->condition), condition);
    CHECK_STR(t->reason, reason);
    CHECK(t->message.n > 0);
    CHECK_INT(t->binding_count, 0);
    CHECK(!t->credential);
    target_unref(t);
}

TEST(target_ready)
{
    struct target *t = target_of(WITH_SECRET, BASIC, SECRET);

    CHECK(!t->condition);
    CHECK(t->credential != NULL);
    CHECK_INT(t->binding_count, 1);
    CHECK_STR(t->bindings[0].authority, "h:81");
    CHECK_STR(t->bindings[0].credential_version, "su/5");
    CHECK(!t->bindings[0].tls);
    target_unref(target_ref(t));
    target_unref(t);

    t = target_of("{\"connectorClassName\":\"git\",\"address\":\"http://h\"}", OPTIONAL, NULL);
    CHECK(!t->condition && !t->credential);
    CHECK_STR(t->bindings[0].credential_version, "");
    target_unref(t);
}

TEST(target_not_ready)
{
    static const char *const no_secret =
        "{\"connectorClassName\":\"git\",\"address\":\"http://h\"}";

    check_missing(WITH_SECRET, NULL, SECRET, "ConnectorClassReady", "ConnectorClassNotFound");
    check_missing(WITH_SECRET, BASIC, NULL, "SecretReady", "SecretNotFound");
    check_missing(WITH_SECRET, OPTIONAL, NULL, "SecretReady", "SecretNotFound");
    check_missing(no_secret, BASIC, NULL, "SecretReady", "SecretRequired");
    check_missing(WITH_SECRET, BASIC, "{\"type\":\"Opaque\"}", "SecretReady", "SecretTypeMismatch");
    check_missing(WITH_SECRET, BASIC, "{\"type\":\"kubernetes.io/basic-auth\"}", "SecretReady",
                  "SecretKeyMissing");
    check_missing(WITH_SECRET, BASIC,
                  "{\"type\":\"kubernetes.io/basic-auth\",\"data\":{\"username\":\"YTpi\","
                  "\"password\":\"cA==\"}}",
                  "SecretReady", "SecretUnusable");
    check_missing("{\"connectorClassName\":\"git\",\"address\":\"http://h\",\"auth\":{\"name\":"
                  "\"basic\",\"secretRef\":{\"name\":\"s\",\"namespace\":\"other\"}}}",
                  BASIC, SECRET, "SecretReady", "SecretForbidden");
    check_missing("{\"connectorClassName\":\"git\",\"address\":\"https://h\"}", OPTIONAL, NULL,
                  "CACertReady", "NoRoots");
}

TEST(target_invalid_objects_say_why)
{
    struct err why;
    struct target_parts p = {
        .key = STR("n/c"), .error = &why, .counters = counters_connector_new(1)};
    struct target *t;

    err_set(&why, ERR_INVALID, "spec.address: is wrong");
    t = target_new(&p);
    CHECK_STR(str_c(t->condition), "ConnectorClassReady");
    CHECK_STR(t->reason, "InvalidSpec");
    CHECK_STR(t->message, "spec.address: is wrong");
    target_unref(t);

    p.connector = connector_of(WITH_SECRET);
    t = target_new(&p);
    CHECK_STR(t->reason, "InvalidSpec");
    target_unref(t);

    p.class = class_of(BASIC);
    p.error = NULL;
    p.is_secret_awaited = true;
    t = target_new(&p);
    CHECK_STR(t->reason, "Reading");
    CHECK(!t->credential);
    target_unref(t);
    connector_unref(p.connector);
    class_unref(p.class);
    counters_connector_unref(p.counters);
}

/* --- pool keys */

struct sides {
    const char *key, *uid, *version, *url, *trust;
};

static struct str key_of(struct arena *a, const struct sides *s)
{
    struct connector *c = ARENA_NEW(a, struct connector);
    struct connector_address *address = ARENA_NEW(a, struct connector_address);
    struct binding b;

    CHECK_OK(connector_address_parse(a, "x", str_c(s->url), address, NULL));
    c->key = str_c(s->key);
    c->uid = str_c(s->uid);
    binding_make(a, address,
                 &(struct binding_parts){
                     .connector = c,
                     .credential_version = str_c(s->version),
                     .trust = str_c(s->trust),
                 },
                 &b);
    return b.pool_key;
}

TEST(binding_keys_differ_in_everything_that_matters)
{
    static const struct sides base = {"n/c", "u", "s/1", "https://h:443/p", "system"};
    static const struct sides others[] = {
        {"n/d", "u", "s/1", "https://h:443/p", "system"},
        {"m/c", "u", "s/1", "https://h:443/p", "system"},
        {"n/c", "v", "s/1", "https://h:443/p", "system"},
        {"n/c", "u", "s/2", "https://h:443/p", "system"},
        {"n/c", "u", "", "https://h:443/p", "system"},
        {"n/c", "u", "s/1", "http://h:443/p", "system"},
        {"n/c", "u", "s/1", "https://i:443/p", "system"},
        {"n/c", "u", "s/1", "https://h:444/p", "system"},
        {"n/c", "u", "s/1", "https://h:443/p", "system+ca/1"},
        {"n/c", "us", "/1", "https://h:443/p", "system"},
    };
    struct arena *a = arena_new();

    CHECK(str_eq(key_of(a, &base), key_of(a, &base)));
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (!CHECK(!str_eq(key_of(a, &base), key_of(a, &others[i]))))
            CHECK_INT(i, -1);
    CHECK(str_starts(key_of(a, &base), binding_prefix(a, STR("n/c"))));
    CHECK(!str_starts(key_of(a, &base), binding_prefix(a, STR("n/cc"))));
    CHECK(!str_starts(key_of(a, &(struct sides){"n/cc", "u", "", "http://h", ""}),
                      binding_prefix(a, STR("n/c"))));
    arena_free(a);
}

TEST(binding_of_plain_http_has_no_trust)
{
    struct arena *a = arena_new();
    struct sides one = {"n/c", "u", "s/1", "http://h/p", "system"}, two = one;

    two.trust = "system+ca/1";
    CHECK(str_eq(key_of(a, &one), key_of(a, &two)));
    arena_free(a);
}
