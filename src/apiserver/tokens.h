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

/*
 * Verifies a token: signature, issuer, times, one of `audiences` (empty: the issuer itself), and that ServiceAccount
 * and bound objects exist with the same uid.  Fills user and the accepted audiences into `arena`.
 * Returns 0 or -ERR_UNAUTH with a reason that quotes nothing of the token.
 */
int tokens_verify(struct tokens *t, struct str token, const struct str *audiences,
                  size_t audience_count, struct arena *arena, struct user *ret_user,
                  json_t **ret_audiences, struct err *err) MUST_USE;

/* POST serviceaccounts/name/token (TokenRequest): a kind_subresource.answer. */
int tokens_answer(const struct kind_request *r, const json_t *object, json_t **ret_object,
                  json_t **ret_status);

#endif
