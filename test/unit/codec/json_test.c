/*
 * JSON: what is refused, the nesting limit, the writer, paths and setters.
 */
#include "codec/json.h"

#include "rig.h"
#include "unit.h"

static bool formats_as(const char *text, const char *wanted)
{
    json_t *v JSON_OWNED = rig_value(text);
    struct buf b = BUF_INIT(10000);
    bool ok;

    json_format(v, &b);
    ok = CHECK_STR(buf_str(&b), wanted);
    buf_fini(&b);
    return ok;
}

TEST(json_writer)
{
    formats_as(" { \"b\" : 1 , \"a\" : [ true , false , null ] } ",
               "{\"b\":1,\"a\":[true,false,null]}");
    formats_as("[]", "[]");
    formats_as("{}", "{}");
    formats_as("[[],{}]", "[[],{}]");
    formats_as("\"a\\\"\\\\\\n\\u00e4\\ud83d\\ude00/\"",
               "\"a\\\"\\\\\\n\xc3\xa4\xf0\x9f\x98\x80/\"");
    formats_as("0.1", "0.1");
    formats_as("1.0", "1.0");
    formats_as("1e3", "1000.0");
    formats_as("1.7976931348623157e308", "1.7976931348623157e+308");
    formats_as("0.30000000000000004", "0.30000000000000004");
    formats_as("-0", "0");
    formats_as("9223372036854775807", "9223372036854775807");
    formats_as("-9223372036854775808", "-9223372036854775808");
}

TEST(json_canonical_form)
{
    json_t *v JSON_OWNED =
        rig_value("{\"b\":{\"z\":1,\"a\":2},\"a\":[{\"d\":1,\"c\":2}],\"aa\":0}");
    struct buf b = BUF_INIT(1000);

    json_format_canonical(v, &b);
    CHECK_STR(buf_str(&b), "{\"a\":[{\"c\":2,\"d\":1}],\"aa\":0,\"b\":{\"a\":2,\"z\":1}}");
    buf_fini(&b);
}

TEST(json_errors_quote_nothing)
{
    static const struct str cases[] = {
        STR_INIT("{\"password\":\"hunter2\\u0000\"}"),
        STR_INIT("{\"a\":1,\"hunter2\":1,\"hunter2\":2}"),
        STR_INIT("{\"a\":hunter2}"),
        STR_INIT("[\"hunter2\" \"b\"]"),
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {0};
        json_t *v = NULL;

        CHECK_ERR(json_parse(cases[i], &v, &err), ERR_BADREQUEST);
        CHECK(strstr(err.msg, "hunter2") == NULL);
        CHECK(strstr(err.msg, "line 1 column") != NULL);
    }
}

TEST(json_refuses)
{
    static const struct str cases[] = {
        STR_INIT(""),
        STR_INIT(" "),
        STR_INIT("{"),
        STR_INIT("}"),
        STR_INIT("[1,]"),
        STR_INIT("{\"a\":1,}"),
        STR_INIT("{\"a\" 1}"),
        STR_INIT("{a:1}"),
        STR_INIT("{'a':1}"),
        STR_INIT("{1:1}"),
        STR_INIT("{\"a\":1,\"a\":2}"),
        STR_INIT("[{\"a\":{\"b\":1,\"b\":1}}]"),
        STR_INIT("{\"a\":1,\"\\u0061\":2}"),
        STR_INIT("1 2"),
        STR_INIT("{} x"),
        STR_INIT("{}\0"),
        STR_INIT("nul"),
        STR_INIT("True"),
        STR_INIT("NaN"),
        STR_INIT("Infinity"),
        STR_INIT("01"),
        STR_INIT("+1"),
        STR_INIT(".5"),
        STR_INIT("1."),
        STR_INIT("0x10"),
        STR_INIT("1e999"),
        STR_INIT("9223372036854775808"),
        STR_INIT("\"a"),
        STR_INIT("\"a\nb\""),
        STR_INIT("\"\\x\""),
        STR_INIT("\"\\ud800\""),
        STR_INIT("\"\\udc00\\ud800\""),
        STR_INIT("\"\\u0000\""),
        STR_INIT("{\"a\\u0000b\":1}"),
        STR_INIT("\"\xff\""),
        STR_INIT("\"\xc0\x80\""),
        STR_INIT("\"\xed\xa0\x80\""),
        STR_INIT("\"\xf4\x90\x80\x80\""),
        STR_INIT("\xef\xbb\xbf{}"),
        STR_INIT("/* c */ {}"),
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *v = NULL;
        struct err err;

        if (!CHECK_ERR(json_parse(cases[i], &v, &err), ERR_BADREQUEST))
            CHECK_STR(cases[i], "");
        CHECK(str_starts(str_c(err.msg), STR("JSON line ")));
        CHECK(!v);
    }
}

static int parse_nested(unsigned depth, const char *open, const char *close, struct err *err)
{
    struct buf b = BUF_INIT(100000);
    json_t *v = NULL;
    int rc;

    for (unsigned i = 0; i < depth; i++)
        buf_add_c(&b, open);
    buf_add_c(&b, open[0] == '[' ? "" : "[]");
    for (unsigned i = 0; i < depth; i++)
        buf_add_c(&b, close);
    rc = json_parse(buf_str(&b), &v, err);
    json_decref(v);
    buf_fini(&b);
    return rc;
}

TEST(json_limits_nesting)
{
    json_t *v = NULL;
    struct err err;

    CHECK_OK(parse_nested(JSON_MAX_DEPTH, "[", "]", NULL));
    CHECK_ERR(parse_nested(JSON_MAX_DEPTH + 1, "[", "]", &err), ERR_BADREQUEST);
    CHECK_STR(err.msg, "JSON line 1 column 101: nested deeper than 100");
    CHECK_OK(parse_nested(JSON_MAX_DEPTH - 1, "{\"a\":", "}", NULL));
    CHECK_ERR(parse_nested(JSON_MAX_DEPTH, "{\"a\":", "}", NULL), ERR_BADREQUEST);
    CHECK_ERR(parse_nested(10000, "[", "", NULL), ERR_BADREQUEST);
    /* Brackets in strings do not nest. */
    CHECK_OK(
        json_parse(STR("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
                       "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[\""),
                   &v, NULL));
    json_decref(v);
}

TEST(json_paths)
{
    json_t *v JSON_OWNED =
        rig_value("{\"a\":{\"b\":{\"s\":\"x\",\"n\":null,\"i\":7,\"t\":true}},\"l\":[]}");

    CHECK(json_is_object(json_at(v, "a", "b", NULL)));
    CHECK(json_at(v, NULL) == v);
    CHECK(json_is_null(json_at(v, "a", "b", "n", NULL)));
    CHECK(!json_at(v, "a", "x", "y", NULL));
    CHECK(!json_at(v, "l", "x", NULL));
    CHECK(!json_at(NULL, "a", NULL));
    CHECK_STR(json_str_at(v, "a", "b", "s", NULL), "x");
    CHECK(!json_str_at(v, "a", "b", "i", NULL).p);
    CHECK(!json_str(json_at(v, "a", NULL), "b").p);
    CHECK(!json_str(NULL, "b").p);
    CHECK(!json_str_of(NULL).p);
    CHECK_INT(json_int(json_at(v, "a", "b", NULL), "i", 1), 7);
    CHECK_INT(json_int(json_at(v, "a", "b", NULL), "s", 1), 1);
    CHECK_INT(json_int(v, "missing", 1), 1);
    CHECK(json_bool(json_at(v, "a", "b", NULL), "t", false));
    CHECK(json_bool(json_at(v, "a", "b", NULL), "i", true));
    CHECK(!json_bool(v, "missing", false));
}

TEST(json_setters)
{
    json_t *v JSON_OWNED = json_object();
    json_t *copy;
    struct buf b = BUF_INIT(1000);

    json_set_str(v, "s", STR("ok"));
    json_set_str(v, "bad",
                 STR("a\xff\xc3"
                     "b\xed\xa0\x80\xf0\x9f\x98\x80"));
    json_set_str(v, "none", STR_NONE);
    json_set(json_object_at(v, "o"), "n", json_integer(1));
    json_set(json_object_at(v, "o"), "m", json_integer(2));
    json_set(json_object_at(v, "s2"), "x", json_true());
    copy = json_clone(v);
    json_del(v, "s2");
    json_del(v, "missing");
    (void)json_object_at(v, "s"); /* replaces the string */
    json_format(v, &b);
    CHECK_STR(buf_str(&b), "{\"s\":{},\"bad\":\"a\xef\xbf\xbd\xef\xbf\xbd"
                           "b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xf0\x9f\x98\x80\",\"none\":\"\","
                           "\"o\":{\"n\":1,\"m\":2}}");
    CHECK(json_at(copy, "s2", NULL) != NULL);
    CHECK_STR(json_str(copy, "s"), "ok");
    json_decref(copy);
    buf_fini(&b);
}
