/*
 * JSON Web Tokens in compact form (RFC 7515, RFC 7519): splitting and claims; no cryptography.
 *
 * A token is at most JWT_MAX_BYTES; header and payload must be JSON objects without duplicate members.
 */
#ifndef CODEC_JWT_H
#define CODEC_JWT_H

#include "codec/json.h"

#define JWT_MAX_BYTES (16 * 1024)

struct jwt {
    json_t *header;
    json_t *claims;
    struct str signed_part; /* slice of the token: "header.payload" */
    struct buf signature;   /* decoded */
};

/* Splits and decodes.  Errors: BADREQUEST with a reason that quotes nothing of the token. */
int jwt_parse(struct str token, struct jwt *ret_jwt, struct err *err) MUST_USE;

/* Frees what jwt_parse filled. */
void jwt_fini(struct jwt *jwt);

/* Whether claim "aud" (a string or an array) has `audience`. */
bool jwt_has_audience(const json_t *claims, struct str audience);

/* Appends "header.payload" for signing. */
void jwt_format_unsigned(const json_t *header, const json_t *claims, struct buf *out);

/* Appends "." and the encoded signature. */
void jwt_add_signature(struct buf *token, struct str signature);

#endif
