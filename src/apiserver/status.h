/*
 * metav1.Status objects: what every failed request answers.
 *
 * Each constructor puts a new Status into *ret_status (`ret_status` may be NULL when nobody will read
 * it) and returns the negative error code, so that `return status_not_found(…)` is the whole failure.
 * Texts are those of kube-apiserver, because clients and people match on them.
 */
#ifndef APISERVER_STATUS_H
#define APISERVER_STATUS_H

#include "apiserver/field.h"
#include "base/err.h"

struct kind;

/* A Status of this code with a message and no details. */
int status_set(json_t **ret_status, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* A Status from an error value. */
int status_from_err(json_t **ret_status, const struct err *err);

/* `secrets "x" not found`. */
int status_not_found(json_t **ret_status, const struct kind *k, struct str name);

/* `secrets "x" already exists`. */
int status_exists(json_t **ret_status, const struct kind *k, struct str name);

/* `Operation cannot be fulfilled on secrets "x": <why>`. */
int status_conflict(json_t **ret_status, const struct kind *k, struct str name, const char *why);

/* `secrets "x" is forbidden: <why>`. */
int status_forbidden(json_t **ret_status, const struct kind *k, struct str name, struct str why);

/* `Secret "x" is invalid: <path>: <message>` with one cause for each error.  `e` is not empty. */
int status_invalid(json_t **ret_status, const struct kind *k, struct str name,
                   const struct field_errors *e);

/* `the server does not allow this method on the requested resource`. */
int status_method(json_t **ret_status, const struct kind *k);

/* The success Status of a delete, with the deleted object's name, kind and uid in details. */
json_t *status_deleted(const struct kind *k, struct str name, struct str uid) MUST_USE;

/* HTTP status code inside a Status object. */
int status_http(const json_t *status);

#endif
