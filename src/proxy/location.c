/*
 * Only what surely belongs to the tool is rewritten; all other forms pass.
 */
#include "proxy/location.h"

/* What stands behind the address's prefix in `path` ("", "/…", "?…", "#…"); false when it is not under it. */
static bool below_prefix(const struct connector_address *address, struct str path,
                         struct str *ret_rest)
{
    struct str rest;

    if (!str_starts(path, address->path))
        return false;
    rest = str_skip(path, address->path.n);
    if (rest.n && rest.p[0] != '/' && rest.p[0] != '?' && rest.p[0] != '#')
        return false;
    *ret_rest = rest;
    return true;
}

struct str location_rewrite(struct arena *a, const struct connector_address *address,
                            const struct location_base *base, struct str location)
{
    char host[URL_MAX_HOST_BYTES + 1];
    struct str normal, rest, bare = location;
    struct url url;
    ptrdiff_t fragment;

    if (str_starts(location, STR("/"))) {
        if (str_starts(location, STR("//")) || str_starts(location, STR("/\\")) ||
            !below_prefix(address, location, &rest))
            return STR_NONE;
        return arena_fmt(a, "%" STR_FMT "%" STR_FMT, STR_ARG(base->path),
                         STR_ARG(rest.n || base->path.n ? rest : STR("/")));
    }
    fragment = str_index(location, '#');
    if (fragment >= 0)
        bare = str_head(location, (size_t)fragment);
    if (url_parse(bare, &url, NULL) < 0 || url_normalize_host(url.host, host, &normal) < 0)
        return STR_NONE;
    if (str_eq(url.scheme, STR("https")) != address->https || url.port != address->port ||
        !str_eq(normal, address->host))
        return STR_NONE;
    /* The rest of the text as sent, from the path on. */
    rest = url.path.n ? str_skip(location, (size_t)(url.path.p - location.p)) : STR_NONE;
    if (!rest.p && url.query.p)
        rest = str_skip(location, (size_t)(url.query.p - 1 - location.p));
    if (!below_prefix(address, rest, &rest))
        return STR_NONE;
    return arena_fmt(a, "%" STR_FMT "%" STR_FMT "%" STR_FMT, STR_ARG(base->origin),
                     STR_ARG(base->path), STR_ARG(rest));
}
