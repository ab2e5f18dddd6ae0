/*
 * Structural schemas: compile errors, patterns, formats, pruning, defaults, validation with field paths.
 */
#include "apiserver/schema.h"

#include "apiserver/schema_priv.h"
#include "base/embed.h"
#include "codec/yaml.h"
#include "unit.h"

static json_t *yaml(const char *text)
{
    struct err err = {0};
    json_t *v = NULL;

    if (text && !CHECK_OK(yaml_parse(str_c(text), &v, &err)))
        fprintf(stderr, "  %s in %s\n", err.msg, text);
    return v;
}

/* "path: message" of each error, one a line. */
static struct str format_errors(struct arena *a, const struct field_errors *e)
{
    struct buf text CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);

    for (size_t i = 0; i < e->items.n; i++)
        buf_addf(&text, "%s%" STR_FMT ": %" STR_FMT, i ? "\n" : "", STR_ARG(e->items.p[i].path),
                 STR_ARG(e->items.p[i].message));
    return arena_str(a, buf_str(&text));
}

static struct schema *compile(const char *text, struct arena *a, struct str *ret_errors)
{
    struct field_errors errors CLEANUP(field_errors_fini);
    json_t *source JSON_OWNED = yaml(text);
    struct schema *s = NULL;

    field_errors_init(&errors, a);
    int rc = schema_compile(source, STR("s"), &errors, &s);
    CHECK((rc == 0) == (errors.items.n == 0));
    *ret_errors = format_errors(a, &errors);
    return s;
}

static void check_valid(const struct schema *s, const char *object, const char *old,
                        const char *want)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct field_errors errors CLEANUP(field_errors_fini);
    json_t *now JSON_OWNED = yaml(object);
    json_t *was JSON_OWNED = yaml(old);

    field_errors_init(&errors, a);
    schema_validate(s, now, was, &errors);
    if (!CHECK_STR(format_errors(a, &errors), want))
        fprintf(stderr, "  for %s\n", object);
}

/* A schema whose only property is `x`. */
static struct schema *property(struct arena *a, const char *x)
{
    struct str text = arena_fmt(a, "{type: object, properties: {x: %s}}", x);
    struct str errors;
    struct schema *s = compile(arena_cstr(a, text), a, &errors);

    if (!CHECK_STR(errors, ""))
        fprintf(stderr, "  for %s\n", x);
    return s;
}

TEST(schema_refuses_what_is_not_structural)
{
    static const struct {
        const char *schema, *want;
    } ROWS[] = {
        {"{}", "s.type: Required value: must not be empty at the root"},
        {"{type: string}", "s.type: Invalid value: \"string\": must be object at the root"},
        {"{type: objekt}",
         "s.type: Unsupported value: \"objekt\": supported values: \"array\", \"boolean\", \"integer\", \"number\", "
         "\"object\", \"string\"\ns.type: Invalid value: \"objekt\": must be object at the root"},
        {"{type: object, properties: {a: {}}}",
         "s.properties[a].type: Required value: must not be empty for specified object fields"},
        {"{type: object, properties: {a: {type: array}}}",
         "s.properties[a].items: Required value: must be specified"},
        {"{type: object, properties: {a: {type: array, items: {}}}}",
         "s.properties[a].items.type: Required value: must not be empty for specified array items"},
        {"{type: object, additionalProperties: {type: string}}",
         "s.additionalProperties: Forbidden: must not be used at the root"},
        {"{type: object, properties: {a: {type: object, properties: {b: {type: string}}, additionalProperties: true}}}",
         "s.properties[a].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"},
        {"{type: object, properties: {a: {type: object, additionalProperties: false}}}",
         "s.properties[a].additionalProperties: Forbidden: additionalProperties cannot be set to false"},
        {"{type: object, properties: {a: {type: string, $ref: x}}}",
         "s.properties[a].$ref: Forbidden: $ref is not supported"},
        {"{type: object, properties: {a: {type: array, uniqueItems: true, items: {type: string}}}}",
         "s.properties[a].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes "
         "quadratic"},
        {"{type: object, anyOf: [{type: object}]}",
         "s.anyOf[0].type: Forbidden: must be empty to be structural"},
        {"{type: object, allOf: [{description: x}]}",
         "s.allOf[0].description: Forbidden: must be empty to be structural"},
        {"{type: object, not: {nullable: true}}",
         "s.not.nullable: Forbidden: must be false to be structural"},
        {"{type: object, oneOf: [{properties: {a: {minLength: 1}}}]}",
         "s.properties[a]: Required value: because it is defined in a value validation"},
        {"{type: object, properties: {a: {type: string, pattern: '('}}}",
         "s.properties[a].pattern: Invalid value: \"(\": must be a valid regular expression, but isn't: missing closing )"},
        {"{type: object, properties: {metadata: {type: object, properties: {labels: {type: object}}}}}",
         "s.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is "
         "implicitly specified"},
        {"{type: object, properties: {kind: {type: integer}}}",
         "s.properties[kind].type: Invalid value: \"integer\": must be string"},
        {"{type: object, properties: {a: {type: string, default: 1}}}",
         "s.properties[a].default: Invalid value: \"integer\": s.properties[a].default in body must be of type string: "
         "\"integer\""},
        {"{type: object, properties: {a: {type: object, default: {b: 1}}}}",
         "s.properties[a].default: Invalid value: {\"b\":1}: must not have unknown fields"},
        {"{type: object, properties: {a: {type: array, x-kubernetes-list-type: map, items: {type: object}}}}",
         "s.properties[a].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map"},
        {"{type: object, properties: {a: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [k], items: "
         "{type: object, properties: {k: {type: string}}}}}}",
         "s.properties[a].items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so "
         "it must have a default or be a required property"},
        {"{type: object, properties: {a: {type: string, x-kubernetes-list-type: set}}}",
         "s.properties[a].type: Invalid value: \"string\": must be array if x-kubernetes-list-type is specified"},
        {"{type: object, properties: {a: {type: array, x-kubernetes-list-type: bag, items: {type: string}}}}",
         "s.properties[a].x-kubernetes-list-type: Unsupported value: \"bag\": supported values: \"atomic\", \"set\", "
         "\"map\""},
        {"{type: object, x-kubernetes-validations: [{rule: 'self.a == 1'}]}",
         "s.x-kubernetes-validations[0].rule: Invalid value: \"self.a == 1\": this server knows only the rule `self == "
         "oldSelf`"},
        {"{type: object, x-kubernetes-validations: [{message: x}]}",
         "s.x-kubernetes-validations[0].rule: Required value: rule is not specified"},
        {"{type: object, properties: {a: {type: array, items: {type: string, x-kubernetes-validations: [{rule: self == "
         "oldSelf}]}}}}",
         "s.properties[a].items.x-kubernetes-validations[0].rule: Invalid value: \"self == oldSelf\": oldSelf cannot be used "
         "on the uncorrelatable portion of the schema"},
        {"{type: object, properties: {a: {x-kubernetes-int-or-string: true, x-kubernetes-preserve-unknown-fields: true}}}",
         "s.properties[a].x-kubernetes-preserve-unknown-fields: Invalid value: true: must be false if "
         "x-kubernetes-int-or-string is true"},
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct arena *a CLEANUP(arena_freep) = arena_new();
        struct str errors;
        struct schema *s = compile(ROWS[i].schema, a, &errors);
        if (!CHECK_STR(errors, ROWS[i].want))
            fprintf(stderr, "  for %s\n", ROWS[i].schema);
        schema_unref(s);
    }
}

TEST(schema_limits_its_size)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct field_errors errors CLEANUP(field_errors_fini);
    json_t *source JSON_OWNED = yaml("{type: object, properties: {}}");
    struct schema *s = NULL;

    for (int i = 0; i < SCHEMA_MAX_NODES - 2; i++) {
        char name[16];
        snprintf(name, sizeof(name), "p%d", i);
        json_set(json_object_get(source, "properties"), name, json_pack("{s:s}", "type", "string"));
    }
    field_errors_init(&errors, a);
    CHECK_OK(schema_compile(source, STR("s"), &errors, &s));
    schema_unref(s);
    json_set(json_object_get(source, "properties"), "more", json_pack("{s:s}", "type", "string"));
    CHECK_ERR(schema_compile(source, STR("s"), &errors, &s), ERR_INVALID);
}

TEST(schema_checks_values)
{
    static const struct {
        const char *x, *value, *want;
    } ROWS[] = {
        {"{type: string}", "5",
         "x: Invalid value: \"integer\": x in body must be of type string: \"integer\""},
        {"{type: string}", "null",
         "x: Invalid value: \"null\": x in body must be of type string: \"null\""},
        {"{type: string, nullable: true}", "null", ""},
        {"{type: integer}", "'1'",
         "x: Invalid value: \"string\": x in body must be of type integer: \"string\""},
        {"{type: integer}", "1.5",
         "x: Invalid value: \"number\": x in body must be of type integer: \"number\""},
        {"{type: integer}", "2.0", ""},
        {"{type: number}", "1", ""},
        {"{type: boolean}", "'true'",
         "x: Invalid value: \"string\": x in body must be of type boolean: \"string\""},
        {"{type: object}", "[]",
         "x: Invalid value: \"array\": x in body must be of type object: \"array\""},
        {"{type: array, items: {type: string}}", "{}",
         "x: Invalid value: \"object\": x in body must be of type array: \"object\""},
        {"{type: array, items: {type: string}}", "[a, 1]",
         "x[1]: Invalid value: \"integer\": x[1] in body must be of type string: \"integer\""},
        {"{x-kubernetes-int-or-string: true}", "80%", ""},
        {"{x-kubernetes-int-or-string: true}", "80", ""},
        {"{x-kubernetes-int-or-string: true}", "true",
         "x: Invalid value: \"boolean\": x in body must be of type integer,string: \"boolean\""},
        {"{x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}]}", "a", ""},
        {"{type: string, enum: [a, b]}", "c",
         "x: Unsupported value: \"c\": supported values: \"a\", \"b\""},
        {"{type: integer, enum: [1, 2]}", "3",
         "x: Unsupported value: 3: supported values: \"1\", \"2\""},
        {"{type: string, maxLength: 3}", "abc", ""},
        {"{type: string, maxLength: 3}", "abcd", "x: Too long: may not be more than 3 bytes"},
        {"{type: string, maxLength: 1}", "ab", "x: Too long: may not be more than 1 byte"},
        {"{type: string, maxLength: 3}", "äöü", ""},
        {"{type: string, minLength: 2}", "ä",
         "x: Invalid value: \"ä\": x in body should be at least 2 chars long"},
        {"{type: string, pattern: '^a+$'}", "aab",
         "x: Invalid value: \"aab\": x in body should match '^a+$'"},
        {"{type: string, format: byte}", "'!'",
         "x: Invalid value: \"!\": x in body must be of type byte: \"!\""},
        {"{type: string, format: date-time}", "x",
         "x: Invalid value: \"x\": x in body must be of type date-time: \"x\""},
        {"{type: string, format: who-knows}", "x", ""},
        {"{type: integer, maximum: 10}", "10", ""},
        {"{type: integer, maximum: 10}", "11",
         "x: Invalid value: 11: x in body should be less than or equal to 10"},
        {"{type: integer, maximum: 10, exclusiveMaximum: true}", "10",
         "x: Invalid value: 10: x in body should be less than 10"},
        {"{type: integer, minimum: 1}", "0",
         "x: Invalid value: 0: x in body should be greater than or equal to 1"},
        {"{type: integer, minimum: 1, exclusiveMinimum: true}", "1",
         "x: Invalid value: 1: x in body should be greater than 1"},
        {"{type: integer, multipleOf: 5}", "12",
         "x: Invalid value: 12: x in body should be a multiple of 5"},
        {"{type: integer, format: int32}", "2147483648",
         "<nil>: Invalid value: \"\": Checked value must be of type integer with format int32 in x"},
        {"{type: array, maxItems: 1, items: {type: string}}", "[a]", ""},
        {"{type: array, maxItems: 1, items: {type: string}}", "[a, b]",
         "x: Too many: 2: must have at most 1 item"},
        {"{type: array, minItems: 1, items: {type: string}}", "[]",
         "x: Invalid value: 0: x in body should have at least 1 items"},
        {"{type: object, maxProperties: 2, additionalProperties: {type: string}}",
         "{a: b, c: d, e: f}", "x: Too many: 3: must have at most 2 items"},
        {"{type: object, minProperties: 1, additionalProperties: {type: string}}", "{}",
         "x: Invalid value: 0: x in body should have at least 1 properties"},
        {"{type: object, additionalProperties: {type: string}}", "{a: 1}",
         "x.a: Invalid value: \"integer\": x.a in body must be of type string: \"integer\""},
        {"{type: object, required: [a, b], properties: {a: {type: string}, b: {type: string}}}",
         "{a: b}", "x.b: Required value"},
        {"{type: array, x-kubernetes-list-type: set, items: {type: string}}", "[a, b, a, a]",
         "x[2]: Duplicate value: \"a\""},
        {"{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [k], items: {type: object, required: [k], "
         "properties: {k: {type: string}, v: {type: string}}}}",
         "[{k: a, v: x}, {k: b}, {k: a, v: z}]", "x[2]: Duplicate value: {\"k\":\"a\"}"},
        {"{type: string, anyOf: [{minLength: 3}, {pattern: a}]}", "b",
         "<nil>: Invalid value: \"\": \"x\" must validate at least one schema (anyOf)"},
        {"{type: string, anyOf: [{minLength: 3}, {pattern: a}]}", "a", ""},
        {"{type: string, oneOf: [{minLength: 1}, {pattern: a}]}", "a",
         "<nil>: Invalid value: \"\": \"x\" must validate one and only one schema (oneOf). Found 2 valid alternatives"},
        {"{type: string, oneOf: [{minLength: 2}, {pattern: a}]}", "b",
         "<nil>: Invalid value: \"\": \"x\" must validate one and only one schema (oneOf). Found none valid"},
        {"{type: string, not: {pattern: a}}", "a",
         "<nil>: Invalid value: \"\": \"x\" must not validate the schema (not)"},
        {"{type: string, allOf: [{minLength: 2}, {maxLength: 3}]}", "abcd",
         "x: Too long: may not be more than 3 bytes"},
        {"{x-kubernetes-preserve-unknown-fields: true}", "[1, {a: b}]", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct arena *a CLEANUP(arena_freep) = arena_new();
        struct schema *s = property(a, ROWS[i].x);
        if (s)
            check_valid(s, arena_fmt(a, "{x: %s}", ROWS[i].value).p, NULL, ROWS[i].want);
        schema_unref(s);
    }
}

TEST(schema_knows_transitions)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct schema *s = property(
        a, "{type: object, x-kubernetes-preserve-unknown-fields: true, x-kubernetes-validations: "
           "[{rule: ' self == oldSelf ', message: fixed}]}");

    if (!s)
        return;
    check_valid(s, "{x: {a: 1}}", NULL, "");
    check_valid(s, "{x: {a: 1}}", "{x: {a: 1}}", "");
    check_valid(s, "{x: {a: 1}}", "{}", "");
    check_valid(s, "{x: {a: 2}}", "{x: {a: 1}}", "x: Invalid value: \"object\": fixed");
    schema_unref(s);
    s = property(
        a,
        "{type: string, x-kubernetes-validations: [{rule: self == oldSelf, reason: FieldValueForbidden}]}");
    check_valid(s, "{x: b}", "{x: a}", "x: Forbidden: failed rule: self == oldSelf");
    schema_unref(s);
}

TEST(schema_lets_unchanged_values_be)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct schema *s = property(
        a, "{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [k], items: "
           "{type: object, required: [k], properties: {k: {type: string}, v: {type: string, "
           "maxLength: 1}}}}");

    if (!s)
        return;
    check_valid(s, "{x: [{k: a, v: long}, {k: b}]}", "{x: [{k: a, v: long}]}", "");
    check_valid(s, "{x: [{k: b}, {k: a, v: longer}]}", "{x: [{k: a, v: long}]}",
                "x[1].v: Too long: may not be more than 1 byte");
    schema_unref(s);
}

TEST(schema_restricts_names)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct str errors;
    struct schema *s = compile(
        "{type: object, properties: {metadata: {type: object, properties: {name: {type: string, "
        "maxLength: 3, pattern: '^[a-z]+$'}}}}}",
        a, &errors);

    if (!CHECK_STR(errors, ""))
        return;
    check_valid(s, "{metadata: {name: abc, labels: {a: b}}}", NULL, "");
    check_valid(s, "{metadata: {name: abcd}}", NULL,
                "metadata.name: Too long: may not be more than 3 bytes");
    check_valid(
        s, "{metadata: {name: a.b}}", NULL,
        "metadata.name: Invalid value: \"a.b\": metadata.name in body should match '^[a-z]+$'");
    schema_unref(s);
}

static void check_pruned(const char *schema, const char *object, const char *want,
                         const char *want_unknown)
{
    struct arena *a CLEANUP(arena_freep) = arena_new();
    struct buf text CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);
    json_t *o JSON_OWNED = yaml(object);
    json_t *unknown JSON_OWNED = json_array();
    struct str errors;
    struct schema *s = compile(schema, a, &errors);

    if (!CHECK_STR(errors, ""))
        return;
    schema_prune(s, o, unknown);
    schema_default(s, o);
    json_format_canonical(o, &text);
    CHECK_STR(buf_str(&text), want);
    buf_reset(&text);
    json_format(unknown, &text);
    CHECK_STR(buf_str(&text), want_unknown);
    schema_unref(s);
}

TEST(schema_prunes_and_defaults)
{
    static const char SCHEMA[] =
        "{type: object, properties: {spec: {type: object, properties: {a: {type: string, default: x}, l: {type: array, "
        "items: {type: object, properties: {p: {type: integer, default: 5}}}}, m: {type: object, additionalProperties: "
        "{type: object, properties: {q: {type: boolean, default: true}}}}, any: {type: object, "
        "x-kubernetes-preserve-unknown-fields: true}, o: {type: string, nullable: true, default: w}}}}}";

    check_pruned(SCHEMA, "{apiVersion: v, kind: K, metadata: {name: m}, foo: 1}",
                 "{\"apiVersion\":\"v\",\"kind\":\"K\",\"metadata\":{\"name\":\"m\"}}",
                 "[\"foo\"]");
    check_pruned(
        SCHEMA, "{spec: {b: 1, l: [{r: 2}], m: {k: {s: 1}}, any: {z: 1}}}",
        "{\"spec\":{\"a\":\"x\",\"any\":{\"z\":1},\"l\":[{\"p\":5}],\"m\":{\"k\":{\"q\":true}},\"o\":\"w\"}}",
        "[\"spec.b\",\"spec.l[0].r\",\"spec.m.k.s\"]");
    check_pruned(SCHEMA, "{spec: {a: null, o: null, any: null}}",
                 "{\"spec\":{\"a\":\"x\",\"o\":null}}", "[]");
}

TEST(schema_patterns_mean_what_re2_says)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } ROWS[] = {
        {"^\\d{3}$", "123", true},
        {"^\\d{3}$", "12a", false},
        {"^[\\w.-]+$", "a.b-c_D", true},
        {"^[\\w.-]+$", "a/b", false},
        {"^(?:ab)+$", "abab", true},
        {"^a\\.b$", "axb", false},
        {"^[^\\s]+$", "a b", false},
        {"^\\S+$", "ab", true},
        {"^[]a]+$", "]a", true},
        {"^[a\\]]+$", "]a", true},
        {"^[\\^-]+$", "^-", true},
        {"^\\x41$", "A", true},
        {"^a{2,}$", "a", false},
        {"^a{2,3}$", "aaa", true},
        {"^a{$", "a{", true},
        {"^[[:alpha:]]+$", "ab", true},
        {"^\\/x$", "/x", true},
        {"^[\\/]$", "\\", false},
        {"\\Aab\\z", "abc", false},
        {"^$", "", true},
    };
    static const char *const REFUSED[] = {
        "(?i)a", "a*?", "a??", "(?=a)",   "(?P<n>a)",     "\\bfoo", "\\1", "\\pL",
        "[a",    "(a",  "a)",  "a{1001}", "(a{100}){11}", "[\\D]",  "a\\",
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        regex_t re;
        if (!CHECK_OK(schema_pattern_compile(str_c(ROWS[i].pattern), &re, NULL)))
            continue;
        if (!CHECK_INT(regexec(&re, ROWS[i].text, 0, NULL, 0) == 0, ROWS[i].matches))
            fprintf(stderr, "  %s on %s\n", ROWS[i].pattern, ROWS[i].text);
        regfree(&re);
    }
    for (size_t i = 0; i < ARRAY_LEN(REFUSED); i++) {
        regex_t re;
        if (!CHECK_ERR(schema_pattern_compile(str_c(REFUSED[i]), &re, NULL), ERR_INVALID))
            fprintf(stderr, "  %s\n", REFUSED[i]);
    }
}

TEST(schema_formats)
{
    static const struct {
        const char *format, *good, *bad;
    } ROWS[] = {
        {"byte", "YQ==", "YQ"},
        {"date", "2026-02-28", "2026-02-30"},
        {"date-time", "2026-01-02T03:04:05.6Z", "2026-01-02 03:04:05"},
        {"duration", "1h30m", "1x"},
        {"duration", "-1.5s", "1"},
        {"ipv4", "10.0.0.1", "10.0.0.256"},
        {"ipv6", "::1", "10.0.0.1"},
        {"ip", "fe80::1", "x"},
        {"cidr", "10.0.0.0/8", "10.0.0.0/33"},
        {"mac", "00:11:22:aa:bb:cc", "00:11:22:aa:bb"},
        {"uuid", "0b1c2d3e-0000-4000-8000-000000000000", "0b1c2d3e-0000-4000-8000-00000000000"},
        {"uri", "https://a/b", "a b"},
        {"hostname", "a.b", "a..b"},
        {"email", "a@b.c", "a"},
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        const struct schema_format *f = schema_format_find(str_c(ROWS[i].format));
        if (!CHECK(f != NULL))
            continue;
        if (!CHECK(schema_format_check(f, str_c(ROWS[i].good))) ||
            !CHECK(!schema_format_check(f, str_c(ROWS[i].bad))))
            fprintf(stderr, "  %s\n", ROWS[i].format);
    }
    CHECK(schema_format_find(STR("int64")) == NULL);
}

TEST(schema_compiles_our_definitions)
{
    size_t n = 0;

    for (const struct embed_file *f = EMBED_FILES; f->path; f++) {
        struct arena *a CLEANUP(arena_freep) = arena_new();
        json_t *docs JSON_OWNED = NULL;
        size_t i;
        json_t *crd;
        if (!strstr(f->path, "crds/") || !CHECK_OK(yaml_parse_all(f->body, &docs, NULL)))
            continue;
        json_array_foreach(docs, i, crd)
        {
            struct field_errors errors CLEANUP(field_errors_fini);
            struct schema *s = NULL;
            const json_t *v = json_array_get(json_at(crd, "spec", "versions", NULL), 0);
            field_errors_init(&errors, a);
            CHECK_OK(schema_compile(json_at(v, "schema", "openAPIV3Schema", NULL), STR("s"),
                                    &errors, &s));
            CHECK_STR(format_errors(a, &errors), "");
            schema_unref(s);
            n++;
        }
    }
    CHECK(n >= 5);
}
