/*
 * Where a Location header leads (RFC 9110, 10.2.2), as far as a probe may follow it: on the same origin.
 */
#ifndef CONTROLLER_REDIRECT_H
#define CONTROLLER_REDIRECT_H

#include "controller/plan.h"

/* Whether the status asks for another request. */
bool redirect_is_status(int status);

/*
 * Resolves `location` against the request's origin and the target it was sent to (RFC 3986, 5.2).
 * Returns the new origin-form target in the arena, or -ERR_INVALID when it is no http URL, or leads to
 * another scheme, host or port.
 */
int redirect_resolve(struct arena *a, const struct plan_request *origin, struct str target,
                     struct str location, struct str *ret_target) MUST_USE;

#endif
