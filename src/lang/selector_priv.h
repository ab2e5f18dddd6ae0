/*
 * What a selector is made of: shared by the compiler (selector_parse.c), the check of names
 * (selector_check.c) and the matcher (selector.c).
 */
#ifndef LANG_SELECTOR_PRIV_H
#define LANG_SELECTOR_PRIV_H

#include "base/arena.h"
#include "base/vec.h"
#include "lang/selector.h"

enum selector_op {
    SELECTOR_OP_EQUALS, /* one value; "=" and "==" */
    SELECTOR_OP_NOT_EQUALS,
    SELECTOR_OP_IN,
    SELECTOR_OP_NOT_IN,
    SELECTOR_OP_EXISTS,
    SELECTOR_OP_NOT_EXISTS,
    SELECTOR_OP_GREATER, /* one value, an integer */
    SELECTOR_OP_LESS,
};

struct selector_values VEC(struct str);

struct selector_requirement {
    enum selector_op op;
    const char *name; /* a C string for lookups */
    size_t name_n;
    struct str *values; /* sorted, without duplicates */
    size_t value_count;
    int64_t number; /* SELECTOR_OP_GREATER, SELECTOR_OP_LESS */
};

struct selector {
    struct arena *arena;
    struct VEC(struct selector_requirement) all;
    bool fields;
    bool nothing;
};

/* Returns a selector without requirements. */
struct selector *selector_new(bool fields);

/* Adds a requirement; copies name and values, sorts and de-duplicates the values. */
void selector_add(struct selector *s, enum selector_op op, struct str name,
                  const struct selector_values *values);

/* Puts the requirements into the order of their names. */
void selector_sort(struct selector *s);

#endif
