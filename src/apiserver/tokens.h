/*
 * ServiceAccount tokens: ES256 JWTs bound to ServiceAccount and optionally Pod or Secret, with audience
 * and expiry.
 */
#ifndef APISERVER_TOKENS_H
#define APISERVER_TOKENS_H

#include "apiserver/authn.h"
#include "apiserver/kind.h"

struct tokens;

/* Uses conf.token_key and conf.token_issuer of the server. */
struct tokens *tokens_new(struct apiserver *server);

/* NULL is allowed. */
void tokens_free(struct tokens *t);

/* Who a token may be for; none: the issuer itself. */
struct tokens_audiences {
    const struct str *p;
    size_t n;
};

/* Whose a token is. */
struct tokens_identity {
    struct user user;
    const json_t *audiences; /* those of the asked ones that the token has: array of strings */
};

/*
 * Verifies a token: signature, issuer, times, one of the audiences, and that ServiceAccount and bound objects exist with
 * the same uid.  The identity lives in `arena`.
 * Returns 0 or -ERR_UNAUTH with a reason that quotes nothing of the token.
 */
int tokens_verify(struct tokens *t, struct str token, const struct tokens_audiences *audiences,
                  struct arena *arena, struct tokens_identity *ret_identity,
                  struct err *err) MUST_USE;

/* POST serviceaccounts/name/token (TokenRequest): a kind_subresource.answer. */
int tokens_answer(const struct kind_request *r, const json_t *object, json_t **ret_object,
                  json_t **ret_status);

#endif
