/*
 * Checking a value against a compiled schema; texts of kube-openapi's validator and field.ErrorList.
 *
 * Old and new value are walked together where they correlate (object members, items of map lists by key).
 * Where nothing changed nothing is checked again: an object that a newer schema would refuse can still be
 * changed elsewhere (ratcheting, as Kubernetes 1.34 does).  Paths are linked on the stack and
 * formatted only for errors.
 */
#include "apiserver/schema_priv.h"

#include <math.h>

#include "base/map.h"

struct check {
    struct field_errors *errors;
    struct arena *arena;
};

static void validate(struct check *c, const struct schema_node *n, const json_t *value,
                     const json_t *old, const struct schema_path *path);

static struct str path_of(const struct check *c, const struct schema_path *path)
{
    return schema_path_format(c->arena, path);
}

/* "<path> in body <text>", as the validator words most failures. */
static void fail(struct check *c, const struct schema_path *path, const json_t *value,
                 const char *fmt, ...) PRINTF_LIKE(4, 5);

static void fail(struct check *c, const struct schema_path *path, const json_t *value,
                 const char *fmt, ...)
{
    struct str at = path_of(c, path);
    char text[SCHEMA_MAX_PATTERN_BYTES + 64];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    field_errors_add(c->errors, FIELD_INVALID, at, value, "%" STR_FMT " in body %s", STR_ARG(at),
                     text);
}

/* The shortest decimal text that reads back as the same number. */
static const char *format_number(double v, char text[32])
{
    for (int digits = 6; digits <= 17; digits++) {
        char *end;
        snprintf(text, 32, "%.*g", digits, v);
        if (strtod(text, &end) == v)
            break;
    }
    return text;
}

static const char *type_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "object";
    case JSON_ARRAY:
        return "array";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
        return "integer";
    case JSON_REAL:
        return "number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "boolean";
    default:
        return "null";
    }
}

static bool is_integral(const json_t *value)
{
    return json_is_integer(value) ||
           (json_is_real(value) && json_real_value(value) == floor(json_real_value(value)));
}

static const char *type_name(const struct schema_node *n)
{
    static const char *const NAMES[] = {
        [SCHEMA_ANY] = "integer,string", [SCHEMA_OBJECT] = "object",   [SCHEMA_ARRAY] = "array",
        [SCHEMA_STRING] = "string",      [SCHEMA_INTEGER] = "integer", [SCHEMA_NUMBER] = "number",
        [SCHEMA_BOOLEAN] = "boolean",
    };

    return NAMES[n->type];
}

static bool has_type(const struct schema_node *n, const json_t *value)
{
    switch (n->type) {
    case SCHEMA_OBJECT:
        return json_is_object(value);
    case SCHEMA_ARRAY:
        return json_is_array(value);
    case SCHEMA_STRING:
        return json_is_string(value);
    case SCHEMA_INTEGER:
        return is_integral(value);
    case SCHEMA_NUMBER:
        return json_is_number(value);
    case SCHEMA_BOOLEAN:
        return json_is_boolean(value);
    default:
        return !n->int_or_string || is_integral(value) || json_is_string(value);
    }
}

/* Whether the value has the node's type; adds the error when not. */
static bool check_type(struct check *c, const struct schema_node *n, const json_t *value,
                       const struct schema_path *path)
{
    bool typed = n->type != SCHEMA_ANY || n->int_or_string;

    if (!typed || (json_is_null(value) ? n->nullable : has_type(n, value)))
        return true;
    struct str at = path_of(c, path);
    json_t *name JSON_OWNED = json_string(type_of(value));
    field_errors_add(c->errors, FIELD_TYPE_INVALID, at, name,
                     "%" STR_FMT " in body must be of type %s: \"%s\"", STR_ARG(at), type_name(n),
                     type_of(value));
    return false;
}

static void check_enum(struct check *c, const struct schema_node *n, const json_t *value,
                       const struct schema_path *path)
{
    struct buf allowed CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);
    size_t i;
    json_t *v;

    json_array_foreach((json_t *)n->enumeration, i, v)
    {
        if (json_equal(v, value))
            return;
        buf_addf(&allowed, "%s\"", i ? ", " : "");
        if (json_is_string(v))
            buf_add_str(&allowed, json_str_of(v));
        else
            json_format(v, &allowed);
        buf_add_char(&allowed, '"');
    }
    field_errors_add(c->errors, FIELD_NOT_SUPPORTED, path_of(c, path), value,
                     "supported values: %s", buf_c(&allowed));
}

static int64_t count_code_points(struct str s)
{
    int64_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

static void check_string(struct check *c, const struct schema_node *n, const json_t *value,
                         const struct schema_path *path)
{
    struct str s = json_str_of(value);
    int64_t length = count_code_points(s);

    if (n->max_length >= 0 && length > n->max_length)
        field_errors_add(c->errors, FIELD_TOO_LONG, path_of(c, path), NULL,
                         "may not be more than %lld byte%s", (long long)n->max_length,
                         n->max_length == 1 ? "" : "s");
    if (n->min_length >= 0 && length < n->min_length)
        fail(c, path, value, "should be at least %lld chars long", (long long)n->min_length);
    if (n->regex && regexec(n->regex, json_string_value(value), 0, NULL, 0) != 0)
        fail(c, path, value, "should match '%" STR_FMT "'", STR_ARG(n->pattern));
    if (n->format && !schema_format_check(n->format, s))
        fail(c, path, value, "must be of type %s: \"%" STR_FMT "\"", schema_format_name(n->format),
             STR_ARG(str_head(s, 256)));
}

static void check_number(struct check *c, const struct schema_node *n, const json_t *value,
                         const struct schema_path *path)
{
    double v = json_number_value(value);
    char limit[32];

    if (n->is_int32 && (v < INT32_MIN || v > INT32_MAX))
        field_errors_add_str(c->errors, FIELD_INVALID, STR_NONE, STR(""),
                             "Checked value must be of type integer with format int32 in %" STR_FMT,
                             STR_ARG(path_of(c, path)));
    if (n->has_maximum && (n->exclusive_maximum ? v >= n->maximum : v > n->maximum))
        fail(c, path, value, "should be less than %s%s", n->exclusive_maximum ? "" : "or equal to ",
             format_number(n->maximum, limit));
    if (n->has_minimum && (n->exclusive_minimum ? v <= n->minimum : v < n->minimum))
        fail(c, path, value, "should be greater than %s%s",
             n->exclusive_minimum ? "" : "or equal to ", format_number(n->minimum, limit));
    if (n->has_multiple && fabs(remainder(v, n->multiple_of)) > 1e-9)
        fail(c, path, value, "should be a multiple of %s", format_number(n->multiple_of, limit));
}

/* Too few items or properties: the count is the bad value. */
static void fail_count(struct check *c, const struct schema_path *path, size_t count, int64_t min,
                       const char *what)
{
    json_t *shown JSON_OWNED = json_integer((json_int_t)count);

    fail(c, path, shown, "should have at least %lld %s", (long long)min, what);
}

/* Too many items or properties: the count is shown as the bad value. */
static void check_count(struct check *c, size_t count, int64_t max, const struct schema_path *path)
{
    if (max < 0 || count <= (size_t)max)
        return;
    field_errors_add(c->errors, FIELD_TOO_MANY, path_of(c, path), NULL,
                     "%zu: must have at most %lld item%s", count, (long long)max,
                     max == 1 ? "" : "s");
}

static void check_required(struct check *c, const struct schema_node *n, const json_t *object,
                           const struct schema_path *path)
{
    for (size_t i = 0; i < n->required.n; i++) {
        struct str name = n->required.p[i];
        struct schema_path here = {.up = path, .name = name};
        if (!json_object_getn(object, name.p, name.n))
            field_errors_add(c->errors, FIELD_REQUIRED, path_of(c, &here), NULL, NULL);
    }
}

static void check_object(struct check *c, const struct schema_node *n, const json_t *object,
                         const json_t *old, const struct schema_path *path)
{
    size_t size = json_object_size(object);
    const char *key;
    json_t *v;

    check_required(c, n, object, path);
    check_count(c, size, n->max_properties, path);
    if (n->min_properties >= 0 && (int64_t)size < n->min_properties)
        fail_count(c, path, size, n->min_properties, "properties");
    json_object_foreach((json_t *)object, key, v)
    {
        struct schema_path here = {.up = path, .name = str_c(key)};
        const struct schema_node *p = schema_property_find(n, here.name);
        if (!p)
            p = n->additional;
        if (p)
            validate(c, p, v, json_object_get(old, key), &here);
    }
}

/* What makes an item of a set or map list unique, as text. */
static void item_key(const struct schema_node *n, const json_t *item, struct buf *out)
{
    json_t *keys JSON_OWNED = NULL;

    if (n->list_type == SCHEMA_LIST_SET) {
        json_format_canonical(item, out);
        return;
    }
    keys = json_object();
    for (size_t i = 0; i < n->list_keys.n; i++) {
        struct str k = n->list_keys.p[i];
        json_t *v = json_object_getn(item, k.p, k.n);
        if (v)
            json_object_setn(keys, k.p, k.n, v);
    }
    json_format_canonical(keys, out);
}

/* The items of a list by their keys; the first of equal ones stays. */
static struct map *index_items(const struct schema_node *n, const json_t *list)
{
    struct map *m = map_new();
    size_t i;
    json_t *v;

    json_array_foreach((json_t *)list, i, v)
    {
        struct buf key CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);
        item_key(n, v, &key);
        if (!map_get(m, buf_str(&key)))
            map_put(m, buf_str(&key), v);
    }
    return m;
}

static void add_duplicate(struct check *c, const struct schema_node *n, const json_t *item,
                          struct str key, const struct schema_path *path)
{
    json_t *keys JSON_OWNED = NULL;

    if (n->list_type == SCHEMA_LIST_MAP && json_parse(key, &keys, NULL) < 0)
        return;
    field_errors_add(c->errors, FIELD_DUPLICATE, path_of(c, path), keys ? keys : item, NULL);
}

/* Duplicates in a set or map list; every key is reported once. */
static void check_unique(struct check *c, const struct schema_node *n, const json_t *list,
                         const struct schema_path *path)
{
    struct map *seen CLEANUP(map_freep) = map_new();
    static char once, again;
    size_t i;
    json_t *v;

    json_array_foreach((json_t *)list, i, v)
    {
        struct buf key CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);
        struct schema_path here = {.up = path, .index = i};
        if (n->list_type == SCHEMA_LIST_MAP && !json_is_object(v))
            continue;
        item_key(n, v, &key);
        const void *before = map_put(seen, buf_str(&key), &once);
        if (before)
            map_put(seen, buf_str(&key), &again);
        if (before == &once)
            add_duplicate(c, n, v, buf_str(&key), &here);
    }
}

static void check_items(struct check *c, const struct schema_node *n, const json_t *list,
                        const json_t *old, const struct schema_path *path)
{
    struct map *before CLEANUP(map_freep) = NULL;
    size_t i;
    json_t *v;

    if (n->list_type == SCHEMA_LIST_MAP && json_is_array(old))
        before = index_items(n, old);
    json_array_foreach((json_t *)list, i, v)
    {
        struct buf key CLEANUP(buf_fini) = BUF_INIT(BUF_NO_LIMIT);
        struct schema_path here = {.up = path, .index = i};
        if (before)
            item_key(n, v, &key);
        validate(c, n->items, v, before ? map_get(before, buf_str(&key)) : NULL, &here);
    }
}

static void check_array(struct check *c, const struct schema_node *n, const json_t *list,
                        const json_t *old, const struct schema_path *path)
{
    size_t size = json_array_size(list);

    check_count(c, size, n->max_items, path);
    if (n->min_items >= 0 && (int64_t)size < n->min_items)
        fail_count(c, path, size, n->min_items, "items");
    if (n->list_type != SCHEMA_LIST_ATOMIC)
        check_unique(c, n, list, path);
    if (n->items)
        check_items(c, n, list, old, path);
}

static bool is_valid(struct check *c, const struct schema_node *n, const json_t *value,
                     const struct schema_path *path)
{
    struct field_errors errors;
    struct check probe = {.errors = &errors, .arena = c->arena};

    field_errors_init(&errors, c->arena);
    validate(&probe, n, value, NULL, path);
    bool ok = errors.items.n == 0;
    field_errors_fini(&errors);
    return ok;
}

static size_t count_valid(struct check *c, const struct schema_nodes *list, const json_t *value,
                          const struct schema_path *path)
{
    size_t n = 0;

    for (size_t i = 0; i < list->n; i++)
        n += is_valid(c, list->p[i], value, path);
    return n;
}

/* The messages of allOf, anyOf, oneOf, not name the value in their text and have no field of their own. */
static void fail_combined(struct check *c, const struct schema_path *path, const char *text)
{
    field_errors_add_str(c->errors, FIELD_INVALID, STR_NONE, STR(""), "\"%" STR_FMT "\" %s",
                         STR_ARG(path_of(c, path)), text);
}

static void check_combined(struct check *c, const struct schema_node *n, const json_t *value,
                           const struct schema_path *path)
{
    for (size_t i = 0; i < n->all_of.n; i++)
        validate(c, n->all_of.p[i], value, NULL, path);
    if (n->any_of.n && count_valid(c, &n->any_of, value, path) == 0)
        fail_combined(c, path, "must validate at least one schema (anyOf)");
    if (n->one_of.n) {
        size_t valid = count_valid(c, &n->one_of, value, path);
        char text[128];
        snprintf(text, sizeof(text),
                 "must validate one and only one schema (oneOf). Found %zu valid alternatives",
                 valid);
        if (valid != 1)
            fail_combined(
                c, path,
                valid ? text : "must validate one and only one schema (oneOf). Found none valid");
    }
    if (n->negated && is_valid(c, n->negated, value, path))
        fail_combined(c, path, "must not validate the schema (not)");
}

static void check_rules(struct check *c, const struct schema_node *n, const json_t *value,
                        const struct schema_path *path)
{
    json_t *shown JSON_OWNED = json_string(type_of(value));

    for (size_t i = 0; i < n->rule_count; i++)
        field_errors_add(c->errors, n->rules[i].reason, path_of(c, path), shown, "%" STR_FMT,
                         STR_ARG(n->rules[i].message));
}

static void validate(struct check *c, const struct schema_node *n, const json_t *value,
                     const json_t *old, const struct schema_path *path)
{
    if (old && json_equal(value, old))
        return;
    if (!check_type(c, n, value, path) || json_is_null(value))
        return;
    if (old && n->rule_count)
        check_rules(c, n, value, path);
    if (n->enumeration)
        check_enum(c, n, value, path);
    if (json_is_string(value))
        check_string(c, n, value, path);
    else if (json_is_number(value))
        check_number(c, n, value, path);
    else if (json_is_object(value))
        check_object(c, n, value, old, path);
    else if (json_is_array(value))
        check_array(c, n, value, old, path);
    check_combined(c, n, value, path);
}

void schema_validate_node(const struct schema_node *node, const json_t *value,
                          const struct schema_path *path, struct field_errors *errors)
{
    struct check c = {.errors = errors, .arena = errors->arena};

    validate(&c, node, value, NULL, path);
}

void schema_validate(const struct schema *s, const json_t *object, const json_t *old,
                     struct field_errors *errors)
{
    struct check c = {.errors = errors, .arena = errors->arena};

    validate(&c, s->root, object, old, NULL);
}
