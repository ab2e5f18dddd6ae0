/*
 * What form of answer a client asks for, and what form its body has.
 */
#ifndef APISERVER_NEGOTIATE_H
#define APISERVER_NEGOTIATE_H

#include "base/err.h"
#include "codec/json.h"
#include "http/message.h"

enum negotiate_as {
    NEGOTIATE_PLAIN,
    NEGOTIATE_TABLE,     /* as=Table;g=meta.k8s.io;v=v1 */
    NEGOTIATE_METADATA,  /* as=PartialObjectMetadata[List] */
    NEGOTIATE_AGGREGATED /* as=APIGroupDiscoveryList;g=apidiscovery.k8s.io;v=v2 */
};

struct negotiate_form {
    enum negotiate_as as;
    bool yaml;
    struct str
        as_version; /* of NEGOTIATE_TABLE and _METADATA: "v1" or "v1beta1"; of _AGGREGATED: "v2", … */
};

enum negotiate_what { NEGOTIATE_OBJECT, NEGOTIATE_DISCOVERY };

/* Chooses from the Accept header (none: JSON).  Returns 0, or -ERR_MEDIATYPE (answered 406) when nothing we have
 * is acceptable. */
int negotiate_accept(const struct http_headers *h, enum negotiate_what what,
                     struct negotiate_form *ret_form) MUST_USE;

/* The media type of a Content-Type value without parameters. */
struct str negotiate_media_type(struct str content_type);

/* Parses a request body by its Content-Type (none: JSON).  Errors: MEDIATYPE, BADREQUEST. */
int negotiate_parse(struct str content_type, struct str body, json_t **ret_value,
                    struct err *err) MUST_USE;

/* Encodes an answer; returns its Content-Type. */
struct str negotiate_format(const struct negotiate_form *form, const json_t *v, struct buf *out);

#endif
