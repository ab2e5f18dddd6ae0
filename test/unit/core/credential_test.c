/*
 * Credentials and the rules about Secrets.
 */
#include "codec/base64.h"
#include "core/credential.h"
#include "core/labels.h"
#include "core/secretrule.h"
#include "unit.h"

/* A Secret with up to two keys; values are plain text. */
static json_t *secret_of(const char *type, const char *k1, const char *v1, const char *k2,
                         const char *v2)
{
    json_t *v = json_pack("{s:s,s:{s:s,s:s},s:{}}", "type", type, "metadata", "uid", "u",
                          "resourceVersion", "9", "data");
    const char *keys[] = {k1, k2}, *values[] = {v1, v2};

    for (unsigned i = 0; i < 2 && keys[i]; i++) {
        struct buf b = BUF_INIT(1024 * 1024);

        base64_encode(&b, str_c(values[i]));
        json_set_str(json_object_get(v, "data"), keys[i], buf_str(&b));
        buf_fini(&b);
    }
    return v;
}

static int credential_of(json_t *secret, const char *type, struct credential **ret, struct err *err)
{
    struct class_auth auth = {.secret_type = str_c(type)};
    int rc = credential_new(secret, &auth, ret, err);

    json_decref(secret);
    return rc;
}

TEST(credential_basic_and_bearer)
{
    struct credential *c;
    struct str name, value;

    if (CHECK_OK(credential_of(
            secret_of(SECRET_TYPE_BASIC, "username", "Aladdin", "password", "open sesame"),
            SECRET_TYPE_BASIC, &c, NULL))) {
        credential_expose(c, &name, &value);
        CHECK_STR(name, "Authorization");
        CHECK_STR(value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        CHECK_STR(credential_version(c), "u/9");
        CHECK_STR(credential_method(c), "basic");
        credential_unref(credential_ref(c));
        credential_unref(c);
    }
    if (CHECK_OK(credential_of(secret_of(SECRET_TYPE_BEARER, "token", "tok.en", NULL, NULL),
                               SECRET_TYPE_BEARER, &c, NULL))) {
        credential_expose(c, &name, &value);
        CHECK_STR(value, "Bearer tok.en");
        CHECK_STR(credential_method(c), "bearer");
        credential_unref(c);
    }
    if (CHECK_OK(credential_of(secret_of(SECRET_TYPE_BASIC, "username", "", "password", ""),
                               SECRET_TYPE_BASIC, &c, NULL))) { /* as some tools want it */
        credential_expose(c, &name, &value);
        CHECK_STR(value, "Basic Og==");
        credential_unref(c);
    }
}

TEST(credential_bytes_that_no_header_may_carry)
{
    static const char *const tokens[] = {"",     " x",   "x ",   "a b",     "a\nb",
                                         "a\rb", "a\tb", "\x7f", "\xc3\xa9"};
    struct credential *c;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        CHECK_ERR(credential_of(secret_of(SECRET_TYPE_BEARER, "token", tokens[i], NULL, NULL),
                                SECRET_TYPE_BEARER, &c, &err),
                  ERR_INVALID);
        CHECK(strstr(err.msg, "token") != NULL);
        if (strlen(tokens[i]) > 2)
            CHECK(strstr(err.msg, tokens[i]) == NULL);
    }
    CHECK_ERR(credential_of(secret_of(SECRET_TYPE_BASIC, "username", "a:b", "password", "x"),
                            SECRET_TYPE_BASIC, &c, &err),
              ERR_INVALID);
}

TEST(credential_missing_keys_and_odd_data)
{
    struct credential *c;
    struct err err;
    json_t *odd = secret_of(SECRET_TYPE_BEARER, NULL, NULL, NULL, NULL);

    CHECK_ERR(credential_of(secret_of(SECRET_TYPE_BASIC, "username", "a", NULL, NULL),
                            SECRET_TYPE_BASIC, &c, &err),
              ERR_INVALID);
    CHECK(strstr(err.msg, "'password'") != NULL);
    CHECK_ERR(credential_of(secret_of(SECRET_TYPE_BEARER, NULL, NULL, NULL, NULL),
                            SECRET_TYPE_BEARER, &c, &err),
              ERR_INVALID);
    json_set_str(json_object_get(odd, "data"), "token", STR("!!!"));
    CHECK_ERR(credential_of(odd, SECRET_TYPE_BEARER, &c, &err), ERR_INVALID);
    CHECK(strstr(err.msg, "!!!") == NULL);
    odd = secret_of(SECRET_TYPE_BEARER, NULL, NULL, NULL, NULL);
    json_set(json_object_get(odd, "data"), "token", json_integer(5));
    CHECK_ERR(credential_of(odd, SECRET_TYPE_BEARER, &c, &err), ERR_INVALID);
    CHECK_ERR(credential_of(secret_of("Opaque", "k", "v", NULL, NULL), "Opaque", &c, &err),
              ERR_METHOD);
}

TEST(credential_length_limit)
{
    char *token = xmalloc(64 * 1024 + 2);
    struct credential *c;

    memset(token, 'x', 64 * 1024 + 1);
    token[64 * 1024 + 1] = '\0';
    CHECK_ERR(credential_of(secret_of(SECRET_TYPE_BEARER, "token", token, NULL, NULL),
                            SECRET_TYPE_BEARER, &c, NULL),
              ERR_INVALID);
    token[64 * 1024] = '\0';
    if (CHECK_OK(credential_of(secret_of(SECRET_TYPE_BEARER, "token", token, NULL, NULL),
                               SECRET_TYPE_BEARER, &c, NULL)))
        credential_unref(c);
    free(token);
}

TEST(credential_is_recognized_in_any_form_it_was_sent_in)
{
    struct credential *c;

    if (CHECK_OK(credential_of(
            secret_of(SECRET_TYPE_BASIC, "username", "Aladdin", "password", "open sesame"),
            SECRET_TYPE_BASIC, &c, NULL))) {
        CHECK(credential_is_in(c, STR("x=Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")));
        CHECK(credential_is_in(c, STR("QWxhZGRpbjpvcGVuIHNlc2FtZQ==")));
        CHECK(credential_is_in(c, STR("user Aladdin, password 'open sesame'")));
        CHECK(!credential_is_in(c, STR("Basic")));
        CHECK(!credential_is_in(c, STR("Aladdin")));
        CHECK(!credential_is_in(c, STR("open sesam")));
        CHECK(!credential_is_in(c, STR_NONE));
        credential_unref(c);
    }
    /* A password of few letters stands everywhere. */
    if (CHECK_OK(credential_of(secret_of(SECRET_TYPE_BASIC, "username", "u", "password", "e"),
                               SECRET_TYPE_BASIC, &c, NULL))) {
        CHECK(!credential_is_in(c, STR("text/plain; charset=utf-8 e")));
        CHECK(credential_is_in(c, STR("dTpl") /* too short */) == false);
        credential_unref(c);
    }
}

/* --- the rules */

static const struct connector CONNECTOR = {
    .ns = STR_INIT("team"),
    .class_name = STR_INIT("git"),
    .secret_ns = STR_INIT("team"),
    .secret_name = STR_INIT("s"),
};

static const char *judge(const struct connector *c, const struct class_auth *auth, json_t *secret)
{
    struct arena *a = arena_new();
    struct secretrule_result result;

    secretrule_check(a, c, auth, secret, &result);
    CHECK(result.ok || result.message.n > 0);
    arena_free(a);
    json_decref(secret);
    return result.reason;
}

TEST(secretrule_every_reason)
{
    struct class_auth basic = {.name = STR("basic"), .secret_type = STR(SECRET_TYPE_BASIC)};
    struct class_auth optional = basic;
    struct connector none = CONNECTOR, foreign = CONNECTOR;
    struct str need[] = {STR_INIT("need")};
    struct class_auth custom = {.secret_type = STR("Opaque"), .keys = need, .key_count = 1};

    optional.optional = true;
    none.secret_name = STR_NONE;
    foreign.secret_ns = STR("kube-system");
    CHECK_STR(
        judge(&CONNECTOR, &basic, secret_of(SECRET_TYPE_BASIC, "username", "a", "password", "b")),
        "SecretValid");
    CHECK_STR(judge(&none, &optional, NULL), "SecretOptional");
    CHECK_STR(judge(&none, NULL, NULL), "SecretOptional");
    CHECK_STR(judge(&none, &basic, NULL), "SecretRequired");
    CHECK_STR(judge(&CONNECTOR, &basic, NULL), "SecretNotFound");
    CHECK_STR(judge(&CONNECTOR, &optional, NULL), "SecretNotFound");
    CHECK_STR(judge(&CONNECTOR, NULL, secret_of("Opaque", NULL, NULL, NULL, NULL)), "InvalidSpec");
    CHECK_STR(
        judge(&foreign, &basic, secret_of(SECRET_TYPE_BASIC, "username", "a", "password", "b")),
        "SecretForbidden");
    CHECK_STR(judge(&CONNECTOR, &basic, secret_of("Opaque", "username", "a", "password", "b")),
              "SecretTypeMismatch");
    CHECK_STR(judge(&CONNECTOR, &basic, secret_of(SECRET_TYPE_BASIC, "username", "a", NULL, NULL)),
              "SecretKeyMissing");
    CHECK_STR(judge(&CONNECTOR, &custom, secret_of("Opaque", "other", "a", NULL, NULL)),
              "SecretKeyMissing");
    CHECK_STR(judge(&CONNECTOR, &custom, secret_of("Opaque", "need", "a", NULL, NULL)),
              "SecretValid");
}

TEST(secretrule_refused_types)
{
    struct class_auth any = {.name = STR("any")};
    struct class_auth same = {.secret_type = STR(SECRET_TYPE_SA_TOKEN)};

    CHECK_STR(judge(&CONNECTOR, &any, secret_of(SECRET_TYPE_SA_TOKEN, "token", "x", NULL, NULL)),
              "SecretForbidden");
    CHECK_STR(judge(&CONNECTOR, &same, secret_of(SECRET_TYPE_SA_TOKEN, "token", "x", NULL, NULL)),
              "SecretForbidden");
    CHECK_STR(judge(&CONNECTOR, &any,
                    secret_of("bootstrap.kubernetes.io/token", "token-id", "x", NULL, NULL)),
              "SecretForbidden");
    CHECK(!secretrule_is_refused_type(STR("kubernetes.io/basic-auth")));
    CHECK(!secretrule_is_refused_type(STR("")));
}
