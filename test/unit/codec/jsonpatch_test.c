/*
 * JSON Patch with the cases of RFC 6902, appendix A; merge patch with those of RFC 7386, appendix A; and the
 * patch of a three-way apply.
 */
#include "codec/jsonpatch.h"

#include "rig.h"
#include "unit.h"

static const struct {
    const char *target, *patch, *result;
} APPLIED[] = {
    /* RFC 6902, A.1 to A.5 */
    {"{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\"}]",
     "{\"baz\":\"qux\",\"foo\":\"bar\"}"},
    {"{\"foo\":[\"bar\",\"baz\"]}", "[{\"op\":\"add\",\"path\":\"/foo/1\",\"value\":\"qux\"}]",
     "{\"foo\":[\"bar\",\"qux\",\"baz\"]}"},
    {"{\"baz\":\"qux\",\"foo\":\"bar\"}", "[{\"op\":\"remove\",\"path\":\"/baz\"}]",
     "{\"foo\":\"bar\"}"},
    {"{\"foo\":[\"bar\",\"qux\",\"baz\"]}", "[{\"op\":\"remove\",\"path\":\"/foo/1\"}]",
     "{\"foo\":[\"bar\",\"baz\"]}"},
    {"{\"baz\":\"qux\",\"foo\":\"bar\"}",
     "[{\"op\":\"replace\",\"path\":\"/baz\",\"value\":\"boo\"}]",
     "{\"baz\":\"boo\",\"foo\":\"bar\"}"},
    /* A.6, A.7 */
    {"{\"foo\":{\"bar\":\"baz\",\"waldo\":\"fred\"},\"qux\":{\"corge\":\"grault\"}}",
     "[{\"op\":\"move\",\"from\":\"/foo/waldo\",\"path\":\"/qux/thud\"}]",
     "{\"foo\":{\"bar\":\"baz\"},\"qux\":{\"corge\":\"grault\",\"thud\":\"fred\"}}"},
    {"{\"foo\":[\"all\",\"grass\",\"cows\",\"eat\"]}",
     "[{\"op\":\"move\",\"from\":\"/foo/1\",\"path\":\"/foo/3\"}]",
     "{\"foo\":[\"all\",\"cows\",\"eat\",\"grass\"]}"},
    /* A.8 */
    {"{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}",
     "[{\"op\":\"test\",\"path\":\"/baz\",\"value\":\"qux\"},"
     "{\"op\":\"test\",\"path\":\"/foo/1\",\"value\":2}]",
     "{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}"},
    /* A.10, A.11 */
    {"{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/child\",\"value\":{\"grandchild\":{}}}]",
     "{\"foo\":\"bar\",\"child\":{\"grandchild\":{}}}"},
    {"{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\",\"xyz\":123}]",
     "{\"foo\":\"bar\",\"baz\":\"qux\"}"},
    /* A.14, A.16 */
    {"{\"/\":9,\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":10}]",
     "{\"/\":9,\"~1\":10}"},
    {"{\"foo\":[\"bar\"]}", "[{\"op\":\"add\",\"path\":\"/foo/-\",\"value\":[\"abc\",\"def\"]}]",
     "{\"foo\":[\"bar\",[\"abc\",\"def\"]]}"},
    /* more */
    {"{\"a\":1}", "[]", "{\"a\":1}"},
    {"{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"\",\"value\":[1]}]", "[1]"},
    {"{\"a\":1}", "[{\"op\":\"add\",\"path\":\"\",\"value\":null}]", "null"},
    {"{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":null}]", "{\"a\":null}"},
    {"{\"\":1}", "[{\"op\":\"replace\",\"path\":\"/\",\"value\":2}]", "{\"\":2}"},
    {"{\"a/b\":{\"m~n\":1}}", "[{\"op\":\"remove\",\"path\":\"/a~1b/m~0n\"}]", "{\"a/b\":{}}"},
    {"[1,2]", "[{\"op\":\"replace\",\"path\":\"/0\",\"value\":{\"x\":1}}]", "[{\"x\":1},2]"},
    {"[1,2]", "[{\"op\":\"add\",\"path\":\"/2\",\"value\":3}]", "[1,2,3]"},
    {"{\"a\":{\"b\":1}}", "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/c\"}]",
     "{\"a\":{\"b\":1,\"c\":{\"b\":1}}}"},
    {"{\"a\":1}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a\"}]", "{\"a\":1}"},
    {"{\"a\":1,\"ab\":2}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/ab\"}]", "{\"ab\":1}"},
    {"{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"/a/b\",\"path\":\"\"}]", "1"},
    {"{\"a\":1.0}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":1}]", "{\"a\":1.0}"},
    {"{\"a\":{\"x\":1,\"y\":[2]}}",
     "[{\"op\":\"test\",\"path\":\"/a\",\"value\":{\"y\":[2.0],\"x\":1}}]",
     "{\"a\":{\"x\":1,\"y\":[2]}}"},
};

TEST(jsonpatch_applies)
{
    for (size_t i = 0; i < ARRAY_LEN(APPLIED); i++) {
        json_t *target JSON_OWNED = rig_value(APPLIED[i].target);
        json_t *patch JSON_OWNED = rig_value(APPLIED[i].patch);
        json_t *result JSON_OWNED = NULL;
        struct err err = {0};

        if (CHECK_OK(jsonpatch_apply(target, patch, &result, &err)))
            rig_is_value(result, APPLIED[i].result);
        else
            CHECK_STR(err.msg, APPLIED[i].patch);
        rig_is_value(target, APPLIED[i].target);
        rig_is_value(patch, APPLIED[i].patch);
    }
}

static const struct {
    const char *target, *patch;
    enum err_code code;
} REFUSED[] = {
    /* RFC 6902, A.9, A.12, A.13 (the duplicate "op" is refused by the JSON parser), A.15 */
    {"{\"baz\":\"qux\"}", "[{\"op\":\"test\",\"path\":\"/baz\",\"value\":\"bar\"}]", ERR_INVALID},
    {"{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz/bat\",\"value\":\"qux\"}]",
     ERR_INVALID},
    {"{\"/\":9,\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":\"10\"}]", ERR_INVALID},
    /* paths */
    {"{}", "[{\"op\":\"remove\",\"path\":\"/a\"}]", ERR_INVALID},
    {"{}", "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":1}]", ERR_INVALID},
    {"{}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":null}]", ERR_INVALID},
    {"{}", "[{\"op\":\"remove\",\"path\":\"\"}]", ERR_INVALID},
    {"{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a/b\",\"value\":1}]", ERR_INVALID},
    {"{\"a\":\"s\"}", "[{\"op\":\"add\",\"path\":\"/a/0\",\"value\":1}]", ERR_INVALID},
    {"[1]", "[{\"op\":\"add\",\"path\":\"/2\",\"value\":1}]", ERR_INVALID},
    {"[1]", "[{\"op\":\"remove\",\"path\":\"/1\"}]", ERR_INVALID},
    {"[1]", "[{\"op\":\"remove\",\"path\":\"/-\"}]", ERR_INVALID},
    {"[1]", "[{\"op\":\"replace\",\"path\":\"/-\",\"value\":1}]", ERR_INVALID},
    {"[1,2]", "[{\"op\":\"remove\",\"path\":\"/01\"}]", ERR_INVALID},
    {"[1,2]", "[{\"op\":\"remove\",\"path\":\"/-1\"}]", ERR_INVALID},
    {"[1,2]", "[{\"op\":\"remove\",\"path\":\"/1e0\"}]", ERR_INVALID},
    {"[1,2]", "[{\"op\":\"remove\",\"path\":\"/\"}]", ERR_INVALID},
    {"[1,2]", "[{\"op\":\"add\",\"path\":\"/99999999999999999999\",\"value\":1}]", ERR_INVALID},
    {"[1,2]", "[{\"op\":\"add\",\"path\":\"/18446744073709551615\",\"value\":1}]", ERR_INVALID},
    {"{\"a\":{}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/b\"}]", ERR_INVALID},
    {"{\"a\":{}}", "[{\"op\":\"move\",\"from\":\"\",\"path\":\"/b\"}]", ERR_INVALID},
    {"{}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/b\"}]", ERR_INVALID},
    {"{}", "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/b\"}]", ERR_INVALID},
    {"{\"a\":[1]}", "[{\"op\":\"move\",\"from\":\"/a/0\",\"path\":\"/a/1\"}]", ERR_INVALID},
    {"{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":true}]", ERR_INVALID},
    {"{\"a\":[1,2]}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":[2,1]}]", ERR_INVALID},
    {"{\"a\":[1]}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":[1,1]}]", ERR_INVALID},
    {"{\"a\":{}}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":{\"b\":null}}]", ERR_INVALID},
    /* malformed */
    {"{}", "{}", ERR_BADREQUEST},
    {"{}", "null", ERR_BADREQUEST},
    {"{}", "[1]", ERR_BADREQUEST},
    {"{}", "[{}]", ERR_BADREQUEST},
    {"{}", "[{\"op\":\"spam\",\"path\":\"/a\",\"value\":1}]", ERR_BADREQUEST},
    {"{}", "[{\"op\":\"Add\",\"path\":\"/a\",\"value\":1}]", ERR_BADREQUEST},
    {"{}", "[{\"op\":1,\"path\":\"/a\",\"value\":1}]", ERR_BADREQUEST},
    {"{}", "[{\"path\":\"/a\",\"value\":1}]", ERR_BADREQUEST},
    {"{}", "[{\"op\":\"add\",\"value\":1}]", ERR_BADREQUEST},
    {"{}", "[{\"op\":\"add\",\"path\":null,\"value\":1}]", ERR_BADREQUEST},
    {"{}", "[{\"op\":\"add\",\"path\":\"/a\"}]", ERR_BADREQUEST},
    {"{}", "[{\"op\":\"test\",\"path\":\"\"}]", ERR_BADREQUEST},
    {"{\"a\":1}", "[{\"op\":\"copy\",\"path\":\"/a\"}]", ERR_BADREQUEST},
    {"{\"a\":1}", "[{\"op\":\"move\",\"from\":1,\"path\":\"/a\"}]", ERR_BADREQUEST},
    {"{}", "[{\"op\":\"add\",\"path\":\"a\",\"value\":1}]", ERR_BADREQUEST},
    {"{}", "[{\"op\":\"add\",\"path\":\"/a~\",\"value\":1}]", ERR_BADREQUEST},
    {"{}", "[{\"op\":\"add\",\"path\":\"/a~2\",\"value\":1}]", ERR_BADREQUEST},
    /* nothing of a patch stays when a later operation fails */
    {"{}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":1},{\"op\":\"remove\",\"path\":\"/b\"}]",
     ERR_INVALID},
};

TEST(jsonpatch_refuses)
{
    for (size_t i = 0; i < ARRAY_LEN(REFUSED); i++) {
        json_t *target JSON_OWNED = rig_value(REFUSED[i].target);
        json_t *patch JSON_OWNED = rig_value(REFUSED[i].patch);
        json_t *result JSON_OWNED = NULL;

        if (!CHECK_ERR(jsonpatch_apply(target, patch, &result, NULL), REFUSED[i].code))
            CHECK_STR(REFUSED[i].patch, "");
        CHECK(!result);
        rig_is_value(target, REFUSED[i].target);
    }
}

/* Applies `count` times the same operation to `target`. */
static int apply_often(const char *target, const char *op, size_t count, json_t **ret_value)
{
    json_t *v JSON_OWNED = rig_value(target);
    json_t *one JSON_OWNED = rig_value(op);
    json_t *patch JSON_OWNED = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append(patch, one);
    return jsonpatch_apply(v, patch, ret_value, NULL);
}

TEST(jsonpatch_limits_operations)
{
    static const char op[] = "{\"op\":\"test\",\"path\":\"\",\"value\":{}}";
    json_t *v = NULL;

    CHECK_OK(apply_often("{}", op, JSONPATCH_MAX_OPS, &v));
    json_decref(v);
    CHECK_ERR(apply_often("{}", op, JSONPATCH_MAX_OPS + 1, &v), ERR_TOOBIG);
}

TEST(jsonpatch_limits_what_copies_add)
{
    json_t *v = NULL;
    struct buf target = BUF_INIT(JSONPATCH_MAX_COPY_BYTES);

    /* Doubling: without the limit 30 of these are 2^30 values. */
    CHECK_ERR(
        apply_often("{\"a\":[1]}", "{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/-\"}", 30, &v),
        ERR_TOOBIG);
    /* 1 MiB less the cost of a node, so that three fit exactly but for a byte. */
    buf_add_c(&target, "[\"");
    while (target.len < (1 << 20) - 16 + 2)
        buf_add_char(&target, 'x');
    buf_add_c(&target, "\"]");
    CHECK_OK(
        apply_often(buf_c(&target), "{\"op\":\"copy\",\"from\":\"/0\",\"path\":\"/-\"}", 2, &v));
    json_decref(v);
    v = NULL;
    CHECK_ERR(
        apply_often(buf_c(&target), "{\"op\":\"copy\",\"from\":\"/0\",\"path\":\"/-\"}", 3, &v),
        ERR_TOOBIG);
    buf_fini(&target);
}

TEST(jsonpatch_limits_nesting)
{
    json_t *v = NULL;

    /* Each copy of the root into itself adds one level. */
    CHECK_OK(apply_often("[]", "{\"op\":\"add\",\"path\":\"\",\"value\":[[]]}", 1, &v));
    json_decref(v);
    v = NULL;
    CHECK_ERR(
        apply_often("{\"a\":{}}", "{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/b\"}", 120, &v),
        ERR_INVALID);
}

static const struct {
    const char *target, *patch, *result;
} MERGED[] = {
    /* RFC 7386, appendix A */
    {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
    {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
    {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
    {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
    {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
    {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
    {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
    {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
    {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
    {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
    {"{\"a\":\"foo\"}", "null", "null"},
    {"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
    {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
    {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
    {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
};

TEST(jsonpatch_merges)
{
    for (size_t i = 0; i < ARRAY_LEN(MERGED); i++) {
        json_t *target JSON_OWNED = rig_value(MERGED[i].target);
        json_t *patch JSON_OWNED = rig_value(MERGED[i].patch);
        json_t *result JSON_OWNED = jsonpatch_merge(target, patch);

        rig_is_value(result, MERGED[i].result);
        rig_is_value(target, MERGED[i].target);
        rig_is_value(patch, MERGED[i].patch);
    }
}

static const struct {
    const char *last, *modified, *live, *patch;
} APPLIES[] = {
    {"{}", "{}", "{}", "{}"},
    {"{\"a\":1}", "{\"a\":1}", "{\"a\":1,\"status\":{}}", "{}"},
    {"{\"a\":1}", "{\"a\":2}", "{\"a\":1}", "{\"a\":2}"},
    {"{\"a\":1}", "{\"a\":1}", "{\"a\":3}", "{\"a\":1}"},
    {"{\"a\":1}", "{\"a\":1}", "{}", "{\"a\":1}"},
    {"{\"a\":1,\"b\":1}", "{\"a\":1}", "{\"a\":1,\"b\":2}", "{\"b\":null}"},
    {"{\"a\":1,\"b\":1}", "{\"a\":1}", "{\"a\":1}", "{}"},
    {"{\"m\":{\"x\":1,\"y\":1}}", "{\"m\":{\"x\":1}}", "{\"m\":{\"x\":1,\"y\":1,\"z\":1}}",
     "{\"m\":{\"y\":null}}"},
    {"{\"m\":{\"x\":1}}", "{\"m\":{\"x\":1}}", "{\"m\":{\"x\":1,\"z\":1}}", "{}"},
    {"{\"m\":{\"x\":1}}", "{}", "{\"m\":{\"x\":1,\"z\":1}}", "{\"m\":null}"},
    {"{}", "{\"l\":[1,2]}", "{\"l\":[1]}", "{\"l\":[1,2]}"},
    {"{}", "{\"l\":[{\"a\":1.0}]}", "{\"l\":[{\"a\":1}]}", "{}"},
    {"{}", "{\"m\":{\"x\":1}}", "{\"m\":\"text\"}", "{\"m\":{\"x\":1}}"},
    {"{}", "{\"a\":null}", "{}", "{}"},
    {"{}", "{\"a\":null}", "{\"a\":1}", "{\"a\":null}"},
    {"null", "{\"a\":1}", "{\"b\":1}", "{\"a\":1}"},
};

TEST(jsonpatch_of_a_three_way_apply)
{
    for (size_t i = 0; i < ARRAY_LEN(APPLIES); i++) {
        json_t *last JSON_OWNED = rig_value(APPLIES[i].last);
        json_t *modified JSON_OWNED = rig_value(APPLIES[i].modified);
        json_t *live JSON_OWNED = rig_value(APPLIES[i].live);
        json_t *patch JSON_OWNED = jsonpatch_three_way(last, modified, live);

        rig_is_value(patch, APPLIES[i].patch);
    }
}
