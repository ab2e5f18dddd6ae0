/*
 * JSON Web Tokens: an accepted one written again has the same header, claims and signature; base64 that is
 * accepted is the only text of its bytes.
 */
#include "codec/jwt.h"

#include "codec/base64.h"
#include "codec/pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check_token(struct str in)
{
    struct buf b = BUF_INIT(BUF_NO_LIMIT);
    struct jwt jwt, again;
    struct err err;
    int rc;

    if (jwt_parse(in, &jwt, &err) < 0)
        return;
    ASSERT(jwt.signed_part.n < in.n && jwt.signature.len > 0);
    (void)jwt_has_audience(jwt.claims, STR("https://kubernetes.default.svc"));
    jwt_format_unsigned(jwt.header, jwt.claims, &b);
    jwt_add_signature(&b, buf_str(&jwt.signature));
    rc = jwt_parse(buf_str(&b), &again, NULL);
    /* Our form may be longer than the source: "1e0" becomes "1.0". */
    ASSERT(rc == 0 || b.len > JWT_MAX_BYTES);
    if (rc == 0) {
        ASSERT(json_equal(jwt.header, again.header) && json_equal(jwt.claims, again.claims));
        ASSERT(str_eq(buf_str(&jwt.signature), buf_str(&again.signature)));
        jwt_fini(&again);
    }
    jwt_fini(&jwt);
    buf_fini(&b);
}

static void check_base64(struct str in, int (*decode)(struct buf *, struct str),
                         void (*encode)(struct buf *, struct str))
{
    struct buf bytes = BUF_INIT(BUF_NO_LIMIT), text = BUF_INIT(BUF_NO_LIMIT);

    if (decode(&bytes, in) == 0) {
        encode(&text, buf_str(&bytes));
        ASSERT(str_eq(in, buf_str(&text)));
    }
    buf_fini(&bytes);
    buf_fini(&text);
}

static void check_pem(struct str in)
{
    struct pem_block block;
    struct str rest = in;

    while (pem_next(&rest, &block) > 0) {
        struct buf b = BUF_INIT(BUF_NO_LIMIT);
        int rc = pem_decode(&block, &b);

        ASSERT(rc == 0 && rest.n < in.n);
        ASSERT(block.text.p >= in.p && block.text.p + block.text.n <= in.p + in.n);
        buf_fini(&b);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct str in = {(const char *)bytes, n};

    check_token(in);
    check_base64(in, base64_decode, base64_encode);
    check_base64(in, base64_url_decode, base64_url_encode);
    check_pem(in);
    return 0;
}
