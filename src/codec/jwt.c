/*
 * JSON Web Tokens: three base64url parts, two of them JSON objects.
 *
 * Tokens are credentials: no message quotes them, and what was decoded is wiped.
 */
#include "codec/jwt.h"

#include "codec/base64.h"

/* Decodes one part into a JSON object. */
static int decode_object(struct str part, const char *what, json_t **ret_object, struct err *err)
{
    struct buf text = BUF_INIT(JWT_MAX_BYTES);
    json_t *v = NULL;
    int rc = base64_url_decode(&text, part);

    if (rc < 0)
        rc = err_set(err, ERR_BADREQUEST, "token %s is not base64url", what);
    else if (json_parse(buf_str(&text), &v, NULL) < 0 || !json_is_object(v))
        rc = err_set(err, ERR_BADREQUEST, "token %s is not a JSON object", what);
    buf_wipe(&text);
    if (rc < 0)
        json_decref(v);
    else
        *ret_object = v;
    return rc;
}

static int decode_parts(struct str header, struct str claims, struct str signature, struct jwt *jwt,
                        struct err *err)
{
    int rc = decode_object(header, "header", &jwt->header, err);

    if (rc == 0)
        rc = decode_object(claims, "payload", &jwt->claims, err);
    if (rc == 0 && (signature.n == 0 || base64_url_decode(&jwt->signature, signature) < 0))
        rc = err_set(err, ERR_BADREQUEST, "token signature is empty or not base64url");
    return rc;
}

int jwt_parse(struct str token, struct jwt *ret_jwt, struct err *err)
{
    struct jwt jwt = {.signature = BUF_INIT(JWT_MAX_BYTES)};
    struct str rest = token, header, claims;
    int rc;

    if (token.n > JWT_MAX_BYTES)
        return err_set(err, ERR_BADREQUEST, "token is longer than %d bytes", JWT_MAX_BYTES);
    header = str_cut(&rest, '.');
    claims = str_cut(&rest, '.');
    if (!rest.p || str_index(rest, '.') >= 0)
        return err_set(err, ERR_BADREQUEST, "token has not three parts");
    jwt.signed_part = str_head(token, header.n + 1 + claims.n);

    rc = decode_parts(header, claims, rest, &jwt, err);
    if (rc < 0) {
        jwt_fini(&jwt);
        return rc;
    }
    *ret_jwt = jwt;
    return 0;
}

void jwt_fini(struct jwt *jwt)
{
    json_decref(jwt->header);
    json_decref(jwt->claims);
    buf_wipe(&jwt->signature);
    jwt->header = NULL;
    jwt->claims = NULL;
    jwt->signed_part = STR_NONE;
}

bool jwt_has_audience(const json_t *claims, struct str audience)
{
    const json_t *aud = json_object_get(claims, "aud");

    if (json_is_string(aud))
        return str_eq(json_str_of(aud), audience);
    for (size_t i = 0; i < json_array_size(aud); i++) {
        const json_t *one = json_array_get(aud, i);

        if (json_is_string(one) && str_eq(json_str_of(one), audience))
            return true;
    }
    return false;
}

static void encode_object(const json_t *object, struct buf *out)
{
    struct buf text = BUF_INIT(BUF_NO_LIMIT);

    json_format(object, &text);
    base64_url_encode(out, buf_str(&text));
    buf_fini(&text);
}

void jwt_format_unsigned(const json_t *header, const json_t *claims, struct buf *out)
{
    encode_object(header, out);
    buf_add_char(out, '.');
    encode_object(claims, out);
}

void jwt_add_signature(struct buf *token, struct str signature)
{
    buf_add_char(token, '.');
    base64_url_encode(token, signature);
}
