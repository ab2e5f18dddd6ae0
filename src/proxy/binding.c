/*
 * The key's fields are separated by a byte that none of them can hold.
 */
#include "proxy/binding.h"

#define SEPARATOR "\n"

struct str binding_prefix(struct arena *a, struct str connector_key)
{
    return arena_fmt(a, "%" STR_FMT SEPARATOR, STR_ARG(connector_key));
}

static struct str authority_of(struct arena *a, const struct connector_address *address)
{
    const char *open = address->host_is_ip6 ? "[" : "", *close = address->host_is_ip6 ? "]" : "";

    if (address->port == (address->https ? 443 : 80))
        return arena_fmt(a, "%s%" STR_FMT "%s", open, STR_ARG(address->host), close);
    return arena_fmt(a, "%s%" STR_FMT "%s:%u", open, STR_ARG(address->host), close,
                     (unsigned)address->port);
}

void binding_make(struct arena *a, const struct connector_address *address,
                  const struct binding_parts *parts, struct binding *ret_binding)
{
    struct binding b = {
        .address = address,
        .connector_key = parts->connector->key,
        .connector_uid = parts->connector->uid,
        .credential_version = parts->credential_version,
        .authority = authority_of(a, address),
    };

    if (address->https) {
        b.trust = parts->trust;
        b.tls = parts->tls;
        b.tls_name = address->host;
    }
    b.pool_key =
        arena_fmt(a,
                  "%" STR_FMT SEPARATOR "%" STR_FMT SEPARATOR "%" STR_FMT SEPARATOR "%s" SEPARATOR
                  "%" STR_FMT SEPARATOR "%u" SEPARATOR "%" STR_FMT SEPARATOR "%" STR_FMT,
                  STR_ARG(b.connector_key), STR_ARG(b.connector_uid), STR_ARG(b.credential_version),
                  address->https ? "https" : "http", STR_ARG(address->host),
                  (unsigned)address->port, STR_ARG(b.tls_name), STR_ARG(b.trust));
    *ret_binding = b;
}
