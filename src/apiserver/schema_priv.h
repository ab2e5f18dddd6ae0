/*
 * A compiled schema: a tree of nodes in one arena.
 *
 * Value validations under allOf, anyOf, oneOf and not are nodes too, with no type of their own.  The tree is as
 * deep as its source, which the JSON parser bounds, so walking it is bounded as well.
 */
#ifndef APISERVER_SCHEMA_PRIV_H
#define APISERVER_SCHEMA_PRIV_H

#include <regex.h>

#include "apiserver/schema.h"

#define SCHEMA_MAX_NODES 50000
#define SCHEMA_MAX_PATTERN_BYTES 4096

enum schema_type {
    SCHEMA_ANY,
    SCHEMA_OBJECT,
    SCHEMA_ARRAY,
    SCHEMA_STRING,
    SCHEMA_INTEGER,
    SCHEMA_NUMBER,
    SCHEMA_BOOLEAN,
};

enum schema_list_type { SCHEMA_LIST_ATOMIC, SCHEMA_LIST_SET, SCHEMA_LIST_MAP };

struct schema_node;

struct schema_property {
    struct str name;
    struct schema_node *node;
};

struct schema_nodes {
    struct schema_node **p;
    size_t n;
};

struct schema_names {
    struct str *p;
    size_t n;
};

/* A rule `self == oldSelf`. */
struct schema_rule {
    enum field_error_type reason;
    struct str message;
};

struct schema_format;

struct schema_node {
    enum schema_type type;
    bool int_or_string, nullable, preserve_unknown, embedded, additional_any, is_int32;
    bool has_minimum, has_maximum, exclusive_minimum, exclusive_maximum, has_multiple;
    double minimum, maximum, multiple_of;
    int64_t min_length, max_length, min_items, max_items, min_properties,
        max_properties;                 /* -1: none */
    const json_t *dflt;                 /* borrowed from the source; NULL: none */
    const json_t *enumeration;          /* array; NULL: none */
    struct str pattern;                 /* as written */
    regex_t *regex;                     /* NULL: none */
    const struct schema_format *format; /* NULL: none, or not known */
    struct schema_property *properties; /* sorted by name */
    size_t property_count;
    struct schema_names required;
    struct schema_node *items, *additional, *negated;
    struct schema_nodes all_of, any_of, one_of;
    enum schema_list_type list_type;
    struct schema_names list_keys;
    struct schema_rule *rules;
    size_t rule_count;
};

struct schema {
    unsigned refs;
    struct arena *arena;
    json_t *source;
    struct schema_node *root;
};

/* One step from the root of a value to where a walk is; formatted only when an error is found. */
struct schema_path {
    const struct schema_path *up;
    struct str name; /* p == NULL: `index` counts */
    size_t index;
};

/* "spec.items[0].name" into the arena; empty for the root (`path` NULL). */
struct str schema_path_format(struct arena *a, const struct schema_path *path);

/* The node of a property, or NULL. */
struct schema_node *schema_property_find(const struct schema_node *n, struct str name);

/* Removes unknown members below `node`, for defaults that must be pruned too: see schema_prune. */
void schema_prune_node(const struct schema_node *node, json_t *value, json_t *unknown);

/* Checks `value` by one node, without what it replaces; errors are below `path`. */
void schema_validate_node(const struct schema_node *node, const json_t *value,
                          const struct schema_path *path, struct field_errors *errors);

/* The format of that name for string values, or NULL when it is not checked. */
const struct schema_format *schema_format_find(struct str name);

/* Whether a string has the format. */
bool schema_format_check(const struct schema_format *f, struct str value);

/* Name of a format, as error texts have it. */
const char *schema_format_name(const struct schema_format *f);

/*
 * Compiles a pattern in the syntax that RE2 and ECMA 262 share into `ret_regex` (for regexec, without
 * sub-matches).  Errors: INVALID with the reason.
 */
int schema_pattern_compile(struct str pattern, regex_t *ret_regex, struct err *err) MUST_USE;

#endif
