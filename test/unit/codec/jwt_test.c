/*
 * JSON Web Tokens: splitting, refusals, audiences, and that no message quotes the token.
 */
#include "codec/jwt.h"

#include "codec/base64.h"
#include "unit.h"

/* Builds "b64(header).b64(claims).b64(signature)". */
static struct buf token(const char *header, const char *claims, const char *signature)
{
    struct buf b = BUF_INIT(100000);

    base64_url_encode(&b, str_c(header));
    buf_add_char(&b, '.');
    base64_url_encode(&b, str_c(claims));
    jwt_add_signature(&b, str_c(signature));
    return b;
}

TEST(jwt_parts)
{
    struct buf b = token("{\"alg\":\"ES256\"}", "{\"sub\":\"s\",\"aud\":[\"a\",\"b\"]}", "sig");
    struct jwt jwt;

    if (!CHECK_OK(jwt_parse(buf_str(&b), &jwt, NULL)))
        return;
    CHECK_STR(json_str(jwt.header, "alg"), "ES256");
    CHECK_STR(json_str(jwt.claims, "sub"), "s");
    CHECK_STR(buf_str(&jwt.signature), "sig");
    CHECK_INT(jwt.signed_part.n, b.len - 5);
    CHECK(jwt_has_audience(jwt.claims, STR("b")));
    CHECK(!jwt_has_audience(jwt.claims, STR("c")));
    CHECK(!jwt_has_audience(jwt.claims, STR("")));
    jwt_fini(&jwt);
    jwt_fini(&jwt);
    buf_fini(&b);
}

TEST(jwt_audiences)
{
    static const struct {
        const char *claims;
        bool has;
    } cases[] = {
        {"{\"aud\":\"a\"}", true},      {"{\"aud\":[\"a\"]}", true},
        {"{\"aud\":[1,\"a\"]}", true},  {"{}", false},
        {"{\"aud\":\"ab\"}", false},    {"{\"aud\":[]}", false},
        {"{\"aud\":[[\"a\"]]}", false}, {"{\"aud\":{\"a\":1}}", false},
        {"{\"aud\":null}", false},      {"{\"aud\":\"A\"}", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *v JSON_OWNED = NULL;

        CHECK_OK(json_parse(str_c(cases[i].claims), &v, NULL));
        CHECK_INT(jwt_has_audience(v, STR("a")), cases[i].has);
    }
    CHECK(!jwt_has_audience(NULL, STR("a")));
}

static void refuses(struct str text)
{
    struct jwt jwt;
    struct err err = {0};

    if (!CHECK_ERR(jwt_parse(text, &jwt, &err), ERR_BADREQUEST))
        CHECK_STR(text, "");
    CHECK(str_find(str_c(err.msg), STR("canary")) < 0);
    CHECK(str_find(str_c(err.msg), STR("Y2FuYXJ5")) < 0);
}

TEST(jwt_refuses)
{
    static const char *const parts[][3] = {
        {"[]", "{}", "s"},
        {"{}", "[]", "s"},
        {"{}", "\"canary\"", "s"},
        {"{}", "{\"canary\":1,\"canary\":2}", "s"},
        {"{\"alg\":1,\"alg\":2}", "{}", "s"},
        {"{}", "{\"canary\":", "s"},
        {"{}", "canary", "s"},
        {"", "{}", "s"},
        {"{}", "", "s"},
        {"{}", "{}", ""},
    };
    static const struct str raw[] = {
        STR_INIT(""),
        STR_INIT("."),
        STR_INIT(".."),
        STR_INIT("..."),
        STR_INIT("canary"),
        STR_INIT("e30.e30"),
        STR_INIT("e30.e30."),
        STR_INIT("e30.e30.c2ln.c2ln"),
        STR_INIT("e30=.e30.c2ln"),
        STR_INIT("e30.e30.c2l="),
        STR_INIT("e30.e30.c"),
        STR_INIT("e3 0.e30.c2ln"),
        STR_INIT("e30.e30.c2ln\n"),
        STR_INIT("e30.e30.+/+/"),
        STR_INIT("Bearer e30.e30.c2ln"),
        STR_INIT("e30.Y2FuYXJ5.c2ln"),
    };

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        struct buf b = token(parts[i][0], parts[i][1], parts[i][2]);

        refuses(buf_str(&b));
        buf_fini(&b);
    }
    for (size_t i = 0; i < ARRAY_LEN(raw); i++)
        refuses(raw[i]);
}

TEST(jwt_limits_its_length)
{
    struct buf b = BUF_INIT(100000);
    struct jwt jwt;

    buf_add_c(&b, "e30.e30.");
    while (b.len < JWT_MAX_BYTES)
        buf_add_char(&b, 'A');
    CHECK_OK(jwt_parse(buf_str(&b), &jwt, NULL));
    jwt_fini(&jwt);
    buf_add_c(&b, "AAAA");
    CHECK_ERR(jwt_parse(buf_str(&b), &jwt, NULL), ERR_BADREQUEST);
    CHECK_ERR(jwt_parse(str_head(buf_str(&b), JWT_MAX_BYTES + 1), &jwt, NULL), ERR_BADREQUEST);
    buf_fini(&b);
}

TEST(jwt_round_trip)
{
    json_t *header JSON_OWNED = json_pack("{s:s,s:s}", "alg", "ES256", "kid", "k1");
    json_t *claims JSON_OWNED = json_pack("{s:s,s:i}", "iss", "https://x", "exp", 12);
    struct buf b = BUF_INIT(10000);
    struct jwt jwt;

    jwt_format_unsigned(header, claims, &b);
    jwt_add_signature(&b, STR("\xff\xfe"));
    if (CHECK_OK(jwt_parse(buf_str(&b), &jwt, NULL))) {
        CHECK(json_equal(header, jwt.header));
        CHECK(json_equal(claims, jwt.claims));
        CHECK_STR(buf_str(&jwt.signature), "\xff\xfe");
        jwt_fini(&jwt);
    }
    buf_fini(&b);
}
