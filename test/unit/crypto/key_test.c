/*
 * JWS keys: the published signatures of RFC 7515, our own round trips, and what must be refused.
 */
#include "crypto/key.h"

#include "crypto/hash.h"
#include "keys.h"
#include "unit.h"
#include "vector.h"

#define RFC7515_PAYLOAD                                                                            \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define RFC7515_ES256_MESSAGE "eyJhbGciOiJFUzI1NiJ9." RFC7515_PAYLOAD
#define RFC7515_RS256_MESSAGE "eyJhbGciOiJSUzI1NiJ9." RFC7515_PAYLOAD

static const char RFC7515_ES256_SIGNATURE[] =
    "0ed1215379636c483c2f7f155807d402a3b228033af97c7e17819ac3169ea665"
    "c50a07d38c3c70e5d8f12daf084a5480a66590c5f293509a8f3f7f8a83a354d5";
static const char RFC7515_RS256_SIGNATURE[] =
    "702e218943e88fd11eb5d82dbf7845f34106ae1b81fff7731116add1717d83656d420afd3c96eedd73a2663e5166687b"
    "000b87226e0187ed1073f945e582adfcef16d85a798ee8c66ddb3db8975b17d09402beedd5d9d97007108db28160d5f8"
    "040ca7445762b81fbe7ff9d92e0ae76f24f25b33bbe6f44ae61eb1040acb20044d3ef9128ed40130795bd4bd3b41eeca"
    "d066ab651981fde48df77f372dc38b9fafdd3befb18b5da3cc3c2eb02f9e3a41d612caad15911273a05f23b9e838faaf"
    "849d698429ef5a1e88798236c3d40e604522a544c8f27a7a2db80663d16cf7caea56de405cb2215a45b2c25566b55ac1"
    "a748a070dfc8a32a469543d019eefb47";

static struct key *public_key(const char *pem)
{
    struct key *k = NULL;
    struct err err = {0};

    if (!CHECK_OK(key_parse_public(str_c(pem), &k, &err)))
        printf("  %s\n", err.msg);
    return k;
}

/* Checks the signature, then that every changed bit of it and a changed message are refused. */
static void check_vector(const char *pem, const char *alg, const char *message, const char *hex)
{
    struct key *k CLEANUP(key_unrefp) = public_key(pem);
    struct buf sig = BUF_INIT(1024);
    struct str m = str_c(message);

    vector_hex(&sig, hex);
    CHECK_STR(key_jws_alg(k), alg);
    CHECK(key_verify(k, m, buf_str(&sig)));
    CHECK(!key_verify(k, str_head(m, m.n - 1), buf_str(&sig)));
    CHECK(!key_verify(k, STR(""), buf_str(&sig)));
    CHECK(!key_verify(k, m, str_head(buf_str(&sig), sig.len - 1)));
    CHECK(!key_verify(k, m, STR("")));
    for (size_t i = 0; i < sig.len * 8; i += 7) {
        sig.p[i / 8] ^= (char)(1 << i % 8);
        CHECK(!key_verify(k, m, buf_str(&sig)));
        sig.p[i / 8] ^= (char)(1 << i % 8);
    }
    buf_add_char(&sig, 0);
    CHECK(!key_verify(k, m, buf_str(&sig)));
    buf_fini(&sig);
}

TEST(es256_rfc7515_a3)
{
    check_vector(RFC7515_ES256_PUBLIC, "ES256", RFC7515_ES256_MESSAGE, RFC7515_ES256_SIGNATURE);
}

TEST(rs256_rfc7515_a2)
{
    check_vector(RFC7515_RS256_PUBLIC, "RS256", RFC7515_RS256_MESSAGE, RFC7515_RS256_SIGNATURE);
}

TEST(es256_signatures_at_the_edges_are_refused)
{
    static const char *const ROWS[] = {
        "0000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000000000000000000000000000000000000000000000000000",
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };
    struct key *k CLEANUP(key_unrefp) = public_key(RFC7515_ES256_PUBLIC);

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct buf sig = BUF_INIT(64);

        vector_hex(&sig, ROWS[i]);
        CHECK(!key_verify(k, STR(RFC7515_ES256_MESSAGE), buf_str(&sig)));
        buf_fini(&sig);
    }
}

TEST(a_private_key_read_signs_for_its_public_one)
{
    struct secret *pem CLEANUP(secret_unrefp) = secret_new(str_c(RFC7515_ES256_PRIVATE));
    struct key *public CLEANUP(key_unrefp) = public_key(RFC7515_ES256_PUBLIC);
    struct key *private CLEANUP(key_unrefp) = NULL;
    struct buf sig = BUF_INIT(64);

    if (!CHECK_OK(key_parse_private(pem, &private, NULL)))
        return;
    for (int i = 0; i < 50; i++) {
        buf_reset(&sig);
        key_sign(private, STR("message"), &sig);
        CHECK_INT(sig.len, 64);
        CHECK(key_verify(public, STR("message"), buf_str(&sig)));
        CHECK(!key_verify(public, STR("massage"), buf_str(&sig)));
    }
    buf_fini(&sig);
}

TEST(a_new_key_survives_its_text_forms)
{
    struct key *k CLEANUP(key_unrefp) = key_new_p256();
    struct secret *pem CLEANUP(secret_unrefp) = key_format_private(k);
    struct key *again CLEANUP(key_unrefp) = NULL;
    struct key *other CLEANUP(key_unrefp) = key_new_p256();
    struct key *public CLEANUP(key_unrefp) = NULL;
    struct buf text = BUF_INIT(4096), sig = BUF_INIT(64), id = BUF_INIT(64), id2 = BUF_INIT(64);

    CHECK(str_starts(secret_expose(pem), STR("-----BEGIN PRIVATE KEY-----\n")));
    CHECK_OK(key_parse_private(pem, &again, NULL));
    key_format_public(k, &text);
    CHECK(str_starts(buf_str(&text), STR("-----BEGIN PUBLIC KEY-----\n")));
    CHECK_OK(key_parse_public(buf_str(&text), &public, NULL));
    key_sign(again, STR("m"), &sig);
    CHECK(key_verify(k, STR("m"), buf_str(&sig)));
    CHECK(key_verify(public, STR("m"), buf_str(&sig)));
    CHECK(!key_verify(other, STR("m"), buf_str(&sig)));

    key_id(k, &id);
    key_id(public, &id2);
    CHECK_STR(buf_str(&id), buf_str(&id2));
    CHECK_INT(id.len, 43);
    buf_reset(&id2);
    key_id(other, &id2);
    CHECK(!str_eq(buf_str(&id), buf_str(&id2)));
    buf_fini(&text);
    buf_fini(&sig);
    buf_fini(&id);
    buf_fini(&id2);
}

TEST(key_id_is_the_digest_of_the_der_form)
{
    struct key *k CLEANUP(key_unrefp) = public_key(RFC7515_ES256_PUBLIC);
    struct buf der = BUF_INIT(256), id = BUF_INIT(64);
    uint8_t digest[HASH_SHA256_BYTES];
    struct str s, rest;

    vector_pem(&der, str_c(RFC7515_ES256_PUBLIC));
    s = buf_str(&der);
    hash_sha256(&s, 1, digest);
    key_id(k, &id);
    rest = buf_str(&id);
    /* base64url, six bits at a time */
    for (size_t i = 0; i < rest.n; i++) {
        char c = rest.p[i] == '-' ? '+' : rest.p[i] == '_' ? '/' : rest.p[i];
        unsigned at = (unsigned)i * 6, word = (unsigned)digest[at / 8] << 8;

        if (at / 8 + 1 < sizeof(digest))
            word |= digest[at / 8 + 1];
        CHECK_INT(vector_base64(c), word >> (10 - at % 8) & 63);
    }
    buf_fini(&der);
    buf_fini(&id);
}

TEST(public_keys_refused)
{
    static const char *const ROWS[] = {
        "",
        "no PEM at all",
        "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n",
        RSA_1024_PUBLIC,
        P384_PUBLIC,
        RFC7515_ES256_PRIVATE,
    };
    struct key *k = NULL;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        err = (struct err){0};
        CHECK_ERR(key_parse_public(str_c(ROWS[i]), &k, &err), ERR_INVALID);
        CHECK_INT(err.code, ERR_INVALID);
        CHECK(k == NULL);
    }
}

TEST(private_keys_refused_without_quoting_them)
{
    static const char *const ROWS[] = {
        "", "canary-7f3a", ENCRYPTED_PRIVATE, RFC7515_ES256_PUBLIC,
        "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n"};
    struct key *k = NULL;
    struct err err;

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct secret *pem = secret_new(str_c(ROWS[i]));

        err = (struct err){0};
        CHECK_ERR(key_parse_private(pem, &k, &err), ERR_INVALID);
        CHECK(str_find(str_c(err.msg), STR("canary")) < 0);
        CHECK(k == NULL);
        secret_unref(pem);
    }
}

static void sign_with_public(void *cookie UNUSED)
{
    struct buf sig = BUF_INIT(64);

    key_sign(public_key(RFC7515_ES256_PUBLIC), STR("m"), &sig);
}

TEST(signing_with_a_public_key_is_a_defect)
{
    CHECK_DIES(sign_with_public, NULL);
}
