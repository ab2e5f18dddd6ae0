/*
 * From an OpenAPI v3 schema to the tree of nodes, with the checks that make it a structural schema
 * (KEP "structural schemas"; texts of apiextensions-apiserver/pkg/apiserver/schema/validation.go and
 * pkg/apis/apiextensions/validation).
 *
 * Every check adds to the caller's list and compilation goes on, so that one answer names all that is wrong.
 * Unknown keywords are dropped, as an API server drops unknown fields.
 */
#include "apiserver/schema.h"

#include "apiserver/schema_compile_priv.h"

static struct schema_node *compile_node(struct compiler *c, const json_t *source, struct str path,
                                        enum schema_level level);

struct str schema_compile_child(const struct compiler *c, struct str path, const char *name)
{
    return arena_fmt(c->arena, "%" STR_FMT "%s%s", STR_ARG(path), path.n ? "." : "", name);
}

struct str schema_compile_key(const struct compiler *c, struct str path, const char *list,
                              struct str key)
{
    return arena_fmt(c->arena, "%" STR_FMT "%s%s[%" STR_FMT "]", STR_ARG(path), path.n ? "." : "",
                     list, STR_ARG(key));
}

static struct str index_path(const struct compiler *c, struct str path, const char *list, size_t i)
{
    return arena_fmt(c->arena, "%" STR_FMT "%s%s[%zu]", STR_ARG(path), path.n ? "." : "", list, i);
}

static int compare_properties(const void *a, const void *b)
{
    const struct schema_property *x = a, *y = b;

    return str_cmp(x->name, y->name);
}

static void compile_properties(struct compiler *c, struct schema_node *n, const json_t *properties,
                               struct str path, enum schema_level level)
{
    const char *key;
    json_t *v;
    size_t i = 0;

    n->property_count = json_object_size(properties);
    n->properties = ARENA_ARRAY(c->arena, struct schema_property, n->property_count);
    json_object_foreach((json_t *)properties, key, v)
    {
        struct str name = str_c(key);
        struct str at = schema_compile_key(c, path, "properties", name);
        n->properties[i++] = (struct schema_property){name, compile_node(c, v, at, level)};
    }
    qsort(n->properties, n->property_count, sizeof(*n->properties), compare_properties);
}

static void compile_additional(struct compiler *c, struct schema_node *n, const json_t *additional,
                               struct str path, enum schema_level level)
{
    struct str at = schema_compile_child(c, path, "additionalProperties");

    if (!additional)
        return;
    if (n->property_count)
        field_errors_add(c->errors, FIELD_FORBIDDEN, at, NULL,
                         "additionalProperties and properties are mutual exclusive");
    if (json_is_false(additional))
        field_errors_add(c->errors, FIELD_FORBIDDEN, at, NULL,
                         "additionalProperties cannot be set to false");
    else if (json_is_true(additional))
        n->additional_any = true;
    else
        n->additional = compile_node(c, additional, at, level);
}

/* anyOf: [{type: integer}, {type: string}], the one place where a nested type is structural. */
static bool is_int_or_string(const json_t *list)
{
    return json_array_size(list) == 2 && json_object_size(json_array_get(list, 0)) == 1 &&
           json_object_size(json_array_get(list, 1)) == 1 &&
           str_eq(json_str(json_array_get(list, 0), "type"), STR("integer")) &&
           str_eq(json_str(json_array_get(list, 1), "type"), STR("string"));
}

static struct schema_nodes compile_list(struct compiler *c, const json_t *source, struct str path,
                                        const char *member)
{
    const json_t *list = json_object_get(source, member);
    struct schema_nodes nodes = {.n = json_array_size(list)};
    bool typed = str_eq_c(STR("anyOf"), member) && is_int_or_string(list);

    nodes.p = ARENA_ARRAY(c->arena, struct schema_node *, nodes.n);
    for (size_t i = 0; i < nodes.n; i++)
        nodes.p[i] = compile_node(c, json_array_get(list, i), index_path(c, path, member, i),
                                  typed ? SCHEMA_LEVEL_NESTED_TYPED : SCHEMA_LEVEL_NESTED);
    return nodes;
}

static void compile_type(struct compiler *c, struct schema_node *n, const json_t *source,
                         struct str path)
{
    static const char *const TYPES[] = {"array",  "boolean", "integer", "number",
                                        "object", "string",  NULL};
    static const enum schema_type VALUES[] = {SCHEMA_ARRAY,  SCHEMA_BOOLEAN, SCHEMA_INTEGER,
                                              SCHEMA_NUMBER, SCHEMA_OBJECT,  SCHEMA_STRING};
    struct str name = json_str(source, "type");

    if (!name.n)
        return;
    for (size_t i = 0; TYPES[i]; i++) {
        if (str_eq_c(name, TYPES[i])) {
            n->type = VALUES[i];
            return;
        }
    }
    field_errors_unsupported(c->errors, schema_compile_child(c, path, "type"), name, TYPES);
}

static bool read_number(const json_t *source, const char *member, double *ret)
{
    const json_t *v = json_object_get(source, member);

    if (!json_is_number(v))
        return false;
    *ret = json_number_value(v);
    return true;
}

static void compile_limits(struct schema_node *n, const json_t *source)
{
    n->has_minimum = read_number(source, "minimum", &n->minimum);
    n->has_maximum = read_number(source, "maximum", &n->maximum);
    n->has_multiple = read_number(source, "multipleOf", &n->multiple_of) && n->multiple_of > 0;
    n->exclusive_minimum = json_bool(source, "exclusiveMinimum", false);
    n->exclusive_maximum = json_bool(source, "exclusiveMaximum", false);
    n->min_length = json_int(source, "minLength", -1);
    n->max_length = json_int(source, "maxLength", -1);
    n->min_items = json_int(source, "minItems", -1);
    n->max_items = json_int(source, "maxItems", -1);
    n->min_properties = json_int(source, "minProperties", -1);
    n->max_properties = json_int(source, "maxProperties", -1);
}

static void free_regex(void *cookie)
{
    regfree(cookie);
}

static void compile_pattern(struct compiler *c, struct schema_node *n, const json_t *source,
                            struct str path)
{
    struct str pattern = json_str(source, "pattern");
    struct err err = {0};

    if (!pattern.n)
        return;
    regex_t *regex = ARENA_NEW(c->arena, regex_t);
    if (schema_pattern_compile(pattern, regex, &err) < 0) {
        field_errors_add_str(c->errors, FIELD_INVALID, schema_compile_child(c, path, "pattern"),
                             pattern, "must be a valid regular expression, but isn't: %s", err.msg);
        return;
    }
    arena_on_free(c->arena, free_regex, regex);
    n->pattern = pattern;
    n->regex = regex;
}

struct schema_names schema_compile_names(struct compiler *c, const json_t *list)
{
    struct schema_names names = {.n = json_array_size(list)};

    names.p = ARENA_ARRAY(c->arena, struct str, names.n);
    for (size_t i = 0; i < names.n; i++)
        names.p[i] = json_str_of(json_array_get(list, i));
    return names;
}

static void compile_value_validation(struct compiler *c, struct schema_node *n,
                                     const json_t *source, struct str path)
{
    const json_t *enumeration = json_object_get(source, "enum");
    const json_t *negated = json_object_get(source, "not");

    compile_limits(n, source);
    compile_pattern(c, n, source, path);
    n->enumeration = json_array_size(enumeration) ? enumeration : NULL;
    n->is_int32 = n->type == SCHEMA_INTEGER && str_eq(json_str(source, "format"), STR("int32"));
    n->format = schema_format_find(json_str(source, "format"));
    n->required = schema_compile_names(c, json_object_get(source, "required"));
    n->all_of = compile_list(c, source, path, "allOf");
    n->any_of = compile_list(c, source, path, "anyOf");
    n->one_of = compile_list(c, source, path, "oneOf");
    if (json_is_object(negated))
        n->negated =
            compile_node(c, negated, schema_compile_child(c, path, "not"), SCHEMA_LEVEL_NESTED);
}

static void compile_items(struct compiler *c, struct schema_node *n, const json_t *source,
                          struct str path, enum schema_level level)
{
    const json_t *items = json_object_get(source, "items");
    bool correlates = str_eq(json_str(source, "x-kubernetes-list-type"), STR("map"));

    if (!json_is_object(items))
        return;
    c->uncorrelated += !correlates;
    n->items = compile_node(c, items, schema_compile_child(c, path, "items"),
                            level >= SCHEMA_LEVEL_NESTED ? SCHEMA_LEVEL_NESTED : SCHEMA_LEVEL_ITEM);
    c->uncorrelated -= !correlates;
}

static struct schema_node *compile_node(struct compiler *c, const json_t *source, struct str path,
                                        enum schema_level level)
{
    struct schema_node *n = ARENA_NEW(c->arena, struct schema_node);
    enum schema_level inner =
        level >= SCHEMA_LEVEL_NESTED ? SCHEMA_LEVEL_NESTED : SCHEMA_LEVEL_FIELD;

    if (++c->nodes == SCHEMA_MAX_NODES)
        field_errors_add(c->errors, FIELD_FORBIDDEN, path, NULL,
                         "the schema has more than %d parts", SCHEMA_MAX_NODES);
    if (c->nodes >= SCHEMA_MAX_NODES)
        return n;
    compile_type(c, n, source, path);
    n->nullable = json_bool(source, "nullable", false);
    n->int_or_string = json_bool(source, "x-kubernetes-int-or-string", false);
    n->preserve_unknown = json_bool(source, "x-kubernetes-preserve-unknown-fields", false);
    n->embedded = json_bool(source, "x-kubernetes-embedded-resource", false);
    const json_t *dflt = json_object_get(source, "default");
    n->dflt = json_is_null(dflt) && !n->nullable ? NULL : dflt;
    compile_properties(c, n, json_object_get(source, "properties"), path, inner);
    compile_additional(c, n, json_object_get(source, "additionalProperties"), path, inner);
    compile_items(c, n, source, path, level);
    compile_value_validation(c, n, source, path);
    schema_compile_extensions(c, n, source, path);
    schema_compile_check(c, n, source, path, level);
    return n;
}

int schema_compile(const json_t *openapi, struct str path, struct field_errors *errors,
                   struct schema **ret_schema)
{
    struct schema *s = NEW(struct schema);
    size_t before = errors->items.n + errors->dropped;

    s->refs = 1;
    s->arena = arena_new();
    s->source = json_clone(openapi);
    struct compiler c = {.arena = s->arena, .errors = errors};
    s->root = compile_node(&c, s->source, path, SCHEMA_LEVEL_ROOT);
    schema_compile_complete(&c, s->root, s->root, path);
    if (errors->items.n + errors->dropped == before)
        schema_compile_defaults(&c, s->root, path, true);
    if (errors->items.n + errors->dropped > before) {
        schema_unref(s);
        return -ERR_INVALID;
    }
    *ret_schema = s;
    return 0;
}
