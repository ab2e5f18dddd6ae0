/*
 * Validation errors with field paths, in the words of Kubernetes' field.ErrorList.
 *
 * Everything that checks an object (schema, kind hooks, metadata rules) adds to one list; the list
 * becomes message and details.causes of an Invalid status (status_invalid).  The list is bounded: what
 * comes after FIELD_MAX_ERRORS is counted, not kept.
 */
#ifndef APISERVER_FIELD_H
#define APISERVER_FIELD_H

#include "base/arena.h"
#include "base/vec.h"
#include "codec/json.h"

#define FIELD_MAX_ERRORS 100

enum field_error_type {
    FIELD_REQUIRED,      /* "Required value" */
    FIELD_INVALID,       /* "Invalid value" */
    FIELD_TYPE_INVALID,  /* "Invalid value" of another JSON type */
    FIELD_DUPLICATE,     /* "Duplicate value" */
    FIELD_NOT_SUPPORTED, /* "Unsupported value" */
    FIELD_NOT_FOUND,     /* "Not found" */
    FIELD_FORBIDDEN,     /* "Forbidden" */
    FIELD_TOO_LONG,      /* "Too long" */
    FIELD_TOO_MANY,      /* "Too many" */
};

struct field_error {
    enum field_error_type type;
    struct str path;    /* "spec.versions[0].name"; "<nil>" when empty */
    struct str message; /* all behind "path: ": `Invalid value: "x": must …` */
};

struct field_errors {
    struct arena *arena; /* where paths and texts live */
    struct VEC(struct field_error) items;
    size_t dropped; /* beyond FIELD_MAX_ERRORS */
};

/* Starts an empty list whose texts live in `a`. */
void field_errors_init(struct field_errors *e, struct arena *a);

/* Frees the array (the texts go with the arena). */
void field_errors_fini(struct field_errors *e);

/*
 * Adds one error.  `path` is copied; `value` (may be NULL: none shown) is the offending value, printed as
 * Kubernetes does: strings quoted, numbers bare, objects and arrays as JSON cut at 120 bytes.  `fmt`
 * (may be NULL) is the detail text.
 */
void field_errors_add(struct field_errors *e, enum field_error_type type, struct str path,
                      const json_t *value, const char *fmt, ...) PRINTF_LIKE(5, 6);

/* As field_errors_add for a string value, which need not be JSON yet. */
void field_errors_add_str(struct field_errors *e, enum field_error_type type, struct str path,
                          struct str value, const char *fmt, ...) PRINTF_LIKE(5, 6);

/* Adds FIELD_NOT_SUPPORTED with the allowed values (a NULL-terminated array). */
void field_errors_unsupported(struct field_errors *e, struct str path, struct str value,
                              const char *const *allowed);

/* "FieldValueInvalid" and the like, as details.causes[].reason has it. */
const char *field_error_reason(enum field_error_type type);

#endif
