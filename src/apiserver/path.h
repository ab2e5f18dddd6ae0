/*
 * What a request path names (k8s.io/apiserver/pkg/endpoints/request).
 *
 *   /api/v1/namespaces/NS/PLURAL/NAME/SUBRESOURCE      /apis/GROUP/VERSION/…
 *
 * Everything else is a non-resource path (discovery, health).  Segments are percent-decoded one by one, so an
 * encoded slash cannot move a boundary.
 */
#ifndef APISERVER_PATH_H
#define APISERVER_PATH_H

#include "base/arena.h"
#include "base/err.h"

struct path {
    struct str raw;   /* without the query */
    struct str query; /* may be empty */
    bool is_resource; /* the members below are set */
    struct str group; /* empty: core */
    struct str version;
    struct str ns; /* empty: none or all */
    bool has_ns;
    struct str plural;
    struct str name; /* empty: the collection */
    struct str subresource;
    /* Non-resource paths below /api and /apis: how many segments follow (group, version). */
    bool is_discovery;
    bool is_core; /* /api */
};

/* Splits a request target in origin form.  Strings live in `a`.  Errors: BADREQUEST, NOTFOUND (too many
 * segments). */
int path_parse(struct arena *a, struct str target, struct path *ret_path) MUST_USE;

#endif
