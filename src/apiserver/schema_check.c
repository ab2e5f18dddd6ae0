/*
 * The rules of structural schemas: each node says its type, value validations say nothing else, what they
 * mention is specified outside of them, list types fit their items, defaults are valid values.
 *
 * Texts are those of apiextensions-apiserver (pkg/apiserver/schema, pkg/apis/apiextensions/validation).
 */
#include "apiserver/schema_compile_priv.h"

static void forbid(struct compiler *c, struct str path, const char *member, const char *why)
{
    field_errors_add(c->errors, FIELD_FORBIDDEN, schema_compile_child(c, path, member), NULL, "%s",
                     why);
}

static void require(struct compiler *c, struct str path, const char *member, const char *why)
{
    field_errors_add(c->errors, FIELD_REQUIRED, schema_compile_child(c, path, member), NULL, "%s",
                     why);
}

static void refuse(struct compiler *c, struct str path, const char *member, const json_t *value,
                   const char *why)
{
    field_errors_add(c->errors, FIELD_INVALID, schema_compile_child(c, path, member), value, "%s",
                     why);
}

static bool is_set(const json_t *source, const char *member)
{
    const json_t *v = json_object_get(source, member);

    return v && !json_is_false(v) && !json_is_null(v) &&
           !(json_is_string(v) && !json_string_length(v)) &&
           !(json_is_array(v) && !json_array_size(v));
}

static void check_unsupported(struct compiler *c, const json_t *source, struct str path)
{
    static const struct {
        const char *member, *why;
    } MEMBERS[] = {
        {"id", "id is not supported"},
        {"$ref", "$ref is not supported"},
        {"definitions", "definitions is not supported"},
        {"dependencies", "dependencies is not supported"},
        {"patternProperties", "patternProperties is not supported"},
        {"additionalItems", "additionalItems is not supported"},
        {"uniqueItems",
         "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"},
    };

    for (size_t i = 0; i < ARRAY_LEN(MEMBERS); i++) {
        if (is_set(source, MEMBERS[i].member))
            forbid(c, path, MEMBERS[i].member, MEMBERS[i].why);
    }
    if (json_is_array(json_object_get(source, "items")))
        forbid(c, path, "items", "items must be a schema object and not an array");
    if (json_is_false(json_object_get(source, "x-kubernetes-preserve-unknown-fields")))
        refuse(c, path, "x-kubernetes-preserve-unknown-fields",
               json_object_get(source, "x-kubernetes-preserve-unknown-fields"),
               "must be true or undefined");
}

/* Inside of allOf, anyOf, oneOf, not. */
static void check_nested(struct compiler *c, const json_t *source, struct str path,
                         enum schema_level level)
{
    static const struct {
        const char *member, *why;
    } MEMBERS[] = {
        {"type", "must be empty to be structural"},
        {"additionalProperties", "must be undefined to be structural"},
        {"default", "must be undefined to be structural"},
        {"title", "must be empty to be structural"},
        {"description", "must be empty to be structural"},
        {"nullable", "must be false to be structural"},
        {"x-kubernetes-preserve-unknown-fields", "must be false to be structural"},
        {"x-kubernetes-embedded-resource", "must be false to be structural"},
        {"x-kubernetes-int-or-string", "must be false to be structural"},
        {"x-kubernetes-list-map-keys", "must be empty to be structural"},
        {"x-kubernetes-list-type", "must be undefined to be structural"},
        {"x-kubernetes-map-type", "must be undefined to be structural"},
        {"x-kubernetes-validations", "must be empty to be structural"},
    };

    for (size_t i = level == SCHEMA_LEVEL_NESTED_TYPED; i < ARRAY_LEN(MEMBERS); i++) {
        if (is_set(source, MEMBERS[i].member))
            forbid(c, path, MEMBERS[i].member, MEMBERS[i].why);
    }
    if (json_at(source, "properties", "metadata", NULL))
        field_errors_add(c->errors, FIELD_FORBIDDEN,
                         schema_compile_key(c, path, "properties", STR("metadata")), NULL,
                         "must not be specified in a nested context");
}

static void check_type(struct compiler *c, const struct schema_node *n, const json_t *source,
                       struct str path, enum schema_level level)
{
    static const char *const EMPTY[] = {
        [SCHEMA_LEVEL_ROOT] = "must not be empty at the root",
        [SCHEMA_LEVEL_FIELD] = "must not be empty for specified object fields",
        [SCHEMA_LEVEL_ITEM] = "must not be empty for specified array items",
    };
    const json_t *type = json_object_get(source, "type");

    if (n->embedded && n->type != SCHEMA_OBJECT)
        field_errors_add(c->errors, type ? FIELD_INVALID : FIELD_REQUIRED,
                         schema_compile_child(c, path, "type"), type,
                         "must be object if x-kubernetes-embedded-resource is true");
    else if (!is_set(source, "type") && !n->int_or_string && !n->preserve_unknown)
        require(c, path, "type", EMPTY[level]);
    if (level == SCHEMA_LEVEL_ROOT && is_set(source, "type") && n->type != SCHEMA_OBJECT)
        refuse(c, path, "type", type, "must be object at the root");
    if (n->type == SCHEMA_ARRAY && !n->items)
        require(c, path, "items", "must be specified");
}

/* metadata at the root may only restrict name and generateName. */
static void check_metadata(struct compiler *c, const json_t *source, struct str path)
{
    static const char *const STRINGS[] = {"kind", "apiVersion"};
    const json_t *metadata = json_at(source, "properties", "metadata", NULL);
    const char *key;
    json_t *v;
    bool only_names = true;

    for (size_t i = 0; i < ARRAY_LEN(STRINGS); i++) {
        const json_t *p = json_at(source, "properties", STRINGS[i], NULL);
        if (p && !str_eq(json_str(p, "type"), STR("string")))
            refuse(c, schema_compile_key(c, path, "properties", str_c(STRINGS[i])), "type",
                   json_object_get(p, "type"), "must be string");
    }
    if (!metadata)
        return;
    struct str at = schema_compile_key(c, path, "properties", STR("metadata"));
    if (!str_eq(json_str(metadata, "type"), STR("object")))
        refuse(c, at, "type", json_object_get(metadata, "type"), "must be object");
    json_object_foreach((json_t *)metadata, key, v)
    {
        struct str k = str_c(key);
        only_names &= str_eq(k, STR("type")) || str_eq(k, STR("properties"));
    }
    json_object_foreach(json_object_get(metadata, "properties"), key, v)
    {
        struct str k = str_c(key);
        only_names &= str_eq(k, STR("name")) || str_eq(k, STR("generateName"));
    }
    if (!only_names)
        field_errors_add(c->errors, FIELD_FORBIDDEN, at, NULL,
                         "must not specify anything other than name and generateName, but "
                         "metadata is implicitly specified");
}

/* One key of a map-type list: a scalar property of the items that is required or has a default. */
static void check_list_key(struct compiler *c, const struct schema_node *items, struct str key,
                           const json_t *keys, struct str path)
{
    const struct schema_node *p = schema_property_find(items, key);
    struct str at =
        schema_compile_key(c, schema_compile_child(c, path, "items"), "properties", key);
    bool required = false;

    if (!p) {
        refuse(c, path, "x-kubernetes-list-map-keys", keys,
               "entries must all be names of item properties");
        return;
    }
    if (p->type == SCHEMA_OBJECT || p->type == SCHEMA_ARRAY)
        field_errors_add(c->errors, FIELD_INVALID, schema_compile_child(c, at, "type"), NULL,
                         "must be a scalar type if parent array's x-kubernetes-list-type is map");
    for (size_t i = 0; i < items->required.n; i++)
        required |= str_eq(items->required.p[i], key);
    if (!required && !p->dflt)
        require(c, at, "default",
                "this property is in x-kubernetes-list-map-keys, so it must have a default or be "
                "a required property");
    if (p->nullable)
        forbid(c, at, "nullable",
               "this property is in x-kubernetes-list-map-keys, so it cannot be nullable");
}

static void check_list_map(struct compiler *c, const struct schema_node *n, const json_t *source,
                           struct str path)
{
    const json_t *keys = json_object_get(source, "x-kubernetes-list-map-keys");

    if (!n->list_keys.n)
        require(c, path, "x-kubernetes-list-map-keys",
                "must not be empty if x-kubernetes-list-type is map");
    if (!n->items) {
        require(c, path, "items", "must have a schema if x-kubernetes-list-type is map");
        return;
    }
    if (n->items->type != SCHEMA_OBJECT)
        refuse(c, schema_compile_child(c, path, "items"), "type",
               json_at(source, "items", "type", NULL),
               "must be object if parent array's x-kubernetes-list-type is map");
    for (size_t i = 0; i < n->list_keys.n; i++) {
        check_list_key(c, n->items, n->list_keys.p[i], keys, path);
        for (size_t j = 0; j < i; j++) {
            if (str_eq(n->list_keys.p[i], n->list_keys.p[j]))
                refuse(c, path, "x-kubernetes-list-map-keys", keys,
                       "must not contain duplicate entries");
        }
    }
}

static void check_list_type(struct compiler *c, const struct schema_node *n, const json_t *source,
                            struct str path)
{
    static const char *const LIST_TYPES[] = {"atomic", "set", "map", NULL};
    const json_t *type = json_object_get(source, "x-kubernetes-list-type");
    struct str name = json_str_of(type);
    bool known = false;

    for (size_t i = 0; LIST_TYPES[i]; i++)
        known |= str_eq_c(name, LIST_TYPES[i]);
    if (type && !known)
        field_errors_unsupported(c->errors, schema_compile_child(c, path, "x-kubernetes-list-type"),
                                 name, LIST_TYPES);
    if (type && n->type != SCHEMA_ARRAY)
        field_errors_add(c->errors, n->type == SCHEMA_ANY ? FIELD_REQUIRED : FIELD_INVALID,
                         schema_compile_child(c, path, "type"), json_object_get(source, "type"),
                         "must be array if x-kubernetes-list-type is specified");
    if (n->list_keys.n && n->list_type != SCHEMA_LIST_MAP)
        field_errors_add(c->errors, type ? FIELD_INVALID : FIELD_REQUIRED,
                         schema_compile_child(c, path, "x-kubernetes-list-type"), type,
                         "must be map if x-kubernetes-list-map-keys is non-empty");
    if (n->list_type == SCHEMA_LIST_MAP)
        check_list_map(c, n, source, path);
    if (n->list_type != SCHEMA_LIST_ATOMIC && n->items && n->items->nullable)
        field_errors_add(
            c->errors, FIELD_FORBIDDEN,
            schema_compile_child(c, schema_compile_child(c, path, "items"), "nullable"), NULL,
            "cannot be nullable when x-kubernetes-list-type is %" STR_FMT, STR_ARG(name));
}

void schema_compile_check(struct compiler *c, const struct schema_node *n, const json_t *source,
                          struct str path, enum schema_level level)
{
    check_unsupported(c, source, path);
    if (level >= SCHEMA_LEVEL_NESTED) {
        check_nested(c, source, path, level);
        return;
    }
    check_type(c, n, source, path, level);
    check_list_type(c, n, source, path);
    if (level == SCHEMA_LEVEL_ROOT) {
        check_metadata(c, source, path);
        if (n->additional || n->additional_any)
            forbid(c, path, "additionalProperties", "must not be used at the root");
        if (n->nullable)
            forbid(c, path, "nullable", "nullable cannot be true at the root");
    }
    if (n->int_or_string && n->preserve_unknown)
        refuse(c, path, "x-kubernetes-preserve-unknown-fields",
               json_object_get(source, "x-kubernetes-preserve-unknown-fields"),
               "must be false if x-kubernetes-int-or-string is true");
    if (n->embedded && !n->preserve_unknown && !n->property_count)
        require(c, path, "properties",
                "must not be empty if x-kubernetes-embedded-resource is true without "
                "x-kubernetes-preserve-unknown-fields");
}

/* The only rule that needs no expression engine; every other one is refused by name. */
static struct schema_rule compile_rule(struct compiler *c, const json_t *rule, struct str path)
{
    static const char *const REASONS[] = {"FieldValueRequired", "FieldValueInvalid",
                                          "FieldValueForbidden", "FieldValueDuplicate", NULL};
    static const enum field_error_type TYPES[] = {FIELD_REQUIRED, FIELD_INVALID, FIELD_FORBIDDEN,
                                                  FIELD_DUPLICATE};
    struct str text = str_trim_space(json_str(rule, "rule"));
    struct str reason = json_str(rule, "reason");
    struct schema_rule r = {.reason = FIELD_INVALID, .message = json_str(rule, "message")};
    size_t i = 1;

    if (!text.n)
        require(c, path, "rule", "rule is not specified");
    else if (!str_eq(text, STR("self == oldSelf")))
        refuse(c, path, "rule", json_object_get(rule, "rule"),
               "this server knows only the rule `self == oldSelf`");
    else if (c->uncorrelated)
        refuse(c, path, "rule", json_object_get(rule, "rule"),
               "oldSelf cannot be used on the uncorrelatable portion of the schema");
    if (is_set(rule, "messageExpression"))
        refuse(c, path, "messageExpression", json_object_get(rule, "messageExpression"),
               "this server does not support message expressions");
    if (is_set(rule, "fieldPath"))
        refuse(c, path, "fieldPath", json_object_get(rule, "fieldPath"),
               "this server does not support field paths of rules");
    if (is_set(rule, "optionalOldSelf"))
        refuse(c, path, "optionalOldSelf", json_object_get(rule, "optionalOldSelf"),
               "this server does not support optionalOldSelf");
    for (i = 0; reason.n && REASONS[i]; i++) {
        if (str_eq_c(reason, REASONS[i])) {
            r.reason = TYPES[i];
            break;
        }
    }
    if (reason.n && !REASONS[i])
        field_errors_unsupported(c->errors, schema_compile_child(c, path, "reason"), reason,
                                 REASONS);
    if (!r.message.n)
        r.message = STR("failed rule: self == oldSelf");
    return r;
}

void schema_compile_extensions(struct compiler *c, struct schema_node *n, const json_t *source,
                               struct str path)
{
    struct str list_type = json_str(source, "x-kubernetes-list-type");
    const json_t *rules = json_object_get(source, "x-kubernetes-validations");

    if (str_eq(list_type, STR("set")))
        n->list_type = SCHEMA_LIST_SET;
    else if (str_eq(list_type, STR("map")))
        n->list_type = SCHEMA_LIST_MAP;
    n->list_keys = schema_compile_names(c, json_object_get(source, "x-kubernetes-list-map-keys"));
    n->rule_count = json_array_size(rules);
    n->rules = ARENA_ARRAY(c->arena, struct schema_rule, n->rule_count);
    for (size_t i = 0; i < n->rule_count; i++) {
        char index[24];
        snprintf(index, sizeof(index), "%zu", i);
        n->rules[i] =
            compile_rule(c, json_array_get(rules, i),
                         schema_compile_key(c, path, "x-kubernetes-validations", str_c(index)));
    }
}

/* Checks one part of a value validation against the structure it talks about. */
static void complete_nested(struct compiler *c, const struct schema_node *structure,
                            const struct schema_node *n, struct str path)
{
    for (size_t i = 0; i < n->property_count; i++) {
        const struct schema_property *p = &n->properties[i];
        const struct schema_node *s = schema_property_find(structure, p->name);
        struct str at = schema_compile_key(c, path, "properties", p->name);
        if (s)
            complete_nested(c, s, p->node, at);
        else
            field_errors_add(c->errors, FIELD_REQUIRED, at, NULL,
                             "because it is defined in a value validation");
    }
    if (n->items && !structure->items)
        require(c, path, "items", "because it is defined in a value validation");
    else if (n->items)
        complete_nested(c, structure->items, n->items, schema_compile_child(c, path, "items"));
    schema_compile_complete(c, structure, n, path);
}

static void complete_list(struct compiler *c, const struct schema_node *structure,
                          const struct schema_nodes *list, struct str path)
{
    for (size_t i = 0; i < list->n; i++)
        complete_nested(c, structure, list->p[i], path);
}

static void complete_below(struct compiler *c, const struct schema_node *n, struct str path)
{
    for (size_t i = 0; i < n->property_count; i++) {
        const struct schema_property *p = &n->properties[i];
        schema_compile_complete(c, p->node, p->node,
                                schema_compile_key(c, path, "properties", p->name));
    }
    if (n->items)
        schema_compile_complete(c, n->items, n->items, schema_compile_child(c, path, "items"));
    if (n->additional)
        schema_compile_complete(c, n->additional, n->additional,
                                schema_compile_child(c, path, "additionalProperties"));
}

void schema_compile_complete(struct compiler *c, const struct schema_node *structure,
                             const struct schema_node *n, struct str path)
{
    if (c->nodes >= SCHEMA_MAX_NODES)
        return;
    complete_list(c, structure, &n->all_of, path);
    complete_list(c, structure, &n->any_of, path);
    complete_list(c, structure, &n->one_of, path);
    if (n->negated)
        complete_nested(c, structure, n->negated, path);
    if (structure == n)
        complete_below(c, n, path);
}

static void check_default(struct compiler *c, const struct schema_node *n, struct str path)
{
    json_t *unknown JSON_OWNED = json_array();
    json_t *copy JSON_OWNED = json_clone(n->dflt);
    struct str at = schema_compile_child(c, path, "default");
    struct schema_path here = {.name = at};

    schema_prune_node(n, copy, unknown);
    if (json_array_size(unknown))
        field_errors_add(c->errors, FIELD_INVALID, at, n->dflt, "must not have unknown fields");
    else
        schema_validate_node(n, n->dflt, &here, c->errors);
}

void schema_compile_defaults(struct compiler *c, const struct schema_node *n, struct str path,
                             bool is_root)
{
    if (n->dflt)
        check_default(c, n, path);
    for (size_t i = 0; i < n->property_count; i++) {
        const struct schema_property *p = &n->properties[i];
        if (is_root && str_eq(p->name, STR("metadata")))
            continue;
        schema_compile_defaults(c, p->node, schema_compile_key(c, path, "properties", p->name),
                                false);
    }
    if (n->items)
        schema_compile_defaults(c, n->items, schema_compile_child(c, path, "items"), false);
    if (n->additional)
        schema_compile_defaults(c, n->additional,
                                schema_compile_child(c, path, "additionalProperties"), false);
}
