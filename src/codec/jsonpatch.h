/*
 * The patch forms of the Kubernetes API over JSON values: JSON Patch (RFC 6902), JSON Merge Patch
 * (RFC 7386), and strategic merge patch with its directives ($patch, $retainKeys, $deleteFromPrimitiveList,
 * $setElementOrder) and merge keys from a table of paths.
 *
 * None of them changes its inputs; each returns a new value.
 */
#ifndef CODEC_JSONPATCH_H
#define CODEC_JSONPATCH_H

#include "codec/json.h"

#define JSONPATCH_MAX_OPS 10000                    /* as kube-apiserver */
#define JSONPATCH_MAX_COPY_BYTES (3 * 1024 * 1024) /* that all "copy" of one patch may add */

/*
 * Applies an RFC 6902 document.
 *
 * Errors: BADREQUEST (malformed), INVALID (path missing, test failed, nested deeper than JSON_MAX_DEPTH),
 * TOOBIG (a limit above).
 */
int jsonpatch_apply(const json_t *target, const json_t *patch, json_t **ret_value,
                    struct err *err) MUST_USE;

/* Applies RFC 7386. */
json_t *jsonpatch_merge(const json_t *target, const json_t *patch) MUST_USE;

/* How a list at a path merges: by the value of `key`, or (key NULL) as a set of primitives. */
struct jsonpatch_list {
    const char *path; /* dotted, list items not counted: "spec.containers.env" */
    const char *key;
};

/* Applies a strategic merge patch; lists without a row in `lists` are replaced.  Errors: BADREQUEST, INVALID. */
int jsonpatch_strategic(const json_t *target, const json_t *patch,
                        const struct jsonpatch_list *lists, size_t count, json_t **ret_value,
                        struct err *err) MUST_USE;

/*
 * Computes the merge patch of a three-way apply: fields of `modified` that differ from `live`, and nulls
 * for fields that `last` had and `modified` has not.  An empty object means nothing to do.
 */
json_t *jsonpatch_three_way(const json_t *last, const json_t *modified,
                            const json_t *live) MUST_USE;

#endif
