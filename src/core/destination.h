/*
 * The refused destinations: which resolved address a component may dial on behalf of others.
 *
 * Refused are loopback, unspecified, link-local, multicast and cloud metadata addresses, unless an allowed range
 * has them; our own listeners and the API server, unless an allowed range names exactly that address and
 * port.  Checked on the address that is then dialled, with IPv4-mapped and NAT64 forms unwrapped.
 */
#ifndef CORE_DESTINATION_H
#define CORE_DESTINATION_H

#include "base/vec.h"
#include "net/addr.h"

struct destination_policy;

/* Returns an empty policy: every refused class is refused, nothing is protected. */
struct destination_policy *destination_policy_new(void);

/* NULL is allowed. */
void destination_policy_free(struct destination_policy *p);

/* Adds "CIDR[:port]" of --allow-destination.  Errors: INVALID. */
int destination_policy_allow(struct destination_policy *p, struct str range,
                             struct err *err) MUST_USE;

/* Adds an address of our own or of the API server; an unspecified IP stands for every address of this
 * machine with that port. */
void destination_policy_protect(struct destination_policy *p, const struct addr *own);

/* Adds every address that `host` (a name or an IP literal) has now, with this port.  Blocks on the resolver: for the
 * start of a process.  Errors: NOTFOUND with the resolver's reason. */
int destination_policy_protect_host(struct destination_policy *p, const char *host, uint16_t port,
                                    struct err *err) MUST_USE;

/*
 * Judges an address.  Fits dial_check_fn with the policy as cookie.
 * Returns 0, or -ERR_DENIED_DEST with a message that names the rule and the option.
 * The policy must not change any more; then thread-safe.
 */
int destination_policy_check(void *policy, const struct addr *a, struct err *err) MUST_USE;

#endif
