/*
 * Address resolution and request selection; pure functions over strings.
 */
#include "core/address.h"

#include "core/labels.h"

static bool is_builtin_proxy(const struct address_site *site, const struct class_service *s)
{
    return str_eq(s->name, STR(PROXY_SERVICE)) &&
           (str_is_empty(s->ns) || str_eq(s->ns, site->system_ns));
}

struct str address_of_service(struct arena *a, const struct address_site *site,
                              const struct class_service *service)
{
    struct str ns = service->ns.n ? service->ns : site->system_ns;
    struct str uri = service->uri;

    if (!service->present)
        return STR_NONE;
    if (str_is_empty(service->name))
        return uri;
    if (site->proxy_address.n && is_builtin_proxy(site, service))
        return site->proxy_address;
    return arena_fmt(a, "%" STR_FMT "://%" STR_FMT ".%" STR_FMT ".svc%s%" STR_FMT,
                     STR_ARG(service->scheme), STR_ARG(service->name), STR_ARG(ns),
                     uri.n && uri.p[0] != '/' ? "/" : "", STR_ARG(uri));
}

static struct str with_path(struct arena *a, struct str base, struct str ns, struct str name)
{
    while (str_ends(base, STR("/")))
        base.n--;
    return arena_fmt(a, "%" STR_FMT "/namespaces/%" STR_FMT "/connectors/%" STR_FMT, STR_ARG(base),
                     STR_ARG(ns), STR_ARG(name));
}

struct str address_of_proxy(struct arena *a, const struct address_site *site,
                            const struct connector_class *cls, struct str ns, struct str name)
{
    const struct class_service *proxy = &cls->proxy;
    struct str host_form;

    if (!proxy->present)
        return STR_NONE;
    if (site->proxy_address.n && is_builtin_proxy(site, proxy))
        return with_path(a, site->proxy_address, ns, name);

    host_form = arena_fmt(a, "http://c-%" STR_FMT ".%" STR_FMT ".svc.%" STR_FMT, STR_ARG(name),
                          STR_ARG(ns), STR_ARG(site->cluster_domain));
    if (!cls->resolver_path)
        return host_form;
    return with_path(a, str_is_empty(proxy->name) ? proxy->uri : host_form, ns, name);
}

struct str address_of_api(struct arena *a, struct str ns, struct str name)
{
    return arena_fmt(a, "/connectors/v1alpha1/%" STR_FMT "/%" STR_FMT "/path", STR_ARG(ns),
                     STR_ARG(name));
}

bool address_is_label(struct str s)
{
    if (s.n == 0 || s.n > 63 || s.p[0] == '-' || s.p[s.n - 1] == '-')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return true;
}

bool address_from_host(struct str host, struct str cluster_domain, struct address_name *ret_name)
{
    struct address_name n;

    if (!str_starts(host, STR("c-")))
        return false;
    host = str_skip(host, 2);
    n.name = str_cut(&host, '.');
    n.ns = str_cut(&host, '.');
    if (!str_eq(host, STR("svc"))) {
        if (!str_starts(host, STR("svc.")) || !str_eq(str_skip(host, 4), cluster_domain))
            return false;
    }
    if (!address_is_label(n.name) || !address_is_label(n.ns))
        return false;
    *ret_name = n;
    return true;
}

int address_from_path(struct str target, struct address_name *ret_name, struct str *ret_rest)
{
    static const struct str head = STR_INIT("/namespaces/");
    static const struct str middle = STR_INIT("/connectors/");
    struct address_name n;
    struct str rest;
    ptrdiff_t at;
    size_t end;

    if (!str_starts(target, head))
        return 0;
    rest = str_skip(target, head.n);
    at = str_index(rest, '/');
    if (at < 0 || !str_starts(str_skip(rest, (size_t)at), middle))
        return 0;
    n.ns = str_head(rest, (size_t)at);
    rest = str_skip(rest, (size_t)at + middle.n);
    for (end = 0; end < rest.n && rest.p[end] != '/' && rest.p[end] != '?';)
        end++;
    n.name = str_head(rest, end);
    if (!address_is_label(n.ns) || !address_is_label(n.name))
        return -ERR_INVALID;
    *ret_name = n;
    *ret_rest = str_skip(rest, end);
    return 1;
}
