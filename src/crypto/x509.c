/*
 * Minting and looking at certificates.
 *
 * Extensions are built from structures, never from the library's configuration strings, so no name can
 * smuggle in another extension.  Everything that may be refused in a name is refused before it is encoded.
 */
#include "crypto/x509.h"

#include <arpa/inet.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/time.h"
#include "crypto/evp.h"
#include "crypto/key_priv.h"
#include "crypto/random.h"

#define X509_SERIAL_BYTES 16
#define X509_SKEW_S (5 * 60)
#define X509_MAX_SAN_NAME 253

DEFINE_CLEANUP(x509_names_freep, GENERAL_NAMES *, GENERAL_NAMES_free)

/* --- pieces */

static void x509_set_serial(X509 *x)
{
    uint8_t bytes[X509_SERIAL_BYTES];
    BIGNUM *bn;

    random_bytes(bytes, sizeof(bytes));
    bn = BN_bin2bn(bytes, sizeof(bytes), NULL);
    ASSERT(bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)));
    BN_free(bn);
}

static int x509_set_validity(X509 *x, int64_t wall_us, int64_t lifetime_s, struct err *err)
{
    int64_t now_s = wall_us / TIME_US_PER_S;

    if (lifetime_s <= 0 || !ASN1_TIME_set_posix(X509_getm_notBefore(x), now_s - X509_SKEW_S) ||
        !ASN1_TIME_set_posix(X509_getm_notAfter(x), now_s + lifetime_s)) {
        ERR_clear_error();
        return err_set(err, ERR_INVALID, "certificate lifetime is out of range");
    }
    return 0;
}

static int x509_add_rdn(X509_NAME *name, int nid, struct str value, struct err *err)
{
    if (value.n > 0 && value.n <= INT32_MAX && !memchr(value.p, 0, value.n) &&
        X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, (const uint8_t *)value.p,
                                   (ossl_ssize_t)value.n, -1, 0))
        return 0;
    ERR_clear_error();
    return err_set(err, ERR_INVALID, "certificate subject: %s is empty, too long or not UTF-8",
                   nid == NID_commonName ? "common name" : "organization");
}

static void x509_add_ext(X509 *x, int nid, void *value, bool is_critical)
{
    ASSERT(value && X509_add1_ext_i2d(x, nid, value, is_critical, X509V3_ADD_DEFAULT) == 1);
}

static void x509_add_constraints(X509 *x, bool is_ca)
{
    BASIC_CONSTRAINTS *bc = BASIC_CONSTRAINTS_new();

    ASSERT(bc);
    if (is_ca) {
        bc->ca = 1;
        bc->pathlen = ASN1_INTEGER_new();
        ASSERT(bc->pathlen && ASN1_INTEGER_set(bc->pathlen, 0));
    }
    x509_add_ext(x, NID_basic_constraints, bc, true);
    BASIC_CONSTRAINTS_free(bc);
}

/* `bits` are numbers of RFC 5280's KeyUsage: 0 digitalSignature, 5 keyCertSign, 6 cRLSign. */
static void x509_add_usage(X509 *x, const int *bits, size_t count)
{
    ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();

    ASSERT(usage);
    for (size_t i = 0; i < count; i++)
        ASSERT(ASN1_BIT_STRING_set_bit(usage, bits[i], 1));
    x509_add_ext(x, NID_key_usage, usage, true);
    ASN1_BIT_STRING_free(usage);
}

static void x509_add_extended_usage(X509 *x, const struct x509_leaf *leaf)
{
    EXTENDED_KEY_USAGE *usage;

    if (!leaf->server && !leaf->client)
        return;
    usage = sk_ASN1_OBJECT_new_null();
    ASSERT(usage);
    if (leaf->server)
        ASSERT(sk_ASN1_OBJECT_push(usage, OBJ_nid2obj(NID_server_auth)));
    if (leaf->client)
        ASSERT(sk_ASN1_OBJECT_push(usage, OBJ_nid2obj(NID_client_auth)));
    x509_add_ext(x, NID_ext_key_usage, usage, false);
    sk_ASN1_OBJECT_pop_free(usage, ASN1_OBJECT_free);
}

/* Subject and authority key identifiers: SHA-1 of the public keys (RFC 5280, 4.2.1.2, method 1). */
static void x509_add_key_ids(X509 *x, const X509 *issuer)
{
    ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
    AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
    const ASN1_OCTET_STRING *issuer_id;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    ASSERT(id && authority);
    ASSERT(X509_pubkey_digest(x, EVP_sha1(), digest, &len));
    ASSERT(ASN1_OCTET_STRING_set(id, digest, (int)len));
    x509_add_ext(x, NID_subject_key_identifier, id, false);

    issuer_id = X509_get0_subject_key_id((X509 *)(uintptr_t)issuer);
    if (!issuer_id) {
        ASSERT(X509_pubkey_digest(issuer, EVP_sha1(), digest, &len));
        ASSERT(ASN1_OCTET_STRING_set(id, digest, (int)len));
        issuer_id = id;
    }
    authority->keyid = ASN1_OCTET_STRING_dup(issuer_id);
    ASSERT(authority->keyid);
    x509_add_ext(x, NID_authority_key_identifier, authority, false);
    AUTHORITY_KEYID_free(authority);
    ASN1_OCTET_STRING_free(id);
}

/* --- alternative names */

static bool x509_is_dns_char(char c)
{
    c = str_lower_char(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Labels of letters, digits, hyphen and underscore; "*" may be the first one. */
static bool x509_is_dns_name(struct str name)
{
    struct str rest = name, label;
    bool is_first = true;

    if (name.n == 0 || name.n > X509_MAX_SAN_NAME)
        return false;
    while (rest.p) {
        label = str_cut(&rest, '.');
        if (label.n == 0 || label.n > 63)
            return false;
        if (is_first && rest.p && str_eq(label, STR("*"))) {
            is_first = false;
            continue;
        }
        is_first = false;
        for (size_t i = 0; i < label.n; i++) {
            if (!x509_is_dns_char(label.p[i]))
                return false;
        }
    }
    return true;
}

static void x509_push_name(GENERAL_NAMES *names, int type, ASN1_STRING *value)
{
    GENERAL_NAME *gen = GENERAL_NAME_new();

    ASSERT(gen && value);
    GENERAL_NAME_set0_value(gen, type, value);
    ASSERT(sk_GENERAL_NAME_push(names, gen));
}

static int x509_push_dns(GENERAL_NAMES *names, struct str name, struct err *err)
{
    ASN1_IA5STRING *value;

    if (!x509_is_dns_name(name))
        return err_set(err, ERR_INVALID, "'%" STR_FMT "' is not a DNS name",
                       STR_ARG(str_head(name, 64)));
    value = ASN1_IA5STRING_new();
    ASSERT(value && ASN1_STRING_set(value, name.p, (ossl_ssize_t)name.n));
    x509_push_name(names, GEN_DNS, value);
    return 0;
}

static int x509_push_ip(GENERAL_NAMES *names, struct str ip, struct err *err)
{
    char text[INET6_ADDRSTRLEN];
    ASN1_OCTET_STRING *value;
    uint8_t bytes[16];
    int len = 0;

    if (str_copy(ip, text, sizeof(text)) == 0) {
        if (inet_pton(AF_INET, text, bytes) == 1)
            len = 4;
        else if (inet_pton(AF_INET6, text, bytes) == 1)
            len = 16;
    }
    if (len == 0)
        return err_set(err, ERR_INVALID, "'%" STR_FMT "' is not an IP address",
                       STR_ARG(str_head(ip, 64)));
    value = ASN1_OCTET_STRING_new();
    ASSERT(value && ASN1_OCTET_STRING_set(value, bytes, len));
    x509_push_name(names, GEN_IPADD, value);
    return 0;
}

static int x509_add_names(X509 *x, const struct x509_leaf *leaf, struct err *err)
{
    GENERAL_NAMES *names CLEANUP(x509_names_freep) = GENERAL_NAMES_new();
    bool has_subject = leaf->common_name.n > 0 || leaf->organization_count > 0;
    int rc = 0;

    ASSERT(names);
    for (size_t i = 0; i < leaf->dns_name_count && rc == 0; i++)
        rc = x509_push_dns(names, leaf->dns_names[i], err);
    for (size_t i = 0; i < leaf->ip_count && rc == 0; i++)
        rc = x509_push_ip(names, leaf->ips[i], err);
    if (rc < 0)
        return rc;
    if (sk_GENERAL_NAME_num(names) > 0)
        x509_add_ext(x, NID_subject_alt_name, names, !has_subject);
    return 0;
}

/* --- certificates */

static void x509_sign_out(X509 *x, const struct key *issuer_key, struct buf *ret_pem)
{
    BIO *bio CLEANUP(evp_bio_freep) = BIO_new(BIO_s_mem());
    const uint8_t *p;
    size_t n;

    ASSERT(X509_sign(x, key_pkey(issuer_key), EVP_sha256()));
    ASSERT(bio && PEM_write_bio_X509(bio, x));
    ASSERT(BIO_mem_contents(bio, &p, &n));
    buf_add(ret_pem, p, n);
}

static X509 *x509_start(const struct key *subject_key)
{
    X509 *x = X509_new();

    ASSERT(x && X509_set_version(x, X509_VERSION_3));
    x509_set_serial(x);
    ASSERT(X509_set_pubkey(x, key_pkey(subject_key)));
    return x;
}

int x509_make_ca(const struct key *ca_key, struct str common_name, int64_t wall_us,
                 int64_t lifetime_s, struct buf *ret_pem, struct err *err)
{
    static const int USAGE[] = {5, 6};
    X509 *x CLEANUP(evp_x509_freep) = x509_start(ca_key);
    int rc = x509_set_validity(x, wall_us, lifetime_s, err);

    if (rc == 0)
        rc = x509_add_rdn(X509_get_subject_name(x), NID_commonName, common_name, err);
    if (rc < 0)
        return rc;
    ASSERT(X509_set_issuer_name(x, X509_get_subject_name(x)));
    x509_add_constraints(x, true);
    x509_add_usage(x, USAGE, ARRAY_LEN(USAGE));
    x509_add_key_ids(x, x);
    x509_sign_out(x, ca_key, ret_pem);
    return 0;
}

static int x509_set_subject(X509 *x, const struct x509_leaf *leaf, struct err *err)
{
    X509_NAME *name = X509_get_subject_name(x);
    int rc = 0;

    for (size_t i = 0; i < leaf->organization_count && rc == 0; i++)
        rc = x509_add_rdn(name, NID_organizationName, leaf->organizations[i], err);
    if (rc == 0 && leaf->common_name.n > 0)
        rc = x509_add_rdn(name, NID_commonName, leaf->common_name, err);
    return rc;
}

/* Reads the CA and checks that it may sign with this key. */
static int x509_read_ca(struct str ca_pem, const struct key *ca_key, X509 **ret_ca, struct err *err)
{
    STACK_OF(X509) * certs CLEANUP(evp_certs_freep) = NULL;
    bool is_usable;
    X509 *ca;

    if (evp_read_certs(ca_pem, &certs, NULL) == 0)
        return err_set(err, ERR_INVALID, "CA: no certificate that parses");
    ca = sk_X509_value(certs, 0);
    is_usable = X509_check_ca(ca) == 1 && X509_check_private_key(ca, key_pkey(ca_key)) == 1;
    ERR_clear_error();
    if (!is_usable)
        return err_set(err, ERR_INVALID, "CA: the certificate is not a CA or has another key");
    X509_up_ref(ca);
    *ret_ca = ca;
    return 0;
}

/* A leaf never outlives its CA. */
static void x509_cap_validity(X509 *x, const X509 *ca)
{
    int days = 0, seconds = 0;

    if (ASN1_TIME_diff(&days, &seconds, X509_get0_notAfter(ca), X509_get0_notAfter(x)) &&
        (days > 0 || seconds > 0))
        ASSERT(X509_set1_notAfter(x, X509_get0_notAfter(ca)));
}

/* lint: parameters: the CA, its key, the leaf's key and its facts come from four owners */
int x509_make_leaf(struct str ca_pem, const struct key *ca_key, const struct key *leaf_key,
                   const struct x509_leaf *leaf, int64_t wall_us, struct buf *ret_pem,
                   struct err *err)
{
    static const int USAGE[] = {0};
    X509 *ca CLEANUP(evp_x509_freep) = NULL;
    X509 *x CLEANUP(evp_x509_freep) = x509_start(leaf_key);
    int rc = x509_read_ca(ca_pem, ca_key, &ca, err);

    if (rc == 0)
        rc = x509_set_validity(x, wall_us, leaf->lifetime_s, err);
    if (rc == 0)
        rc = x509_set_subject(x, leaf, err);
    if (rc < 0)
        return rc;
    ASSERT(X509_set_issuer_name(x, X509_get_subject_name(ca)));
    x509_cap_validity(x, ca);
    x509_add_constraints(x, false);
    x509_add_usage(x, USAGE, ARRAY_LEN(USAGE));
    x509_add_extended_usage(x, leaf);
    x509_add_key_ids(x, ca);
    rc = x509_add_names(x, leaf, err);
    if (rc < 0)
        return rc;
    x509_sign_out(x, ca_key, ret_pem);
    return 0;
}

int x509_inspect(struct str pem, struct x509_facts *ret_first)
{
    STACK_OF(X509) * certs CLEANUP(evp_certs_freep) = NULL;
    int64_t before_s, after_s;
    size_t count, bad;
    X509 *x;

    count = evp_read_certs(pem, &certs, &bad);
    if (bad > 0)
        return -ERR_INVALID;
    if (count == 0 || !ret_first)
        return (int)count;
    x = sk_X509_value(certs, 0);
    if (!ASN1_TIME_to_posix(X509_get0_notBefore(x), &before_s) ||
        !ASN1_TIME_to_posix(X509_get0_notAfter(x), &after_s)) {
        ERR_clear_error();
        return -ERR_INVALID;
    }
    *ret_first = (struct x509_facts){.not_before_us = before_s * TIME_US_PER_S,
                                     .not_after_us = after_s * TIME_US_PER_S,
                                     .is_ca = X509_check_ca(x) == 1};
    ERR_clear_error();
    return (int)count;
}
