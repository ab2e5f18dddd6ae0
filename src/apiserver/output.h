/*
 * The other shapes of an object: Table rows, PartialObjectMetadata, another version of a custom kind.
 */
#ifndef APISERVER_OUTPUT_H
#define APISERVER_OUTPUT_H

#include "apiserver/kind.h"
#include "apiserver/negotiate.h"

enum output_include { OUTPUT_INCLUDE_METADATA, OUTPUT_INCLUDE_OBJECT, OUTPUT_INCLUDE_NONE };

struct output {
    const struct kind *kind;
    struct negotiate_form form;
    enum output_include include; /* includeObject of Tables */
    int64_t wall_us;             /* for ages */
};

/* One object in the asked form; `with_columns`: a Table also carries its column definitions. */
json_t *output_object(const struct output *o, const json_t *object, bool with_columns) MUST_USE;

/* A list in the asked form.  `items` is an array of objects; `meta` (taken) becomes the list's metadata. */
json_t *output_list(const struct output *o, const json_t *items, json_t *meta) MUST_USE;

/* "5m", "3h12m", … as kubectl prints ages (k8s.io/apimachinery/pkg/util/duration.HumanDuration). */
const char *output_age(int64_t us, char dst[32]);

/* A time stamp as its age now, or "<unknown>". */
json_t *output_age_of(struct str time, int64_t wall_us) MUST_USE;

#endif
