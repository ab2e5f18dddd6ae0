/*
 * Selectors: the cases and messages of apimachinery's label and field selectors, and LabelSelector objects.
 */
#include "lang/selector.h"

#include "unit.h"

static struct selector *labels(const char *text)
{
    struct selector *s = NULL;
    struct err err = {0};

    if (!CHECK_OK(selector_parse_labels(str_c(text), &s, &err)))
        CHECK_STR(err.msg, text);
    return s;
}

static bool matches(const char *text, const char *object)
{
    struct selector *s CLEANUP(selector_freep) = labels(text);
    json_t *v JSON_OWNED = NULL;

    CHECK_OK(json_parse(str_c(object), &v, NULL));
    return s && selector_match_labels(s, v);
}

TEST(selector_labels_match)
{
    static const struct {
        const char *selector, *labels;
        bool matches;
    } cases[] = {
        {"", "{}", true},
        {"", "{\"x\":\"y\"}", true},
        {" ", "{\"x\":\"y\"}", true},
        {"x=y", "{\"x\":\"y\"}", true},
        {"x==y", "{\"x\":\"y\"}", true},
        {"x=y", "{\"x\":\"z\"}", false},
        {"x=y", "{}", false},
        {"x=", "{\"x\":\"\"}", true},
        {"x=", "{}", false},
        {"x=y,z=w", "{\"x\":\"y\",\"z\":\"w\"}", true},
        {"x=y,z=w", "{\"x\":\"y\"}", false},
        {"x!=y", "{\"x\":\"z\"}", true},
        {"x!=y", "{}", true},
        {"x!=y", "{\"x\":\"y\"}", false},
        {"x!=y,z!=w", "{\"x\":\"a\",\"z\":\"w\"}", false},
        {"x", "{\"x\":\"\"}", true},
        {"x", "{\"y\":\"\"}", false},
        {"!x", "{\"y\":\"\"}", true},
        {"! x", "{\"x\":\"1\"}", false},
        {"x in (a,b,c)", "{\"x\":\"b\"}", true},
        {"x in (a,b,c)", "{\"x\":\"d\"}", false},
        {"x in (a,b,c)", "{}", false},
        {"x in ()", "{\"x\":\"\"}", true},
        {"x in (,a)", "{\"x\":\"\"}", true},
        {"x in (a,)", "{\"x\":\"\"}", true},
        {"x in (a,,b)", "{\"x\":\"\"}", true},
        {"x notin (a,b)", "{\"x\":\"c\"}", true},
        {"x notin (a,b)", "{\"x\":\"a\"}", false},
        {"x notin (a,b)", "{}", true},
        {"x notin ()", "{\"x\":\"\"}", false},
        {"x>5", "{\"x\":\"6\"}", true},
        {"x>5", "{\"x\":\"5\"}", false},
        {"x<5", "{\"x\":\"-1\"}", true},
        {"x<5", "{\"x\":\"four\"}", false},
        {"x>5", "{}", false},
        {"in=notin", "{\"in\":\"notin\"}", true},
        {"in in (in)", "{\"in\":\"in\"}", true},
        {"notin notin (x)", "{\"notin\":\"y\"}", true},
        {"a.b/c-d_e=F", "{\"a.b/c-d_e\":\"F\"}", true},
        {"\tx\n =\r y ", "{\"x\":\"y\"}", true},
        {"a,!b,c=d,e in (f)", "{\"a\":\"1\",\"c\":\"d\",\"e\":\"f\"}", true},
        {"x=1", "{\"x\":1}", false},
        {"x=y", "null", false},
        {"x=y", "[]", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (!CHECK_INT(matches(cases[i].selector, cases[i].labels), cases[i].matches))
            CHECK_STR(cases[i].selector, cases[i].labels);
}

TEST(selector_labels_refuse)
{
    static const struct {
        const char *selector, *message;
    } cases[] = {
        {"x in", "unable to parse requirement: found '', expected: '('"},
        {"x=a||y=b", "unable to parse requirement: values[0][x]: Invalid value: \"a||y\""},
        {"x==a==b", "found '==', expected: ',' or 'end of string'"},
        {"!x=a", "found '=', expected: ',' or 'end of string'"},
        {"x<a", "unable to parse requirement: values[0]: Invalid value: \"a\": for 'Gt', 'Lt' "
                "operators, the value must be an integer"},
        {"x>", "unable to parse requirement: values[0]: Invalid value: \"\""},
        {"x>1.5", NULL},
        {"x>9223372036854775808", NULL},
        {"x=y,", "found '', expected: identifier after ','"},
        {",x=y", "found ',', expected: !, identifier, or 'end of string'"},
        {"x=y,,z=w", "found ',', expected: identifier after ','"},
        {"=y", "found '=', expected: !, identifier, or 'end of string'"},
        {"x y", "unable to parse requirement: found 'y', expected: in, notin, =, ==, !=, gt, lt"},
        {"x=y z", "found 'z', expected: ',' or 'end of string'"},
        {"x in a", NULL},
        {"x in (a", NULL},
        {"x in (a b)", NULL},
        {"x in a)", NULL},
        {"x in (a))", NULL},
        {"x in ((a))", NULL},
        {"x in (!a)", NULL},
        {"x notin", NULL},
        {"(x)", NULL},
        {"!", "unable to parse requirement: found '', expected: identifier"},
        {"!!x", "unable to parse requirement: found '!', expected: identifier"},
        {"!,x", NULL},
        {"x=(", NULL},
        {"x=!y", NULL},
        {"x!y", NULL},
        {"x=>y", NULL},
        {"a/b/c", "unable to parse requirement: <nil>: Invalid value: \"a/b/c\": a qualified name "
                  "must consist of"},
        {"/b", "unable to parse requirement: <nil>: Invalid value: \"/b\": prefix part must be "
               "non-empty"},
        {"a/", "unable to parse requirement: <nil>: Invalid value: \"a/\": name part must be "
               "non-empty; name part must consist of"},
        {"A/b", NULL},
        {"a..b/c", NULL},
        {"-a", NULL},
        {"a-", NULL},
        {"a%", NULL},
        {"x=-a", NULL},
        {"x=a.", NULL},
        {"x=a:b", NULL},
        {"x=\xc3\xa4", NULL},
        {"x in (a,b%)", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct selector *s = NULL;
        struct err err = {0};

        if (!CHECK_ERR(selector_parse_labels(str_c(cases[i].selector), &s, &err), ERR_BADREQUEST))
            CHECK_STR(cases[i].selector, "");
        if (cases[i].message && !str_starts(str_c(err.msg), str_c(cases[i].message)))
            CHECK_STR(err.msg, cases[i].message);
        CHECK(!s);
    }
}

TEST(selector_text_form)
{
    static const struct {
        const char *selector, *text;
    } cases[] = {
        {"", ""},
        {"x = y", "x=y"},
        {"z==1,a!=b,!m,k", "a!=b,k,!m,z=1"},
        {"x in (c,a,b,a)", "x in (a,b,c)"},
        {"x notin ()", "x notin ()"},
        {"x in (,a)", "x in (,a)"},
        {"x>1,y<2", "x>1,y<2"},
        {"x=", "x="},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct selector *s CLEANUP(selector_freep) = labels(cases[i].selector);
        struct buf b = BUF_INIT(1000);

        selector_format(s, &b);
        CHECK_STR(buf_str(&b), cases[i].text);
        buf_fini(&b);
    }
}

static int parse_key_of(size_t prefix, size_t name)
{
    struct selector *s = NULL;
    struct buf b = BUF_INIT(10000);
    int rc;

    for (size_t i = 0; i < prefix; i++)
        buf_add_char(&b, 'p');
    if (prefix > 0)
        buf_add_char(&b, '/');
    for (size_t i = 0; i < name; i++)
        buf_add_char(&b, 'n');
    rc = selector_parse_labels(buf_str(&b), &s, NULL);
    selector_free(s);
    buf_fini(&b);
    return rc;
}

TEST(selector_limits)
{
    struct selector *s = NULL;
    struct buf b = BUF_INIT(SELECTOR_MAX_BYTES + 1);
    char value[65] = "x";

    CHECK_OK(parse_key_of(0, 63));
    CHECK_ERR(parse_key_of(0, 64), ERR_BADREQUEST);
    CHECK_OK(parse_key_of(253, 63));
    CHECK_ERR(parse_key_of(254, 63), ERR_BADREQUEST);
    memset(value, 'v', sizeof(value));
    CHECK(selector_value_check(str_n(value, 63), NULL));
    CHECK(!selector_value_check(str_n(value, 64), NULL));

    buf_add_c(&b, "x in (");
    while (b.len < SELECTOR_MAX_BYTES - 1)
        buf_add_c(&b, b.len % 2 ? "," : "a");
    buf_add_char(&b, ')');
    CHECK_OK(selector_parse_labels(buf_str(&b), &s, NULL));
    selector_free(s);
    s = NULL;
    buf_add_char(&b, ' ');
    CHECK_ERR(selector_parse_labels(buf_str(&b), &s, NULL), ERR_BADREQUEST);
    CHECK_ERR(selector_parse_fields(buf_str(&b), &s, NULL), ERR_BADREQUEST);
    buf_fini(&b);
}

TEST(selector_checks_keys_and_values)
{
    static const char *const keys[] = {"a", "A.b_c-1", "a.b/c", "1/2"};
    static const char *const bad_keys[] = {"",   "/",   "a/",   "/a",   "a/b/c", "a b", "_a",
                                           "a_", "A/b", "a_/b", "-a/b", "a./b",  "a/b."};
    struct buf why = BUF_INIT(2000);

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        CHECK(selector_key_check(str_c(keys[i]), &why));
    CHECK_INT(why.len, 0);
    for (size_t i = 0; i < ARRAY_LEN(bad_keys); i++) {
        buf_reset(&why);
        if (!CHECK(!selector_key_check(str_c(bad_keys[i]), &why)))
            CHECK_STR(bad_keys[i], "");
        CHECK(why.len > 0);
    }
    buf_reset(&why);
    CHECK(selector_value_check(STR(""), &why));
    CHECK(selector_value_check(STR("a.B-c_1"), &why));
    CHECK_INT(why.len, 0);
    CHECK(!selector_value_check(STR("a b"), &why));
    CHECK_STR(buf_str(&why),
              "a valid label must be an empty string or consist of alphanumeric characters, '-', "
              "'_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  "
              "or 'my_value',  or '12345', regex used for validation is "
              "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')");
    buf_fini(&why);
}

/* A field source: an object of strings. */
static bool get_field(void *cookie, struct str name, struct str *ret_value)
{
    const json_t *v = json_object_getn(cookie, name.p, name.n);

    *ret_value = json_str_of(v);
    return v != NULL;
}

static struct selector *fields(const char *text)
{
    struct selector *s = NULL;
    struct err err = {0};

    if (!CHECK_OK(selector_parse_fields(str_c(text), &s, &err)))
        CHECK_STR(err.msg, text);
    return s;
}

TEST(selector_fields_match)
{
    static const struct {
        const char *selector, *object;
        bool matches;
    } cases[] = {
        {"", "{}", true},
        {",,", "{}", true},
        {"metadata.name=x", "{\"metadata.name\":\"x\"}", true},
        {"metadata.name==x", "{\"metadata.name\":\"x\"}", true},
        {"metadata.name=x", "{\"metadata.name\":\"y\"}", false},
        {"metadata.name!=x", "{\"metadata.name\":\"y\"}", true},
        {"metadata.name!=x", "{\"metadata.name\":\"x\"}", false},
        {"a=1,b!=2", "{\"a\":\"1\",\"b\":\"3\"}", true},
        {"a=1,b!=2", "{\"a\":\"1\",\"b\":\"2\"}", false},
        {"a=", "{}", true},
        {"a!=", "{}", false},
        {"a!=", "{\"a\":\"x\"}", true},
        {"a=x\\,y", "{\"a\":\"x,y\"}", true},
        {"a=x\\=y", "{\"a\":\"x=y\"}", true},
        {"a=x\\\\y", "{\"a\":\"x\\\\y\"}", true},
        {"a=x\\\\,b=1", "{\"a\":\"x\\\\\",\"b\":\"1\"}", true},
        {"a=x!y", "{\"a\":\"x!y\"}", true},
        {"a= x", "{\"a\":\" x\"}", true},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct selector *s CLEANUP(selector_freep) = fields(cases[i].selector);
        json_t *v JSON_OWNED = NULL;

        CHECK_OK(json_parse(str_c(cases[i].object), &v, NULL));
        if (s && !CHECK_INT(selector_match(s, get_field, v), cases[i].matches))
            CHECK_STR(cases[i].selector, cases[i].object);
    }
}

TEST(selector_fields_refuse)
{
    static const struct {
        const char *selector, *message;
    } cases[] = {
        {"a", "invalid selector: 'a'; can't understand 'a'"},
        {"a=b,c", "invalid selector: 'a=b,c'; can't understand 'c'"},
        {"a!b", "invalid selector: 'a!b'; can't understand 'a!b'"},
        {"a=b=c", "invalid field selector: unescaped character in value: 61"},
        {"a===b", "invalid field selector: unescaped character in value: 61"},
        {"a=\\b", "invalid field selector: invalid escape sequence: \\b"},
        {"a=b\\", "invalid field selector: invalid escape sequence: \\"},
        {"a in (b)", NULL},
        {"!a", NULL},
        {"a>1", NULL},
        {"\\,", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct selector *s = NULL;
        struct err err = {0};

        if (!CHECK_ERR(selector_parse_fields(str_c(cases[i].selector), &s, &err), ERR_BADREQUEST))
            CHECK_STR(cases[i].selector, "");
        if (cases[i].message)
            CHECK_STR(err.msg, cases[i].message);
        CHECK(!s);
    }
}

TEST(selector_fields_an_object_offers)
{
    static const char *const offered[] = {"metadata.name", "metadata.namespace", NULL};
    struct selector *s CLEANUP(selector_freep) = fields("metadata.name=x,metadata.namespace!=y");
    struct selector *other CLEANUP(selector_freep) = fields("metadata.name=x,spec.nodeName=n");
    struct selector *nameless CLEANUP(selector_freep) = fields("=x");
    struct str value;
    struct buf b = BUF_INIT(100);
    struct err err;

    CHECK_OK(selector_check_fields(s, offered, NULL));
    CHECK_ERR(selector_check_fields(other, offered, &err), ERR_BADREQUEST);
    CHECK_STR(err.msg, "field label not supported: spec.nodeName");
    CHECK_ERR(selector_check_fields(nameless, offered, NULL), ERR_BADREQUEST);
    CHECK(selector_requires(s, STR("metadata.name"), &value));
    CHECK_STR(value, "x");
    CHECK(!selector_requires(s, STR("metadata.namespace"), &value));
    CHECK(!selector_requires(s, STR("metadata"), &value));
    CHECK(!selector_is_everything(s));
    selector_free(TAKE(other));
    other = fields("a=x\\,\\=\\\\");
    selector_format(other, &b);
    CHECK_STR(buf_str(&b), "a=x\\,\\=\\\\");
    buf_fini(&b);
}

TEST(selector_of_objects)
{
    static const struct {
        const char *selector, *labels;
        bool matches;
    } cases[] = {
        {"{}", "{}", true},
        {"{\"matchLabels\":null,\"matchExpressions\":null}", "{}", true},
        {"null", "{}", false},
        {"{\"matchLabels\":{\"a\":\"b\"}}", "{\"a\":\"b\",\"c\":\"d\"}", true},
        {"{\"matchLabels\":{\"a\":\"b\",\"c\":\"d\"}}", "{\"a\":\"b\"}", false},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\",\"values\":[\"b\",\"c\"]}]}",
         "{\"a\":\"c\"}", true},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\",\"values\":[\"b\",\"c\"]}]}",
         "{\"a\":\"d\"}", false},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"NotIn\",\"values\":[\"b\"]}]}", "{}",
         true},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"NotIn\",\"values\":[\"b\"]}]}",
         "{\"a\":\"b\"}", false},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\"}]}", "{\"a\":\"\"}", true},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\",\"values\":[]}]}", "{}",
         false},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"DoesNotExist\"}]}", "{}", true},
        {"{\"matchLabels\":{\"a\":\"b\"},\"matchExpressions\":[{\"key\":\"a\",\"operator\":"
         "\"DoesNotExist\"}]}",
         "{\"a\":\"b\"}", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct selector *s CLEANUP(selector_freep) = NULL;
        json_t *v JSON_OWNED = NULL;
        json_t *l JSON_OWNED = NULL;

        CHECK_OK(json_parse(str_c(cases[i].selector), &v, NULL));
        CHECK_OK(json_parse(str_c(cases[i].labels), &l, NULL));
        if (CHECK_OK(selector_from_json(v, &s, NULL)) &&
            !CHECK_INT(selector_match_labels(s, l), cases[i].matches))
            CHECK_STR(cases[i].selector, cases[i].labels);
    }
}

TEST(selector_of_no_object_matches_nothing)
{
    struct selector *s CLEANUP(selector_freep) = NULL;

    CHECK_OK(selector_from_json(NULL, &s, NULL));
    CHECK(!selector_match_labels(s, NULL));
    CHECK(!selector_match(s, get_field, NULL));
    CHECK(!selector_is_everything(s));
}

TEST(selector_of_objects_refuses)
{
    static const struct {
        const char *selector, *message;
    } cases[] = {
        {"[]", NULL},
        {"\"a=b\"", NULL},
        {"{\"matchLabels\":[]}", NULL},
        {"{\"matchLabels\":{\"a\":1}}", NULL},
        {"{\"matchLabels\":{\"a b\":\"c\"}}",
         "key: Invalid value: \"a b\": name part must consist"},
        {"{\"matchLabels\":{\"a\":\"b c\"}}",
         "values[0][a]: Invalid value: \"b c\": a valid label"},
        {"{\"matchExpressions\":{}}", NULL},
        {"{\"matchExpressions\":[1]}", NULL},
        {"{\"matchExpressions\":[{}]}", "\"\" is not a valid label selector operator"},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"in\",\"values\":[\"b\"]}]}",
         "\"in\" is not a valid label selector operator"},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Gt\",\"values\":[\"1\"]}]}",
         "\"Gt\" is not a valid label selector operator"},
        {"{\"matchExpressions\":[{\"operator\":\"Exists\"}]}", "key: Invalid value: \"\""},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\"}]}",
         "values: Invalid value: null: for 'in', 'notin' operators, values set can't be empty"},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"NotIn\",\"values\":[]}]}", NULL},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\",\"values\":\"b\"}]}", NULL},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\",\"values\":[1]}]}", NULL},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\",\"values\":[\"b c\"]}]}", NULL},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\",\"values\":[\"b\"]}]}",
         NULL},
        {"{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"DoesNotExist\",\"values\":[\"b\"]}]}",
         NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct selector *s = NULL;
        json_t *v JSON_OWNED = NULL;
        struct err err = {0};

        CHECK_OK(json_parse(str_c(cases[i].selector), &v, NULL));
        if (!CHECK_ERR(selector_from_json(v, &s, &err), ERR_INVALID))
            CHECK_STR(cases[i].selector, "");
        if (cases[i].message && !str_starts(str_c(err.msg), str_c(cases[i].message)))
            CHECK_STR(err.msg, cases[i].message);
        CHECK(!s);
    }
}
