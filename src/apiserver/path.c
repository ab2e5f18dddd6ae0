/*
 * Request paths.
 */
#include "apiserver/path.h"

#include "codec/url.h"

#define SEGMENTS_MAX 10

/* Decodes the segments of a path; a trailing slash is ignored. */
static int split(struct arena *a, struct str path, struct str *parts, size_t *ret_count)
{
    size_t n = 0;

    path = str_skip(path, 1);
    while (path.n) {
        struct str part = str_cut(&path, '/');
        if (n == SEGMENTS_MAX)
            return -ERR_NOTFOUND;
        if (!part.n)
            return -ERR_NOTFOUND;
        if (url_decode(a, part, &parts[n++]) < 0)
            return -ERR_BADREQUEST;
    }
    *ret_count = n;
    return 0;
}

/* Reads what follows the version: [namespaces/NS/]PLURAL[/NAME[/SUBRESOURCE]]. */
static int parse_resource(struct path *p, const struct str *parts, size_t n)
{
    p->is_resource = true;
    /* "namespaces/NS" alone is the Namespace object itself. */
    if (n >= 3 && str_eq(parts[0], STR("namespaces")) && !p->group.n &&
        (str_eq(parts[2], STR("status")) || str_eq(parts[2], STR("finalize"))) && n == 3) {
        p->plural = parts[0];
        p->name = parts[1];
        p->subresource = parts[2];
        return 0;
    }
    if (n >= 3 && str_eq(parts[0], STR("namespaces"))) {
        p->ns = parts[1];
        p->has_ns = true;
        parts += 2;
        n -= 2;
    }
    if (n > 3)
        return -ERR_NOTFOUND;
    p->plural = parts[0];
    if (n > 1)
        p->name = parts[1];
    if (n > 2)
        p->subresource = parts[2];
    return 0;
}

int path_parse(struct arena *a, struct str target, struct path *ret_path)
{
    struct path p = {0};
    struct str parts[SEGMENTS_MAX];
    size_t n = 0;

    if (!str_starts(target, STR("/")))
        return -ERR_BADREQUEST;
    p.query = target;
    p.raw = str_cut(&p.query, '?');
    int rc = split(a, p.raw, parts, &n);
    if (rc < 0)
        return rc;
    p.is_core = n > 0 && str_eq(parts[0], STR("api"));
    p.is_discovery = p.is_core || (n > 0 && str_eq(parts[0], STR("apis")));
    size_t fixed = p.is_core ? 2 : 3; /* segments up to and including the version */
    if (p.is_discovery) {
        if (!p.is_core && n > 1)
            p.group = parts[1];
        if (n >= fixed)
            p.version = parts[fixed - 1];
        if (n > fixed) {
            p.is_discovery = false;
            rc = parse_resource(&p, parts + fixed, n - fixed);
        }
    }
    if (rc == 0)
        *ret_path = p;
    return rc;
}
