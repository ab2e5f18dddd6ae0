/*
 * Rules for metadata that hold for every kind (k8s.io/apimachinery/pkg/api/validation).
 *
 * What the server owns (uid, timestamps, generation, resourceVersion) is set here and cannot be set by a
 * client; names, labels, annotations, finalizers and owner references are checked here.
 */
#ifndef APISERVER_META_H
#define APISERVER_META_H

#include "apiserver/kind.h"

#define META_ANNOTATIONS_MAX_BYTES (256 * 1024)
#define META_GENERATE_NAME_MAX 58 /* what is left for five random letters in a label */

/*
 * Checks the JSON types inside metadata and drops members that it does not have, adding their paths to
 * `unknown` (may be NULL).  Errors: BADREQUEST with a Status.
 */
int meta_shape(json_t *object, json_t *unknown, json_t **ret_status) MUST_USE;

/* Makes a name that starts with `base` (metadata.generateName) and ends in five random letters. */
struct str meta_make_name(struct arena *a, struct str base);

/* Sets what a new object gets from the server. */
void meta_prepare_create(const struct kind_request *r, json_t *object);

/* Restores in `object` what an update cannot change. */
void meta_prepare_update(const struct kind_request *r, json_t *object, const json_t *old);

/* Counts a change of anything but metadata and status in metadata.generation. */
void meta_bump_generation(const struct kind *k, json_t *object, const json_t *old);

/* Marks as being deleted since `wall_us`. */
void meta_mark_deleted(json_t *object, int64_t wall_us);

/* Checks metadata of a new object, or of an update of `old` (may be NULL). */
void meta_validate(const struct kind_request *r, const json_t *object, const json_t *old,
                   struct field_errors *errors);

/* Checks one name by a rule; adds errors below `path`. */
void meta_validate_name(enum kind_name_rule rule, struct str path, struct str name,
                        struct field_errors *errors);

#endif
