/*
 * Reference resolution, reduced to what stays on one origin.
 */
#include "controller/redirect.h"

bool redirect_is_status(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Whether `s` begins with a scheme (RFC 3986, 3.1). */
static bool has_scheme(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = str_lower_char(s.p[i]);

        if (c == ':')
            return i > 0;
        if (!(c >= 'a' && c <= 'z') &&
            (i == 0 || !((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.')))
            return false;
    }
    return false;
}

/* Path and query of an absolute URL on the same origin. */
static int same_origin(struct arena *a, const struct plan_request *origin, struct str text,
                       struct str *ret_path)
{
    char normal[URL_MAX_HOST_BYTES + 1];
    struct url url;
    struct str host;

    if (url_parse(text, &url, NULL) < 0 || url_normalize_host(url.host, normal, &host) < 0)
        return -ERR_INVALID;
    if (str_eq(url.scheme, STR("https")) != origin->https || url.port != origin->port ||
        !str_eq(host, origin->host))
        return -ERR_INVALID;
    *ret_path = arena_fmt(a, "%s%" STR_FMT "%s%" STR_FMT, url.path.n ? "" : "/", STR_ARG(url.path),
                          url.query.p ? "?" : "", STR_ARG(url.query));
    return 0;
}

/* Removes "." and ".." segments of an absolute path (RFC 3986, 5.2.4), keeping the query. */
static struct str remove_dots(struct arena *a, struct str path)
{
    ptrdiff_t query = str_index(path, '?');
    struct str rest = query < 0 ? path : str_head(path, (size_t)query);
    char *out = arena_alloc(a, path.n + 2);
    size_t n = 0;

    rest = str_skip(rest, 1);
    while (rest.p) {
        struct str segment = str_cut(&rest, '/');
        bool is_up = str_eq(segment, STR("..")), is_dot = is_up || str_eq(segment, STR("."));

        if (is_up)
            while (n > 0 && out[--n] != '/')
                continue;
        if (!is_dot) {
            out[n++] = '/';
            memcpy(out + n, segment.p, segment.n);
            n += segment.n;
        } else if (!rest.p) {
            out[n++] = '/';
        }
    }
    if (query >= 0) {
        memcpy(out + n, path.p + query, path.n - (size_t)query);
        n += path.n - (size_t)query;
    }
    return str_n(out, n);
}

/* A reference that has neither scheme nor authority, against the path it was found at. */
static struct str merge(struct arena *a, struct str target, struct str reference)
{
    ptrdiff_t query = str_index(target, '?');
    struct str path = query < 0 ? target : str_head(target, (size_t)query);

    if (str_starts(reference, STR("/")))
        return reference;
    if (reference.n == 0)
        return target;
    if (!str_starts(reference, STR("?")))
        path = str_head(path, (size_t)(str_rindex(path, '/') + 1));
    return arena_fmt(a, "%" STR_FMT "%" STR_FMT, STR_ARG(path), STR_ARG(reference));
}

int redirect_resolve(struct arena *a, const struct plan_request *origin, struct str target,
                     struct str location, struct str *ret_target)
{
    struct str reference = str_cut(&location, '#'), path;

    for (size_t i = 0; i < reference.n; i++)
        if (reference.p[i] <= ' ' || reference.p[i] >= 0x7f)
            return -ERR_INVALID;
    if (str_starts(reference, STR("//")))
        reference =
            arena_fmt(a, "%s:%" STR_FMT, origin->https ? "https" : "http", STR_ARG(reference));
    if (!has_scheme(reference))
        path = merge(a, target, reference);
    else if (same_origin(a, origin, reference, &path) < 0)
        return -ERR_INVALID;
    if (!str_starts(path, STR("/")))
        return -ERR_INVALID;
    *ret_target = remove_dots(a, path);
    return 0;
}
