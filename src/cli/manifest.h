/*
 * Manifests of `apply` and `delete`: YAML or JSON from files, directories and standard input.
 */
#ifndef CLI_MANIFEST_H
#define CLI_MANIFEST_H

#include "base/option.h"
#include "codec/json.h"

#define MANIFEST_MAX_BYTES ((size_t)32 * 1024 * 1024)

/*
 * Reads all objects of the named files ("-" is standard input, a directory gives its *.yaml, *.yml and *.json
 * in name order), with items of List objects taken apart.
 * Errors: NOTFOUND, IO, BADREQUEST "file: line:column: reason".
 */
int manifest_load(const struct option_list *files, json_t **ret_objects, struct err *err) MUST_USE;

#endif
