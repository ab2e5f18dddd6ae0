/*
 * Which address a URL belongs to, and whether a path stays below its prefix.  Pure functions.
 */
#ifndef PROXY_SELECT_H
#define PROXY_SELECT_H

#include "proxy/target.h"

/* A forward request's URL; the host is normalized. */
struct select_url {
    bool https;
    struct str host;
    uint16_t port;
    struct str path; /* without query */
};

/*
 * Whether `url` lies at or below `address`: scheme, host and port equal, the path below the prefix by whole
 * segments.
 */
bool select_fits(const struct connector_address *address, const struct select_url *url);

/*
 * Of the targets (NULL ones are skipped) the binding whose address fits with the longest prefix; the first one
 * wins a tie.  Returns its target's index, or -1; works on targets that are not ready too (ret_address).
 */
int select_target(struct target *const *targets, size_t count, const struct select_url *url,
                  size_t *ret_binding, const struct connector_address **ret_address);

/*
 * Whether dot segments of `rest` (a path behind a prefix, without query) leave the prefix.
 *
 * Judged after one decoding, with '\' as '/' and ;-parameters dropped, and with %2F both as a separator and
 * as an ordinary byte: whatever the tool takes it for, it stays inside.
 */
bool select_escapes(struct str rest);

#endif
