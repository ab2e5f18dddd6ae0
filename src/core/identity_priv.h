/*
 * What identity.c (the service) and identity_review.c (the question and its answer) share.
 */
#ifndef CORE_IDENTITY_PRIV_H
#define CORE_IDENTITY_PRIV_H

#include "core/identity.h"

/* What the unverified claims of a token tell before it is reviewed. */
struct identity_claims {
    bool own_audience;
    struct str pod_uid;      /* in the arena; empty: none */
    int64_t expires_wall_us; /* 0: not said */
};

/* Reads the claims; a token that is no JWT has none. */
void identity_claims_read(struct arena *a, struct str token, struct str audience,
                          struct identity_claims *ret_claims);

/* A TokenReview to be created; with an empty audience it asks for the API server's own. */
json_t *identity_review_new(struct str token, struct str audience) MUST_USE;

/*
 * Builds the identity that a TokenReview's answer names; with a non-empty `audience` the answer must have it.
 * Errors: UNAUTH, with a text that quotes nothing of the token.
 */
int identity_review_read(const json_t *answer, struct str audience, struct secret *token,
                         struct identity **ret_identity, struct err *err) MUST_USE;

#endif
