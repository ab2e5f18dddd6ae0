/*
 * YAML to JSON values, as Kubernetes manifests are read (sigs.k8s.io/yaml: YAML 1.1 scalars).
 *
 * Anchors and aliases are followed within a bound on the produced nodes; duplicate keys, non-string keys of
 * complex type and unknown tags are errors.  Positions are 1-based line and column.
 */
#ifndef CODEC_YAML_H
#define CODEC_YAML_H

#include "codec/json.h"

#define YAML_MAX_NODES 1000000 /* after alias expansion */

/*
 * Parses all documents of `text` into an array (empty documents are left out).
 * Returns 0 and a new reference, or -ERR_BADREQUEST "line:column: reason".
 */
int yaml_parse_all(struct str text, json_t **ret_array, struct err *err) MUST_USE;

/* Parses exactly one document.  Errors: BADREQUEST. */
int yaml_parse(struct str text, json_t **ret_value, struct err *err) MUST_USE;

/* Appends `v` as a YAML document in the form kubectl prints (block style, sorted keys). */
void yaml_format(const json_t *v, struct buf *out);

#endif
