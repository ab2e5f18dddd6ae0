/*
 * The paths of printer columns: the simple JSONPath that CustomResourceDefinitions may use.
 *
 *   .spec.address   .metadata.labels.a\.b   .spec.items[0].name   .status.conditions[?(@.type=="Ready")].status
 */
#ifndef APISERVER_COLPATH_H
#define APISERVER_COLPATH_H

#include "codec/json.h"

#define COLPATH_MAX_BYTES 1024

/* The value a path names, borrowed; NULL when there is none.  A path that does not parse names nothing. */
const json_t *colpath_get(const json_t *object, struct str path);

/* Whether a path parses. */
bool colpath_is_valid(struct str path);

#endif
