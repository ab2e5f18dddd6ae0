/*
 * Structural schemas (apiextensions/v1): compile, prune, default, validate.
 *
 * A schema is compiled once from its OpenAPI v3 form and then immutable.  The same engine serves
 * CustomResourceDefinitions and the built-in kinds (kinds/<kind>.yaml).  `apiVersion`, `kind` and `metadata` at the
 * root (and of embedded resources) are known and never pruned; metadata itself is checked by meta.c.
 */
#ifndef APISERVER_SCHEMA_H
#define APISERVER_SCHEMA_H

#include "apiserver/field.h"

struct schema;

/*
 * Compiles `openapi` (copied).  Errors in it are added to `errors` below `path`, e.g.
 * "spec.versions[0].schema.openAPIV3Schema"; returns 0, or -ERR_INVALID when there were any.
 * Of x-kubernetes-validations only the rule `self == oldSelf` is known.
 */
int schema_compile(const json_t *openapi, struct str path, struct field_errors *errors,
                   struct schema **ret_schema) MUST_USE;

struct schema *schema_ref(const struct schema *s);
void schema_unref(const struct schema *s);

/* The OpenAPI v3 form it was compiled from, borrowed (for /openapi/v3). */
const json_t *schema_source(const struct schema *s);

/*
 * Removes members the schema does not know, and nulls where no null may be: a null counts as absent, as in
 * typed clients' objects (where there is a default it stays for schema_default).  Appends the path of each unknown
 * member to `unknown` (a JSON array of strings; may be NULL), bounded by FIELD_MAX_ERRORS.
 */
void schema_prune(const struct schema *s, json_t *object, json_t *unknown);

/* Fills in absent members that have defaults (and nulls that may not be null). */
void schema_default(const struct schema *s, json_t *object);

/* Checks `object`; `old` (may be NULL) is what it replaces, for transition rules. */
void schema_validate(const struct schema *s, const json_t *object, const json_t *old,
                     struct field_errors *errors);

#endif
