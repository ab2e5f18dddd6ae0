/*
 * Who is asking: client certificates (CN user, O groups) and bearer tokens (ServiceAccount JWTs).
 *
 * Every authenticated user is in group system:authenticated.  There is no anonymous user: what may be read
 * without credentials (health) never reaches this.
 */
#ifndef APISERVER_AUTHN_H
#define APISERVER_AUTHN_H

#include "base/arena.h"
#include "codec/json.h"
#include "http/server.h"

struct apiserver;
struct authn;
struct authz;

struct user {
    struct str name;
    struct str uid;
    const struct str *groups;
    size_t group_count;
    const json_t *extra; /* object of string arrays, or NULL */
};

/* Uses server->tokens.  Errors are fatal at start only (conf). */
struct authn *authn_new(struct apiserver *server);

/* NULL is allowed. */
void authn_free(struct authn *a);

/*
 * Identifies the sender of a request into `arena`.
 * Returns 0, or -ERR_UNAUTH for no or bad credentials (the answer says no more than that).
 */
int authn_identify(struct authn *a, struct http_exchange *x, struct arena *arena,
                   struct user *ret_user) MUST_USE;

/*
 * Applies Impersonate-User/-Group/-Uid/-Extra-* headers: replaces *user when it may impersonate.
 * Returns 0 (also without such headers) or a negative code with a Status.
 */
int authn_impersonate(struct authn *a, struct http_exchange *x, struct arena *arena,
                      struct user *user, json_t **ret_status) MUST_USE;

/* Whether the user is in a group. */
bool authn_in_group(const struct user *u, struct str group);

/* A copy of `u` that lives in `arena`; `extra` is referenced until the arena goes. */
struct user *authn_user_copy(struct arena *arena, const struct user *u);

/* {username, uid, groups, extra} as TokenReview and SelfSubjectReview answer it. */
json_t *authn_user_json(const struct user *u) MUST_USE;

#endif
