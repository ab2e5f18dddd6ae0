/*
 * The `.gitconfig` that makes an unchanged git use Connectors: URLs of the tool are rewritten to the
 * Connector's proxy address, and requests to that address carry the
 * workload's token and go to it directly, whatever http_proxy says.
 */
#ifndef CORE_GITCONFIG_H
#define CORE_GITCONFIG_H

#include "base/buf.h"
#include "base/secret.h"

struct gitconfig_entry {
    struct str address;   /* the tool's URL, as git users write it */
    struct str proxy_url; /* the Connector's proxy address */
};

/* Appends the configuration; `out` then holds the token and must be wiped (buf_wipe).  Bytes that git's
 * syntax gives a meaning are quoted. */
void gitconfig_render(const struct gitconfig_entry *entries, size_t count,
                      const struct secret *token, struct buf *out);

#endif
