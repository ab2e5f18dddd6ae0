/*
 * Certificates: exact DER of what RFC 5280 asks for, facts read back, limits and refusals.  That real
 * verifiers accept them is tested in test/unit/net (handshakes) and end to end.
 */
#include "crypto/x509.h"

#include "base/time.h"
#include "unit.h"
#include "vector.h"

#define NOW_US INT64_C(1760000000000000)
#define DAY_S INT64_C(86400)

struct ca {
    struct key *key;
    struct buf pem;
    struct buf der;
};

static void ca_init(struct ca *ca)
{
    ca->key = key_new_p256();
    ca->pem = BUF_INIT(8192);
    ca->der = BUF_INIT(8192);
    CHECK_OK(x509_make_ca(ca->key, STR("connectors-ca"), NOW_US, 10 * DAY_S, &ca->pem, NULL));
    vector_pem(&ca->der, buf_str(&ca->pem));
}

static void ca_fini(struct ca *ca)
{
    key_unref(ca->key);
    buf_fini(&ca->pem);
    buf_fini(&ca->der);
}

static int make_leaf(const struct ca *ca, const struct x509_leaf *leaf, struct buf *ret_pem,
                     struct err *err)
{
    struct key *key CLEANUP(key_unrefp) = key_new_p256();

    return x509_make_leaf(buf_str(&ca->pem), ca->key, key, leaf, NOW_US, ret_pem, err);
}

TEST(ca_says_what_a_ca_must)
{
    struct x509_facts facts;
    struct ca ca;
    struct str der;

    ca_init(&ca);
    der = buf_str(&ca.der);
    CHECK_INT(x509_inspect(buf_str(&ca.pem), &facts), 1);
    CHECK(facts.is_ca);
    CHECK_INT(facts.not_before_us, NOW_US - 5 * 60 * TIME_US_PER_S);
    CHECK_INT(facts.not_after_us, NOW_US + 10 * DAY_S * TIME_US_PER_S);
    /* version 3; critical basicConstraints {CA, pathlen 0}; critical keyUsage {keyCertSign, cRLSign} */
    CHECK(vector_has(der, "a003020102"));
    CHECK(vector_has(der, "30120603551d130101ff040830060101ff020100"));
    CHECK(vector_has(der, "300e0603551d0f0101ff040403020106"));
    CHECK(vector_has(der, "0603551d0e04160414"));
    CHECK(vector_has(der, "0603551d2304183016 8014"));
    ca_fini(&ca);
}

/* The 20 bytes behind a prefix. */
static struct str id_behind(struct str der, const char *prefix_hex)
{
    struct buf prefix = BUF_INIT(64);
    ptrdiff_t at;

    vector_hex(&prefix, prefix_hex);
    at = str_find(der, buf_str(&prefix));
    CHECK(at >= 0);
    at += (ptrdiff_t)prefix.len;
    buf_fini(&prefix);
    return str_head(str_skip(der, (size_t)at), 20);
}

TEST(leaf_says_what_it_is_for)
{
    const struct str orgs[] = {STR("system:masters"), STR("second")};
    const struct str names[] = {STR("api.example"), STR("*.example")};
    const struct str ips[] = {STR("127.0.0.1"), STR("::1")};
    struct x509_leaf leaf = {.common_name = STR("admin"),
                             .organizations = orgs,
                             .organization_count = 2,
                             .dns_names = names,
                             .dns_name_count = 2,
                             .ips = ips,
                             .ip_count = 2,
                             .server = true,
                             .client = true,
                             .lifetime_s = DAY_S};
    struct buf pem = BUF_INIT(8192), der = BUF_INIT(8192);
    struct x509_facts facts;
    struct ca ca;
    struct str d;

    ca_init(&ca);
    CHECK_OK(make_leaf(&ca, &leaf, &pem, NULL));
    vector_pem(&der, buf_str(&pem));
    d = buf_str(&der);
    CHECK_INT(x509_inspect(buf_str(&pem), &facts), 1);
    CHECK(!facts.is_ca);
    CHECK_INT(facts.not_after_us, NOW_US + DAY_S * TIME_US_PER_S);
    /* critical empty basicConstraints; critical keyUsage {digitalSignature}; both extended usages */
    CHECK(vector_has(d, "300c0603551d130101ff04023000"));
    CHECK(vector_has(d, "300e0603551d0f0101ff040403020780"));
    CHECK(vector_has(d, "301d0603551d250416301406082b0601050507030106082b06010505070302"));
    /* SAN, not critical: exactly these four in this order */
    CHECK(vector_has(d, "0603551d1104323030"
                        "820b6170692e6578616d706c65"
                        "82092a2e6578616d706c65"
                        "87047f000001"
                        "871000000000000000000000000000000001"));
    CHECK(vector_has(d, "0603550403 0c0561646d696e"));
    CHECK(vector_has(d, "060355040a 0c0e73797374656d3a6d617374657273"));
    CHECK_STR(id_behind(d, "0603551d2304183016 8014"),
              id_behind(buf_str(&ca.der), "0603551d0e04160414"));
    CHECK(!str_eq(id_behind(d, "0603551d0e04160414"),
                  id_behind(buf_str(&ca.der), "0603551d0e04160414")));
    ca_fini(&ca);
    buf_fini(&pem);
    buf_fini(&der);
}

TEST(leaf_without_subject_has_critical_names)
{
    const struct str names[] = {STR("a.example")};
    struct x509_leaf leaf = {
        .dns_names = names, .dns_name_count = 1, .server = true, .lifetime_s = DAY_S};
    struct buf pem = BUF_INIT(8192), der = BUF_INIT(8192);
    struct ca ca;

    ca_init(&ca);
    CHECK_OK(make_leaf(&ca, &leaf, &pem, NULL));
    vector_pem(&der, buf_str(&pem));
    CHECK(vector_has(buf_str(&der), "0603551d110101ff040d300b8209612e6578616d706c65"));
    CHECK(vector_has(buf_str(&der), "30130603551d25040c300a06082b06010505070301"));
    ca_fini(&ca);
    buf_fini(&pem);
    buf_fini(&der);
}

TEST(leaf_does_not_outlive_its_ca)
{
    struct x509_leaf leaf = {.common_name = STR("a"), .lifetime_s = 100 * DAY_S};
    struct buf pem = BUF_INIT(8192);
    struct x509_facts facts;
    struct ca ca;

    ca_init(&ca);
    CHECK_OK(make_leaf(&ca, &leaf, &pem, NULL));
    CHECK_INT(x509_inspect(buf_str(&pem), &facts), 1);
    CHECK_INT(facts.not_after_us, NOW_US + 10 * DAY_S * TIME_US_PER_S);
    ca_fini(&ca);
    buf_fini(&pem);
}

TEST(serial_numbers_differ)
{
    struct x509_leaf leaf = {.common_name = STR("a"), .lifetime_s = DAY_S};
    struct buf a = BUF_INIT(8192), b = BUF_INIT(8192), der_a = BUF_INIT(8192),
               der_b = BUF_INIT(8192);
    struct ca ca;

    ca_init(&ca);
    CHECK_OK(make_leaf(&ca, &leaf, &a, NULL));
    CHECK_OK(make_leaf(&ca, &leaf, &b, NULL));
    vector_pem(&der_a, buf_str(&a));
    vector_pem(&der_b, buf_str(&b));
    /* SEQUENCE, SEQUENCE, version, then INTEGER */
    CHECK_INT((uint8_t)der_a.p[13], 2);
    CHECK((uint8_t)der_a.p[14] >= 14 && (uint8_t)der_a.p[14] <= 17);
    CHECK(memcmp(der_a.p + 15, der_b.p + 15, 14) != 0);
    ca_fini(&ca);
    buf_fini(&a);
    buf_fini(&b);
    buf_fini(&der_a);
    buf_fini(&der_b);
}

#define X8 "xxxxxxxx"
#define X64 X8 X8 X8 X8 X8 X8 X8 X8

TEST(names_refused)
{
    static const char *const ROWS[] = {
        "",     ".",          "a..b",     ".a",  "a.",           "a b",
        "a,b",  "a\nb",       "DNS:evil", "*",   "a.*.b",        "*a.b",
        "a*.b", "b\xc3\xa4r", "a/b",      "a:1", X64 ".example", X8 X8 X8 X8 X8 X8 X8 "x.*"};
    struct buf pem = BUF_INIT(8192);
    struct err err;
    struct ca ca;

    ca_init(&ca);
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct str name = str_c(ROWS[i]);
        struct x509_leaf leaf = {.dns_names = &name, .dns_name_count = 1, .lifetime_s = DAY_S};

        if (!CHECK_ERR(make_leaf(&ca, &leaf, &pem, &err), ERR_INVALID))
            printf("  '%s'\n", ROWS[i]);
    }
    CHECK_INT(pem.len, 0);
    ca_fini(&ca);
    buf_fini(&pem);
}

TEST(name_limits)
{
    static const char LONG[] = X64 X64 X64 X64;
    struct buf pem = BUF_INIT(8192);
    char name[260];
    struct str s;
    struct ca ca;
    struct x509_leaf leaf = {.dns_names = &s, .dns_name_count = 1, .lifetime_s = DAY_S};

    memcpy(name, LONG, 256);
    name[63] = name[127] = name[191] = '.';
    ca_init(&ca);
    s = str_n(name, 253);
    CHECK_OK(make_leaf(&ca, &leaf, &pem, NULL));
    s = str_n(name, 254);
    CHECK_ERR(make_leaf(&ca, &leaf, &pem, NULL), ERR_INVALID);
    s = str_n(LONG, 63);
    CHECK_OK(make_leaf(&ca, &leaf, &pem, NULL));
    s = str_n(LONG, 64);
    CHECK_ERR(make_leaf(&ca, &leaf, &pem, NULL), ERR_INVALID);
    ca_fini(&ca);
    buf_fini(&pem);
}

TEST(ips_refused)
{
    static const char *const ROWS[] = {"",      "1.2.3", "1.2.3.4.5", "256.1.1.1", "::1%lo",
                                       "[::1]", "host",  "1.2.3.4/8", "01.2.3.4"};
    struct buf pem = BUF_INIT(8192);
    struct ca ca;

    ca_init(&ca);
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct str ip = str_c(ROWS[i]);
        struct x509_leaf leaf = {.ips = &ip, .ip_count = 1, .lifetime_s = DAY_S};

        if (!CHECK_ERR(make_leaf(&ca, &leaf, &pem, NULL), ERR_INVALID))
            printf("  '%s'\n", ROWS[i]);
    }
    ca_fini(&ca);
    buf_fini(&pem);
}

TEST(subjects_and_lifetimes_refused)
{
    const struct str empty[] = {STR("")};
    const struct x509_leaf rows[] = {
        {.common_name = STR(X64 "x"), .lifetime_s = DAY_S},
        {.common_name = STR("a\0b"), .lifetime_s = DAY_S},
        {.common_name = STR("\xff\xfe"), .lifetime_s = DAY_S},
        {.common_name = STR("a"),
         .organizations = empty,
         .organization_count = 1,
         .lifetime_s = DAY_S},
        {.common_name = STR("a"), .lifetime_s = 0},
        {.common_name = STR("a"), .lifetime_s = -1},
        {.common_name = STR("a"), .lifetime_s = INT64_C(1) << 50},
    };
    struct x509_leaf longest = {.common_name = STR(X64), .lifetime_s = DAY_S};
    struct buf pem = BUF_INIT(8192);
    struct ca ca;

    ca_init(&ca);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_ERR(make_leaf(&ca, &rows[i], &pem, NULL), ERR_INVALID);
    CHECK_INT(pem.len, 0);
    CHECK_OK(make_leaf(&ca, &longest, &pem, NULL));
    CHECK_ERR(x509_make_ca(ca.key, STR(""), NOW_US, DAY_S, &pem, NULL), ERR_INVALID);
    CHECK_ERR(x509_make_ca(ca.key, STR("a"), NOW_US, 0, &pem, NULL), ERR_INVALID);
    ca_fini(&ca);
    buf_fini(&pem);
}

TEST(only_a_ca_with_its_own_key_signs)
{
    struct x509_leaf leaf = {.common_name = STR("a"), .lifetime_s = DAY_S};
    struct key *key CLEANUP(key_unrefp) = key_new_p256();
    struct buf pem = BUF_INIT(8192), out = BUF_INIT(8192);
    struct err err;
    struct ca ca;

    ca_init(&ca);
    CHECK_OK(x509_make_leaf(buf_str(&ca.pem), ca.key, key, &leaf, NOW_US, &pem, NULL));
    CHECK_ERR(x509_make_leaf(buf_str(&pem), key, key, &leaf, NOW_US, &out, &err), ERR_INVALID);
    CHECK_ERR(x509_make_leaf(buf_str(&ca.pem), key, key, &leaf, NOW_US, &out, &err), ERR_INVALID);
    CHECK_ERR(x509_make_leaf(STR(""), ca.key, key, &leaf, NOW_US, &out, &err), ERR_INVALID);
    CHECK_INT(out.len, 0);
    ca_fini(&ca);
    buf_fini(&pem);
    buf_fini(&out);
}

TEST(inspect_counts_and_refuses)
{
    struct buf text = BUF_INIT(65536);
    struct x509_facts facts = {.not_before_us = 42};
    struct ca ca;

    ca_init(&ca);
    CHECK_INT(x509_inspect(STR(""), &facts), 0);
    CHECK_INT(x509_inspect(STR("text only"), &facts), 0);
    CHECK_INT(facts.not_before_us, 42);
    buf_add_c(&text, "a comment\n");
    buf_add_str(&text, buf_str(&ca.pem));
    buf_add_c(&text, "\n# another\n");
    buf_add_str(&text, buf_str(&ca.pem));
    CHECK_INT(x509_inspect(buf_str(&text), NULL), 2);
    CHECK_INT(x509_inspect(buf_str(&text), &facts), 2);
    buf_add_c(&text, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    CHECK_ERR(x509_inspect(buf_str(&text), &facts), ERR_INVALID);
    CHECK_ERR(x509_inspect(str_head(buf_str(&ca.pem), ca.pem.len - 40), NULL), ERR_INVALID);
    CHECK_ERR(
        x509_inspect(STR("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"), NULL),
        ERR_INVALID);
    ca_fini(&ca);
    buf_fini(&text);
}
