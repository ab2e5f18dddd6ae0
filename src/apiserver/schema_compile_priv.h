/*
 * What the two halves of the schema compiler share: building nodes (schema_compile.c) and checking that
 * they form a structural schema (schema_check.c).
 */
#ifndef APISERVER_SCHEMA_COMPILE_PRIV_H
#define APISERVER_SCHEMA_COMPILE_PRIV_H

#include "apiserver/schema_priv.h"

enum schema_level {
    SCHEMA_LEVEL_ROOT,
    SCHEMA_LEVEL_FIELD,
    SCHEMA_LEVEL_ITEM,
    SCHEMA_LEVEL_NESTED,       /* below allOf, anyOf, oneOf, not: value validation only */
    SCHEMA_LEVEL_NESTED_TYPED, /* the two parts of anyOf: [{type: integer}, {type: string}] */
};

struct compiler {
    struct arena *arena;
    struct field_errors *errors;
    size_t nodes;
    size_t uncorrelated; /* enclosing lists whose items have no counterpart in the old value */
};

/* "path.name" */
struct str schema_compile_child(const struct compiler *c, struct str path, const char *name);

/* "path.list[key]" */
struct str schema_compile_key(const struct compiler *c, struct str path, const char *list,
                              struct str key);

/* The strings of an array, borrowed from it. */
struct schema_names schema_compile_names(struct compiler *c, const json_t *list);

/* Reads list types and rules. */
void schema_compile_extensions(struct compiler *c, struct schema_node *n, const json_t *source,
                               struct str path);

/* Checks one node at its level. */
void schema_compile_check(struct compiler *c, const struct schema_node *n, const json_t *source,
                          struct str path, enum schema_level level);

/* Checks that what value validations below `n` mention is specified by `structure`. */
void schema_compile_complete(struct compiler *c, const struct schema_node *structure,
                             const struct schema_node *n, struct str path);

/* Checks that defaults are values that the schema prunes nothing from and accepts. */
void schema_compile_defaults(struct compiler *c, const struct schema_node *n, struct str path,
                             bool is_root);

#endif
