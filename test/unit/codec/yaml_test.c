/*
 * YAML: scalars as sigs.k8s.io/yaml reads them, structure, anchors and merges, limits, refusals, and the
 * form kubectl prints.
 */
#include "codec/yaml.h"

#include "unit.h"

static void reads_as(const char *text, const char *wanted)
{
    json_t *v JSON_OWNED = NULL;
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    struct err err = {0};

    if (!CHECK_OK(yaml_parse_all(str_c(text), &v, &err))) {
        CHECK_STR(err.msg, text);
        return;
    }
    json_format(v, &b);
    CHECK_STR(buf_str(&b), wanted);
    buf_fini(&b);
}

TEST(yaml_scalars)
{
    static const struct {
        const char *text, *json;
    } cases[] = {
        {"yes", "true"},
        {"Y", "true"},
        {"on", "true"},
        {"TRUE", "true"},
        {"no", "false"},
        {"n", "false"},
        {"Off", "false"},
        {"yEs", "\"yEs\""},
        {"~", "null"},
        {"null", "null"},
        {"NULL", "null"},
        {"nULL", "\"nULL\""},
        {"0", "0"},
        {"-0", "0"},
        {"+12", "12"},
        {"017", "15"},
        {"-017", "-15"},
        {"0o17", "15"},
        {"0x1F", "31"},
        {"-0x1f", "-31"},
        {"0b101", "5"},
        {"1_000", "1000"},
        {"08", "8"},
        {"1.5", "1.5"},
        {"1.0", "1"},
        {"1e3", "1000"},
        {"1e+3", "1000"},
        {".5", "0.5"},
        {"5.", "5"},
        {"-.5", "-0.5"},
        {"._5", "\"._5\""},
        {"1e", "\"1e\""},
        {"1.2.3", "\"1.2.3\""},
        {"0x", "\"0x\""},
        {"0xg", "\"0xg\""},
        {"-", "[null]"},
        {"--1", "\"--1\""},
        {"1:30", "\"1:30\""},
        {"1e999", "\"1e999\""},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"9223372036854775808", "9.223372036854776e+18"},
        {"0xffffffffffffffff", "1.8446744073709552e+19"},
        {"2024-01-02", "\"2024-01-02\""},
        {"2024-01-02T03:04:05Z", "\"2024-01-02T03:04:05Z\""},
        {"\"yes\"", "\"yes\""},
        {"'1'", "\"1\""},
        {"! 1", "\"1\""},
        {"!!str 1", "\"1\""},
        {"!!str yes", "\"yes\""},
        {"!!int 0x10", "16"},
        {"!!int \"7\"", "7"},
        {"!!float 1", "1.0"},
        {"!!bool yes", "true"},
        {"!!null ~", "null"},
        {"!!timestamp 2024-01-02", "\"2024-01-02\""},
        {"!!binary aGVs bG8=", "\"hello\""},
        {"a b: c", "{\"a b\":\"c\"}"},
        {"\"a\\x41\\u00e4\\n\"", "\"aA\xc3\xa4\\n\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf text = BUF_INIT(1000), wanted = BUF_INIT(1000);

        buf_addf(&text, "- %s\n", cases[i].text);
        buf_addf(&wanted, "[[%s]]", cases[i].json);
        reads_as(buf_c(&text), buf_c(&wanted));
        buf_fini(&text);
        buf_fini(&wanted);
    }
}

TEST(yaml_documents)
{
    reads_as("", "[]");
    reads_as("# only a comment\n", "[]");
    reads_as("---\n", "[]");
    reads_as("---\n---\na: 1\n---\n\n---\n- b\n...\n", "[{\"a\":1},[\"b\"]]");
    reads_as("a: 1\n---\nb: 2\n", "[{\"a\":1},{\"b\":2}]");
    reads_as("{a: [1, {b: c}], d: }", "[{\"a\":[1,{\"b\":\"c\"}],\"d\":null}]");
    reads_as("a: |\n  x\n   y\nb: >-\n  f\n  g\n", "[{\"a\":\"x\\n y\\n\",\"b\":\"f g\"}]");
    reads_as("z: 1\na: 2\n", "[{\"z\":1,\"a\":2}]");
    reads_as("1: a\nyes: b\n1.5: c\n'2': d\n0x10: e\n",
             "[{\"1\":\"a\",\"true\":\"b\",\"1.5\":\"c\",\"2\":\"d\",\"16\":\"e\"}]");
    reads_as("{\"json\": [true, null, \"x\"]}", "[{\"json\":[true,null,\"x\"]}]");
}

TEST(yaml_anchors_and_merges)
{
    reads_as("a: &x [1, 2]\nb: *x\n", "[{\"a\":[1,2],\"b\":[1,2]}]");
    reads_as("- &x a\n- *x\n- &x b\n- *x\n", "[[\"a\",\"a\",\"b\",\"b\"]]");
    reads_as("- &k key\n- *k : v\n", "[[\"key\",{\"key\":\"v\"}]]");
    reads_as("b: &b {x: 1, z: 2}\nm:\n  <<: *b\n  x: 9\n",
             "[{\"b\":{\"x\":1,\"z\":2},\"m\":{\"x\":9,\"z\":2}}]");
    reads_as("m:\n  x: 9\n  <<: {x: 1, z: 2}\n", "[{\"m\":{\"x\":9,\"z\":2}}]");
    reads_as("- &a {x: 1}\n- &b {x: 2, z: 2}\n- <<: [*a, *b]\n",
             "[[{\"x\":1},{\"x\":2,\"z\":2},{\"x\":1,\"z\":2}]]");
    reads_as("'<<': 1\n", "[{\"<<\":1}]");
    reads_as("- <<\n", "[[\"<<\"]]");
}

TEST(yaml_aliases_are_copies)
{
    json_t *v JSON_OWNED = NULL;

    CHECK_OK(yaml_parse(STR("a: &x {m: 1}\nb: *x\n"), &v, NULL));
    json_set(json_object_get(v, "a"), "m", json_integer(2));
    CHECK_INT(json_int(json_object_get(v, "b"), "m", 0), 1);
}

TEST(yaml_refuses)
{
    static const struct {
        struct str text;
        const char *place;
    } cases[] = {
        {STR_INIT("a: 1\na: 2\n"), "2:1:"},
        {STR_INIT("a: 1\n'a': 2\n"), "2:1:"},
        {STR_INIT("1: a\n'1': b\n"), "2:1:"},
        {STR_INIT("yes: a\ntrue: b\n"), "2:1:"},
        {STR_INIT("? [a]\n: b\n"), "1:3:"},
        {STR_INIT("? {a: b}\n: c\n"), "1:3:"},
        {STR_INIT("- &a [x]\n- *a : y\n"), "2:3:"},
        {STR_INIT("~: a\n"), "1:1:"},
        {STR_INIT(": a\n"), "1:1:"},
        {STR_INIT("a: *x\n"), "1:4:"},
        {STR_INIT("a: &x [*x]\n"), "1:8:"},
        {STR_INIT("a: &x 1\n---\nb: *x\n"), "3:4:"},
        {STR_INIT("a: .inf\n"), "1:4:"},
        {STR_INIT("a: -.Inf\n"), "1:4:"},
        {STR_INIT("a: .nan\n"), "1:4:"},
        {STR_INIT("a: !foo b\n"), "1:4:"},
        {STR_INIT("a: !!set {b}\n"), "1:4:"},
        {STR_INIT("a: !!python/object:os.system x\n"), "1:4:"},
        {STR_INIT("a: !!map [1]\n"), "1:4:"},
        {STR_INIT("a: !!seq {b: 1}\n"), "1:4:"},
        {STR_INIT("a: !!int b\n"), "1:4:"},
        {STR_INIT("a: !!int 1.5\n"), "1:4:"},
        {STR_INIT("a: !!bool 1\n"), "1:4:"},
        {STR_INIT("a: !!null x\n"), "1:4:"},
        {STR_INIT("a: !!float x\n"), "1:4:"},
        {STR_INIT("a: !!binary '*'\n"), "1:4:"},
        {STR_INIT("a: !!binary AA==\n"), "1:4:"},
        {STR_INIT("a: \"\\0\"\n"), "1:4:"},
        {STR_INIT("\"\\0\": a\n"), "1:1:"},
        {STR_INIT("<<: 1\n"), "1:5:"},
        {STR_INIT("<<: [1]\n"), "1:5:"},
        {STR_INIT("<<: {a: 1}\n<<: {b: 1}\n"), "2:5:"},
        {STR_INIT("a: [1\n"), NULL},
        {STR_INIT("a: {b\n"), NULL},
        {STR_INIT("a: 'b\n"), NULL},
        {STR_INIT("a: b: c\n"), NULL},
        {STR_INIT("\ta: b\n"), NULL},
        {STR_INIT("a:\n\t- b\n"), NULL},
        {STR_INIT("- a\nb: c\n"), NULL},
        {STR_INIT("a: @b\n"), NULL},
        {STR_INIT("a: `b\n"), NULL},
        {STR_INIT("%YAML 3.0\n---\na\n"), NULL},
        {STR_INIT("a: \xff\n"), NULL},
        {STR_INIT("a: \x01\n"), NULL},
        {STR_INIT("a\0b"), NULL},
        {STR_INIT("]"), NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *v = NULL;
        struct err err = {0};

        if (!CHECK_ERR(yaml_parse_all(cases[i].text, &v, &err), ERR_BADREQUEST))
            CHECK_STR(cases[i].text, "");
        if (cases[i].place && !CHECK(str_starts(str_c(err.msg), str_c(cases[i].place))))
            CHECK_STR(err.msg, cases[i].text);
        CHECK(!v);
    }
}

TEST(yaml_of_one_document)
{
    json_t *v = NULL;

    CHECK_OK(yaml_parse(STR("---\na: 1\n---\n"), &v, NULL));
    CHECK_INT(json_int(v, "a", 0), 1);
    json_decref(v);
    v = NULL;
    CHECK_ERR(yaml_parse(STR(""), &v, NULL), ERR_BADREQUEST);
    CHECK_ERR(yaml_parse(STR_NONE, &v, NULL), ERR_BADREQUEST);
    CHECK_ERR(yaml_parse(STR("a\n---\nb\n"), &v, NULL), ERR_BADREQUEST);
    CHECK_ERR(yaml_parse(STR("["), &v, NULL), ERR_BADREQUEST);
    CHECK(!v);
}

static int parse_nested(unsigned depth)
{
    struct buf b = BUF_INIT(10000);
    json_t *v = NULL;
    int rc;

    for (unsigned i = 0; i < depth; i++)
        buf_add_char(&b, '[');
    for (unsigned i = 0; i < depth; i++)
        buf_add_char(&b, ']');
    rc = yaml_parse(buf_str(&b), &v, NULL);
    json_decref(v);
    buf_fini(&b);
    return rc;
}

TEST(yaml_limits_nesting)
{
    CHECK_OK(parse_nested(JSON_MAX_DEPTH));
    CHECK_ERR(parse_nested(JSON_MAX_DEPTH + 1), ERR_BADREQUEST);
    CHECK_ERR(parse_nested(900), ERR_BADREQUEST);
}

/* A list of `count` items with an alias to it, `aliases` times. */
static int parse_aliases(size_t count, size_t aliases)
{
    struct buf b = BUF_INIT(10000000);
    json_t *v = NULL;
    int rc;

    buf_add_c(&b, "- &a [");
    for (size_t i = 0; i < count; i++)
        buf_add_c(&b, "1,");
    buf_add_c(&b, "]\n");
    for (size_t i = 0; i < aliases; i++)
        buf_add_c(&b, "- *a\n");
    rc = yaml_parse(buf_str(&b), &v, NULL);
    json_decref(v);
    buf_fini(&b);
    return rc;
}

TEST(yaml_limits_what_aliases_produce)
{
    struct buf b = BUF_INIT(100000);
    json_t *v = NULL;
    struct err err;

    /* 1 outer list, 100 lists of 1 + 9998 nodes and one of 1 + 98: exactly the limit. */
    CHECK_OK(parse_aliases(9998, 99));
    CHECK_ERR(parse_aliases(9999, 99), ERR_BADREQUEST);
    /* Billion laughs. */
    buf_add_c(&b, "a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 10; i++) {
        buf_addf(&b, "a%d: &a%d [", i, i);
        for (int j = 0; j < 9; j++)
            buf_addf(&b, "*a%d,", i - 1);
        buf_add_c(&b, "]\n");
    }
    CHECK_ERR(yaml_parse(buf_str(&b), &v, &err), ERR_BADREQUEST);
    CHECK(str_ends(str_c(err.msg), STR("too many nodes")));
    buf_reset(&b);
    /* Few nodes, many bytes. */
    buf_add_c(&b, "- &a ");
    for (int i = 0; i < 20000; i++)
        buf_add_char(&b, 'x');
    buf_add_c(&b, "\n");
    for (int i = 0; i < 4000; i++)
        buf_add_c(&b, "- *a\n");
    CHECK_ERR(yaml_parse(buf_str(&b), &v, &err), ERR_BADREQUEST);
    buf_fini(&b);
}

static const struct {
    const char *json, *yaml;
} PRINTED[] = {
    {"{}", "{}\n"},
    {"[]", "[]\n"},
    {"{\"b\":1,\"a\":[1,{\"x\":true,\"y\":null}],\"c\":{},\"d\":[]}",
     "a:\n- 1\n- x: true\n  \"y\": null\nb: 1\nc: {}\nd: []\n"},
    {"{\"a10\":1,\"a2\":2,\"a\":0,\"B\":3,\"a-b\":4,\"a1b\":5}",
     "B: 3\na: 0\na-b: 4\na1b: 5\na2: 2\na10: 1\n"},
    {"[\"plain\",\"two words\",\"\",\"yes\",\"null\",\"~\",\"1\",\"1.5\",\"0x1f\",\"017\",\"1e3\"]",
     "- plain\n- two words\n- \"\"\n- \"yes\"\n- \"null\"\n- \"~\"\n- \"1\"\n- \"1.5\"\n- \"0x1f\"\n- "
     "\"017\"\n- \"1e3\"\n"},
    {"[\"2024-01-02T03:04:05Z\",\"2024-01-02\",\"12:30\",\".inf\",\"<<\",\"1_000\",\"08\"]",
     "- \"2024-01-02T03:04:05Z\"\n- \"2024-01-02\"\n- \"12:30\"\n- \".inf\"\n- \"<<\"\n- "
     "\"1_000\"\n- \"08\"\n"},
    {"[\"- a\",\"a: b\",\"a #b\",\"#a\",\"*a\",\"&a\",\"!a\",\"{a\",\" a\",\"a \",\"@a\",\"%a\"]",
     "- '- a'\n- 'a: b'\n- 'a #b'\n- '#a'\n- '*a'\n- '&a'\n- '!a'\n- '{a'\n- ' a'\n- 'a '\n- "
     "'@a'\n- '%a'\n"},
    {"[\"a:b\",\"https://h/p\",\"a#b\",\"it's\",\"1.2.3.4\",\"v1\"]",
     "- a:b\n- https://h/p\n- a#b\n- it's\n- 1.2.3.4\n- v1\n"},
    {"{\"t\":\"a\\nb\\n\",\"u\":\"a\\nb\",\"v\":\"a\\n\\n\",\"w\":\"  a\\nb\\n\"}",
     "t: |\n  a\n  b\nu: |-\n  a\n  b\nv: |+\n  a\n\nw: |2\n    a\n  b\n"},
    {"[\"tab\\there\",\"bell\\u0007\",\"\xc3\xa4\"]",
     "- \"tab\\there\"\n- \"bell\\a\"\n- \xc3\xa4\n"},
    {"[1.5,1e21,-7,true,null]", "- 1.5\n- 1e+21\n- -7\n- true\n- null\n"},
    {"{\"k\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb cccccccccccc "
     "ddd\"}",
     "k: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb cccccccccccc\n  "
     "ddd\n"},
};

TEST(yaml_printed)
{
    for (size_t i = 0; i < ARRAY_LEN(PRINTED); i++) {
        json_t *v JSON_OWNED = NULL;
        json_t *back JSON_OWNED = NULL;
        struct buf b = BUF_INIT(10000);

        CHECK_OK(json_parse(str_c(PRINTED[i].json), &v, NULL));
        yaml_format(v, &b);
        CHECK_STR(buf_str(&b), PRINTED[i].yaml);
        CHECK_OK(yaml_parse(buf_str(&b), &back, NULL));
        CHECK(json_equal(v, back));
        buf_fini(&b);
    }
}
