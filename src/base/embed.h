/*
 * The files of config/, carried inside the program.
 *
 * tools/gen-embed turns every .yaml file below config/ into one constant table at build time, so that an
 * installation needs nothing beside the binary.  The table is sorted by path (octet order) and ends
 * with a row whose path is NULL, which EMBED_FILES_LEN does not count.
 */
#ifndef BASE_EMBED_H
#define BASE_EMBED_H

#include <stddef.h>

#include "base/str.h"

struct embed_file {
    const char *path; /* relative to config/: "crds/connectors.yaml" */
    struct str body;  /* lives as long as the program; a NUL follows the last byte */
};

extern const struct embed_file EMBED_FILES[];
extern const size_t EMBED_FILES_LEN;

#endif
